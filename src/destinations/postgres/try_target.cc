#include "destinations/postgres/try_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "destinations/history_columns.h"
#include "destinations/postgres/pg_dialect.h"
#include "destinations/postgres/sql_text.h"
#include "destinations/postgres/table_names.h"
#include "destinations/postgres/target_table.h"

namespace sluice::destinations::postgres {
namespace {

std::string Joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

// Whether the role may do what only an owner may.
bool IsOwners(Session& session, const model::TableName& table, const Task& task,
              const base::Call& call) {
  return !session
              .Ask(fmt::format(
                       "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                       "WHERE n.nspname = {} AND c.relname = {} AND pg_has_role(c.relowner, "
                       "'USAGE')",
                       QuoteText(table.schema), QuoteText(table.table)),
                   task, call)
              .empty();
}

// The columns of the table that a load writes, quoted: those of the stream, and under merge all
// others that the server does not fill.
std::vector<std::string> Written(const model::StreamTarget& target, const SchemaPlan& plan,
                                 const Standing& standing) {
  std::vector<std::string> columns;
  for (const ExistingColumn& column : standing.table.columns) {
    const auto& lands = plan.lands_in;
    const auto& by_server = standing.filled_by_server;
    const bool ours = std::find(lands.begin(), lands.end(), column.name) != lands.end();
    const bool others =
        model::MeetsByKey(target.write_mode) &&
        std::find(by_server.begin(), by_server.end(), column.name) == by_server.end();
    if (ours || others) columns.push_back(QuoteName(column.name));
  }
  return columns;
}

// The table stays and takes rows.
void TryRows(Session& session, const model::StreamTarget& target, const SchemaPlan& plan,
             const Standing& standing, const Task& task, const base::Call& call) {
  const std::string table = QuoteTable(target.table);
  const std::vector<std::string> columns = Written(target, plan, standing);
  const auto explain = [&](const std::string& sql) { session.Run("EXPLAIN " + sql, task, call); };
  const bool merges = model::MeetsByKey(target.write_mode);
  const bool history = target.write_mode == model::WriteMode::kHistory;
  if (!columns.empty()) {
    const std::vector<std::string> nulls(columns.size(), "NULL");
    explain(merges
                ? fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM {0}", table, Joined(columns))
                : fmt::format("INSERT INTO {} ({}) VALUES ({})", table, Joined(columns),
                              Joined(nulls)));
  }
  if (merges) {
    std::vector<std::string> sets;
    for (const std::string& column : columns) sets.push_back(column + " = " + column);
    if (!sets.empty()) explain(fmt::format("UPDATE {} SET {}", table, Joined(sets)));
  }
  // Under history rows end, and none goes.
  if ((merges && !history) || plan.table == SchemaPlan::Table::kEmpty)
    explain("DELETE FROM " + table);
}

}  // namespace

model::Landing TryTarget(Session& session, const model::StreamTarget& target, const Task& task,
                         const base::Call& call) {
  const bool fresh = MakeSchema(session, target.table.schema, task, call);
  const Standing standing = fresh ? Standing() : ReadStanding(session, target, task, call);
  const SchemaPlan plan = PlanSchema(target, standing.table, TheDialect());
  model::Landing landing = LandingOf(target, standing.table, plan, TheDialect());
  const bool alters = !plan.added.empty() || !plan.widened.empty();
  switch (plan.table) {
    case SchemaPlan::Table::kCreate:
      session.Run(CreateText(target.table, ColumnsThere(target)), task, call);
      return landing;
    case SchemaPlan::Table::kReplace: {
      const OwnTables own = OwnTablesOf(target.stream, target.table.schema);
      DropLeftovers(session, own, task, call);
      session.Run(CreateText(own.fresh, target.columns), task, call);
      return landing;
    }
    case SchemaPlan::Table::kEmpty:
    case SchemaPlan::Table::kKeep: break;
  }
  TryRows(session, target, plan, standing, task, call);
  if (alters && !IsOwners(session, target.table, task, call)) {
    throw session.Refusal("42501", "must be owner of table " + target.table.table, task);
  }
  return landing;
}

void TryState(Session& session, const Task& task, const base::Call& call) {
  for (const char* sql : {"SELECT stream FROM _sluice.state", "DELETE FROM _sluice.state",
                          "INSERT INTO _sluice.state SELECT * FROM _sluice.state"}) {
    session.Run(std::string("EXPLAIN ") + sql, task, call);
  }
}

}  // namespace sluice::destinations::postgres
