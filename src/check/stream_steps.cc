// Whether every selected stream can be read, and if not, whose grant is missing.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "check/steps.h"
#include "redshift/access.h"
#include "redshift/catalog.h"
#include "redshift/identity.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/select.h"
#include "redshift/sqlstate.h"

namespace sluice::check {
namespace {

using redshift::TableAccess;

std::string SubjectOf(const model::Stream& stream) { return "stream " + stream.name; }

std::string Columns(std::size_t count) {
  return fmt::format("{} column{} can be read", count, count == 1 ? "" : "s");
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// The columns and their types from the catalog or the query, the right from the empty select
// itself: for what the catalog's functions do not know.
std::string ReadStream(Checker& checker, const model::Stream& stream) {
  const auto columns = redshift::DescribeStream(*checker.session, checker.options.database, stream,
                                                checker.NewCall());
  if (stream.table) {
    redshift::DescribeSelect(*checker.session, redshift::BuildSelect(stream, columns) + " LIMIT 0",
                             checker.NewCall());
  }
  return Columns(columns.size());
}

// `what`, whose failure is told as the stream's.
template <typename What>
void Attempt(Checker& checker, const model::Stream& stream, What&& what) {
  try {
    checker.Report("streams.ok", what(), SubjectOf(stream));
  } catch (...) {
    if (checker.stopped()) return;
    checker.ReportFailure(Step::kStreams, SubjectOf(stream));
  }
}

std::string DidYouMean(const std::optional<std::string>& nearest) {
  return nearest ? "Did you mean " + *nearest + "?\n" : "";
}

std::optional<std::string> NearestTable(Checker& checker, const model::TableName& name) {
  try {
    std::vector<std::string> names;
    for (const auto& table : redshift::ListTables(*checker.session, checker.options.database,
                                                  name.schema, checker.NewCall())) {
      names.push_back(table.name.table);
    }
    const auto nearest = redshift::NearestName(name.table, names);
    return nearest ? std::optional(name.schema + "." + *nearest) : std::nullopt;
  } catch (const base::Error&) {
    return std::nullopt;  // the missing table is what there is to tell
  }
}

// Why a table cannot be read; sets the facts that its remedy needs.
std::string_view Refusal(Checker& checker, const TableAccess& table, std::string& seen) {
  auto& facts = checker.facts;
  facts["schema"] = table.name.schema;
  facts["table"] = table.name.table;
  facts["owner"] = table.owner;
  facts["grant_table"] = redshift::GrantStatements(
      {.user = checker.credentials->user, .schema = table.name.schema, .table = table.name.table});
  const std::string& user = checker.credentials->user;
  if (!table.others.empty() && !(table.schema_usage && table.select)) {
    facts["other_user"] = table.others.front();
    seen = fmt::format("{} may be read by {}, not by {}", table.name.ToString(),
                       table.others.front(), user);
    return "streams.granted_to_other";
  }
  if (!table.schema_exists) {
    seen = fmt::format("there is no schema {}", table.name.schema);
    return "streams.no_schema";
  }
  if (!table.schema_usage) {
    seen = fmt::format("{} has no USAGE on schema {}", user, table.name.schema);
    return "streams.no_usage";
  }
  if (!table.table_exists) {
    seen = fmt::format("there is no table {}", table.name.ToString());
    return "streams.no_table";
  }
  seen = fmt::format("{} has no SELECT on {}", user, table.name.ToString());
  return table.sibling.empty() ? "streams.no_select" : "streams.later_table";
}

void ReportRefusal(Checker& checker, const model::Stream& stream, const TableAccess& table,
                   const std::vector<std::string>& usable) {
  auto& facts = checker.facts;
  facts["usable"] = usable.empty() ? "no schema at all" : Joined(usable);
  facts["usable_note"] =
      usable.empty() ? "" : fmt::format(" This user may use {}.", Joined(usable));
  facts["did_you_mean"].clear();
  std::string seen;
  std::string_view id = Refusal(checker, table, seen);
  if (id == "streams.no_schema") {
    facts["did_you_mean"] = DidYouMean(redshift::NearestName(table.name.schema, usable));
  }
  if (id == "streams.no_table") {
    facts["did_you_mean"] = DidYouMean(NearestTable(checker, table.name));
  }
  const std::string& roles = checker.options.tag_db_roles;
  if (!roles.empty() && (id == "streams.no_usage" || id == "streams.no_select")) {
    id = "streams.roles_ignored";
    const std::string role = roles.substr(0, roles.find(':'));
    facts["grants_roles"] = "CREATE ROLE " + redshift::Ident(role) + ";\n" +
                            GrantBlock(checker, "ROLE " + redshift::Ident(role), "");
  }
  checker.Report(id, seen, SubjectOf(stream));
}

bool SelectsOnly(const model::Stream& stream, const std::vector<std::string>& granted) {
  return !stream.columns.empty() &&
         std::all_of(stream.columns.begin(), stream.columns.end(), [&](const auto& name) {
           return std::find(granted.begin(), granted.end(), name) != granted.end();
         });
}

void ReportColumnGrants(Checker& checker, const model::Stream& stream, const TableAccess& table,
                        const std::vector<std::string>& granted) {
  std::vector<std::string> missing;
  for (const auto& name : table.columns) {
    if (std::find(granted.begin(), granted.end(), name) == granted.end()) missing.push_back(name);
  }
  checker.facts["columns_granted"] = Joined(granted);
  checker.facts["columns_missing"] = Joined(missing);
  checker.facts["grant_table"] = redshift::GrantStatements(
      {.user = checker.credentials->user, .schema = table.name.schema, .table = table.name.table});
  checker.Report("streams.column_grants",
                 fmt::format("{} of {} columns may be read", granted.size(), table.columns.size()),
                 SubjectOf(stream));
}

std::vector<std::string> NamesOf(const redshift::TableDescription& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns) names.push_back(column.name);
  for (const auto& column : table.unknown) names.push_back(column.name);
  return names;
}

void JudgeTable(Checker& checker, const model::Stream& stream, const TableAccess& table,
                const std::vector<std::string>& usable) {
  const bool whole = table.schema_usage && table.table_exists && table.select;
  if (whole && table.readable) {
    return Attempt(checker, stream,
                   [&] { return Columns(redshift::ColumnsOf(stream, *table.readable).size()); });
  }
  // Late-binding views have no columns in the catalog, tables of data shares nothing but them.
  if (whole || (table.readable && !table.table_exists)) {
    return Attempt(checker, stream, [&] { return ReadStream(checker, stream); });
  }
  if (table.readable && table.schema_usage) {
    const auto granted = NamesOf(*table.readable);
    if (SelectsOnly(stream, granted)) {
      return Attempt(checker, stream,
                     [&] { return Columns(redshift::ColumnsOf(stream, *table.readable).size()); });
    }
    if (!granted.empty()) return ReportColumnGrants(checker, stream, table, granted);
  }
  ReportRefusal(checker, stream, table, usable);
}

// Names that people grant to instead of the one that AWS derives.
std::vector<std::string> LikelyUsers(const Checker& checker) {
  std::vector<std::string> users = {checker.credentials->user,
                                    redshift::StripDbUser(checker.credentials->user)};
  if (!checker.options.submitted_user.empty()) {
    users.push_back(checker.options.submitted_user);
    users.push_back(redshift::StripDbUser(checker.options.submitted_user));
  }
  return users;
}

void CheckTables(Checker& checker, const std::vector<const model::Stream*>& streams) {
  std::vector<model::TableName> names;
  for (const auto* stream : streams) names.push_back(*stream->table);
  std::optional<redshift::Access> access;
  try {
    access = redshift::LookUpAccess(*checker.session, checker.options.database, names,
                                    LikelyUsers(checker), checker.NewCall());
  } catch (const base::Error&) {
    if (checker.stopped()) return;  // else a workgroup that refuses the question: ask each table
  }
  for (std::size_t i = 0; i < streams.size() && !checker.stopped(); ++i) {
    if (access) {
      JudgeTable(checker, *streams[i], access->tables[i], access->usable_schemas);
    } else {
      Attempt(checker, *streams[i], [&] { return ReadStream(checker, *streams[i]); });
    }
  }
}

void CheckSchemas(Checker& checker) {
  const auto schemas =
      redshift::ListSchemas(*checker.session, checker.options.database, checker.NewCall());
  if (schemas.empty()) {
    checker.Report("streams.none_visible",
                   fmt::format("user {} sees no schema", checker.credentials->user));
  } else {
    checker.Report("streams.ok", fmt::format("{} schema{} can be seen", schemas.size(),
                                             schemas.size() == 1 ? "" : "s"));
  }
}

}  // namespace

void CheckStreams(Checker& checker) {
  if (checker.options.streams.empty()) return CheckSchemas(checker);
  std::vector<const model::Stream*> tables;
  const auto flush = [&] {
    if (!tables.empty()) CheckTables(checker, tables);
    tables.clear();
  };
  for (const auto& stream : checker.options.streams) {
    if (!stream.table) continue;
    tables.push_back(&stream);
    if (tables.size() == redshift::kTablesPerLookUp) flush();
  }
  flush();
  for (const auto& stream : checker.options.streams) {
    if (stream.table || checker.stopped()) continue;
    Attempt(checker, stream, [&] { return ReadStream(checker, stream); });
  }
}

}  // namespace sluice::check
