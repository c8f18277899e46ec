#include "destinations/duckdb/state_schema.h"

#include <vector>

#include "base/error.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "destinations/duckdb/duckdb_runner.h"

namespace sluice::destinations::duckdb {
namespace {

void Undo(columnar::Connection& connection, const columnar::Task& task) noexcept {
  try {
    connection.Run("ROLLBACK", {}, task);
  } catch (const base::Error&) {
    // DuckDB has rolled back by itself, or gave up on the file.
  }
}

}  // namespace

bool MakeStateTable(columnar::Connection& connection, sql::StateColumns& columns,
                    const std::string& subject) {
  const columnar::Task task{.operation = "make the state table", .subject = subject};
  const std::vector<std::string> statements = sql::StateTableText(TheDialect(), columns);
  if (statements.empty()) return false;
  const bool made = columns.empty();
  // Each commit waits for the disk once.
  connection.Run("BEGIN TRANSACTION", {}, task);
  try {
    if (made) connection.Run("CREATE SCHEMA IF NOT EXISTS _sluice", {}, task);
    for (const std::string& statement : statements) connection.Run(statement, {}, task);
    connection.Run("COMMIT", {}, task);
  } catch (const base::Error&) {
    Undo(connection, task);
    throw;
  }
  DuckDbRunner runner(connection, {.operation = "read state", .subject = subject});
  columns = sql::ReadStateColumns(runner, TheDialect());
  return made;
}

bool HoldsNothing(columnar::Connection& connection, const sql::StateColumns& columns,
                  const std::string& subject) {
  const columnar::Task task{.operation = "look into the file", .subject = subject};
  const auto any = [&](const std::string& from) {
    return !connection.Run("SELECT true FROM " + from + " LIMIT 1", {}, task).rows.empty();
  };
  const std::string here = "() WHERE database_name = current_database() AND NOT internal";
  if (any("duckdb_tables" + here + " AND (schema_name, table_name) <> ('_sluice', 'state')")) {
    return false;
  }
  for (const char* kind : {"duckdb_views", "duckdb_types", "duckdb_functions"}) {
    if (any(kind + here)) return false;
  }
  if (any("duckdb_sequences() WHERE database_name = current_database()")) return false;
  return !columns.empty() && !any("_sluice.state");
}

}  // namespace sluice::destinations::duckdb
