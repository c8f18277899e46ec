#include "redshift/access.h"

#include <map>

#include "base/text.h"
#include "redshift/catalog_row.h"
#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

// Columns of the answer: as DescribeTables asks for them, and last what kind of row it is.
constexpr std::size_t kSchema = 0;
constexpr std::size_t kTable = 1;
constexpr std::size_t kName = 2;
constexpr std::size_t kPosition = 3;
constexpr std::size_t kFlag = 4;
constexpr std::size_t kKind = 9;
// What stands as a relation's position if it is a view.
constexpr std::string_view kIsView = "2";

std::string In(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + Literal(name);
  return " IN (" + list + ")";
}

std::map<std::string, std::vector<std::string>> BySchema(std::span<const model::TableName> tables) {
  std::map<std::string, std::vector<std::string>> by_schema;
  for (const auto& table : tables) by_schema[table.schema].push_back(table.table);
  return by_schema;
}

std::string Among(std::span<const model::TableName> tables, const std::string& schema,
                  const std::string& table) {
  std::string among;
  for (const auto& [name, in_schema] : BySchema(tables)) {
    if (!among.empty()) among += " OR ";
    among += "(" + schema + " = " + Literal(name) + " AND " + table + In(in_schema) + ")";
  }
  return "(" + among + ")";
}

// One branch of the union: every column with its type, because the first branch decides them.
std::string Branch(const std::string& kind, const std::string& schema, const std::string& table,
                   const std::string& name, const std::string& position, const std::string& flag,
                   const std::string& rest) {
  return "SELECT CAST(" + schema + " AS varchar(256)) AS schema_name, CAST(" + table +
         " AS varchar(256)) AS table_name, CAST(" + name +
         " AS varchar(256)) AS column_name, CAST(" + position +
         " AS integer) AS ordinal_position, CAST(" + flag +
         " AS varchar(256)) AS is_nullable, CAST('' AS varchar(256)) AS data_type, CAST(NULL AS "
         "integer) AS character_maximum_length, CAST(NULL AS integer) AS numeric_precision, "
         "CAST(NULL AS integer) AS numeric_scale, CAST('" +
         kind + "' AS varchar(16)) AS kind " + rest;
}

std::string YesNo(const std::string& condition) {
  return "CASE WHEN " + condition + " THEN 'yes' ELSE 'no' END";
}

std::string Statement(std::string_view database, std::span<const model::TableName> tables,
                      const std::vector<std::string>& users) {
  const std::string among = Among(tables, "n.nspname", "c.relname");
  const std::string relations =
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', "
      "'m', 'f', 'p') AND ";
  std::vector<std::string> schemas;
  for (const auto& entry : BySchema(tables)) schemas.push_back(entry.first);
  const std::string usage = "has_schema_privilege(n.oid, 'USAGE')";
  std::string sql = Branch("schema", "n.nspname", "''", "''", "0", YesNo(usage),
                           "FROM pg_namespace n WHERE n.nspname" + In(schemas) +
                               " OR (substring(n.nspname, 1, 3) <> 'pg_' AND n.nspname NOT IN "
                               "('information_schema', 'catalog_history') AND " +
                               usage + ")");
  sql += " UNION ALL " + Branch("sibling", "n.nspname", "min(c.relname)", "''", "0", "''",
                                relations + "n.nspname" + In(schemas) +
                                    " AND has_table_privilege(c.oid, 'SELECT') GROUP BY n.nspname");
  sql += " UNION ALL " +
         Branch("table", "n.nspname", "c.relname", "pg_get_userbyid(c.relowner)",
                "CASE WHEN c.relkind IN ('r', 'p') THEN 0 ELSE " + std::string(kIsView) + " END",
                YesNo("has_table_privilege(c.oid, 'SELECT')"), relations + among);
  sql += " UNION ALL " +
         Branch("attribute", "n.nspname", "c.relname", "a.attname", "a.attnum", "''",
                "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON "
                "n.oid = c.relnamespace WHERE a.attnum > 0 AND NOT a.attisdropped AND " +
                    among);
  if (!users.empty()) {
    std::vector<std::string> lower;
    for (const auto& user : users) lower.push_back(base::Lower(user));
    sql += " UNION ALL " +
           Branch("other", "n.nspname", "c.relname", "u.usename", "0", "''",
                  "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_user u ON "
                  "lower(u.usename)" +
                      In(lower) + " WHERE u.usename <> current_user AND NOT u.usesuper AND " +
                      among + " AND has_table_privilege(u.usename, c.oid, 'SELECT')");
  }
  sql +=
      " UNION ALL SELECT schema_name, table_name, column_name, ordinal_position, is_nullable, "
      "data_type, character_maximum_length, numeric_precision, numeric_scale, 'column' FROM "
      "svv_all_columns WHERE database_name = " +
      Literal(database) + " AND " + Among(tables, "schema_name", "table_name");
  return sql + " ORDER BY 10, 1, 2, 4";
}

void Take(const Row& row, const std::string& kind, TableAccess& table) {
  if (kind == "table") {
    table.table_exists = true;
    table.select = Text(row, kFlag) == "yes";
    table.is_view = Text(row, kPosition) == kIsView;
    table.owner = Text(row, kName);
  } else if (kind == "attribute") {
    table.columns.push_back(Text(row, kName));
  } else if (kind == "other") {
    table.others.push_back(Text(row, kName));
  } else if (kind == "column") {
    if (!table.readable) table.readable = TableDescription{.name = table.name};
    AddCatalogColumn(row, *table.readable);
  }
}

}  // namespace

Access LookUpAccess(Session& session, std::string_view database,
                    std::span<const model::TableName> tables, const std::vector<std::string>& users,
                    const base::Call& call) {
  const auto result = session.Query(Statement(database, tables, users), call);
  Access access;
  for (const auto& name : tables) access.tables.push_back({.name = name});
  for (const auto& row : result.rows) {
    const std::string kind = Text(row, kKind);
    const std::string schema = Text(row, kSchema);
    if (kind == "schema" && Text(row, kFlag) == "yes") access.usable_schemas.push_back(schema);
    for (auto& table : access.tables) {
      if (table.name.schema != schema) continue;
      if (kind == "schema") {
        table.schema_exists = true;
        table.schema_usage = Text(row, kFlag) == "yes";
      } else if (kind == "sibling") {
        table.sibling = Text(row, kTable);
      } else if (table.name.table == Text(row, kTable)) {
        Take(row, kind, table);
      }
    }
  }
  for (auto& table : access.tables) {
    if (table.readable && table.table_exists)
      table.readable->kind = table.is_view ? "VIEW" : "TABLE";
  }
  return access;
}

}  // namespace sluice::redshift
