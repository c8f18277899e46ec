// A connection of DuckDB for the statements of destinations/sql.
#pragma once
#include <stop_token>
#include <utility>

#include "columnar/database.h"
#include "destinations/sql/runner.h"

namespace sluice::destinations::duckdb {

class DuckDbRunner final : public sql::Runner {
 public:
  // REQUIRES: `connection` outlives it.
  DuckDbRunner(columnar::Connection& connection, columnar::Task task, std::stop_token stop = {})
      : connection_(connection), task_(std::move(task)), stop_(std::move(stop)) {}

  using sql::Runner::Ask;
  using sql::Runner::Change;
  sql::Rows Ask(const sql::Statement& statement) override { return Run(statement).rows; }
  std::uint64_t Change(const sql::Statement& statement) override {
    return Run(statement).rows_changed;
  }

 private:
  columnar::Result Run(const sql::Statement& statement);

  columnar::Connection& connection_;
  const columnar::Task task_;
  const std::stop_token stop_;
};

}  // namespace sluice::destinations::duckdb
