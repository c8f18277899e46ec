// Owners of DuckDB's handles, over its C API: a database file or one in memory, connections,
// results. Everything throws base::Error as engine_error.h maps it; DuckDB's header stays inside
// this room.
#pragma once
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "columnar/engine_error.h"

namespace sluice::columnar {

struct DatabaseOptions {
  // The database file; empty: in memory only.
  std::filesystem::path file;
  // DuckDB's buffers, hash tables and column segments. What Parquet readers decode into is not in
  // it: expect the process to use about 100 MB more (docs/adr/0003-duckdb-static-archives.md).
  int memory_limit_mb = 256;
  // Threads that run statements, the caller's included. Each reads one row group at a time.
  int threads = 2;
  // Where DuckDB spills what memory does not hold; empty: never, it fails instead.
  std::filesystem::path temp_dir;
  // Whether DuckDB folds its log into the file by itself, after large commits and when it closes.
  // False: only CHECKPOINT does.
  bool checkpoints = true;
  // The folders whose files statements may read and write, the database file and `temp_dir` apart:
  // nothing else on this machine, no network, no extension, and no setting can be changed any more
  // but what Share sets. nullopt: any file, for tools and tests.
  std::optional<std::vector<std::filesystem::path>> folders;
};

class Connection;

// Move-only. Thread-safe: any thread may Connect. REQUIRES: connections die before it.
class Database {
 public:
  // Throws kConflict (held by another process, which is named, with the time it began; the lock
  // dies with its process), kPermission, kNotFound (its folder), kCorrupt (not a DuckDB file),
  // kUnsupported (another version's, encrypted), kNoSpace.
  static Database Open(const DatabaseOptions& options);
  Connection Connect();
  // From now on: another limit and as many threads, and memory that DuckDB has let go of goes back
  // to the system at once, not within a second. That costs time, so for loads that need the room.
  // Throws kDestination (kOutOfMemoryMessage) if more than the new limit is in use.
  void Share(int memory_limit_mb, int threads);

 private:
  struct Handle;
  explicit Database(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<Handle> handle_;  // shared only so that its type can stay incomplete here
};

// A parameter of a statement; monostate is NULL.
using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string>;

// A small result: every row, in memory, as text. For what Sluice asks about itself, not for rows of
// streams.
struct Result {
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::uint64_t rows_changed = 0;  // by INSERT, UPDATE, DELETE
};

// Move-only; one thread at a time, Interrupt apart.
class Connection {
 public:
  // Runs one statement to its end. `values` fill its $1, $2, ... Throws what `task` names;
  // kCancelled if `stop` fires before or during. Queries may return VARCHAR, BOOLEAN, BIGINT and
  // UBIGINT columns only: others throw kInternal, so cast in the statement.
  Result Run(const std::string& sql, const std::vector<Value>& values, const Task& task,
             std::stop_token stop = {});

 private:
  friend class Database;
  friend class ChunkReader;
  struct Handle;
  explicit Connection(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<Handle> handle_;
};

}  // namespace sluice::columnar
