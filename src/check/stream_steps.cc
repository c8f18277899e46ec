// Whether every selected stream can be read, and if not, whose grant is missing.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "check/steps.h"
#include "redshift/access.h"
#include "redshift/catalog.h"
#include "redshift/identity.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/sqlstate.h"
#include "sync/plan.h"

namespace sluice::check {
namespace {

using base::ErrorCode;
using redshift::TableAccess;

std::string SubjectOf(const model::Stream& stream) { return "stream " + stream.name; }

Facts FactsOfStream(const model::Stream& stream) {
  if (!stream.table) return {};
  return {{"schema", stream.table->schema},
          {"table", stream.table->table},
          {"relation", redshift::Ident(*stream.table)}};
}

std::string Columns(std::size_t count) {
  return fmt::format("{} column{} can be read", count, count == 1 ? "" : "s");
}

// A stream whose right to be read nothing but reading can show.
struct Unproven {
  const model::Stream* stream;
  std::string select;  // of its plan
  std::size_t columns;
  bool is_view;
};

// What the streams' plans share.
struct Plans {
  Checker& checker;
  destinations::Destination* destination;  // null: it cannot be opened
  sync::RunCatalog catalog;
  std::vector<Unproven> unproven;
};

enum class Right { kProven, kView, kUnknown };

// Names that the stream's modes do not use may still be misspelt.
void ReportIgnored(Checker& checker, const sync::StreamPlan& plan) {
  for (const auto& [field, name] : sync::ColumnsIgnored(plan.stream)) {
    const auto& columns = plan.columns_read();
    const bool there = std::any_of(columns.begin(), columns.end(),
                                   [&](const auto& column) { return column.name == name; });
    if (there) continue;
    checker.Report("streams.column_ignored",
                   fmt::format("{} names {}, which the stream does not bring", field, name),
                   SubjectOf(plan.stream), {{"field", field}, {"column", name}});
  }
}

sync::Foreseen Foresee(Plans& plans, const model::Stream& stream,
                       destinations::Destination* destination) {
  Checker& checker = plans.checker;
  return sync::Foresee(*checker.session, plans.catalog, destination, stream, checker.options.sync,
                       checker.parts.clock.Utc(), checker.NewCall());
}

// What a view's text reads is told as the view's own fault.
base::ErrorInfo OfView(base::ErrorInfo error) {
  if (error.code == base::ErrorCode::kNotFound) error.reason = "view_broken";
  if (error.code == base::ErrorCode::kPermission) error.reason = "view_denied";
  return error;
}

// The very plan of a sync.
void PlanStream(Plans& plans, const model::Stream& stream, Right right) {
  Checker& checker = plans.checker;
  sync::Foreseen foreseen = Foresee(plans, stream, plans.destination);
  if (foreseen.error && foreseen.at_destination) {
    checker.KeepFailure(*std::exchange(foreseen.error, std::nullopt), SubjectOf(stream));
    // The destination refused before the stream was looked at.
    if (!foreseen.plan) foreseen = Foresee(plans, stream, nullptr);
  }
  if (foreseen.error) {
    // A plan asks a view for its types by reading it.
    const bool of_view = right == Right::kView && (foreseen.error->reason == "no_table" ||
                                                   foreseen.error->reason == "no_schema" ||
                                                   foreseen.error->code == ErrorCode::kPermission);
    return checker.ReportFailure(Step::kStreams,
                                 of_view ? OfView(*foreseen.error) : *foreseen.error,
                                 SubjectOf(stream), FactsOfStream(stream));
  }
  ReportIgnored(checker, *foreseen.plan);
  for (const auto& warning : foreseen.plan->warnings) {
    checker.Report("streams.may_lose_rows", warning, SubjectOf(stream));
  }
  const std::size_t columns = foreseen.plan->target.columns.size();
  if (right == Right::kProven) {
    return checker.Report("streams.ok", Columns(columns), SubjectOf(stream));
  }
  plans.unproven.push_back({&stream, foreseen.plan->select, columns, right == Right::kView});
}

bool ProveTogether(Checker& checker, const std::vector<Unproven>& unproven) {
  std::string statement;
  for (const auto& one : unproven) {
    statement += fmt::format("{}SELECT 1 AS one FROM ({}) AS sluice_stream WHERE 1 = 0",
                             statement.empty() ? "" : " UNION ALL ", one.select);
  }
  try {
    checker.session->Query(statement, checker.NewCall());
    return true;
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::kCancelled) throw;
    return false;
  }
}

void ProveOne(Checker& checker, const Unproven& one) {
  const model::Stream& stream = *one.stream;
  try {
    redshift::DescribeSelect(*checker.session, one.select + " LIMIT 0", checker.NewCall());
    checker.Report("streams.ok", Columns(one.columns), SubjectOf(stream));
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::kCancelled) throw;
    checker.ReportFailure(Step::kStreams, one.is_view ? OfView(error.info()) : error.info(),
                          SubjectOf(stream), FactsOfStream(stream));
  }
}

// The server looks at a view's text when it is read, and not before: one statement for all of them,
// and one for each if that fails.
void ProveReadable(Checker& checker, const std::vector<Unproven>& unproven) {
  if (unproven.size() > 1 && ProveTogether(checker, unproven)) {
    for (const auto& one : unproven) {
      checker.Report("streams.ok", Columns(one.columns), SubjectOf(*one.stream));
    }
    return;
  }
  for (const auto& one : unproven) ProveOne(checker, one);
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

// Why a table cannot be read; adds the facts that its remedy needs.
std::string_view Refusal(const Checker& checker, const TableAccess& table, std::string& seen,
                         Facts& facts) {
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
  Facts facts;
  facts["usable"] = usable.empty() ? "no schema at all" : Joined(usable);
  facts["usable_note"] =
      usable.empty() ? "" : fmt::format(" This user may use {}.", Joined(usable));
  facts["did_you_mean"] = "";
  std::string seen;
  std::string_view id = Refusal(checker, table, seen, facts);
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
  checker.Report(id, seen, SubjectOf(stream), std::move(facts));
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
  checker.Report("streams.column_grants",
                 fmt::format("{} of {} columns may be read", granted.size(), table.columns.size()),
                 SubjectOf(stream),
                 {{"columns_granted", Joined(granted)},
                  {"columns_missing", Joined(missing)},
                  {"grant_table", redshift::GrantStatements({.user = checker.credentials->user,
                                                             .schema = table.name.schema,
                                                             .table = table.name.table})}});
}

std::vector<std::string> NamesOf(const redshift::TableDescription& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns) names.push_back(column.name);
  for (const auto& column : table.unknown) names.push_back(column.name);
  return names;
}

void JudgeTable(Plans& plans, const model::Stream& stream, TableAccess& table,
                const std::vector<std::string>& usable) {
  const bool whole = table.schema_usage && table.table_exists && table.select;
  const auto plan_as_told = [&](Right right) {
    plans.catalog.Know(std::move(*table.readable));
    PlanStream(plans, stream, right);
  };
  if (whole && table.readable && !table.is_view) return plan_as_told(Right::kProven);
  if (whole) return PlanStream(plans, stream, Right::kView);
  // Tables of data shares have nothing but columns in the catalog.
  if (table.readable && !table.table_exists) return PlanStream(plans, stream, Right::kUnknown);
  if (table.readable && table.schema_usage) {
    const auto granted = NamesOf(*table.readable);
    if (SelectsOnly(stream, granted)) return plan_as_told(Right::kProven);
    if (!granted.empty()) return ReportColumnGrants(plans.checker, stream, table, granted);
  }
  ReportRefusal(plans.checker, stream, table, usable);
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

void CheckTables(Plans& plans, const std::vector<const model::Stream*>& streams) {
  Checker& checker = plans.checker;
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
      JudgeTable(plans, *streams[i], access->tables[i], access->usable_schemas);
    } else {
      PlanStream(plans, *streams[i], Right::kUnknown);
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

void PlanAll(Plans& plans) {
  const auto& streams = plans.checker.streams;
  std::vector<const model::Stream*> tables;
  const auto flush = [&] {
    if (!tables.empty()) CheckTables(plans, tables);
    tables.clear();
  };
  for (const auto& stream : streams) {
    if (!stream.table) continue;
    tables.push_back(&stream);
    if (tables.size() == redshift::kTablesPerLookUp) flush();
  }
  flush();
  for (const auto& stream : streams) {
    if (stream.table || plans.checker.stopped()) continue;
    PlanStream(plans, stream, Right::kProven);  // its columns were asked for by reading it
  }
  if (!plans.checker.stopped()) ProveReadable(plans.checker, plans.unproven);
}

// What the patterns of the configuration stand for today. False: for nothing, which is told.
bool ChooseStreams(Checker& checker) {
  sync::ChosenStreams chosen;
  try {
    chosen = checker.parts.choose_streams(*checker.session, checker.NewCall());
  } catch (const base::Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    checker.ReportFailure(Step::kStreams);
    return false;
  }
  checker.streams = std::move(chosen.streams);
  for (const auto& pattern : chosen.no_match) {
    checker.Report("streams.no_match", "no table is chosen by " + pattern, "tables " + pattern,
                   {{"pattern", pattern}});
  }
  for (const auto& table : chosen.new_tables) {
    checker.Report(
        "streams.new_table",
        fmt::format("{} came after the last sync, and {} takes it", table.stream, table.pattern),
        "stream " + table.stream, {{"pattern", table.pattern}});
  }
  for (const auto& table : chosen.not_taken) {
    checker.Report("streams.not_taken",
                   fmt::format("{} came after the first sync, and {} only tells of it",
                               table.stream, table.pattern),
                   "table " + table.stream, {{"pattern", table.pattern}, {"stream", table.stream}});
  }
  for (const auto& table : chosen.gone) {
    checker.Report("streams.gone",
                   fmt::format("{} was synced, and the source has it no more", table.stream),
                   "stream " + table.stream, {{"pattern", table.pattern}});
  }
  for (const auto& clash : sync::TargetClashes(checker.streams, checker.options.sync)) {
    // Of those that are written down it was told before.
    const bool told = !sync::TargetClashes(checker.options.streams, checker.options.sync).empty();
    if (!told) checker.ReportFailure(Step::kStreams, clash);
  }
  return true;
}

}  // namespace

void CheckStreams(Checker& checker) {
  if (checker.options.has_patterns && !ChooseStreams(checker)) return;
  if (checker.streams.empty()) return CheckSchemas(checker);
  WithDestination(checker, [&](destinations::Destination* destination) {
    Plans plans{.checker = checker,
                .destination = destination,
                .catalog = {checker.streams, checker.options.database, checker.parts.clock},
                .unproven = {}};
    PlanAll(plans);
  });
}

}  // namespace sluice::check
