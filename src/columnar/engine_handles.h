// Owners of DuckDB's statements and results, for this room's sources alone: whoever includes this
// sees DuckDB's header.
#pragma once
#include <duckdb.h>

#include <string>
#include <string_view>

#include "columnar/database.h"

namespace sluice::columnar {

struct Connection::Handle {
  duckdb_connection connection = nullptr;
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { duckdb_disconnect(&connection); }
};

// Throws what DuckDB's failure means (engine_error.h). `text` may be null.
[[noreturn]] void ThrowEngine(duckdb_error_type type, const char* text, const Task& task);

class Statement {
 public:
  Statement(duckdb_connection connection, const std::string& sql, const Task& task);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { duckdb_destroy_prepare(&statement_); }

  void Bind(idx_t index, const Value& value, const Task& task);
  duckdb_prepared_statement get() const { return statement_; }

 private:
  duckdb_prepared_statement statement_ = nullptr;
};

enum class Delivery {
  kWhole,    // the result is made before the first chunk is handed out
  kStreams,  // chunks are handed out while others are made
};

class Pending {
 public:
  explicit Pending(const Statement& statement, Delivery delivery = Delivery::kWhole);
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { duckdb_destroy_pending(&pending_); }
  duckdb_pending_result get() const { return pending_; }

 private:
  duckdb_pending_result pending_ = nullptr;
};

class RawResult {
 public:
  RawResult() = default;
  RawResult(const RawResult&) = delete;
  RawResult& operator=(const RawResult&) = delete;
  ~RawResult() { duckdb_destroy_result(&result_); }
  duckdb_result* get() { return &result_; }

 private:
  duckdb_result result_{};
};

}  // namespace sluice::columnar
