// What a workgroup holds and what we may read of it. Every statement is billed, so each answer
// costs one, and nothing is asked twice. Any Session; errors are the Session's, unless said.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_ALL_COLUMNS.html
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "model/types.h"
#include "redshift/session.h"

namespace sluice::redshift {

struct LoginIdentity {
  std::string user;
  std::optional<bool> superuser;  // nullopt: pg_user could not be read
  std::string database;
  std::string version;  // "1.0.436211"; empty if version() does not name Redshift
};
LoginIdentity WhoAmI(Session& session, const base::Call& call);

struct SchemaInfo {
  std::string name;
  std::string type;  // "local", "shared", "external"
};
// Those we can see, without the system's own. If svv_all_schemas is denied, those in which
// something can be seen; kPermission if that cannot be asked either.
std::vector<SchemaInfo> ListSchemas(Session& session, std::string_view database,
                                    const base::Call& call);

struct TableInfo {
  model::TableName name;
  std::string type;  // "TABLE", "VIEW", "EXTERNAL TABLE", ...
  std::string remarks;
};
// Those we can see, without the storage of materialized views (mv_tbl__...). If svv_all_tables is
// denied, those with columns that we can see, without type; else kPermission.
std::vector<TableInfo> ListTables(Session& session, std::string_view database,
                                  std::string_view schema, const base::Call& call);

struct UnknownColumn {
  std::string name;
  std::string data_type;  // as the catalog spells it
};
struct TableDescription {
  model::TableName name;
  std::string kind;                    // as TableInfo::type; empty if the catalog does not tell
  std::vector<model::Column> columns;  // in the table's order
  std::vector<UnknownColumn> unknown;  // of types we do not know
};
// One statement for all; two if svv_all_tables is denied, whose word on their kind is then missing.
// A table that does not exist or is invisible is absent from the answer. Empty `tables`: all of the
// schema. Throws kPermission if svv_all_columns is denied.
std::map<std::string, TableDescription> DescribeTables(Session& session, std::string_view database,
                                                       std::string_view schema,
                                                       const std::vector<std::string>& tables,
                                                       const base::Call& call);

// A row of svv_all_columns, in the order that DescribeTables asks for, into `table`.
void AddCatalogColumn(const std::vector<std::optional<std::string>>& row, TableDescription& table);

// Columns of any select, from the row description of its empty result: the final word on existence,
// privilege, names and types, also for data shares and late-binding views.
// Throws kUnsupported, naming the column, for a type we do not know.
std::vector<model::Column> DescribeSelect(Session& session, std::string_view select,
                                          const base::Call& call);

// Whether the zero-row select must tell the types of what `stream` reads of it: a view's, which the
// catalog may know without precision or length, or as they were when it was made; and those that it
// leaves open. False: the catalog's word is final.
bool NeedsSelect(const model::Stream& stream, const TableDescription& description);

// The same of the stream's table: all of its columns, or its selection of them.
std::vector<model::Column> DescribeEmptySelect(Session& session, const model::Stream& stream,
                                               const base::Call& call);

// A type whose precision or length is not told, where it has one.
bool IsOpenType(const model::Type& type);

// The columns that `stream` will bring, in order: of its table or query, or its selection of them.
// Names that a query repeats get _2, _3, ... One statement for a table that the catalog shows or a
// query, two for a view, or for what the catalog does not show or is denied. Throws kNotFound for a
// table or column that does not exist, naming it and the nearest that does; kPermission with the
// GRANT to run; kUnsupported for a column that cannot be read (HLLSKETCH, or a type we do not
// know), with the selection that leaves it out; kInvalidConfig for a selected name that the query
// has twice, or a query that is not one SELECT.
std::vector<model::Column> DescribeStream(Session& session, std::string_view database,
                                          const model::Stream& stream, const base::Call& call);
// The same with what DescribeTables told of its table; nullptr if that was nothing. No statement
// for a table, one for what NeedsSelect; for nothing one, and those of the nearest names after a
// failure.
std::vector<model::Column> DescribeKnown(Session& session, std::string_view database,
                                         const model::Stream& stream,
                                         const TableDescription* description,
                                         const base::Call& call);
// The same from a description alone: no statement is sent, and its types are taken as they are.
std::vector<model::Column> ColumnsOf(const model::Stream& stream,
                                     const TableDescription& description);

// The declared key, in order. Informational in Redshift: duplicates may exist under it. Empty if
// there is none, or if the server refuses to tell.
std::vector<std::string> PrimaryKey(Session& session, std::string_view database,
                                    const model::TableName& table, const base::Call& call);

}  // namespace sluice::redshift
