#include "destinations/duckdb/duckdb_runner.h"

#include <variant>
#include <vector>

namespace sluice::destinations::duckdb {

columnar::Result DuckDbRunner::Run(const sql::Statement& statement) {
  std::vector<columnar::Value> values;
  for (const sql::Value& value : statement.values) {
    std::visit([&](const auto& held) { values.emplace_back(held); }, value);
  }
  return connection_.Run(statement.text, values, task_, stop_);
}

}  // namespace sluice::destinations::duckdb
