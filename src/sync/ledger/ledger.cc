#include "sync/ledger/ledger.h"

#include <array>
#include <utility>

#include "sync/ledger/ledger_files.h"
#include "sync/ledger/ledger_schema.h"

namespace sluice::sync {
namespace {

using sqlite::Durability;

constexpr std::chrono::hours kZombieLife{48};
// Clocks of one machine differ by less between two runs, unless one was set.
constexpr std::chrono::minutes kClockSlack{5};

constexpr std::array kStateNames = {"planned", "committed", "failed", "abandoned", "cleaned"};

// KnownTable::State; ReadKnownTables reads them.
constexpr std::array kTableStates = {"taken", "told", "gone"};

std::optional<std::int64_t> Micros(const std::optional<base::UtcTime>& time) {
  if (!time) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count();
}

std::optional<base::UtcTime> OfMicros(const std::optional<std::uint64_t>& micros) {
  if (!micros) return std::nullopt;
  return base::UtcTime(std::chrono::microseconds(*micros));
}

const char* StateName(AttemptState state) {
  return kStateNames.at(static_cast<std::size_t>(state));
}

base::ErrorInfo Explain(const std::filesystem::path& path, int code, std::string_view text) {
  base::ErrorInfo info{.code = base::ErrorCode::kInternal,
                       .operation = "write ledger",
                       .subject = LedgerSubject(path),
                       .message = std::string(text)};
  switch (code) {
    case SQLITE_FULL:
      info.code = base::ErrorCode::kNoSpace;
      info.remedy = "Free space on that disk.";
      break;
    case SQLITE_IOERR:
      info.code = base::ErrorCode::kNoSpace;
      info.remedy =
          "Look at the disk that holds the file: a quota or a limit of file sizes (ulimit -f) is "
          "reached, or the disk fails.";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      info.code = base::ErrorCode::kPermission;
      info.remedy = "Make the file and its folder writable for the user who runs Sluice.";
      break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      info.code = base::ErrorCode::kCorrupt;
      info.remedy = std::string(kMoveLedgerAway);
      break;
    default: info.remedy = "Run again; if it stays, report it with this message."; break;
  }
  return info;
}

// A server's text may be long; what is kept of it stays readable in a list.
std::string_view Bounded(std::string_view text) {
  constexpr std::size_t kTextMax = 2000;
  if (text.size() <= kTextMax) return text;
  std::size_t end = kTextMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

// What follows from these (model::Price) is not stored.
void WriteCost(sqlite::Database& db, std::string_view run, const model::RunCost& cost) {
  sqlite::Statement statement(
      db,
      "UPDATE run SET wake_ups = ?, billed_ms = ?, rpus = ?, workgroup_rpu_seconds = ?,"
      " rpu_price = ?, s3_put = ?, s3_get = ?, s3_free = ?, bytes_staged = ?, bytes_moved = ?"
      " WHERE run = ?");
  statement.Bind(cost.wake_ups)
      .Bind(static_cast<std::int64_t>(cost.billed.count()))
      .Bind(cost.rpus)
      .Bind(cost.workgroup_rpu_seconds)
      .Bind(cost.rpu_price)
      .Bind(cost.s3.put)
      .Bind(cost.s3.get)
      .Bind(cost.s3.free);
  statement.Bind(cost.bytes_staged).Bind(cost.bytes_moved).Bind(run).Step();
}

// Whoever takes the lock makes a file: its folder must be there.
const std::filesystem::path& WithFolder(const std::filesystem::path& path) {
  std::error_code failed;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), failed);
  if (failed) ThrowLedgerErrno(path, failed.value());
  return path;
}

const std::filesystem::path& WithOwnFiles(const std::filesystem::path& path) {
  RequireOwnFiles(path);
  return path;
}

}  // namespace

Ledger::Ledger(const std::filesystem::path& path, const base::Clock& clock)
    : clock_(clock),
      lock_(WithFolder(path), clock),
      db_(WithOwnFiles(path), sqlite::Open::kOrCreate, Explain) {
  RequireKnownVersion(db_);  // before anything is written to it
  RequireLedger(db_, "open ledger");
  db_.Execute("PRAGMA journal_mode=WAL");
  MigrateLedger(db_);
  CorrectTimes();
}

// An attempt dated in the future was written while the clock was wrong: its age is unknown. It is
// not adopted, and its 48 hours begin now.
void Ledger::CorrectTimes() {
  const auto now = clock_.Utc();
  sqlite::Statement(db_,
                    "UPDATE attempt SET began = ?, changed = ?, basis = NULL"
                    " WHERE state <> 'cleaned' AND began > ?")
      .Bind(now)
      .Bind(now)
      .Bind(now + kClockSlack)
      .Step();
}

void Ledger::BeginRun(std::string_view run) {
  const std::lock_guard lock(mu_);
  SetDurability(db_, Durability::kMachine);
  sqlite::Statement(db_, "INSERT INTO run(run, began) VALUES(?, ?)")
      .Bind(run)
      .Bind(clock_.Utc())
      .Step();
}

void Ledger::EndRun(std::string_view run, std::string_view outcome,
                    const std::optional<model::RunCost>& cost) {
  const std::lock_guard lock(mu_);
  sqlite::Transaction transaction(db_, Durability::kProcess);
  sqlite::Statement(db_, "UPDATE run SET ended = ?, outcome = ? WHERE run = ?")
      .Bind(clock_.Utc())
      .Bind(outcome)
      .Bind(run)
      .Step();
  if (cost) WriteCost(db_, run, *cost);
  transaction.Commit();
}

void Ledger::AddAttempt(const AttemptFacts& facts) {
  const std::lock_guard lock(mu_);
  const auto now = clock_.Utc();
  sqlite::Transaction transaction(
      db_, Durability::kMachine);  // The prefix must be on disk before UNLOAD is sent.
  sqlite::Statement(
      db_,
      "INSERT INTO attempt(attempt, run, stream, prefix, state, began, changed, basis, high,"
      " as_of_us, adopted) VALUES(?, ?, ?, ?, 'planned', ?, ?, ?, ?, ?, ?)")
      .Bind(facts.attempt)
      .Bind(facts.run)
      .Bind(facts.stream)
      .Bind(facts.prefix)
      .Bind(now)
      .Bind(now)
      .Bind(facts.basis)
      .Bind(facts.high)
      .Bind(Micros(facts.as_of))
      .Bind(facts.adopted)
      .Step();
  std::int64_t number = 0;
  for (const auto& unload : facts.unloads) {
    sqlite::Statement(
        db_,
        "INSERT INTO unload(attempt, number, what, condition, fingerprint, notice_rows)"
        " VALUES(?, ?, ?, ?, ?, ?)")
        .Bind(facts.attempt)
        .Bind(number++)
        .Bind(unload.what)
        .Bind(unload.condition)
        .Bind(unload.fingerprint)
        .Bind(unload.notice_rows)
        .Step();
  }
  transaction.Commit();
}

void Ledger::SetUnloaded(std::string_view attempt, std::string_view what,
                         std::optional<std::uint64_t> notice_rows) {
  const std::lock_guard lock(mu_);
  sqlite::Transaction transaction(db_, Durability::kProcess);
  sqlite::Statement(db_, "UPDATE unload SET notice_rows = ? WHERE attempt = ? AND what = ?")
      .Bind(notice_rows)
      .Bind(attempt)
      .Bind(what)
      .Step();
  transaction.Commit();
}

void Ledger::SetState(std::string_view attempt, AttemptState state) {
  sqlite::Statement(db_, "UPDATE attempt SET state = ?, changed = ? WHERE attempt = ?")
      .Bind(StateName(state))
      .Bind(clock_.Utc())
      .Bind(attempt)
      .Step();
}

void Ledger::Abandon(std::string_view stream) {
  const std::lock_guard lock(mu_);
  sqlite::Statement(db_, "UPDATE attempt SET state = ?, changed = ? WHERE stream = ? AND state = ?")
      .Bind(StateName(AttemptState::kAbandoned))
      .Bind(clock_.Utc())
      .Bind(stream)
      .Bind(StateName(AttemptState::kPlanned))
      .Step();
}

void Ledger::NoteReset(std::string_view stream) {
  const std::lock_guard lock(mu_);
  SetDurability(db_, Durability::kProcess);
  sqlite::Statement(db_, "INSERT OR IGNORE INTO reset(stream) VALUES(?)").Bind(stream).Step();
}

void Ledger::NoteTables(const std::vector<KnownTable>& tables) {
  if (tables.empty()) return;
  const std::lock_guard lock(mu_);
  sqlite::Transaction transaction(db_, Durability::kProcess);
  for (const auto& known : tables) {
    // What did not change is not written: a thousand tables are chosen anew by every run.
    sqlite::Statement(
        db_,
        "INSERT INTO chosen(pattern, schema_name, table_name, state, changed) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET state = excluded.state, changed = excluded.changed"
        " WHERE state <> excluded.state")
        .Bind(known.pattern)
        .Bind(known.table.schema)
        .Bind(known.table.table)
        .Bind(kTableStates.at(static_cast<std::size_t>(known.state)))
        .Bind(clock_.Utc())
        .Step();
  }
  transaction.Commit();
}

void Ledger::SetCommitted(std::string_view attempt, const CommitRecord& commit) {
  const std::lock_guard lock(mu_);
  const auto now = clock_.Utc();
  sqlite::Transaction transaction(db_, Durability::kProcess);
  const model::Counts& counts = commit.counts;
  sqlite::Statement statement(
      db_,
      "UPDATE attempt SET state = 'committed', changed = ?, committed = ?, rows = ?, bytes = ?,"
      " manifest_rows = ?, footer_rows = ?, inserted = ?, updated = ?, unchanged = ?, deleted = ?,"
      " skipped = ?, notice_rows = ?, keys_compared = ?, watermark = ? WHERE attempt = ?");
  statement.Bind(now)
      .Bind(now)
      .Bind(commit.proof.loaded_rows)
      .Bind(commit.proof.fetched_bytes)
      .Bind(commit.proof.manifest_rows)
      .Bind(commit.proof.footer_rows)
      .Bind(counts.inserted)
      .Bind(counts.updated)
      .Bind(counts.unchanged)
      .Bind(counts.deleted)
      .Bind(counts.skipped);
  statement.Bind(commit.proof.notice_rows)
      .Bind(commit.keys_compared)
      .Bind(commit.watermark)
      .Bind(attempt)
      .Step();
  sqlite::Statement(
      db_, "DELETE FROM reset WHERE stream = (SELECT stream FROM attempt WHERE attempt = ?)")
      .Bind(attempt)
      .Step();
  transaction.Commit();
}

void Ledger::SetFailed(std::string_view attempt, const base::ErrorInfo& error) {
  const std::lock_guard lock(mu_);
  SetDurability(db_, Durability::kProcess);
  sqlite::Statement(db_,
                    "UPDATE attempt SET state = 'failed', changed = ?, error = ?, subject = ?,"
                    " message = ?, remedy = ? WHERE attempt = ?")
      .Bind(clock_.Utc())
      .Bind(base::ErrorCodeName(error.code))
      .Bind(Bounded(error.subject))
      .Bind(Bounded(error.message))
      .Bind(Bounded(error.remedy))
      .Bind(attempt)
      .Step();
}

void Ledger::NoteFailure(std::string_view run, std::string_view stream,
                         const base::ErrorInfo& error) {
  const std::lock_guard lock(mu_);
  SetDurability(db_, Durability::kProcess);
  sqlite::Statement(db_,
                    "INSERT OR REPLACE INTO failure(run, stream, at, code, subject, message,"
                    " remedy) VALUES(?, ?, ?, ?, ?, ?, ?)")
      .Bind(run)
      .Bind(stream)
      .Bind(clock_.Utc())
      .Bind(base::ErrorCodeName(error.code))
      .Bind(Bounded(error.subject))
      .Bind(Bounded(error.message))
      .Bind(Bounded(error.remedy))
      .Step();
}

void Ledger::SetCleaned(std::string_view attempt) {
  const std::lock_guard lock(mu_);
  SetDurability(db_, Durability::kProcess);
  SetState(attempt, AttemptState::kCleaned);
}

std::optional<Ledger::Took> Ledger::LastCommit(std::string_view stream) {
  const std::lock_guard lock(mu_);
  sqlite::Statement statement(db_,
                              "SELECT rows, committed - began FROM attempt WHERE stream = ? AND"
                              " committed IS NOT NULL AND adopted IS NULL ORDER BY committed DESC,"
                              " rowid DESC LIMIT 1");
  statement.Bind(stream);
  if (!statement.Step()) return std::nullopt;
  return Took{.rows = statement.Unsigned(0), .took = std::chrono::seconds(statement.Number(1))};
}

std::set<std::string> Ledger::DeadRuns(std::string_view current) {
  const std::lock_guard lock(mu_);
  sqlite::Statement statement(
      db_, "SELECT DISTINCT run FROM attempt WHERE state <> 'cleaned' AND run <> ?");
  statement.Bind(current);
  std::set<std::string> runs;
  while (statement.Step()) runs.insert(statement.Text(0));
  return runs;
}

std::set<std::string> Ledger::UnendedRuns(std::string_view current) {
  const std::lock_guard lock(mu_);
  sqlite::Statement statement(db_, "SELECT run FROM run WHERE ended IS NULL AND run <> ?");
  statement.Bind(current);
  std::set<std::string> runs;
  while (statement.Step()) runs.insert(statement.Text(0));
  return runs;
}

std::vector<AttemptFacts> Ledger::DeadAttempts(std::string_view current) {
  const std::lock_guard lock(mu_);
  std::vector<AttemptFacts> dead;
  sqlite::Statement attempts(
      db_,
      "SELECT attempt, run, stream, prefix, basis, high, adopted, began, state, as_of_us FROM"
      " attempt WHERE state <> 'cleaned' AND run <> ? ORDER BY began DESC, rowid DESC");
  attempts.Bind(current);
  while (attempts.Step()) {
    dead.push_back({.run = attempts.Text(1),
                    .stream = attempts.Text(2),
                    .attempt = attempts.Text(0),
                    .prefix = attempts.Text(3),
                    .basis = attempts.OptionalText(4),
                    .high = attempts.OptionalText(5),
                    .as_of = OfMicros(attempts.OptionalUnsigned(9)),
                    .adopted = attempts.OptionalText(6),
                    .unloads = {},
                    .began = attempts.Time(7),
                    .state = StateNamed(attempts.Text(8))});
  }
  for (auto& attempt : dead) {
    sqlite::Statement unloads(db_,
                              "SELECT what, condition, fingerprint, notice_rows FROM unload"
                              " WHERE attempt = ? ORDER BY number");
    unloads.Bind(attempt.attempt);
    while (unloads.Step()) {
      attempt.unloads.push_back({.what = unloads.Text(0),
                                 .condition = unloads.Text(1),
                                 .fingerprint = unloads.Text(2),
                                 .notice_rows = unloads.OptionalUnsigned(3)});
    }
  }
  return dead;
}

void Ledger::MarkSwept(const std::set<std::string>& runs, const std::set<std::string>& spared) {
  const std::lock_guard lock(mu_);
  const auto now = clock_.Utc();
  const auto zombie_from = now - kZombieLife;
  sqlite::Transaction transaction(db_, Durability::kProcess);
  for (const auto& run : runs) {
    std::vector<std::string> swept;
    sqlite::Statement attempts(
        db_, "SELECT attempt, prefix FROM attempt WHERE run = ? AND state <> 'cleaned'");
    attempts.Bind(run);
    while (attempts.Step()) {
      if (!spared.contains(attempts.Text(1))) swept.push_back(attempts.Text(0));
    }
    for (const auto& attempt : swept) {
      sqlite::Statement(db_,
                        "UPDATE attempt SET changed = ?, state = CASE"
                        " WHEN state IN ('planned', 'abandoned') AND began > ? THEN 'abandoned'"
                        " ELSE 'cleaned' END WHERE attempt = ?")
          .Bind(now)
          .Bind(zombie_from)
          .Bind(attempt)
          .Step();
    }
  }
  transaction.Commit();
}

// SQLite counts rows up (rowid), and what goes is mostly the oldest: so the greatest number less
// the bound is where the bound lies, and no row has to be counted. What must stay is few.
std::vector<std::string> Ledger::RunsToPrune(const HistoryBounds& bounds) {
  sqlite::Statement statement(
      db_,
      "SELECT run FROM run AS r WHERE (began < ?1 OR"
      "  rowid <= (SELECT max(rowid) FROM run) - ?2 OR"
      "  rowid < (SELECT q.rowid FROM attempt AS n JOIN run AS q ON q.run = n.run WHERE n.rowid >"
      "    (SELECT max(rowid) FROM attempt) - ?3 AND (SELECT max(rowid) FROM attempt) > ?3"
      "    ORDER BY n.rowid LIMIT 1))"
      " AND NOT EXISTS (SELECT 1 FROM attempt AS a WHERE a.run = r.run AND (a.state <> 'cleaned'"
      "  OR (a.committed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM attempt AS b WHERE"
      "    b.stream = a.stream AND b.committed IS NOT NULL AND"
      "    (b.committed, b.rowid) > (a.committed, a.rowid)))))");
  statement.Bind(clock_.Utc() - bounds.age).Bind(bounds.runs).Bind(bounds.attempts);
  std::vector<std::string> runs;
  while (statement.Step()) runs.push_back(statement.Text(0));
  return runs;
}

void Ledger::Prune(const HistoryBounds& bounds, const std::set<std::string>& needed) {
  const std::lock_guard lock(mu_);
  auto runs = RunsToPrune(bounds);
  std::erase_if(runs, [&](const std::string& run) { return needed.contains(run); });
  if (runs.empty()) return;
  sqlite::Transaction transaction(db_, Durability::kProcess);
  for (const auto& run : runs) {
    for (const char* sql :
         {"DELETE FROM unload WHERE attempt IN (SELECT attempt FROM attempt WHERE run = ?)",
          "DELETE FROM attempt WHERE run = ?", "DELETE FROM failure WHERE run = ?",
          "DELETE FROM run WHERE run = ?"}) {
      sqlite::Statement(db_, sql).Bind(run).Step();
    }
  }
  transaction.Commit();
}

std::optional<AttemptState> Ledger::StateOf(std::string_view attempt) {
  const std::lock_guard lock(mu_);
  sqlite::Statement statement(db_, "SELECT state FROM attempt WHERE attempt = ?");
  statement.Bind(attempt);
  if (!statement.Step()) return std::nullopt;
  return StateNamed(statement.Text(0));
}

AttemptState Ledger::StateNamed(const std::string& name) const {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (name == kStateNames.at(i)) return static_cast<AttemptState>(i);
  }
  db_.Throw(SQLITE_CORRUPT, "an attempt has an unknown state");
}

}  // namespace sluice::sync
