// Whether the file at a path is DuckDB's, told by what is in it. DuckDB itself guesses: it opens
// what looks like CSV, JSON or Parquet as an empty database in memory with a view of the file, and
// every row that is loaded into it is gone when it closes.
#pragma once
#include <filesystem>
#include <string>

#include "columnar/database.h"

namespace sluice::destinations::duckdb {

// To be called before DuckDB opens `file`, and before anything is repaired there. Passes where
// there is nothing, and for a file that DuckDB has begun to make. Throws kUnsupported, with reason
// "not_duckdb", for a folder, a device, a symbolic link to nothing, an SQLite database, and any
// file that is not DuckDB's, saying what it is; kPermission, kNotFound (its folder), kDestination.
void RequireDuckDbFile(const std::filesystem::path& file);

// To be called after DuckDB has opened it, with a descriptor of the file by that name: the file is
// DuckDB's, has its name still, and is the one that this process's DuckDB writes. Throws
// kUnsupported as above, or kConflict if somebody put another file in its place meanwhile.
void RequireInUse(columnar::Connection& connection, const std::filesystem::path& file, int fd);

}  // namespace sluice::destinations::duckdb
