#include "redshift/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "redshift/quoting.h"
#include "redshift/shape.h"
#include "redshift/stream_column.h"
#include "redshift/text/query_text.h"
#include "redshift/types.h"

namespace sluice::redshift {
namespace {

[[noreturn]] void RefuseQuery(const std::string& subject, std::string message, std::string remedy) {
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
  return *expression + " AS " + Ident(LandingName(stream, column.name));
}

// A query's columns are renamed by position, so that one which repeats a name can be read; with a
// selection that is not possible, and DescribeStream lets through only names that occur once.
// https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_clause30.html
std::string FromQuery(const model::Stream& stream, const std::vector<model::Column>& columns) {
  std::string from = AsDerivedTable(*stream.sql, "stream " + stream.name);
  if (ChoosesByName(stream)) return from;
  std::string list;
  const auto add = [&](const std::string& name) {
    list += (list.empty() ? "" : ", ") + Ident(name);
  };
  if (stream.shape.made.empty()) {
    for (const auto& column : columns) add(column.name);
  } else {
    // Those that a shape adds are not the query's.
    for (const auto& name : stream.shape.source_names) add(name);
  }
  return from + " (" + list + ")";
}

std::string From(const model::Stream& stream, const std::vector<model::Column>& columns,
                 const std::vector<model::Column>& needed, Salt salt) {
  if (stream.table.has_value() == stream.sql.has_value()) {
    RefuseQuery("stream " + stream.name, "it needs either a table or a query",
                "Give the stream `table: schema.name` or `sql: ...`, not both.");
  }
  const std::string from = stream.table ? Ident(*stream.table) : FromQuery(stream, columns);
  return IsDerived(stream.shape) ? DerivedTable(stream.shape, from, needed, salt) : from;
}

std::string Select(const model::Stream& stream, const std::vector<model::Column>& columns,
                   const std::vector<model::Column>& wanted, std::string_view condition,
                   Salt salt) {
  const bool some_filtered = !condition.empty();
  const std::string from = From(stream, columns, some_filtered ? columns : wanted, salt);
  std::string items;
  for (const auto& column : wanted) items += (items.empty() ? "" : ", ") + Item(stream, column);
  std::string select = "SELECT " + items + " FROM " + from;
  if (!condition.empty()) select += " WHERE " + std::string(condition);
  return select;
}

std::vector<model::Column> Keys(const model::Stream& stream,
                                const std::vector<model::Column>& columns,
                                const std::vector<std::string>& keys) {
  std::vector<model::Column> found;
  for (const auto& key : keys) {
    found.push_back(StreamColumn(stream, columns, key, "primary_key"));
  }
  return found;
}

std::string SelectAll(const model::Stream& stream, const std::vector<model::Column>& columns,
                      std::string_view condition, Salt salt) {
  if (columns.empty()) {
    From(stream, columns, columns, salt);
    RefuseQuery("stream " + stream.name, "it has no column", "Select at least one column.");
  }
  return Select(stream, columns, columns, condition, salt);
}

}  // namespace

bool ChoosesByName(const model::Stream& stream) {
  const auto& rules = stream.shape.rules;
  return !stream.columns.empty() || std::any_of(rules.begin(), rules.end(), [](const auto& rule) {
    return rule.kind == model::ShapeRule::Kind::kExclude;
  });
}

std::string AsDerivedTable(std::string_view sql, std::string_view subject) {
  const auto query = ReadQuery(sql);
  if (const auto* refused = std::get_if<QueryProblem>(&query)) {
    RefuseQuery(std::string(subject),
                fmt::format("the query {} (line {}, column {})", refused->problem, refused->line,
                            refused->column),
                refused->remedy);
  }
  return "(" + std::get<std::string>(query) + "\n) AS " + kStreamAlias;
}

std::string FromClause(const model::Stream& stream, const std::vector<model::Column>& columns,
                       const std::vector<std::string>& needed) {
  std::vector<model::Column> wanted;
  for (const auto& column : columns) {
    if (std::find(needed.begin(), needed.end(), column.name) != needed.end()) {
      wanted.push_back(column);
    }
  }
  return From(stream, columns, wanted, Salt::kHidden);
}

std::string FromClause(const model::Stream& stream, const std::vector<model::Column>& columns) {
  return From(stream, columns, columns, Salt::kHidden);
}

std::string BuildSelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                        std::string_view condition) {
  return SelectAll(stream, columns, condition, Salt::kHidden);
}

base::Secret BuildSelectToRun(const model::Stream& stream,
                              const std::vector<model::Column>& columns,
                              std::string_view condition) {
  return base::Secret(SelectAll(stream, columns, condition, Salt::kRevealed));
}

std::string BuildKeySelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const std::vector<std::string>& keys) {
  return Select(stream, columns, Keys(stream, columns, keys), "", Salt::kHidden);
}

base::Secret BuildKeySelectToRun(const model::Stream& stream,
                                 const std::vector<model::Column>& columns,
                                 const std::vector<std::string>& keys) {
  return base::Secret(Select(stream, columns, Keys(stream, columns, keys), "", Salt::kRevealed));
}

}  // namespace sluice::redshift
