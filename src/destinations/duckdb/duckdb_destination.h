// Tables in a DuckDB file: overwrite, append, merge.
#pragma once
#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "destinations/destination.h"

namespace sluice::destinations::duckdb {

struct DuckDbOptions {
  // The database file; made if it does not exist, and removed again by Close if nothing was
  // committed.
  std::filesystem::path path;
  // Where DuckDB may spill: a private folder below it, removed by Close. REQUIRES: exists, or can
  // be made. Empty: beside the database file.
  std::filesystem::path work_dir;
  // Parts lie below it: DuckDB may read nothing else. Empty: `work_dir`.
  std::filesystem::path parts_dir;
  // DuckDB's own bound, MB, >= 64. Loads use 64 MB of it, and what three row groups of their rows
  // need (37 MB for each 100 bytes of a row, two threads); a merge also the marks of the rows it
  // rewrites or deletes, 16 KB for each 2,048 rows of the table among which there is one (80 MB
  // for 10 M rows); one of more than 200,000 rows uses all of it. The process uses about 80 MB
  // more, up to 150 MB in a merge of all of 10 M rows (404 MB measured, with 256), and up to twice
  // the bound more for rows of many kilobytes. Out of memory? Raise this first. Measured in
  // docs/adr/0003-duckdb-static-archives.md and docs/adr/0011-duckdb-merge.md.
  int memory_limit_mb = 256;
  // Threads per statement, >= 1. See docs/adr/0003-duckdb-static-archives.md for what more bring.
  int threads = 2;
};

// Opens the file and holds DuckDB's lock on it until Close: no other process can read it meanwhile.
// Throws kConflict (another process holds it; named; or this one does, by any name), kPermission,
// kNotFound (its folder), kCorrupt (a damaged DuckDB file), kUnsupported (what is no DuckDB file,
// with reason "not_duckdb"; another DuckDB's, or an encrypted one), kNoSpace, kInvalidConfig (an
// option). REQUIRES: `clock` and `log` outlive it.
//
// What it promises beyond destination.h:
// - One transaction per Load: rows, table and watermark appear together. Readers in other
//   connections see the old table until then.
// - Watermarks stand in table "_sluice"."state", one row per stream.
// - Overwrite replaces the table with whatever columns the stream has now (SchemaPolicy::kFollow),
//   or empties it and keeps its columns and constraints (the others).
// - A merge stages what came in a temporary table, which spills to `work_dir`, and writes the rows
//   that differ. Into a table that does not exist yet rows go straight, as under overwrite.
// - A row that a merge rewrites has no value in columns that the source does not have.
// - Constraints of a table that somebody else made hold: a row they refuse fails the load.
// - Names are kept exactly. Two columns, or two tables, whose names differ by case alone are
//   refused (kUnsupported): to DuckDB they are the same.
std::unique_ptr<Destination> OpenDuckDb(const DuckDbOptions& options, const base::Clock& clock,
                                        base::Logger& log);

}  // namespace sluice::destinations::duckdb
