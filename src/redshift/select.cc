#include "redshift/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "redshift/quoting.h"
#include "redshift/stream_column.h"
#include "redshift/text/query_text.h"
#include "redshift/types.h"

namespace sluice::redshift {
namespace {

[[noreturn]] void Refuse(const std::string& subject, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "write the select",
                     .subject = subject,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

std::string Item(const model::Stream& stream, const model::Column& column) {
  const std::string identifier = Ident(column.name);
  const auto expression = Projection(column.type, identifier);
  if (!expression) {
    throw base::Error(
        {.code = base::ErrorCode::kUnsupported,
         .operation = "write the select",
         .subject = "stream " + stream.name + ", column " + column.name,
         .message = "type " + model::ToString(column.type) + " cannot be unloaded to Parquet",
         .remedy = "Leave the column out: list the others under `columns` of the "
                   "stream.",
         .reason = "unreadable_column"});
  }
  return *expression + " AS " + identifier;
}

// A query's columns are renamed by position, so that one which repeats a name can be read; with a
// selection that is not possible, and DescribeStream lets through only names that occur once.
// https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_clause30.html
std::string FromQuery(const model::Stream& stream, const std::vector<model::Column>& columns) {
  std::string from = AsDerivedTable(*stream.sql, "stream " + stream.name);
  if (!stream.columns.empty()) return from;
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + Ident(column.name);
  return from + " (" + list + ")";
}

}  // namespace

std::string AsDerivedTable(std::string_view sql, std::string_view subject) {
  const auto query = ReadQuery(sql);
  if (const auto* refused = std::get_if<QueryProblem>(&query)) {
    Refuse(std::string(subject),
           fmt::format("the query {} (line {}, column {})", refused->problem, refused->line,
                       refused->column),
           refused->remedy);
  }
  return "(" + std::get<std::string>(query) + "\n) AS " + kStreamAlias;
}

std::string FromClause(const model::Stream& stream, const std::vector<model::Column>& columns) {
  if (stream.table.has_value() == stream.sql.has_value()) {
    Refuse("stream " + stream.name, "it needs either a table or a query",
           "Give the stream `table: schema.name` or `sql: ...`, not both.");
  }
  return stream.table ? Ident(*stream.table) : FromQuery(stream, columns);
}

std::string BuildSelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                        std::string_view condition) {
  const std::string from = FromClause(stream, columns);
  if (columns.empty()) {
    Refuse("stream " + stream.name, "it has no column", "Select at least one column.");
  }
  std::string items;
  for (const auto& column : columns) {
    items += (items.empty() ? "" : ", ") + Item(stream, column);
  }
  std::string select = "SELECT " + items + " FROM " + from;
  if (!condition.empty()) select += " WHERE " + std::string(condition);
  return select;
}

std::string BuildKeySelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const std::vector<std::string>& keys) {
  std::string items;
  for (const auto& key : keys) {
    const model::Column& column = StreamColumn(stream, columns, key, "primary_key");
    items += (items.empty() ? "" : ", ") + Item(stream, column);
  }
  return "SELECT " + items + " FROM " + FromClause(stream, columns);
}

}  // namespace sluice::redshift
