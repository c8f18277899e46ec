#include "destinations/postgres/target_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "destinations/history_columns.h"
#include "destinations/merge_refusals.h"
#include "destinations/own_schema.h"
#include "destinations/postgres/pg_dialect.h"
#include "destinations/postgres/pg_type.h"
#include "destinations/postgres/sql_text.h"
#include "destinations/sql/merge_text.h"
#include "destinations/target_check.h"

namespace sluice::destinations::postgres {
namespace {

[[noreturn]] void ThrowNameTaken(const model::TableName& table, std::string_view what) {
  ThrowUnsupported("table " + table.ToString(), fmt::format("{} of that name exists", what),
                   "Drop or rename it, or load into another schema.", "name_taken");
}

void CheckColumns(const model::StreamTarget& target) {
  static constexpr std::array<std::string_view, 6> kSystemColumns{"ctid", "xmin",     "xmax",
                                                                  "cmin", "tableoid", "cmax"};
  const std::string subject = "table " + target.table.ToString();
  constexpr const char* kRename = "Rename it in a query (`sql: SELECT ... AS ...`).";
  std::set<std::string> seen;
  for (const model::Column& column : target.columns) {
    QuoteName(column.name);
    TypeOf(column);
    if (!seen.insert(column.name).second) {
      ThrowUnsupported(subject, fmt::format("two columns have the name {}", column.name), kRename);
    }
    if (std::find(kSystemColumns.begin(), kSystemColumns.end(), column.name) !=
        kSystemColumns.end()) {
      ThrowUnsupported(subject,
                       fmt::format("PostgreSQL keeps the column name {} for itself", column.name),
                       kRename);
    }
  }
}

void CheckMerge(const model::StreamTarget& target) {
  RequireMergeColumns(target);
  RequireOwnNames(target, TheDialect());
  for (const std::string& name : target.primary_key) {
    for (const model::Column& column : target.columns) {
      if (column.name != name || column.type.kind != model::TypeKind::kSuper) continue;
      ThrowUnsupported("stream " + target.stream,
                       fmt::format("column {}, its primary key, is a SUPER, and JSON texts have no "
                                   "order or equality in PostgreSQL",
                                   name),
                       "Choose another `primary_key`.");
    }
  }
}

std::string_view KindName(std::string_view relkind) {
  if (relkind == "v") return "a view";
  if (relkind == "m") return "a materialized view";
  if (relkind == "f") return "a foreign table";
  if (relkind == "S") return "a sequence";
  if (relkind == "i" || relkind == "I") return "an index";
  if (relkind == "c") return "a type";
  return "something else than a table";
}

// Every table is a type, too, so the name of a domain or an enum is taken. (Types of arrays give
// way to it.)
void CheckNoType(Session& session, const model::TableName& table, const Task& task,
                 const base::Call& call) {
  const Rows rows = session.Ask(
      fmt::format(
          "SELECT t.typtype FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE "
          "n.nspname = {} AND t.typname = {} AND t.typcategory <> 'A'",
          QuoteText(table.schema), QuoteText(table.table)),
      task, call);
  if (!rows.empty()) ThrowNameTaken(table, rows[0][0] == "d" ? "a domain" : "a type");
}

// One row per column, each with what is to be known of the table: kind, whether something would be
// lost with it, whether it has child tables, then the column's name, type, and whether the server
// fills it. What would be lost: whatever depends on it or was added to it, its texts, its place in
// a publication, and what only its owner may give.
std::string StandingText(const model::TableName& table) {
  return fmt::format(
      "SELECT c.relkind, c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) "
      "OR c.relrowsecurity OR c.relpersistence <> 'p' "
      "OR EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'n' AND "
      "(d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid OR "
      "d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype)) "
      "OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND NOT i.indisprimary) "
      "OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'p' AND "
      "k.contype <> 'n') "
      "OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal) "
      "OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid) "
      "OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) "
      "OR EXISTS (SELECT FROM pg_publication_rel p WHERE p.prrelid = c.oid) "
      "OR EXISTS (SELECT FROM pg_statistic_ext x WHERE x.stxrelid = c.oid) "
      "OR EXISTS (SELECT FROM pg_attrdef f WHERE f.adrelid = c.oid) "
      "OR EXISTS (SELECT FROM pg_description m WHERE m.classoid = 'pg_class'::regclass AND "
      "m.objoid = c.oid) "
      "OR EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attacl IS NOT NULL), "
      "c.relkind = 'p' OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid), "
      "EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid), "
      "a.attname, format_type(a.atttypid, a.atttypmod), "
      "a.attidentity <> '' OR a.attgenerated <> '' "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
      "WHERE n.nspname = {} AND c.relname = {} ORDER BY a.attnum",
      QuoteText(table.schema), QuoteText(table.table));
}

// Decimals of another scale fit a table without rows.
bool NeedsEmpty(const model::StreamTarget& target) {
  return target.write_mode != model::WriteMode::kOverwrite &&
         std::any_of(target.columns.begin(), target.columns.end(), [](const model::Column& c) {
           return c.type.kind == model::TypeKind::kDecimal;
         });
}

bool IsTrue(const std::optional<std::string>& cell) { return cell == "t"; }

}  // namespace

void CheckTarget(const model::StreamTarget& target) {
  RequireTable(target);
  const std::string& schema = target.table.schema;
  if (schema == "information_schema" || schema.starts_with("pg_")) {
    ThrowReservedSchema(target, "PostgreSQL's own");
  }
  QuoteTable(target.table);
  CheckColumns(target);
  if (model::MeetsByKey(target.write_mode)) CheckMerge(target);
}

Standing ReadStanding(Session& session, const model::StreamTarget& target, const Task& task,
                      const base::Call& call) {
  Standing standing;
  const Rows rows = session.Ask(StandingText(target.table), task, call);
  if (rows.empty()) {
    CheckNoType(session, target.table, task, call);
    return standing;
  }
  const std::string kind = rows[0][0].value_or("");
  if (kind != "r" && kind != "p") ThrowNameTaken(target.table, KindName(kind));
  if (IsTrue(rows[0][2]) && model::MeetsByKey(target.write_mode)) {
    ThrowUnsupported(
        task.subject,
        "it has partitions or child tables, and Sluice does not merge into such a table",
        "Load into a table of its own, or set `write_mode: append`.");
  }
  standing.table.must_stay = IsTrue(rows[0][1]) || IsTrue(rows[0][2]) || IsTrue(rows[0][3]);
  for (const auto& row : rows) {
    if (!row[4]) continue;
    standing.table.columns.push_back({*row[4], row[5].value_or("")});
    if (IsTrue(row[6])) standing.filled_by_server.push_back(*row[4]);
  }
  if (NeedsEmpty(target)) {
    standing.table.empty =
        session.Ask(fmt::format("SELECT 1 FROM {} LIMIT 1", QuoteTable(target.table)), task, call)
            .empty();
  }
  return standing;
}

bool MakeSchema(Session& session, const std::string& schema, const Task& task,
                const base::Call& call) {
  // Asked first: IF NOT EXISTS needs the right to make it even if it is there.
  if (!session.Ask("SELECT 1 FROM pg_namespace WHERE nspname = " + QuoteText(schema), task, call)
           .empty()) {
    return false;
  }
  session.Run("CREATE SCHEMA " + QuoteName(schema), task, call);
  return true;
}

std::string CreateText(const model::TableName& table, const std::vector<model::Column>& columns) {
  std::vector<std::string> list;
  // Nullable all the same: the parts are, and a table that refuses rows protects nobody here.
  for (const model::Column& column : columns) {
    list.push_back(QuoteName(column.name) + " " + TypeOf(column));
  }
  return fmt::format("CREATE TABLE {} ({})", QuoteTable(table), fmt::join(list, ", "));
}

std::string CreateStageText(const model::TableName& table,
                            const std::vector<model::Column>& columns) {
  return fmt::format("CREATE UNLOGGED TABLE {} ({}) WITH (autovacuum_enabled = off)",
                     QuoteTable(table), sql::MergeText::StageColumns(TheDialect(), columns));
}

void AlterTable(Session& session, const model::TableName& table, const SchemaPlan& plan,
                const Task& task, const base::Call& call) {
  std::vector<std::string> changes;
  for (const auto& [column, type] : plan.added) {
    changes.push_back(fmt::format("ADD COLUMN {} {}", QuoteName(column), type));
  }
  for (const auto& [column, type] : plan.widened) {
    changes.push_back(fmt::format("ALTER COLUMN {} TYPE {}", QuoteName(column), type));
  }
  if (changes.empty()) return;
  session.Run(fmt::format("ALTER TABLE {} {}", QuoteTable(table), fmt::join(changes, ", ")), task,
              call);
}

void Swap(Session& session, const OwnTables& own, const model::TableName& table, bool replace,
          const Task& task, const base::Call& call) {
  const std::string fresh = QuoteTable(own.fresh);
  if (replace) {
    const Rows grants = session.Ask(
        fmt::format(
            "SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, {}, CASE a.grantee WHEN 0 "
            "THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN "
            "a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM pg_class c JOIN "
            "pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) a WHERE "
            "n.nspname = {} AND c.relname = {} AND a.grantee <> c.relowner",
            QuoteText(fresh), QuoteText(table.schema), QuoteText(table.table)),
        task, call);
    for (const auto& row : grants) session.Run(row[0].value(), task, call);
    session.Run("DROP TABLE " + QuoteTable(table), task, call);
  }
  session.Run(fmt::format("ALTER TABLE {} RENAME TO {}", fresh, QuoteName(table.table)), task,
              call);
}

void DropLeftovers(Session& session, const OwnTables& own, const Task& task,
                   const base::Call& call) {
  const Rows found = session.Ask(
      fmt::format("SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
                  "c.relnamespace WHERE c.relkind = 'r' AND (n.nspname = {} AND c.relname IN ({}, "
                  "{}, {}) OR c.relname = {})",
                  QuoteText(kStateSchema), QuoteText(own.rows.table), QuoteText(own.keys.table),
                  QuoteText(own.actions.table), QuoteText(own.fresh.table)),
      task, call);
  for (const auto& row : found) {
    session.Run("DROP TABLE IF EXISTS " + QuoteTable({row[0].value_or(""), row[1].value_or("")}),
                task, call);
  }
}

std::string WhoHolds(Session& session, const model::TableName& table) {
  try {
    const Rows rows = session.Ask(
        fmt::format("SELECT a.pid, a.usename, a.application_name, "
                    "to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM "
                    "pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid "
                    "= l.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.granted "
                    "AND l.pid <> pg_backend_pid() AND n.nspname = {} AND c.relname = {} ORDER BY "
                    "a.xact_start LIMIT 1",
                    QuoteText(table.schema), QuoteText(table.table)),
        {.operation = "look who holds it", .subject = "table " + table.ToString()}, {});
    if (rows.empty()) return {};
    const auto& row = rows[0];
    return fmt::format("session {} (role {}, application '{}', in a transaction since {} UTC)",
                       row[0].value_or("?"), row[1].value_or("?"), row[2].value_or(""),
                       row[3].value_or("?"));
  } catch (const base::Error&) {
    return {};  // it would only have made the message better
  }
}

}  // namespace sluice::destinations::postgres
