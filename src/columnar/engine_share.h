// How DuckDB is to be run where rows are wide or many columns wide: what it keeps outside of its
// own limit grows with them. Pure.
//
// Measured, with one thread (docs/adr/0003-duckdb-static-archives.md). A vector holds 2,048 rows,
// and DuckDB brings rows into a table by vectors: beside its limit it unfolds one of them, and
// writes one of them to its log in memory; within its limit it must hold all values of one at once.
// And of every column of a table that is written it holds a block of 256 KB, touched as far as
// there are rows.
#pragma once
#include <cstdint>
#include <string>

#include "columnar/part_select.h"

namespace sluice::columnar {

struct EngineShare {
  int memory_limit_mb = 0;
  int threads = 1;
  friend bool operator==(const EngineShare&, const EngineShare&) = default;
};

// What the program may take beyond limits.memory_mb, and what it takes beside DuckDB and the
// vectors (docs/GUARANTEES.md).
inline constexpr int kBeyondMb = 150;
inline constexpr int kBesideMb = 80;
// Of limits.memory_mb, what is not DuckDB's.
inline constexpr int kReservedMb = 144;

// For a load of rows so wide into a DuckDB table: `configured`, unless they are wider than
// kWideWindowBytes. Throws kUnsupported, naming `subject` and the memory_mb it would take, if
// `configured` cannot do it.
EngineShare ShareForRows(const EngineShare& configured, const Width& width,
                         const std::string& subject);

// The same for rows that are handed out a few at a time, by SliceSelect.
EngineShare ShareForSlices(const EngineShare& configured, const Width& width,
                           const std::string& subject);
// Rows of a slice of `part_rows` rows.
std::uint64_t SliceRows(const Width& width, std::uint64_t part_rows);

// The same for a table of `columns` columns, of which `rows` rows of `row_bytes` are there.
EngineShare ShareForColumns(const EngineShare& configured, std::uint64_t columns,
                            std::uint64_t rows, std::uint64_t row_bytes);

}  // namespace sluice::columnar
