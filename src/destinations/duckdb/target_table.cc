#include "destinations/duckdb/target_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "destinations/history_columns.h"
#include "destinations/merge_refusals.h"
#include "destinations/own_schema.h"
#include "destinations/target_check.h"

namespace sluice::destinations::duckdb {
namespace {

using columnar::FoldName;
using columnar::QuoteName;

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
        "(`sql: SELECT ... AS ...`).",
        "names_clash");
  }
}

std::string ColumnList(const model::StreamTarget& target) {
  std::string list;
  for (const model::Column& column : ColumnsThere(target)) {
    if (!list.empty()) list += ", ";
    // Nullable all the same: the parts are, and a table that refuses rows protects nobody here.
    list += QuoteName(column.name) + " " + columnar::EngineType(column);
  }
  return list;
}

// The last two are databases that every DuckDB has: `SELECT ... FROM temp.orders` looks there.
bool IsEngineSchema(const std::string& schema) {
  static constexpr std::array<std::string_view, 4> kEngine{"information_schema", "pg_catalog",
                                                           "temp", "system"};
  return std::find(kEngine.begin(), kEngine.end(), FoldName(schema)) != kEngine.end();
}

void CheckRowNumber(const std::string& column, const model::StreamTarget& target) {
  if (FoldName(column) != "rowid") return;
  ThrowUnsupported(
      "table " + target.table.ToString(),
      fmt::format("column {} cannot be merged: to DuckDB, that name is the number of a "
                  "row",
                  column),
      "Rename it in a query (`sql: SELECT ... AS ...`), or set `write_mode: overwrite` "
      "for the stream.");
}

void CheckMerge(const model::StreamTarget& target) {
  RequireMergeColumns(target);
  RequireOwnNames(target, TheDialect());
  for (const model::Column& column : target.columns) CheckRowNumber(column.name, target);
}

}  // namespace

void CheckTarget(const model::StreamTarget& target) {
  RequireTable(target);
  if (IsEngineSchema(target.table.schema)) ThrowReservedSchema(target, "DuckDB's own");
  CheckColumnNames(target);
  for (const model::Column& column : target.columns) columnar::EngineType(column);
  if (model::MeetsByKey(target.write_mode)) CheckMerge(target);
}

std::string QuotedTable(const std::string& catalog, const model::TableName& table) {
  return QuoteName(catalog) + "." + QuoteName(table.schema) + "." + QuoteName(table.table);
}

ExistingTable ReadExisting(columnar::Connection& connection, const std::string& catalog,
                           const model::TableName& table) {
  ExistingTable existing;
  const std::string name = QuotedTable(catalog, table);
  // Of this table alone; duckdb_columns() looks at those of all.
  const auto columns = connection.Run("DESCRIBE " + name, {}, Prepare(table));
  for (const auto& row : columns.rows) {
    existing.columns.push_back({row[0].value_or(""), row[1].value_or("")});
  }
  existing.empty =
      connection.Run(fmt::format("SELECT true FROM {} LIMIT 1", name), {}, Prepare(table))
          .rows.empty();
  return existing;
}

void CheckRowNumbers(const ExistingTable& existing, const model::StreamTarget& target) {
  for (const ExistingColumn& column : existing.columns) CheckRowNumber(column.name, target);
}

void ApplyPlan(columnar::Connection& connection, const std::string& catalog,
               const model::StreamTarget& target, const SchemaPlan& plan) {
  const columnar::Task task = Prepare(target.table);
  const std::string name = QuotedTable(catalog, target.table);
  const auto run = [&](const std::string& sql) { connection.Run(sql, {}, task); };
  switch (plan.table) {
    case SchemaPlan::Table::kCreate:
      return run(fmt::format("CREATE TABLE {} ({})", name, ColumnList(target)));
    case SchemaPlan::Table::kReplace:
      return run(fmt::format("CREATE OR REPLACE TABLE {} ({})", name, ColumnList(target)));
    case SchemaPlan::Table::kEmpty: run("DELETE FROM " + name); break;
    case SchemaPlan::Table::kKeep: break;
  }
  for (const auto& [column, type] : plan.added) {
    run(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", name, QuoteName(column), type));
  }
  for (const auto& [column, type] : plan.widened) {
    run(fmt::format("ALTER TABLE {} ALTER COLUMN {} SET DATA TYPE {}", name, QuoteName(column),
                    type));
  }
}

}  // namespace sluice::destinations::duckdb
