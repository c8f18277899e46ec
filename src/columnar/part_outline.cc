#include "columnar/part_outline.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "columnar/compact_reader.h"
#include "columnar/page_walk.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;
using Kind = CompactReader::Kind;

constexpr std::string_view kMagic = "PAR1";
constexpr std::uint64_t kEndBytes = 8;  // the footer's length and the magic
// Of 100,000 column chunks, which no file of a sensible size has.
constexpr std::uint64_t kFooterBytesMax = 32ULL << 20;
// What DuckDB builds of a footer, reckoned high: a column chunk is four structures and about 1 KB.
constexpr std::uint64_t kBytesPerStruct = 400;
constexpr std::uint64_t kBytesPerValue = 16;
constexpr std::uint64_t kFooterMemoryMax = 128ULL << 20;

bool IsInteger(Kind kind) { return kind >= Kind::kByte && kind <= Kind::kI64; }

// For lists of structures whose elements something else cannot stand for.
void Require(Kind kind, Kind wanted) {
  if (kind != wanted) throw BrokenStructure();
}

std::uint64_t NotNegative(std::int64_t value) {
  if (value < 0) throw BrokenStructure();
  return static_cast<std::uint64_t>(value);
}

std::uint64_t NaturalNumber(CompactReader& reader, Kind kind) {
  if (!IsInteger(kind) || kind == Kind::kByte) throw BrokenStructure();
  return NotNegative(reader.Integer());
}

struct SchemaElement {
  std::uint64_t fixed_bytes = 0;
  std::uint64_t children = 0;
  std::string name;
};

SchemaElement ReadElement(CompactReader& reader) {
  SchemaElement element;
  reader.Struct([&](int id, Kind kind) {
    if (id == 2) {
      element.fixed_bytes = NaturalNumber(reader, kind);
    } else if (id == 4 && kind == Kind::kBinary) {
      element.name = std::string(reader.Binary());
    } else if (id == 5) {
      element.children = NaturalNumber(reader, kind);
    } else {
      return false;
    }
    return true;
  });
  return element;
}

struct RawChunk {
  ChunkOutline chunk;
  std::uint64_t data_at = 0;
  std::uint64_t dictionary_at = 0;
  bool described = false;
};

void ReadChunkMeta(CompactReader& reader, RawChunk& raw) {
  reader.Struct([&](int id, Kind kind) {
    switch (id) {
      case 1: {
        const std::uint64_t type = NaturalNumber(reader, kind);
        if (type > 7) throw BrokenStructure();
        raw.chunk.physical = static_cast<Physical>(type);
        return true;
      }
      case 4: raw.chunk.codec = static_cast<std::int64_t>(NaturalNumber(reader, kind)); return true;
      case 5: raw.chunk.values = NaturalNumber(reader, kind); return true;
      case 6: raw.chunk.plain_bytes = NaturalNumber(reader, kind); return true;
      case 7: raw.chunk.packed_bytes = NaturalNumber(reader, kind); return true;
      case 9: raw.data_at = NaturalNumber(reader, kind); return true;
      case 11: raw.dictionary_at = NaturalNumber(reader, kind); return true;
      default: return false;
    }
  });
  raw.described = true;
}

ChunkOutline ReadChunk(CompactReader& reader, std::uint64_t file_bytes) {
  RawChunk raw;
  reader.Struct([&](int id, Kind kind) {
    if (id != 3) return false;
    Require(kind, Kind::kStruct);
    ReadChunkMeta(reader, raw);
    return true;
  });
  if (!raw.described) throw BrokenStructure();
  ChunkOutline& chunk = raw.chunk;
  // Some writers give an offset of 0 where there is no dictionary.
  chunk.begins_at = raw.data_at;
  if (raw.dictionary_at > 0) chunk.begins_at = std::min(raw.data_at, raw.dictionary_at);
  if (chunk.begins_at < kMagic.size() || chunk.begins_at > file_bytes ||
      chunk.packed_bytes > file_bytes - chunk.begins_at) {
    throw BrokenStructure();
  }
  return chunk;
}

RowGroupOutline ReadRowGroup(CompactReader& reader, std::uint64_t file_bytes) {
  RowGroupOutline group;
  reader.Struct([&](int id, Kind kind) {
    if (id == 1 && kind == Kind::kList) {
      reader.List([&](Kind element) {
        Require(element, Kind::kStruct);
        group.chunks.push_back(ReadChunk(reader, file_bytes));
      });
    } else if (id == 3) {
      group.rows = NaturalNumber(reader, kind);
    } else {
      return false;
    }
    return true;
  });
  return group;
}

// The first element is the root; all others are columns.
void TakeSchema(const std::vector<SchemaElement>& elements, PartOutline& outline) {
  if (elements.empty()) throw BrokenStructure();
  for (std::size_t i = 1; i < elements.size(); ++i) {
    if (elements[i].children > 0) throw NestedColumn(elements[i].name);
    outline.fixed_bytes.push_back(elements[i].fixed_bytes);
  }
  if (elements.front().children != outline.fixed_bytes.size()) throw BrokenStructure();
}

// What is told twice must agree: readers take either.
void CheckCounts(const PartOutline& outline) {
  std::uint64_t rows = 0;
  for (const RowGroupOutline& group : outline.row_groups) {
    if (group.chunks.size() != outline.fixed_bytes.size()) throw BrokenStructure();
    for (const ChunkOutline& chunk : group.chunks) {
      if (chunk.values != group.rows) throw BrokenStructure();
    }
    if (group.rows > outline.rows - rows) throw BrokenStructure();
    rows += group.rows;
  }
  if (rows != outline.rows) throw BrokenStructure();
}

[[noreturn]] void ThrowCorrupt(const model::LocalPart& part, std::string message) {
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = "read footer",
                     .subject = "part " + part.part.key,
                     .message = std::move(message),
                     .remedy = "Run again: the part is fetched again."});
}

std::string FooterBytes(const PartBytes& file, const model::LocalPart& part) {
  const std::uint64_t size = file.size();
  if (size < 2 * kMagic.size() + 4 || file.Read(0, kMagic.size()) != kMagic) {
    ThrowCorrupt(part, "it is not a Parquet file, or is damaged");
  }
  const std::string end = file.Read(size - kEndBytes, kEndBytes);
  if (end.substr(4) != kMagic) ThrowCorrupt(part, "it is not a Parquet file, or is damaged");
  const std::uint64_t length = LittleEndian32(end.data());
  if (length > size - kMagic.size() - kEndBytes) {
    ThrowCorrupt(part,
                 "it is not a Parquet file, or is damaged: its footer has an impossible "
                 "length");
  }
  if (length > kFooterBytesMax) ThrowTooLarge(part, length);
  return file.Read(size - kEndBytes - length, length);
}

}  // namespace

void ThrowTooLarge(const model::LocalPart& part, std::uint64_t footer_bytes) {
  throw base::Error(
      {.code = ErrorCode::kUnsupported,
       .operation = "read footer",
       .subject = "part " + part.part.key,
       .message = fmt::format("its footer, of {} bytes, describes more column chunks than fit into "
                              "memory",
                              footer_bytes),
       .remedy = "Lower limits.part_mb, so that a part has fewer row groups, or choose fewer "
                 "`columns`."});
}

std::uint64_t PartOutline::plain_bytes() const {
  std::uint64_t bytes = 0;
  for (const RowGroupOutline& group : row_groups) {
    for (const ChunkOutline& chunk : group.chunks) bytes += chunk.plain_bytes;
  }
  return bytes;
}

PartOutline ParseFooter(std::string_view footer, std::uint64_t file_bytes) {
  PartOutline outline;
  std::vector<SchemaElement> elements;
  CompactReader reader(footer);
  const auto within_memory = [&] {
    const auto& counts = reader.counts();
    if (counts.structs * kBytesPerStruct + counts.values * kBytesPerValue + footer.size() >
        kFooterMemoryMax) {
      throw LargeStructure();
    }
  };
  reader.Struct([&](int id, Kind kind) {
    if (id == 2 && kind == Kind::kList) {
      reader.List([&](Kind element) {
        Require(element, Kind::kStruct);
        elements.push_back(ReadElement(reader));
        within_memory();
      });
    } else if (id == 3) {
      outline.rows = NaturalNumber(reader, kind);
    } else if (id == 4 && kind == Kind::kList) {
      reader.List([&](Kind element) {
        Require(element, Kind::kStruct);
        outline.row_groups.push_back(ReadRowGroup(reader, file_bytes));
        within_memory();
      });
    } else {
      return false;
    }
    return true;
  });
  within_memory();
  TakeSchema(elements, outline);
  CheckCounts(outline);
  return outline;
}

PartOutline ReadOutline(const model::LocalPart& part) {
  const PartBytes file(part);
  const std::string footer = FooterBytes(file, part);
  try {
    return ParseFooter(footer, file.size());
  } catch (const NestedColumn& nested) {
    throw base::Error({.code = ErrorCode::kCorrupt,
                       .operation = "check footer",
                       .subject = fmt::format("column {} of part {}", nested.name(), part.part.key),
                       .message = "it is nested in the part, which no type of the source is",
                       .remedy = "The table may have changed since it was described: run again."});
  } catch (const LargeStructure&) {
    ThrowTooLarge(part, footer.size());
  } catch (const BrokenStructure&) {
    ThrowCorrupt(part, "its footer is damaged");
  }
}

}  // namespace sluice::columnar
