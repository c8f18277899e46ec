#include "redshift/catalog.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/text.h"
#include "redshift/catalog_row.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/select.h"
#include "redshift/types.h"

namespace sluice::redshift {
namespace {

using base::Call;
using base::ErrorCode;

std::optional<int> Number(const Row& row, std::size_t column) {
  return base::ParseNumber<int>(Text(row, column));
}

// "PostgreSQL 8.0.2 on ..., Redshift 1.0.436211", with a NUL at its end.
std::string RedshiftVersion(std::string_view text) {
  constexpr std::string_view kMark = "Redshift ";
  const auto at = text.find(kMark);
  if (at == std::string_view::npos) return {};
  const auto rest = text.substr(at + kMark.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789.")));
}

LoginIdentity WithoutPgUser(Session& session, const Call& call) {
  const auto result = session.Query(
      "SELECT current_user AS login, current_database() AS db, version() AS ver", call);
  const Row row = result.rows.empty() ? Row() : result.rows.front();
  return {.user = Text(row, 0),
          .superuser = std::nullopt,
          .database = Text(row, 1),
          .version = RedshiftVersion(Text(row, 2))};
}

std::string YamlList(const std::vector<std::string>& names) {
  std::string list = "columns: [";
  for (const auto& name : names) list += (&name == &names.front() ? "" : ", ") + name;
  return list + "]";
}

[[noreturn]] void ThrowUnreadable(const model::Stream& stream, const std::string& column,
                                  const std::string& type,
                                  const std::vector<std::string>& readable) {
  throw base::Error({.code = ErrorCode::kUnsupported,
                     .operation = "describe",
                     .subject = "stream " + stream.name + ", column " + column,
                     .message = "type " + type + " cannot be unloaded to Parquet",
                     .remedy = "Leave it out: give the stream the others.\n" + YamlList(readable),
                     .reason = "unreadable_column"});
}

[[noreturn]] void ThrowNoColumn(const model::Stream& stream, const std::string& column,
                                const std::vector<std::string>& names) {
  const auto nearest = NearestName(column, names);
  throw base::Error({.code = ErrorCode::kNotFound,
                     .operation = "describe",
                     .subject = "stream " + stream.name,
                     .message = "column " + column + " does not exist",
                     .remedy = (nearest ? "Did you mean " + *nearest + "?"
                                        : "See what there is: sluice discover"),
                     .reason = "no_column"});
}

bool IsExcluded(const model::Stream& stream, std::string_view name) {
  const auto& rules = stream.shape.rules;
  return stream.columns.empty() && std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
           return rule.kind == model::ShapeRule::Kind::kExclude &&
                  base::EqualFolded(rule.column, name);
         });
}

bool IsReadable(const model::Column& column) {
  return Projection(column.type, column.name).has_value();
}

// What a stream may choose from: `columns` and, apart, those of types we do not know.
class Choice {
 public:
  Choice(const model::Stream& stream, const std::vector<model::Column>& columns,
         const std::vector<UnknownColumn>& unknown)
      : stream_(stream), columns_(columns), unknown_(unknown) {}

  std::vector<model::Column> All() const {
    CheckExcluded();
    for (const auto& column : unknown_) {
      if (!IsExcluded(stream_, column.name)) Refuse(column.name, column.data_type);
    }
    std::vector<model::Column> all;
    for (const auto& column : columns_) {
      if (IsExcluded(stream_, column.name)) continue;
      CheckReadable(column);
      all.push_back(column);
    }
    return all;
  }

  std::vector<model::Column> Selected() const {
    std::vector<model::Column> selected;
    for (const auto& name : stream_.columns) {
      const model::Column& column = Find(name);
      CheckReadable(column);
      selected.push_back(column);
    }
    return selected;
  }

 private:
  // One that is misspelt would bring what was to stay away.
  void CheckExcluded() const {
    for (const auto& rule : stream_.shape.rules) {
      if (rule.kind != model::ShapeRule::Kind::kExclude || rule.by_default) continue;
      const auto is_it = [&](const auto& column) {
        return base::EqualFolded(column.name, rule.column);
      };
      if (std::any_of(columns_.begin(), columns_.end(), is_it)) continue;
      if (std::any_of(unknown_.begin(), unknown_.end(), is_it)) continue;
      ThrowNoColumn(stream_, rule.column, Names());
    }
  }

  // The exact name, else the one that the server would fold it to.
  const model::Column& Find(const std::string& name) const {
    const model::Column* found = nullptr;
    for (const auto& column : columns_) {
      if (column.name == name) return column;
      if (base::EqualFolded(column.name, name)) found = &column;
    }
    if (found != nullptr) return *found;
    for (const auto& column : unknown_) {
      if (base::EqualFolded(column.name, name)) Refuse(column.name, column.data_type);
    }
    ThrowNoColumn(stream_, name, Names());
  }

  void CheckReadable(const model::Column& column) const {
    if (!IsReadable(column)) Refuse(column.name, model::ToString(column.type));
  }

  [[noreturn]] void Refuse(const std::string& name, const std::string& type) const {
    std::vector<std::string> readable;
    for (const auto& column : columns_) {
      const bool chosen =
          (stream_.columns.empty() && !IsExcluded(stream_, column.name)) ||
          std::any_of(stream_.columns.begin(), stream_.columns.end(),
                      [&](const auto& c) { return base::EqualFolded(c, column.name); });
      if (chosen && IsReadable(column)) readable.push_back(column.name);
    }
    ThrowUnreadable(stream_, name, type, readable);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& column : columns_) names.push_back(column.name);
    return names;
  }

  const model::Stream& stream_;
  const std::vector<model::Column>& columns_;
  const std::vector<UnknownColumn>& unknown_;
};

// What could be proposed in a remedy. The failure that led here is the one to tell, so this one's
// own failures are not; only being stopped is.
template <typename Look>
std::vector<std::string> NamesIfAny(Look&& look) {
  try {
    return look();
  } catch (const base::Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return {};
  }
}

std::vector<std::string> TablesIn(Session& session, std::string_view database,
                                  const std::string& schema, const Call& call) {
  return NamesIfAny([&] {
    std::vector<std::string> names;
    for (const auto& table : ListTables(session, database, schema, call)) {
      names.push_back(table.name.table);
    }
    return names;
  });
}

std::vector<std::string> Schemas(Session& session, std::string_view database, const Call& call) {
  return NamesIfAny([&] {
    std::vector<std::string> names;
    for (const auto& schema : ListSchemas(session, database, call)) names.push_back(schema.name);
    return names;
  });
}

// sales.orders for Sales.Orders or sales.ordrs: of the schema if it is there, else of the schema
// that is nearest to it.
std::optional<std::string> NearestTable(Session& session, std::string_view database,
                                        const model::TableName& name, const Call& call) {
  std::string schema = name.schema;
  auto tables = TablesIn(session, database, schema, call);
  if (tables.empty()) {
    const auto nearest = NearestName(schema, Schemas(session, database, call));
    if (!nearest || *nearest == schema) return std::nullopt;
    schema = *nearest;
    tables = TablesIn(session, database, schema, call);
  }
  const auto table = NearestName(name.table, tables);
  if (!table) return std::nullopt;
  return schema + "." + *table;
}

// The selection by name, because SELECT * shrinks silently to the columns that are granted.
std::string EmptySelect(const model::Stream& stream) {
  std::string items;
  for (const auto& column : stream.columns) items += (items.empty() ? "" : ", ") + Ident(column);
  return "SELECT " + (items.empty() ? "*" : items) + " FROM " + Ident(*stream.table) + " LIMIT 0";
}

// What the empty select of the stream's table says; nullability is the catalog's to tell.
std::vector<model::Column> AskBySelect(Session& session, const model::Stream& stream,
                                       const TableDescription& known, const Call& call) {
  TableDescription described{.name = *stream.table,
                             .columns = DescribeEmptySelect(session, stream, call)};
  for (auto& column : described.columns) {
    const auto told = std::find_if(known.columns.begin(), known.columns.end(),
                                   [&](const auto& other) { return other.name == column.name; });
    if (told != known.columns.end()) column.nullable = told->nullable;
  }
  return ColumnsOf(stream, described);
}

// The table is not in the catalog: late-binding views may be missing there, and the catalog's views
// may be denied. Its empty select either tells the columns, or the true reason.
std::vector<model::Column> DescribeUnlisted(Session& session, std::string_view database,
                                            const model::Stream& stream, const Call& call) {
  const auto& name = *stream.table;
  try {
    return AskBySelect(session, stream, {}, call);
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    base::ErrorInfo info = error.info();
    if (const auto nearest = NearestTable(session, database, name, call)) {
      info.remedy = "Did you mean " + *nearest + "?\n" + info.remedy;
    }
    throw base::Error(std::move(info));
  }
}

// The name in "column x.c does not exist", as sqlstate.h words it.
std::optional<std::string> MissingColumn(const std::string& message) {
  constexpr std::string_view kStart = "column ";
  constexpr std::string_view kEnd = " does not exist";
  if (!message.starts_with(kStart) || !message.ends_with(kEnd)) return std::nullopt;
  const auto name = message.substr(kStart.size(), message.size() - kStart.size() - kEnd.size());
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

// Of all tables that the query names; one statement per schema, after a failure only.
std::vector<std::string> ColumnsInQuery(Session& session, std::string_view database,
                                        const std::string& sql, const Call& call) {
  std::map<std::string, std::vector<std::string>> tables;
  for (const auto& relation : RelationsIn(sql)) tables[relation.schema].push_back(relation.table);
  std::vector<std::string> names;
  for (const auto& [schema, in_schema] : tables) {
    for (const auto& entry : DescribeTables(session, database, schema, in_schema, call)) {
      for (const auto& column : entry.second.columns) names.push_back(column.name);
    }
  }
  return names;
}

std::vector<model::Column> DescribeQuery(Session& session, std::string_view database,
                                         const model::Stream& stream, const Call& call) {
  try {
    return DescribeSelect(
        session,
        "SELECT * FROM " + AsDerivedTable(*stream.sql, "stream " + stream.name) + " LIMIT 0", call);
  } catch (const base::Error& error) {
    const auto missing = MissingColumn(error.info().message);
    if (error.code() != ErrorCode::kNotFound || !missing) throw;
    ThrowNoColumn(stream, *missing,
                  NamesIfAny([&] { return ColumnsInQuery(session, database, *stream.sql, call); }));
  }
}

// The first of `ways` that is not denied; if all are, the first refusal, which names the view to
// grant.
template <typename Answer>
Answer FirstAllowed(const std::vector<std::function<Answer()>>& ways) {
  std::optional<base::Error> denied;
  for (const auto& way : ways) {
    try {
      return way();
    } catch (const base::Error& error) {
      if (error.code() != ErrorCode::kPermission) throw;
      if (!denied) denied = error;
    }
  }
  throw base::Error(*denied);
}

constexpr std::string_view kNotTheSystems =
    "substring(schema_name, 1, 3) <> 'pg_' AND schema_name NOT IN ('information_schema', "
    "'catalog_history')";

std::vector<SchemaInfo> SchemasFrom(const QueryResult& result) {
  std::vector<SchemaInfo> schemas;
  for (const auto& row : result.rows) {
    schemas.push_back({.name = Text(row, 0), .type = Text(row, 1)});
  }
  return schemas;
}

std::vector<TableInfo> TablesFrom(const QueryResult& result) {
  std::vector<TableInfo> tables;
  for (const auto& row : result.rows) {
    if (Text(row, 1).starts_with(kMaterializedViewStorage)) continue;
    tables.push_back({.name = {.schema = Text(row, 0), .table = Text(row, 1)},
                      .type = Text(row, 2),
                      .remarks = Text(row, 3)});
  }
  return tables;
}

void CheckOnce(const model::Stream& stream, const std::vector<model::Column>& columns) {
  std::vector<std::string> chosen = stream.columns;
  if (chosen.empty()) {
    for (const auto& column : columns) {
      if (!IsExcluded(stream, column.name)) chosen.push_back(column.name);
    }
  }
  for (const auto& name : chosen) {
    const auto times = std::count_if(columns.begin(), columns.end(), [&](const auto& c) {
      return base::EqualFolded(c.name, name);
    });
    if (times < 2) continue;
    throw base::Error({.code = ErrorCode::kInvalidConfig,
                       .operation = "describe",
                       .subject = "stream " + stream.name,
                       .message = "the query has more than one column " + name,
                       .remedy = "Name them apart in the query: ... AS " + name + "_2",
                       .reason = "column_twice"});
  }
}

}  // namespace

void AddCatalogColumn(const Row& row, TableDescription& table) {
  const std::string data_type = Text(row, 5);
  const auto type = TypeFromCatalog({.data_type = data_type,
                                     .character_maximum_length = Number(row, 6),
                                     .numeric_precision = Number(row, 7),
                                     .numeric_scale = Number(row, 8)});
  if (type) {
    table.columns.push_back(
        {.name = Text(row, 2), .type = *type, .nullable = Text(row, 4) != "NO"});
  } else {
    table.unknown.push_back({.name = Text(row, 2), .data_type = data_type});
  }
}

LoginIdentity WhoAmI(Session& session, const Call& call) {
  QueryResult result;
  try {
    result = session.Query(
        "SELECT current_user AS login, u.usesuper, current_database() AS db, version() AS ver "
        "FROM pg_user u WHERE u.usename = current_user",
        call);
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kPermission) throw;
  }
  if (result.rows.empty()) return WithoutPgUser(session, call);
  const Row& row = result.rows.front();
  return {.user = Text(row, 0),
          .superuser = Text(row, 1).starts_with('t'),
          .database = Text(row, 2),
          .version = RedshiftVersion(Text(row, 3))};
}

std::vector<SchemaInfo> ListSchemas(Session& session, std::string_view database, const Call& call) {
  const auto from = [&](const std::string& items, const std::string& view) {
    return std::function([=, &session, &call] {
      return SchemasFrom(session.Query("SELECT " + items + " FROM " + view +
                                           " WHERE database_name = " + Literal(database) + " AND " +
                                           std::string(kNotTheSystems) + " ORDER BY schema_name",
                                       call));
    });
  };
  return FirstAllowed<std::vector<SchemaInfo>>({from("schema_name, schema_type", "svv_all_schemas"),
                                                from("DISTINCT schema_name", "svv_all_tables"),
                                                from("DISTINCT schema_name", "svv_all_columns")});
}

std::vector<TableInfo> ListTables(Session& session, std::string_view database,
                                  std::string_view schema, const Call& call) {
  const auto from = [&](const std::string& items, const std::string& view) {
    return std::function([=, &session, &call] {
      return TablesFrom(session.Query(
          "SELECT " + items + " FROM " + view + " WHERE database_name = " + Literal(database) +
              " AND schema_name = " + Literal(schema) + " ORDER BY schema_name, table_name",
          call));
    });
  };
  return FirstAllowed<std::vector<TableInfo>>(
      {from("schema_name, table_name, table_type, remarks", "svv_all_tables"),
       from("DISTINCT schema_name, table_name", "svv_all_columns")});
}

std::map<std::string, TableDescription> DescribeTables(Session& session, std::string_view database,
                                                       std::string_view schema,
                                                       const std::vector<std::string>& tables,
                                                       const Call& call) {
  std::string among;
  for (const auto& table : tables) among += (among.empty() ? "" : ", ") + Literal(table);
  const std::string where = " WHERE database_name = " + Literal(database) +
                            " AND schema_name = " + Literal(schema) +
                            (among.empty() ? "" : " AND table_name IN (" + among + ")");
  const std::string columns =
      "SELECT schema_name, table_name, column_name, ordinal_position, is_nullable, data_type, "
      "character_maximum_length, numeric_precision, numeric_scale FROM svv_all_columns" +
      where;
  // A row without a column: what kind of relation it is.
  const std::string kinds =
      " UNION ALL SELECT schema_name, table_name, CAST(NULL AS varchar(128)), 0, CAST(NULL AS "
      "varchar(3)), table_type, CAST(NULL AS integer), CAST(NULL AS integer), CAST(NULL AS "
      "integer) FROM svv_all_tables" +
      where;
  const auto ask = [&](const std::string& sql) {
    return std::function([=, &session, &call] {
      // schema_name, table_name, ordinal_position
      return session.Query(sql + " ORDER BY 1, 2, 4", call);
    });
  };
  const auto result = FirstAllowed<QueryResult>({ask(columns + kinds), ask(columns)});
  std::map<std::string, TableDescription> described;
  std::map<std::string, std::string> kind_of;
  for (const auto& row : result.rows) {
    const std::string name = Text(row, 1);
    if (name.starts_with(kMaterializedViewStorage)) continue;
    if (row.size() > 2 && !row[2]) {
      kind_of[name] = Text(row, 5);
      continue;
    }
    auto& table = described[name];
    table.name = {.schema = Text(row, 0), .table = name};
    AddCatalogColumn(row, table);
  }
  for (auto& [name, table] : described) table.kind = kind_of[name];
  return described;
}

std::vector<model::Column> DescribeSelect(Session& session, std::string_view select,
                                          const Call& call) {
  const auto result = session.Query(select, call);
  std::vector<model::Column> columns;
  for (const auto& column : result.columns) {
    const auto type = TypeFromOid(column.type_oid, column.type_modifier);
    if (!type) {
      throw base::Error({.code = ErrorCode::kUnsupported,
                         .operation = "describe",
                         .subject = "column " + column.name,
                         .message = "type number " + std::to_string(column.type_oid) +
                                    " is not one that Sluice knows",
                         .remedy = "Leave the column out, or cast it in a query: CAST(" +
                                   column.name + " AS VARCHAR)"});
    }
    columns.push_back({.name = column.name, .type = *type});
  }
  return columns;
}

std::vector<model::Column> DescribeEmptySelect(Session& session, const model::Stream& stream,
                                               const Call& call) {
  return DescribeSelect(session, EmptySelect(stream), call);
}

bool IsOpenType(const model::Type& type) {
  switch (type.kind) {
    case model::TypeKind::kDecimal: return type.precision == 0;
    case model::TypeKind::kChar:
    case model::TypeKind::kVarchar: return type.bytes_max == 0;
    default: return false;
  }
}

std::vector<model::Column> ColumnsOf(const model::Stream& stream,
                                     const TableDescription& description) {
  const Choice choice(stream, description.columns, description.unknown);
  return stream.columns.empty() ? choice.All() : choice.Selected();
}

bool NeedsSelect(const model::Stream& stream, const TableDescription& description) {
  if (description.kind.find("VIEW") != std::string::npos) return true;
  const auto chosen = [&](const std::string& name) {
    return (stream.columns.empty() && !IsExcluded(stream, name)) ||
           std::any_of(stream.columns.begin(), stream.columns.end(),
                       [&](const auto& column) { return base::EqualFolded(column, name); });
  };
  // A table's texts of no told length are read as they are; but is it one?
  const bool table = !description.kind.empty();
  const bool open =
      std::any_of(description.columns.begin(), description.columns.end(), [&](const auto& column) {
        const bool number = column.type.kind == model::TypeKind::kDecimal;
        return chosen(column.name) && IsOpenType(column.type) && (number || !table);
      });
  return open || (!table && std::any_of(description.unknown.begin(), description.unknown.end(),
                                        [&](const auto& column) { return chosen(column.name); }));
}

std::vector<model::Column> DescribeKnown(Session& session, std::string_view database,
                                         const model::Stream& stream,
                                         const TableDescription* description, const Call& call) {
  if (description == nullptr) return DescribeUnlisted(session, database, stream, call);
  if (NeedsSelect(stream, *description)) return AskBySelect(session, stream, *description, call);
  return ColumnsOf(stream, *description);
}

std::vector<model::Column> DescribeStream(Session& session, std::string_view database,
                                          const model::Stream& stream, const Call& call) {
  if (stream.sql) {
    TableDescription description{.columns = DescribeQuery(session, database, stream, call)};
    const bool by_name = ChoosesByName(stream);
    if (by_name) CheckOnce(stream, description.columns);
    std::vector<std::string> names;
    for (const auto& column : description.columns) names.push_back(column.name);
    if (!by_name) names = UniqueAliases(names);
    for (std::size_t i = 0; i < names.size(); ++i) description.columns[i].name = names[i];
    return ColumnsOf(stream, description);
  }
  const auto& name = stream.table.value();
  std::map<std::string, TableDescription> tables;
  try {
    tables = DescribeTables(session, database, name.schema, {name.table}, call);
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kPermission) throw;
  }
  const auto found = tables.find(name.table);
  return DescribeKnown(session, database, stream, found == tables.end() ? nullptr : &found->second,
                       call);
}

std::vector<std::string> PrimaryKey(Session& session, std::string_view database,
                                    const model::TableName& table, const Call& call) {
  QueryResult result;
  try {
    result = session.Query(
        "SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE " + Ident(database) + "." + Ident(table), call);
  } catch (const base::Error& error) {
    // Older patches, data shares and views answer with errors of several kinds.
    const auto code = error.code();
    if (code == ErrorCode::kPermission || code == ErrorCode::kSource ||
        code == ErrorCode::kNotFound || code == ErrorCode::kUnsupported) {
      return {};
    }
    throw;
  }
  const auto column = [&](std::string_view name) {
    const auto at = std::find_if(result.columns.begin(), result.columns.end(),
                                 [&](const auto& c) { return c.name == name; });
    return static_cast<std::size_t>(at - result.columns.begin());
  };
  std::vector<std::pair<int, std::string>> key;
  for (const auto& row : result.rows) {
    const std::string name = Text(row, column("column_name"));
    if (!name.empty()) key.emplace_back(Number(row, column("key_seq")).value_or(0), name);
  }
  std::stable_sort(key.begin(), key.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& entry : key) names.push_back(std::move(entry.second));
  return names;
}

}  // namespace sluice::redshift
