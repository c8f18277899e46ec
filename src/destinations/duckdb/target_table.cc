#include "destinations/duckdb/target_table.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/duckdb/state_table.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using columnar::FoldName;
using columnar::QuoteName;

[[noreturn]] void ThrowUnsupported(std::string subject, std::string message, std::string remedy) {
  throw base::Error({.code = ErrorCode::kUnsupported,
                     .operation = "prepare table",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

columnar::Task Prepare(const model::TableName& table) {
  return {.operation = "prepare table", .subject = "table " + table.ToString()};
}

void CheckColumnNames(const model::StreamTarget& target) {
  std::map<std::string, std::string> seen;
  for (const model::Column& column : target.columns) {
    const auto [it, fresh] = seen.emplace(FoldName(column.name), column.name);
    if (fresh) continue;
    ThrowUnsupported(
        fmt::format("table {}", target.table.ToString()),
        fmt::format("columns {} and {} have the same name in DuckDB, which ignores case",
                    it->second, column.name),
        "Select one of them with the stream's `columns`, or rename one in a query "
        "(`sql: SELECT ... AS ...`).");
  }
}

std::string ColumnList(const model::StreamTarget& target) {
  std::string list;
  for (const model::Column& column : target.columns) {
    if (!list.empty()) list += ", ";
    // Nullable all the same: the parts are, and a table that refuses rows protects nobody here.
    list += QuoteName(column.name) + " " + columnar::EngineType(column);
  }
  return list;
}

columnar::Result ExistingColumns(columnar::Connection& connection, const model::TableName& table) {
  return connection.Run(
      "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = "
      "current_database() AND schema_name = $1 AND table_name = $2 ORDER BY column_index",
      {table.schema, table.table}, Prepare(table));
}

void CheckSameColumns(const model::StreamTarget& target, const columnar::Result& existing) {
  const std::string subject = "table " + target.table.ToString();
  const std::string remedy =
      "Append needs the columns it began with: set `write_mode: overwrite`, or drop the table at "
      "the "
      "destination and run with --full.";
  const std::size_t columns = std::max(target.columns.size(), existing.rows.size());
  for (std::size_t i = 0; i < columns; ++i) {
    if (i >= existing.rows.size()) {
      ThrowUnsupported(subject, fmt::format("column {} is new", target.columns[i].name), remedy);
    }
    const std::string name = existing.rows[i][0].value_or("");
    if (i >= target.columns.size()) {
      ThrowUnsupported(subject, fmt::format("column {} is gone from the source", name), remedy);
    }
    const std::string type = existing.rows[i][1].value_or("");
    if (name != target.columns[i].name || type != columnar::EngineType(target.columns[i])) {
      ThrowUnsupported(subject,
                       fmt::format("column {} is {} {} there, and {} {} now", i + 1, name, type,
                                   target.columns[i].name, columnar::EngineType(target.columns[i])),
                       remedy);
    }
  }
}

}  // namespace

void CheckTarget(const model::StreamTarget& target) {
  const std::string subject = "table " + target.table.ToString();
  const std::string schema = FoldName(target.table.schema);
  if (schema == kStateSchema || schema == "information_schema" || schema == "pg_catalog") {
    ThrowUnsupported(subject, fmt::format("schema {} is reserved", target.table.schema),
                     "Set `destination.schema` to another name.");
  }
  if (target.table.schema.empty() || target.table.table.empty()) {
    ThrowUnsupported(subject, "its schema or name is empty", "Name both.");
  }
  if (target.columns.empty()) ThrowUnsupported(subject, "it has no columns", "Select some.");
  CheckColumnNames(target);
  for (const model::Column& column : target.columns) columnar::EngineType(column);
}

std::string QuotedTable(const model::TableName& table) {
  return QuoteName(table.schema) + "." + QuoteName(table.table);
}

bool MakeSchema(columnar::Connection& connection, const std::string& schema) {
  const columnar::Task task{.operation = "prepare table", .subject = "schema " + schema};
  const columnar::Result found = connection.Run(
      "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND "
      "lower(schema_name) = lower($1)",
      {schema}, task);
  for (const auto& row : found.rows) {
    if (row[0] == schema) return false;
    if (row[0] && FoldName(*row[0]) == FoldName(schema)) {
      ThrowUnsupported("schema " + schema,
                       fmt::format("schema {} exists, which is the same to DuckDB", *row[0]),
                       fmt::format("Set `destination.schema: {}`, or rename one.", *row[0]));
    }
  }
  connection.Run("CREATE SCHEMA " + QuoteName(schema), {}, task);
  return true;
}

void CheckExisting(columnar::Connection& connection, const model::TableName& table) {
  const columnar::Result found = connection.Run(
      "SELECT table_name, table_type = 'VIEW' FROM information_schema.tables WHERE table_catalog = "
      "current_database() AND table_schema = $1 AND lower(table_name) = lower($2)",
      {table.schema, table.table}, Prepare(table));
  for (const auto& row : found.rows) {
    const std::string name = row[0].value_or("");
    if (FoldName(name) != FoldName(table.table)) continue;
    if (name != table.table) {
      ThrowUnsupported(
          "table " + table.ToString(),
          fmt::format("table {}.{} exists, which is the same to DuckDB", table.schema, name),
          "Rename or drop one of the two, or load one into another schema.");
    }
    if (row[1] == "true") {
      ThrowUnsupported("table " + table.ToString(), "a view of that name exists",
                       "Drop the view, or load into another schema.");
    }
  }
}

void MakeTable(columnar::Connection& connection, const model::StreamTarget& target) {
  const columnar::Task task = Prepare(target.table);
  const std::string name = QuotedTable(target.table);
  if (target.write_mode == model::WriteMode::kOverwrite) {
    connection.Run(fmt::format("CREATE OR REPLACE TABLE {} ({})", name, ColumnList(target)), {},
                   task);
    return;
  }
  const columnar::Result existing = ExistingColumns(connection, target.table);
  if (existing.rows.empty()) {
    connection.Run(fmt::format("CREATE TABLE {} ({})", name, ColumnList(target)), {}, task);
  } else {
    CheckSameColumns(target, existing);
  }
}

}  // namespace sluice::destinations
