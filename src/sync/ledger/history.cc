#include "sync/ledger/history.h"

#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "sqlite/sqlite.h"
#include "sync/ledger/known_table.h"
#include "sync/ledger/ledger_files.h"
#include "sync/ledger/ledger_lock.h"
#include "sync/ledger/ledger_schema.h"

namespace sluice::sync {
namespace {

base::ErrorInfo ExplainHistory(const std::filesystem::path& path, int code, std::string_view text) {
  const bool corrupt = code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR;
  return {.code = corrupt ? base::ErrorCode::kCorrupt : base::ErrorCode::kPermission,
          .operation = "read ledger",
          .subject = LedgerSubject(path),
          .message = std::string(text),
          .remedy = corrupt ? "If a newer sluice wrote it, use that one. Else: " +
                                  std::string(kMoveLedgerAway)
                            : "Make the file and its folder readable for this user."};
}

// A ledger of an older version, which the next sync brings up to date, lacks the last three.
std::string SelectAttempts(std::int64_t version, const char* where) {
  return std::string(
             "SELECT stream, attempt, state, prefix, began, committed, error, rows, bytes,"
             " inserted, updated, unchanged, deleted, skipped, watermark, ") +
         (version >= kLedgerHasFailures ? "subject, message, remedy" : "NULL, NULL, NULL") +
         " FROM attempt " + where;
}

AttemptRecord ReadAttempt(const sqlite::Statement& row) {
  return {.stream = row.Text(0),
          .attempt = row.Text(1),
          .state = row.Text(2),
          .prefix = row.Text(3),
          .began = row.Time(4),
          .committed = row.OptionalTime(5),
          .error = row.Text(6),
          .subject = row.Text(15),
          .message = row.Text(16),
          .remedy = row.Text(17),
          .rows = row.Unsigned(7),
          .bytes = row.Unsigned(8),
          .counts = {.inserted = row.Unsigned(9),
                     .updated = row.Unsigned(10),
                     .unchanged = row.Unsigned(11),
                     .deleted = row.Unsigned(12),
                     .skipped = row.Unsigned(13)},
          .watermark = row.OptionalText(14)};
}

std::vector<AttemptRecord> ReadAttempts(sqlite::Statement& rows) {
  std::vector<AttemptRecord> records;
  while (rows.Step()) records.push_back(ReadAttempt(rows));
  return records;
}

std::vector<FailureRecord> ReadFailures(sqlite::Statement& rows) {
  std::vector<FailureRecord> failures;
  while (rows.Step()) {
    failures.push_back({.run = rows.Text(0),
                        .stream = rows.Text(1),
                        .at = rows.Time(2),
                        .code = rows.Text(3),
                        .subject = rows.Text(4),
                        .message = rows.Text(5),
                        .remedy = rows.Text(6)});
  }
  return failures;
}

constexpr const char* kCostColumns =
    "r.wake_ups, r.billed_ms, r.rpus, r.workgroup_rpu_seconds, r.rpu_price, r.s3_put, r.s3_get,"
    " r.s3_free, r.bytes_staged, r.bytes_moved";

// The columns above, from column `at` on. nullopt: not known.
std::optional<model::RunCost> ReadCost(const sqlite::Statement& row, int at) {
  if (!row.OptionalUnsigned(at)) return std::nullopt;
  model::RunCost cost{.wake_ups = row.Unsigned(at),
                      .billed = std::chrono::milliseconds(row.Number(at + 1)),
                      .rpus = row.OptionalReal(at + 2),
                      .workgroup_rpu_seconds = row.OptionalReal(at + 3),
                      .rpu_price = row.OptionalReal(at + 4),
                      .s3 = {.put = row.Unsigned(at + 5),
                             .get = row.Unsigned(at + 6),
                             .free = row.Unsigned(at + 7)},
                      .bytes_staged = row.Unsigned(at + 8),
                      .bytes_moved = row.Unsigned(at + 9)};
  model::Price(cost);
  return cost;
}

std::vector<CostRecord> ReadLastCosts(sqlite::Database& db) {
  const std::string sql =
      std::string(
          "SELECT a.stream, a.bytes, (SELECT count(*) FROM attempt AS n WHERE n.run = r.run"
          " AND n.committed IS NOT NULL), ") +
      kCostColumns +
      " FROM attempt AS a JOIN run AS r ON r.run = a.run WHERE a.committed IS NOT NULL AND NOT"
      " EXISTS (SELECT 1 FROM attempt AS b WHERE b.stream = a.stream AND b.committed IS NOT NULL"
      " AND (b.committed, b.rowid) > (a.committed, a.rowid)) ORDER BY a.stream";
  sqlite::Statement rows(db, sql.c_str());
  std::vector<CostRecord> records;
  while (rows.Step()) {
    if (const auto cost = ReadCost(rows, 3)) {
      records.push_back({.stream = rows.Text(0),
                         .cost = *cost,
                         .streams = rows.Unsigned(2),
                         .bytes = rows.Unsigned(1)});
    }
  }
  return records;
}

std::optional<model::RunCost> ReadLastCost(sqlite::Database& db) {
  const std::string sql = std::string("SELECT ") + kCostColumns +
                          " FROM run AS r WHERE r.ended IS NOT NULL ORDER BY r.rowid DESC LIMIT 1";
  sqlite::Statement row(db, sql.c_str());
  return row.Step() ? ReadCost(row, 0) : std::nullopt;
}

void AddTo(std::optional<double>& sum, const std::optional<double>& value) {
  if (value) sum = sum.value_or(0) + *value;
}

void AddTo(CostTotal& total, const model::RunCost& cost) {
  model::RunCost& sum = total.cost;
  ++total.runs;
  sum.wake_ups += cost.wake_ups;
  sum.billed += cost.billed;
  if (cost.rpus) sum.rpus = cost.rpus;
  if (cost.rpu_price) sum.rpu_price = cost.rpu_price;
  AddTo(sum.rpu_seconds, cost.rpu_seconds);
  AddTo(sum.amount, cost.amount);
  sum.s3.put += cost.s3.put;
  sum.s3.get += cost.s3.get;
  sum.s3.free += cost.s3.free;
  sum.bytes_staged += cost.bytes_staged;
  sum.bytes_moved += cost.bytes_moved;
}

std::vector<RunRecord> ReadRuns(sqlite::Database& db, std::int64_t version, int runs_max) {
  std::vector<RunRecord> records;
  const bool has_costs = version >= kLedgerHasCosts;
  const std::string sql = std::string("SELECT r.run, r.began, r.ended, r.outcome") +
                          (has_costs ? std::string(", ") + kCostColumns : "") +
                          " FROM run AS r ORDER BY r.began DESC, r.run DESC LIMIT ?";
  sqlite::Statement runs(db, sql.c_str());
  runs.Bind(runs_max);
  while (runs.Step()) {
    RunRecord run{.run = runs.Text(0),
                  .began = runs.Time(1),
                  .ended = runs.OptionalTime(2),
                  .outcome = runs.Text(3)};
    sqlite::Statement attempts(
        db, SelectAttempts(version, "WHERE run = ? ORDER BY began, stream").c_str());
    run.attempts = ReadAttempts(attempts.Bind(run.run));
    if (version >= kLedgerHasFailures) {
      sqlite::Statement failures(
          db,
          "SELECT run, stream, at, code, subject, message, remedy FROM failure WHERE run = ?"
          " ORDER BY stream");
      run.failures = ReadFailures(failures.Bind(run.run));
    }
    if (has_costs) run.cost = ReadCost(runs, 4);
    records.push_back(std::move(run));
  }
  return records;
}

// Of each stream, if it has not committed since. In one run a stream commits or fails, so runs tell
// which was later where clocks do not.
std::vector<FailureRecord> ReadLastFailures(sqlite::Database& db) {
  sqlite::Statement rows(
      db,
      "WITH newest AS (SELECT max(rowid) AS id FROM failure WHERE stream <> '' GROUP BY stream)"
      " SELECT f.run, f.stream, f.at, f.code, f.subject, f.message, f.remedy"
      " FROM newest JOIN failure AS f ON f.rowid = newest.id JOIN run AS r ON r.run = f.run"
      " WHERE r.rowid > coalesce((SELECT q.rowid FROM attempt AS a JOIN run AS q ON q.run = a.run"
      "  WHERE a.stream = f.stream AND a.committed IS NOT NULL"
      "  ORDER BY a.committed DESC, a.rowid DESC LIMIT 1), 0) ORDER BY f.stream");
  return ReadFailures(rows);
}

std::set<std::string> ReadResets(sqlite::Database& db) {
  sqlite::Statement rows(db, "SELECT stream FROM reset");
  std::set<std::string> streams;
  while (rows.Step()) streams.insert(rows.Text(0));
  return streams;
}

}  // namespace

History ReadHistory(const std::filesystem::path& ledger, int runs_max) {
  History history;
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored)) return history;
  RequireOwnFiles(ledger);
  // Not read-only: a ledger in WAL mode needs its shared-memory file even to be read.
  sqlite::Database db(ledger, sqlite::Open::kExisting, ExplainHistory);
  history.holder = LedgerHolder(ledger);
  RequireLedger(db, "read ledger");
  const std::int64_t version = LedgerVersion(db);
  if (version < kLedgerHasCommits) return history;
  if (version >= kLedgerHasResets) history.resets = ReadResets(db);
  if (version >= kLedgerHasFailures) history.last_failures = ReadLastFailures(db);
  if (version >= kLedgerHasCosts) {
    history.last_costs = ReadLastCosts(db);
    history.last_cost = ReadLastCost(db);
  }
  history.runs = ReadRuns(db, version, runs_max);
  sqlite::Statement commits(
      db, SelectAttempts(version,
                         "AS a WHERE committed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM attempt"
                         " AS b WHERE b.stream = a.stream AND b.committed IS NOT NULL AND"
                         " (b.committed, b.rowid) > (a.committed, a.rowid)) ORDER BY stream")
              .c_str());
  history.last_commits = ReadAttempts(commits);
  sqlite::Statement unclean(
      db, SelectAttempts(version, "WHERE state <> 'cleaned' ORDER BY began").c_str());
  history.unclean = ReadAttempts(unclean);
  return history;
}

CostTotal ReadCosts(const std::filesystem::path& ledger, base::UtcTime since) {
  CostTotal total;
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored)) return total;
  RequireOwnFiles(ledger);
  sqlite::Database db(ledger, sqlite::Open::kExisting, ExplainHistory);
  RequireLedger(db, "read ledger");
  if (LedgerVersion(db) < kLedgerHasCosts) return total;
  const std::string sql =
      std::string("SELECT ") + kCostColumns + " FROM run AS r WHERE r.began > ? ORDER BY r.rowid";
  sqlite::Statement rows(db, sql.c_str());
  rows.Bind(since);
  while (rows.Step()) {
    if (const auto cost = ReadCost(rows, 0)) AddTo(total, *cost);
  }
  return total;
}

std::vector<KnownTable> ReadKnownTables(const std::filesystem::path& ledger) {
  std::vector<KnownTable> tables;
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored)) return tables;
  RequireOwnFiles(ledger);
  sqlite::Database db(ledger, sqlite::Open::kExisting, ExplainHistory);
  RequireLedger(db, "read ledger");
  if (LedgerVersion(db) < kLedgerHasChosen) return tables;
  sqlite::Statement rows(db,
                         "SELECT pattern, schema_name, table_name, state FROM chosen ORDER BY"
                         " pattern, schema_name, table_name");
  while (rows.Step()) {
    const std::string state = rows.Text(3);
    tables.push_back({.pattern = rows.Text(0),
                      .table = {.schema = rows.Text(1), .table = rows.Text(2)},
                      .state = state == "told"   ? KnownTable::State::kTold
                               : state == "gone" ? KnownTable::State::kGone
                                                 : KnownTable::State::kTaken});
  }
  return tables;
}

const FailureRecord* LastFailure(const History& history, const std::string& stream) {
  if (stream.empty() && history.runs.empty()) return nullptr;
  const auto& failures = stream.empty() ? history.runs.front().failures : history.last_failures;
  const auto found = std::find_if(failures.begin(), failures.end(),
                                  [&](const auto& failure) { return failure.stream == stream; });
  return found == failures.end() ? nullptr : &*found;
}

void ProbeLedger(const std::filesystem::path& ledger) {
  const auto refuse = [&](base::ErrorCode code, std::string message, std::string remedy) {
    throw base::Error({.code = code,
                       .operation = "open ledger",
                       .subject = "ledger " + ledger.string(),
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
  };
  RequireOwnFiles(ledger);
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(ledger).parent_path();
  while (!std::filesystem::exists(folder, ignored) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  if (!std::filesystem::is_directory(folder, ignored)) {
    refuse(base::ErrorCode::kCorrupt, folder.string() + " is a file, where a folder is expected",
           std::string(kMoveLedgerAway));
  }
  const bool there = std::filesystem::exists(ledger, ignored);
  if (access(folder.c_str(), W_OK | X_OK) != 0 || (there && access(ledger.c_str(), W_OK) != 0)) {
    refuse(base::ErrorCode::kPermission, "it cannot be written",
           "Make the folder and the file writable for the user who runs Sluice.");
  }
  if (!there) return;
  sqlite::Database db(ledger, sqlite::Open::kExisting, ExplainHistory);
  RequireKnownVersion(db);
  RequireLedger(db, "read ledger");
  sqlite::Statement sound(db, "PRAGMA quick_check(1)");
  if (!sound.Step() || sound.Text(0) != "ok") {
    refuse(base::ErrorCode::kCorrupt, "it is damaged", std::string(kMoveLedgerAway));
  }
}

}  // namespace sluice::sync
