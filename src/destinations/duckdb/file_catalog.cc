#include "destinations/duckdb/file_catalog.h"

#include <fmt/format.h>

#include <utility>

#include "columnar/sql_text.h"
#include "destinations/target_check.h"

namespace sluice::destinations::duckdb {
namespace {

using columnar::FoldName;

[[noreturn]] void ThrowNameTaken(std::string subject, std::string message, std::string remedy) {
  ThrowUnsupported(std::move(subject), std::move(message), std::move(remedy), "name_taken");
}

}  // namespace

FileCatalog FileCatalog::Read(columnar::Connection& connection, const std::string& subject) {
  const columnar::Task task{.operation = "prepare table", .subject = subject};
  FileCatalog catalog;
  const auto schemas = connection.Run(
      "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()", {},
      task);
  for (const auto& row : schemas.rows) catalog.AddSchema(row[0].value_or(""));
  const auto relations = connection.Run(
      "SELECT table_schema, table_name, table_type = 'VIEW' FROM information_schema.tables WHERE "
      "table_catalog = current_database()",
      {}, task);
  for (const auto& row : relations.rows) {
    const std::string name = row[1].value_or("");
    catalog.relations_[row[0].value_or("")].insert_or_assign(
        FoldName(name), Relation{.name = name, .is_view = row[2] == "true"});
  }
  return catalog;
}

bool FileCatalog::HasSchema(const std::string& schema) const {
  const auto found = schemas_.find(FoldName(schema));
  if (found == schemas_.end()) return false;
  if (found->second == schema) return true;
  ThrowNameTaken("schema " + schema,
                 fmt::format("schema {} exists, which is the same to DuckDB", found->second),
                 fmt::format("Set `destination.schema: {}`, or rename one.", found->second));
}

void FileCatalog::AddSchema(const std::string& schema) { schemas_[FoldName(schema)] = schema; }

bool FileCatalog::HasTable(const model::TableName& table) const {
  const auto schema = relations_.find(table.schema);
  if (schema == relations_.end()) return false;
  const auto found = schema->second.find(FoldName(table.table));
  if (found == schema->second.end()) return false;
  const std::string subject = "table " + table.ToString();
  if (found->second.name != table.table) {
    ThrowNameTaken(subject,
                   fmt::format("table {}.{} exists, which is the same to DuckDB", table.schema,
                               found->second.name),
                   "Rename or drop one of the two, or load one into another schema.");
  }
  if (found->second.is_view) {
    ThrowNameTaken(subject, "a view of that name exists",
                   "Drop the view, or load into another schema.");
  }
  return true;
}

void FileCatalog::AddTable(const model::TableName& table) {
  relations_[table.schema].insert_or_assign(FoldName(table.table), Relation{.name = table.table});
}

}  // namespace sluice::destinations::duckdb
