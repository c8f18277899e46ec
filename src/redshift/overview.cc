#include "redshift/overview.h"

#include <optional>
#include <sstream>
#include <utility>

#include "base/text.h"
#include "redshift/catalog_row.h"
#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

using base::Call;
using base::ErrorCode;

// Of the schemas that are asked for, or of nobody but the system.
std::string AmongSchemas(const std::string& column, const std::vector<std::string>& schemas) {
  if (schemas.empty()) {
    return "substring(" + column + ", 1, 3) <> 'pg_' AND " + column +
           " NOT IN ('information_schema', 'catalog_history')";
  }
  std::string list;
  for (const auto& schema : schemas) list += (list.empty() ? "" : ", ") + Literal(schema);
  return column + " IN (" + list + ")";
}

// nullopt: it is denied.
std::optional<QueryResult> IfAllowed(Session& session, const std::string& sql, const Call& call) {
  try {
    return session.Query(sql, call);
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kPermission) throw;
    return std::nullopt;
  }
}

// For what nobody needs: nullopt whatever the server says against it. A session that is of no use
// any more, or a person who has had enough, is told.
std::optional<QueryResult> IfAnswered(Session& session, const std::string& sql, const Call& call) {
  try {
    return session.Query(sql, call);
  } catch (const base::Error& error) {
    using enum ErrorCode;
    const auto code = error.code();
    if (code == kPermission || code == kSource || code == kNotFound || code == kUnsupported) {
      return std::nullopt;
    }
    throw;
  }
}

std::string ColumnsOfSchemas(std::string_view database, const std::vector<std::string>& schemas) {
  return "SELECT schema_name, table_name, column_name, ordinal_position, is_nullable, data_type, "
         "character_maximum_length, numeric_precision, numeric_scale FROM svv_all_columns WHERE "
         "database_name = " +
         Literal(database) + " AND " + AmongSchemas("schema_name", schemas);
}

// Rows without a column: what kind of relation it is.
std::string KindsOfSchemas(std::string_view database, const std::vector<std::string>& schemas) {
  return "SELECT schema_name, table_name, CAST(NULL AS varchar(128)), 0, CAST(NULL AS varchar(3)), "
         "table_type, CAST(NULL AS integer), CAST(NULL AS integer), CAST(NULL AS integer) FROM "
         "svv_all_tables WHERE database_name = " +
         Literal(database) + " AND " + AmongSchemas("schema_name", schemas);
}

// Rows without a table: a schema and its type.
std::string SchemasThemselves(std::string_view database) {
  return "SELECT schema_name, CAST(NULL AS varchar(128)), CAST(NULL AS varchar(128)), 0, CAST(NULL "
         "AS varchar(3)), schema_type, CAST(NULL AS integer), CAST(NULL AS integer), CAST(NULL AS "
         "integer) FROM svv_all_schemas WHERE database_name = " +
         Literal(database) + " AND " + AmongSchemas("schema_name", {});
}

bool IsSchema(const Row& row) { return row.size() > 1 && !row[1]; }

std::vector<TableDescription> TablesOf(const QueryResult& result) {
  std::vector<TableDescription> tables;
  for (const auto& row : result.rows) {
    if (IsSchema(row)) continue;
    model::TableName name{.schema = Text(row, 0), .table = Text(row, 1)};
    if (name.table.starts_with(kMaterializedViewStorage)) continue;
    if (tables.empty() || !(tables.back().name == name)) tables.push_back({.name = name});
    if (row.size() > 2 && !row[2]) {
      tables.back().kind = Text(row, 5);
    } else {
      AddCatalogColumn(row, tables.back());
    }
  }
  return tables;
}

}  // namespace

std::vector<TableInfo> ListAllTables(Session& session, std::string_view database,
                                     const Call& call) {
  const std::string where = " WHERE database_name = " + Literal(database) + " AND " +
                            AmongSchemas("schema_name", {}) + " ORDER BY 1, 2";
  auto result = IfAllowed(
      session, "SELECT schema_name, table_name, table_type, remarks FROM svv_all_tables" + where,
      call);
  if (!result) {
    result =
        session.Query("SELECT DISTINCT schema_name, table_name FROM svv_all_columns" + where, call);
  }
  std::vector<TableInfo> tables;
  for (const auto& row : result->rows) {
    if (Text(row, 1).starts_with(kMaterializedViewStorage)) continue;
    tables.push_back({.name = {.schema = Text(row, 0), .table = Text(row, 1)},
                      .type = Text(row, 2),
                      .remarks = Text(row, 3)});
  }
  return tables;
}

std::vector<TableDescription> DescribeSchemas(Session& session, std::string_view database,
                                              const std::vector<std::string>& schemas,
                                              const Call& call) {
  // schema_name, table_name, ordinal_position: the kind comes first.
  const std::string order = " ORDER BY 1, 2, 4";
  const std::string columns = ColumnsOfSchemas(database, schemas);
  const std::string kinds = KindsOfSchemas(database, schemas);
  auto result = IfAllowed(session, columns + " UNION ALL " + kinds + order, call);
  if (!result) result = IfAllowed(session, kinds + order, call);
  if (!result) result = session.Query(columns + order, call);
  return TablesOf(*result);
}

Overview LookOver(Session& session, std::string_view database,
                  const std::vector<std::string>& schemas, const Call& call) {
  const std::string all = ColumnsOfSchemas(database, schemas) + " UNION ALL " +
                          KindsOfSchemas(database, schemas) + " UNION ALL " +
                          SchemasThemselves(database) + " ORDER BY 1, 2, 4";
  const auto result = IfAllowed(session, all, call);
  if (!result) {
    auto listed = ListSchemas(session, database, call);
    return {std::move(listed), DescribeSchemas(session, database, schemas, call)};
  }
  Overview overview{.schemas = {}, .tables = TablesOf(*result)};
  for (const auto& row : result->rows) {
    if (IsSchema(row)) overview.schemas.push_back({.name = Text(row, 0), .type = Text(row, 5)});
  }
  return overview;
}

ByTable<std::vector<std::string>> PrimaryKeys(Session& session,
                                              const std::vector<std::string>& schemas,
                                              const Call& call) {
  // A row for each column; the key's order stands in the list of their numbers.
  // https://docs.aws.amazon.com/redshift/latest/dg/c_join_PG.html
  const auto result = IfAnswered(
      session,
      "SELECT n.nspname, c.relname, a.attname, a.attnum, array_to_string(p.conkey, ' ') FROM "
      "pg_constraint p JOIN pg_class c ON c.oid = p.conrelid JOIN pg_namespace n ON n.oid = "
      "c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (p.conkey) "
      "WHERE p.contype = 'p' AND " +
          AmongSchemas("n.nspname", schemas),
      call);
  ByTable<std::map<std::size_t, std::string>> placed;
  for (const auto& row : result ? result->rows : std::vector<Row>()) {
    std::istringstream numbers(Text(row, 4));
    std::string number;
    for (std::size_t place = 0; numbers >> number; ++place) {
      if (number == Text(row, 3)) placed[{Text(row, 0), Text(row, 1)}][place] = Text(row, 2);
    }
  }
  ByTable<std::vector<std::string>> keys;
  for (const auto& [table, columns] : placed) {
    for (const auto& entry : columns) keys[table].push_back(entry.second);
  }
  return keys;
}

ByTable<TableSize> TableSizes(Session& session, const std::vector<std::string>& schemas,
                              const Call& call) {
  const auto result = IfAnswered(session,
                                 "SELECT \"schema\", \"table\", CAST(tbl_rows AS bigint), size "
                                 "FROM svv_table_info WHERE " +
                                     AmongSchemas("\"schema\"", schemas),
                                 call);
  ByTable<TableSize> sizes;
  constexpr std::uint64_t kMegabyte = 1U << 20;
  for (const auto& row : result ? result->rows : std::vector<Row>()) {
    const auto rows = base::ParseNumber<std::uint64_t>(Text(row, 2));
    const auto megabytes = base::ParseNumber<std::uint64_t>(Text(row, 3));
    if (!rows || !megabytes) continue;
    sizes[{Text(row, 0), Text(row, 1)}] = {.rows = *rows, .bytes = *megabytes * kMegabyte};
  }
  return sizes;
}

}  // namespace sluice::redshift
