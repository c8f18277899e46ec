// What a part's footer says: how many rows, and which columns of which physical types. No row data
// is read.
#pragma once
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "columnar/database.h"
#include "model/part.h"
#include "model/types.h"

namespace sluice::columnar {

struct FileColumn {
  std::string name;
  std::string physical;     // Parquet's name: "INT32", "INT96", "FIXED_LEN_BYTE_ARRAY", ...
  std::string engine_type;  // DuckDB's reading of it: "DECIMAL(18,2)", "TIMESTAMP"; empty if nested
  friend bool operator==(const FileColumn&, const FileColumn&) = default;
};

struct Footer {
  std::uint64_t rows = 0;
  std::uint64_t plain_bytes = 0;  // of all columns, before compression
  std::vector<FileColumn> columns;
};

// Throws what ReadOutline (part_outline.h) throws, kCorrupt also where DuckDB finds damage, and
// kCancelled; the subject names the part by its object key.
Footer ReadFooter(Connection& connection, const model::LocalPart& part, std::stop_token stop);

// Throws kCorrupt, naming the column and the part, unless the file's columns are `columns`: as
// many, the same names in the same order, each of a physical type that this source type may arrive
// as. Throws kUnsupported for a type that cannot be read from Parquet at all.
void CheckFooter(const Footer& footer, const model::LocalPart& part,
                 std::span<const model::Column> columns);

// `columns` with the precision and scale that the file has, where they were unknown (kDecimal with
// precision 0). Pure.
std::vector<model::Column> ResolveDecimals(const Footer& footer,
                                           std::span<const model::Column> columns);
// Whether that would change anything.
bool HasUnknownDecimals(std::span<const model::Column> columns);

}  // namespace sluice::columnar
