// What lies where in a Parquet file, read by this program itself before DuckDB sees it: DuckDB
// builds all that a footer describes, and takes a page's word for its size.
// Layout of a file, do not change (https://parquet.apache.org/docs/file-format/):
//   "PAR1", column chunks (each: pages, one header before each), footer, its length (4 bytes, low
//   byte first), "PAR1".
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/part.h"

namespace sluice::columnar {

// Parquet's own numbers (https://github.com/apache/parquet-format, parquet.thrift).
enum class Physical : std::uint8_t {
  kBoolean = 0,
  kInt32 = 1,
  kInt64 = 2,
  kInt96 = 3,
  kFloat = 4,
  kDouble = 5,
  kByteArray = 6,
  kFixedLenByteArray = 7,
};
enum class Codec : std::uint8_t { kNone = 0, kSnappy = 1 };  // those that are read here

struct ChunkOutline {
  Physical physical = Physical::kInt32;
  std::int64_t codec = 0;
  std::uint64_t values = 0;
  std::uint64_t begins_at = 0;
  std::uint64_t packed_bytes = 0;  // in the file, all pages with their headers
  std::uint64_t plain_bytes = 0;
};

struct RowGroupOutline {
  std::uint64_t rows = 0;
  std::vector<ChunkOutline> chunks;  // one per column
};

struct PartOutline {
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> fixed_bytes;  // of each column: the length of a FIXED_LEN_BYTE_ARRAY
  std::vector<RowGroupOutline> row_groups;

  std::uint64_t plain_bytes() const;
};

// Throws kCorrupt if it is not a Parquet file, its footer is damaged, nested or points outside of
// the file; kUnsupported if it describes more than fits into memory; kNotFound, kPermission; the
// subject names the part by its object key. Reads the footer alone.
PartOutline ReadOutline(const model::LocalPart& part);

// Pure: the same of a footer's bytes, in a file of `file_bytes`. Throws BrokenStructure.
PartOutline ParseFooter(std::string_view footer, std::uint64_t file_bytes);

// What rows of a part take once they are unfolded: a value that stands in a dictionary once, and in
// a thousand rows, is a thousand values to whoever reads them.
struct PartWidth {
  // Of variable length, in kWindowRows rows one after another; never too little, but it may be
  // far too much where a dictionary has values of very different length.
  std::uint64_t window_bytes = 0;
  std::vector<std::uint64_t> column_bytes;  // the same by column
};
inline constexpr std::uint64_t kWindowRows = 2048;  // of DuckDB's vectors

// Reads the headers of all pages, and dictionaries that are worth a look. Throws kCorrupt if a page
// is not what it says, and as ReadOutline.
PartWidth MeasureWidth(const model::LocalPart& part, const PartOutline& outline);

}  // namespace sluice::columnar
