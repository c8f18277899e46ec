#include "columnar/compact_reader.h"

#include <limits>

namespace sluice::columnar {
namespace {

std::int64_t Unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

CompactReader::Kind ToKind(unsigned nibble) {
  if (nibble < 1 || nibble > 12) throw BrokenStructure();
  return static_cast<CompactReader::Kind>(nibble);
}

}  // namespace

std::uint8_t CompactReader::Byte() {
  if (at_ >= bytes_.size()) throw CutStructure();
  return static_cast<std::uint8_t>(bytes_[at_++]);
}

std::uint64_t CompactReader::Varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  throw BrokenStructure();
}

bool CompactReader::NextField(int& id, Kind& kind) {
  const std::uint8_t head = Byte();
  if (head == 0) return false;
  kind = ToKind(head & 0x0FU);
  const int distance = head >> 4;
  if (distance != 0) {
    id += distance;
  } else {
    const std::int64_t told = Unzigzag(Varint());
    if (told < 0 || told > std::numeric_limits<std::int16_t>::max()) throw BrokenStructure();
    id = static_cast<int>(told);
  }
  if (id > std::numeric_limits<std::int16_t>::max()) throw BrokenStructure();
  return true;
}

// Every element takes a byte at least, so a list cannot be longer than what is left.
std::uint64_t CompactReader::BeginList(Kind& kind) {
  const std::uint8_t head = Byte();
  std::uint64_t count = head >> 4;
  if (count == 15) count = Varint();
  if (count > 0) kind = ToKind(head & 0x0FU);
  if (count > bytes_.size() - at_) throw CutStructure();
  return count;
}

std::int64_t CompactReader::Integer() {
  ++counts_.values;
  return Unzigzag(Varint());
}

std::string_view CompactReader::Binary() {
  ++counts_.values;
  const std::uint64_t length = Varint();
  if (length > bytes_.size() - at_) throw CutStructure();
  const std::string_view value = bytes_.substr(at_, length);
  at_ += length;
  return value;
}

void CompactReader::Skip(Kind kind) {
  switch (kind) {
    case Kind::kTrue:
    case Kind::kFalse: ++counts_.values; return;
    case Kind::kByte:
      ++counts_.values;
      Byte();
      return;
    case Kind::kI16:
    case Kind::kI32:
    case Kind::kI64: Integer(); return;
    case Kind::kDouble:
      ++counts_.values;
      if (bytes_.size() - at_ < 8) throw CutStructure();
      at_ += 8;
      return;
    case Kind::kBinary: Binary(); return;
    case Kind::kList:
    case Kind::kSet: return List([&](Kind element) { SkipElements(element, 1); });
    case Kind::kMap: return SkipMap();
    case Kind::kStruct: return Struct([](int, Kind) { return false; });
  }
  throw BrokenStructure();
}

// Of a list or map: there a boolean has a byte of its own.
void CompactReader::SkipElements(Kind kind, std::uint64_t count) {
  const bool boolean = kind == Kind::kTrue || kind == Kind::kFalse;
  for (; count > 0; --count) Skip(boolean ? Kind::kByte : kind);
}

void CompactReader::SkipMap() {
  const Nesting nesting(*this);
  const std::uint64_t count = Varint();
  if (count == 0) return;
  const std::uint8_t kinds = Byte();
  if (count > bytes_.size() - at_) throw CutStructure();
  for (std::uint64_t i = 0; i < count; ++i) {
    SkipElements(ToKind(kinds >> 4), 1);
    SkipElements(ToKind(kinds & 0x0FU), 1);
  }
}

}  // namespace sluice::columnar
