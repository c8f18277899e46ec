#include "destinations/postgres/row_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"

namespace sluice::destinations::postgres {
namespace {

using columnar::Vector;
using columnar::VectorKind;

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

// PostgreSQL counts from 2000, DuckDB from 1970.
constexpr std::int64_t kMicrosToEpoch = 946'684'800'000'000;
constexpr std::int32_t kDaysToEpoch = 10'957;

// Of numeric: 38 digits in groups of four, where the point may cut one group in two.
constexpr int kGroupsMax = 12;
constexpr std::size_t kNumericBytesMax = 8 + 2 * kGroupsMax;

char* Put16(char* out, std::uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}
char* Put32(char* out, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}
char* Put64(char* out, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}
static_assert(std::endian::native == std::endian::little);

char* PutInt16(char* out, std::int16_t value) {
  return Put16(Put32(out, 2), static_cast<std::uint16_t>(value));
}
char* PutInt32(char* out, std::int32_t value) {
  return Put32(Put32(out, 4), static_cast<std::uint32_t>(value));
}
char* PutInt64(char* out, std::int64_t value) {
  return Put64(Put32(out, 8), static_cast<std::uint64_t>(value));
}

char* PutBytes(char* out, std::string_view bytes) {
  out = Put32(out, static_cast<std::uint32_t>(bytes.size()));
  std::memcpy(out, bytes.data(), bytes.size());
  return out + bytes.size();
}

// The digits of `value` to base 10,000, the lowest first, where `scale` decimals stand behind the
// point: the lowest group holds what is left of a group there, filled up with zeros.
template <typename Unsigned>
int Groups(Unsigned value, int scale, std::uint16_t* groups) {
  static constexpr unsigned kPowers[] = {1, 10, 100, 1000, 10'000};
  int count = 0;
  if (const int cut = scale % 4; cut != 0) {
    groups[count++] =
        static_cast<std::uint16_t>(static_cast<unsigned>(value % kPowers[cut]) * kPowers[4 - cut]);
    value /= kPowers[cut];
  }
  while (value != 0) {
    // 128-bit division is slow: sixteen digits at a time, the rest in 64 bits.
    if constexpr (sizeof(Unsigned) > 8) {
      if (value > std::numeric_limits<std::uint64_t>::max()) {
        auto low = static_cast<std::uint64_t>(value % 10'000'000'000'000'000U);
        value /= 10'000'000'000'000'000U;
        for (int i = 0; i < 4; ++i, low /= 10'000) {
          groups[count++] = static_cast<std::uint16_t>(low % 10'000);
        }
        continue;
      }
      auto small = static_cast<std::uint64_t>(value);
      for (; small != 0; small /= 10'000) {
        groups[count++] = static_cast<std::uint16_t>(small % 10'000);
      }
      return count;
    }
    groups[count++] = static_cast<std::uint16_t>(value % 10'000);
    value /= 10'000;
  }
  return count;
}

// numeric: number of groups, weight of the first, sign, decimals; then the groups, highest first.
template <typename Signed, typename Unsigned>
char* PutNumeric(char* out, Signed value, int scale) {
  std::uint16_t groups[kGroupsMax];
  const bool negative = value < 0;
  const auto magnitude = negative ? static_cast<Unsigned>(0) - static_cast<Unsigned>(value)
                                  : static_cast<Unsigned>(value);
  int high = Groups(magnitude, scale, groups);
  int low = 0;
  while (high > 0 && groups[high - 1] == 0) --high;
  while (low < high && groups[low] == 0) ++low;
  const int count = high - low;
  const int weight = high - 1 - (scale + 3) / 4;  // groups behind the point have negative ones
  out = Put32(out, static_cast<std::uint32_t>(8 + 2 * count));
  out = Put16(out, static_cast<std::uint16_t>(count));
  out = Put16(out, static_cast<std::uint16_t>(count == 0 ? 0 : weight));
  out = Put16(out, negative ? 0x4000 : 0);
  out = Put16(out, static_cast<std::uint16_t>(scale));
  for (int i = high - 1; i >= low; --i) out = Put16(out, groups[i]);
  return out;
}

char* PutDecimal(char* out, const Vector& column, std::size_t row, int scale) {
  switch (column.kind) {
    case VectorKind::kInt16:
      return PutNumeric<std::int64_t, std::uint64_t>(out, column.At<std::int16_t>(row), scale);
    case VectorKind::kInt32:
      return PutNumeric<std::int64_t, std::uint64_t>(out, column.At<std::int32_t>(row), scale);
    case VectorKind::kInt64:
      return PutNumeric<std::int64_t, std::uint64_t>(out, column.At<std::int64_t>(row), scale);
    default: return PutNumeric<Int128, UInt128>(out, column.At<Int128>(row), scale);
  }
}

// The most that a field needs besides its length; 0: only the value tells.
std::size_t BytesMax(Wire wire) {
  switch (wire) {
    case Wire::kBool: return 1;
    case Wire::kInt2: return 2;
    case Wire::kInt4:
    case Wire::kFloat4:
    case Wire::kDate: return 4;
    case Wire::kInt8:
    case Wire::kFloat8:
    case Wire::kTime:
    case Wire::kTimestamp: return 8;
    case Wire::kTimeTz: return 12;
    case Wire::kNumeric: return kNumericBytesMax;
    case Wire::kText:
    case Wire::kBytea: return 0;
  }
  return 0;
}

}  // namespace

char* CopyBuffer::Reserve(std::size_t bytes) {
  if (capacity_ - size_ < bytes) {
    const std::size_t capacity = std::max(capacity_ + capacity_ / 2, size_ + bytes);
    std::unique_ptr<char[]> data(new char[capacity]);
    if (size_ > 0) std::memcpy(data.get(), data_.get(), size_);
    data_ = std::move(data);
    capacity_ = capacity;
  }
  return data_.get() + size_;
}

void CopyBuffer::Append(std::string_view bytes) {
  char* out = Reserve(bytes.size());
  std::memcpy(out, bytes.data(), bytes.size());
  Advance(out + bytes.size());
}

RowEncoder::RowEncoder(const std::vector<model::Column>& columns, std::string table)
    : fixed_bytes_(2), table_(std::move(table)) {
  for (const model::Column& column : columns) {
    const Wire wire = WireOf(column);
    if (BytesMax(wire) == 0) variable_.push_back(fields_.size());
    fixed_bytes_ += 4 + BytesMax(wire);
    fields_.push_back({.wire = wire, .scale = column.type.scale, .name = column.name});
  }
}

void RowEncoder::Begin(CopyBuffer& out) { out.Append({"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19}); }

void RowEncoder::End(CopyBuffer& out) { out.Append({"\377\377", 2}); }

std::size_t RowEncoder::RowBytes(const columnar::Chunk& chunk, std::size_t row) const {
  std::size_t bytes = fixed_bytes_;
  for (const std::size_t i : variable_) {
    const Vector& column = chunk.columns()[i];
    if (!column.IsNull(row)) {
      bytes += static_cast<const columnar::BytesCell*>(column.data)[row].length();
    }
  }
  return bytes;
}

std::size_t RowEncoder::Append(const columnar::Chunk& chunk, std::size_t from,
                               std::size_t bytes_max, CopyBuffer& out) const {
  const auto columns = chunk.columns();
  std::size_t row = from;
  for (; row < chunk.rows() && out.size() < bytes_max; ++row) {
    char* at = out.Reserve(RowBytes(chunk, row));
    at = Put16(at, static_cast<std::uint16_t>(fields_.size()));
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      at = columns[i].IsNull(row) ? Put32(at, 0xFFFF'FFFFU)
                                  : PutField(fields_[i], columns[i], row, at);
    }
    out.Advance(at);
  }
  return row;
}

char* RowEncoder::PutField(const Field& field, const Vector& column, std::size_t row,
                           char* out) const {
  switch (field.wire) {
    case Wire::kBool:
      out = Put32(out, 1);
      *out = column.At<bool>(row) ? 1 : 0;
      return out + 1;
    case Wire::kInt2: return PutInt16(out, column.At<std::int16_t>(row));
    case Wire::kInt4:
    case Wire::kFloat4: return PutInt32(out, column.At<std::int32_t>(row));
    case Wire::kInt8:
    case Wire::kFloat8:
    case Wire::kTime: return PutInt64(out, column.At<std::int64_t>(row));
    case Wire::kNumeric: return PutDecimal(out, column, row, field.scale);
    case Wire::kText: {
      const std::string_view text =
          static_cast<const columnar::BytesCell*>(column.data)[row].view();
      if (std::memchr(text.data(), 0, text.size()) != nullptr) ThrowNul(field);
      return PutBytes(out, text);
    }
    case Wire::kBytea:
      return PutBytes(out, static_cast<const columnar::BytesCell*>(column.data)[row].view());
    case Wire::kDate: {
      std::int32_t days = 0;
      if (__builtin_sub_overflow(column.At<std::int32_t>(row), kDaysToEpoch, &days)) {
        ThrowRange(field);
      }
      return PutInt32(out, days);
    }
    case Wire::kTimeTz: {
      const columnar::ZonedTime time = columnar::SplitZonedTime(column.At<std::uint64_t>(row));
      out = Put64(Put32(out, 12), static_cast<std::uint64_t>(time.micros));
      // PostgreSQL counts seconds west of Greenwich.
      return Put32(out, static_cast<std::uint32_t>(-time.offset_seconds));
    }
    case Wire::kTimestamp: return PutTime(field, column.At<std::int64_t>(row), out);
  }
  return out;
}

char* RowEncoder::PutTime(const Field& field, std::int64_t micros, char* out) const {
  std::int64_t since = 0;
  if (__builtin_sub_overflow(micros, kMicrosToEpoch, &since)) ThrowRange(field);
  return PutInt64(out, since);
}

void RowEncoder::ThrowNul(const Field& field) const {
  throw base::Error(
      {.code = base::ErrorCode::kUnsupported,
       .operation = "load",
       .subject = fmt::format("column {} of {}", field.name, table_),
       .message = "a text holds a NUL byte, which PostgreSQL cannot keep",
       .remedy = fmt::format("Remove it in a query: `sql: SELECT ..., replace({0}, chr(0), '') AS "
                             "{0}, ...`, or leave the column out of the stream's `columns`.",
                             field.name)});
}

void RowEncoder::ThrowRange(const Field& field) const {
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "load",
                     .subject = fmt::format("column {} of {}", field.name, table_),
                     .message = "a date or time lies outside of what PostgreSQL can keep",
                     .remedy = "Leave such rows out with a query (`sql: SELECT ... WHERE ...`)."});
}

}  // namespace sluice::destinations::postgres
