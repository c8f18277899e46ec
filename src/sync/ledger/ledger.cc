#include "sync/ledger/ledger.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sync/ledger/ledger_files.h"

namespace sluice::sync {
namespace {

constexpr std::chrono::hours kZombieLife{48};
// Clocks of one machine differ by less between two runs, unless one was set.
constexpr std::chrono::minutes kClockSlack{5};

constexpr std::array kStateNames = {"planned", "committed", "failed", "abandoned", "cleaned"};

const char* StateName(AttemptState state) {
  return kStateNames.at(static_cast<std::size_t>(state));
}

[[noreturn]] void ThrowSqlite(const std::filesystem::path& path, int code, const char* text) {
  base::ErrorInfo info{.code = base::ErrorCode::kInternal,
                       .operation = "write ledger",
                       .subject = LedgerSubject(path),
                       .message = text};
  switch (code & 0xff) {
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
  throw base::Error(std::move(info));
}

std::int64_t Seconds(base::UtcTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

// flock on a file beside the ledger: the kernel frees it when the process dies, however it dies.
class Ledger::Lock {
 public:
  Lock(const std::filesystem::path& ledger, const base::Clock& clock) {
    const auto path = std::filesystem::path(ledger.string() + ".lock");
    fd_ = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd_ < 0) ThrowLedgerErrno(path, errno);
    RequireFile(path);
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const std::string holder = ReadHolder();
      close(fd_);
      throw base::Error({.code = base::ErrorCode::kConflict,
                         .operation = "open ledger",
                         .subject = LedgerSubject(ledger),
                         .message = "another sync holds it: " + holder,
                         .remedy = "Wait until that sync has ended, or stop it with Ctrl-C or "
                                   "'kill' and its process id."});
    }
    const std::string text =
        fmt::format("process {} since {:%Y-%m-%d %H:%M:%S} UTC", getpid(),
                    fmt::gmtime(std::chrono::system_clock::to_time_t(clock.Utc())));
    if (ftruncate(fd_, 0) != 0 ||
        pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      const int number = errno;
      close(fd_);
      ThrowLedgerErrno(path, number);
    }
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { close(fd_); }

 private:
  // Its text is written anew: nothing but a file of our own may stand there.
  void RequireFile(const std::filesystem::path& path) {
    struct stat status {};
    if (fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1) return;
    close(fd_);
    throw base::Error({.code = base::ErrorCode::kPermission,
                       .operation = "open ledger",
                       .subject = LedgerSubject(path),
                       .message = "it is not a file of its own, but a pipe, a device, or a file "
                                  "with a second name",
                       .remedy = "Look who made it, and remove it while no sync runs."});
  }
  std::string ReadHolder() const {
    std::array<char, 128> text{};
    const ssize_t n = pread(fd_, text.data(), text.size(), 0);
    return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : "unknown process";
  }
  int fd_ = -1;
};

class Ledger::Statement {
 public:
  Statement(const Ledger& ledger, const char* sql) : ledger_(ledger) {
    Check(sqlite3_prepare_v2(ledger.db_.get(), sql, -1, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& Bind(std::string_view text) {
    Check(sqlite3_bind_text(statement_, ++bound_, text.data(), static_cast<int>(text.size()),
                            SQLITE_TRANSIENT));
    return *this;
  }
  Statement& Bind(std::int64_t number) {
    Check(sqlite3_bind_int64(statement_, ++bound_, number));
    return *this;
  }
  // NULL, for the next parameter.
  Statement& BindNull() {
    ++bound_;
    return *this;
  }
  Statement& Bind(const std::optional<std::string>& text) {
    return text ? Bind(std::string_view(*text)) : BindNull();
  }
  Statement& Bind(const std::optional<std::uint64_t>& number) {
    return number ? Bind(static_cast<std::int64_t>(*number)) : BindNull();
  }
  Statement& Bind(const std::string& text) { return Bind(std::string_view(text)); }
  Statement& Bind(const char* text) { return Bind(std::string_view(text)); }
  // True while there is a row.
  bool Step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) Check(code);
    return false;
  }
  std::string Text(int column) const {
    const auto* text = sqlite3_column_text(statement_, column);
    return text == nullptr ? "" : reinterpret_cast<const char*>(text);
  }
  std::int64_t Number(int column) const { return sqlite3_column_int64(statement_, column); }
  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::optional<std::string> OptionalText(int column) const {
    if (IsNull(column)) return std::nullopt;
    return Text(column);
  }

 private:
  void Check(int code) const {
    if (code != SQLITE_OK) ThrowSqlite(ledger_.path_, code, sqlite3_errmsg(ledger_.db_.get()));
  }
  const Ledger& ledger_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// All or nothing, and on disk at the end if `durable`: a write to the log that is not synced costs
// microseconds, a sync milliseconds, and each small table pays for all of its own.
class Ledger::Transaction {
 public:
  explicit Transaction(Ledger& ledger, bool durable = true) : ledger_(ledger) {
    ledger_.Execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    ledger_.Execute("BEGIN IMMEDIATE");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (!committed_) sqlite3_exec(ledger_.db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void Commit() {
    ledger_.Execute("COMMIT");
    committed_ = true;
  }

 private:
  Ledger& ledger_;
  bool committed_ = false;
};

Ledger::Ledger(std::filesystem::path path, const base::Clock& clock)
    : clock_(clock), path_(std::move(path)), db_(nullptr, sqlite3_close_v2) {
  std::error_code failed;
  if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), failed);
  if (failed) ThrowLedgerErrno(path_, failed.value());
  lock_ = std::make_unique<Lock>(path_, clock);
  RequireOwnFiles(path_);
  sqlite3* db = nullptr;
  const int code =
      sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK) ThrowSqlite(path_, code, sqlite3_errmsg(db));
  sqlite3_busy_timeout(db, 5000);  // A page that reads it may hold it for a moment.
  RequireLedger();                 // before anything is written to it
  Execute("PRAGMA journal_mode=WAL");
  Migrate();
  MendTimes();
}

Ledger::~Ledger() = default;

void Ledger::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) ThrowSqlite(path_, code, sqlite3_errmsg(db_.get()));
}

// Another program's database is neither changed nor added to.
void Ledger::RequireLedger() {
  const std::int64_t version = Version();
  if (version > kLedgerVersion) {
    throw base::Error(
        {.code = base::ErrorCode::kCorrupt,
         .operation = "open ledger",
         .subject = LedgerSubject(path_),
         .message =
             fmt::format("it is of format {}, this program knows {}", version, kLedgerVersion),
         .remedy = "Use the newer sluice that wrote it. Or: " + std::string(kMoveLedgerAway)});
  }
  const auto count = [&](const char* sql) {
    Statement statement(*this, sql);
    return statement.Step() ? statement.Number(0) : 0;
  };
  const std::int64_t tables = count("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  const std::int64_t ours = count(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('run', 'attempt')");
  if (tables == 0 ? version == 0 : ours == 2 && version > 0) return;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "open ledger",
                     .subject = LedgerSubject(path_),
                     .message = "it is an SQLite database, but not a ledger of Sluice",
                     .remedy = std::string(kMoveLedgerAway)});
}

std::int64_t Ledger::Version() {
  Statement statement(*this, "PRAGMA user_version");
  return statement.Step() ? statement.Number(0) : 0;
}

void Ledger::Migrate() {
  const std::int64_t version = Version();
  if (version < 1) {
    Execute(
        "BEGIN;"
        "CREATE TABLE run(run TEXT PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER, outcome "
        "TEXT)"
        " STRICT;"
        "CREATE TABLE attempt(attempt TEXT PRIMARY KEY, run TEXT NOT NULL, stream TEXT NOT NULL,"
        " prefix TEXT NOT NULL, state TEXT NOT NULL, began INTEGER NOT NULL, changed INTEGER NOT "
        "NULL,"
        " rows INTEGER, bytes INTEGER, error TEXT) STRICT;"
        "CREATE INDEX attempt_state ON attempt(state);"
        "PRAGMA user_version=1;"
        "COMMIT");
  }
  if (version < 2) {
    Execute(
        "BEGIN;"
        "ALTER TABLE attempt ADD COLUMN committed INTEGER;"
        "ALTER TABLE attempt ADD COLUMN watermark TEXT;"
        "ALTER TABLE attempt ADD COLUMN notice_rows INTEGER;"
        "ALTER TABLE attempt ADD COLUMN manifest_rows INTEGER;"
        "ALTER TABLE attempt ADD COLUMN footer_rows INTEGER;"
        "ALTER TABLE attempt ADD COLUMN inserted INTEGER;"
        "ALTER TABLE attempt ADD COLUMN updated INTEGER;"
        "ALTER TABLE attempt ADD COLUMN unchanged INTEGER;"
        "ALTER TABLE attempt ADD COLUMN deleted INTEGER;"
        "ALTER TABLE attempt ADD COLUMN skipped INTEGER;"
        "ALTER TABLE attempt ADD COLUMN keys_compared INTEGER;"
        "CREATE INDEX attempt_run ON attempt(run);"
        "PRAGMA user_version=2;"
        "COMMIT");
  }
  if (version < 3) {
    Execute(
        "BEGIN;"
        "ALTER TABLE attempt ADD COLUMN basis TEXT;"
        "ALTER TABLE attempt ADD COLUMN high TEXT;"
        "ALTER TABLE attempt ADD COLUMN adopted TEXT;"
        "CREATE TABLE unload(attempt TEXT NOT NULL, number INTEGER NOT NULL, what TEXT NOT NULL,"
        " condition TEXT NOT NULL, fingerprint TEXT NOT NULL, notice_rows INTEGER,"
        " PRIMARY KEY(attempt, number)) STRICT;"
        "PRAGMA user_version=3;"
        "COMMIT");
  }
  if (version < 4) {
    Execute(
        "BEGIN;"
        "CREATE TABLE reset(stream TEXT PRIMARY KEY) STRICT;"
        "PRAGMA user_version=4;"
        "COMMIT");
  }
}

// What began in the future began under a clock that was wrong: how old it is nobody can tell. It is
// not adopted, and its 48 hours begin now.
void Ledger::MendTimes() {
  const std::int64_t now = Seconds(clock_.Utc());
  Statement(*this,
            "UPDATE attempt SET began = ?, changed = ?, basis = NULL"
            " WHERE state <> 'cleaned' AND began > ?")
      .Bind(now)
      .Bind(now)
      .Bind(Seconds(clock_.Utc() + kClockSlack))
      .Step();
}

void Ledger::BeginRun(std::string_view run) {
  const std::lock_guard lock(mu_);
  Execute("PRAGMA synchronous=FULL");
  Statement(*this, "INSERT INTO run(run, began) VALUES(?, ?)")
      .Bind(run)
      .Bind(Seconds(clock_.Utc()))
      .Step();
}

void Ledger::EndRun(std::string_view run, std::string_view outcome) {
  const std::lock_guard lock(mu_);
  Statement(*this, "UPDATE run SET ended = ?, outcome = ? WHERE run = ?")
      .Bind(Seconds(clock_.Utc()))
      .Bind(outcome)
      .Bind(run)
      .Step();
}

void Ledger::AddAttempt(const AttemptFacts& facts) {
  const std::lock_guard lock(mu_);
  const std::int64_t now = Seconds(clock_.Utc());
  Transaction transaction(*this);  // The prefix must be on disk before UNLOAD is sent.
  Statement(*this,
            "INSERT INTO attempt(attempt, run, stream, prefix, state, began, changed, basis, high,"
            " adopted) VALUES(?, ?, ?, ?, 'planned', ?, ?, ?, ?, ?)")
      .Bind(facts.attempt)
      .Bind(facts.run)
      .Bind(facts.stream)
      .Bind(facts.prefix)
      .Bind(now)
      .Bind(now)
      .Bind(facts.basis)
      .Bind(facts.high)
      .Bind(facts.adopted)
      .Step();
  std::int64_t number = 0;
  for (const auto& unload : facts.unloads) {
    Statement(*this,
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
  Transaction transaction(*this, /*durable=*/false);
  Statement(*this, "UPDATE unload SET notice_rows = ? WHERE attempt = ? AND what = ?")
      .Bind(notice_rows)
      .Bind(attempt)
      .Bind(what)
      .Step();
  transaction.Commit();
}

void Ledger::SetState(std::string_view attempt, AttemptState state) {
  Statement(*this, "UPDATE attempt SET state = ?, changed = ? WHERE attempt = ?")
      .Bind(StateName(state))
      .Bind(Seconds(clock_.Utc()))
      .Bind(attempt)
      .Step();
}

void Ledger::Abandon(std::string_view stream) {
  const std::lock_guard lock(mu_);
  Statement(*this, "UPDATE attempt SET state = ?, changed = ? WHERE stream = ? AND state = ?")
      .Bind(StateName(AttemptState::kAbandoned))
      .Bind(Seconds(clock_.Utc()))
      .Bind(stream)
      .Bind(StateName(AttemptState::kPlanned))
      .Step();
}

void Ledger::NoteReset(std::string_view stream) {
  const std::lock_guard lock(mu_);
  Execute("PRAGMA synchronous=NORMAL");
  Statement(*this, "INSERT OR IGNORE INTO reset(stream) VALUES(?)").Bind(stream).Step();
}

void Ledger::SetCommitted(std::string_view attempt, const CommitRecord& commit) {
  const std::lock_guard lock(mu_);
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  const std::int64_t now = Seconds(clock_.Utc());
  Transaction transaction(*this, /*durable=*/false);
  const model::Counts& counts = commit.counts;
  Statement statement(
      *this,
      "UPDATE attempt SET state = 'committed', changed = ?, committed = ?, rows = ?, bytes = ?,"
      " manifest_rows = ?, footer_rows = ?, inserted = ?, updated = ?, unchanged = ?, deleted = ?,"
      " skipped = ?, notice_rows = ?, keys_compared = ?, watermark = ? WHERE attempt = ?");
  statement.Bind(now)
      .Bind(now)
      .Bind(number(commit.proof.loaded_rows))
      .Bind(number(commit.proof.fetched_bytes))
      .Bind(number(commit.proof.manifest_rows))
      .Bind(number(commit.proof.footer_rows))
      .Bind(number(counts.inserted))
      .Bind(number(counts.updated))
      .Bind(number(counts.unchanged))
      .Bind(number(counts.deleted))
      .Bind(number(counts.skipped));
  statement.Bind(commit.proof.notice_rows)
      .Bind(commit.keys_compared)
      .Bind(commit.watermark)
      .Bind(attempt)
      .Step();
  Statement(*this,
            "DELETE FROM reset WHERE stream = (SELECT stream FROM attempt WHERE attempt = ?)")
      .Bind(attempt)
      .Step();
  transaction.Commit();
}

void Ledger::SetFailed(std::string_view attempt, std::string_view error_code) {
  const std::lock_guard lock(mu_);
  Execute("PRAGMA synchronous=NORMAL");
  Statement(*this, "UPDATE attempt SET state = 'failed', changed = ?, error = ? WHERE attempt = ?")
      .Bind(Seconds(clock_.Utc()))
      .Bind(error_code)
      .Bind(attempt)
      .Step();
}

void Ledger::SetCleaned(std::string_view attempt) {
  const std::lock_guard lock(mu_);
  Execute("PRAGMA synchronous=NORMAL");
  SetState(attempt, AttemptState::kCleaned);
}

std::set<std::string> Ledger::DeadRuns(std::string_view current) {
  const std::lock_guard lock(mu_);
  Statement statement(*this,
                      "SELECT DISTINCT run FROM attempt WHERE state <> 'cleaned' AND run <> ?");
  statement.Bind(current);
  std::set<std::string> runs;
  while (statement.Step()) runs.insert(statement.Text(0));
  return runs;
}

std::set<std::string> Ledger::UnendedRuns(std::string_view current) {
  const std::lock_guard lock(mu_);
  Statement statement(*this, "SELECT run FROM run WHERE ended IS NULL AND run <> ?");
  statement.Bind(current);
  std::set<std::string> runs;
  while (statement.Step()) runs.insert(statement.Text(0));
  return runs;
}

std::vector<AttemptFacts> Ledger::DeadAttempts(std::string_view current) {
  const std::lock_guard lock(mu_);
  std::vector<AttemptFacts> dead;
  Statement attempts(
      *this,
      "SELECT attempt, run, stream, prefix, basis, high, adopted, began, state FROM"
      " attempt WHERE state <> 'cleaned' AND run <> ? ORDER BY began DESC, rowid DESC");
  attempts.Bind(current);
  while (attempts.Step()) {
    dead.push_back({.run = attempts.Text(1),
                    .stream = attempts.Text(2),
                    .attempt = attempts.Text(0),
                    .prefix = attempts.Text(3),
                    .basis = attempts.OptionalText(4),
                    .high = attempts.OptionalText(5),
                    .adopted = attempts.OptionalText(6),
                    .unloads = {},
                    .began = base::UtcTime(std::chrono::seconds(attempts.Number(7))),
                    .state = StateNamed(attempts.Text(8))});
  }
  for (auto& attempt : dead) {
    Statement unloads(*this,
                      "SELECT what, condition, fingerprint, notice_rows FROM unload"
                      " WHERE attempt = ? ORDER BY number");
    unloads.Bind(attempt.attempt);
    while (unloads.Step()) {
      UnloadRecord record{.what = unloads.Text(0),
                          .condition = unloads.Text(1),
                          .fingerprint = unloads.Text(2),
                          .notice_rows = std::nullopt};
      if (!unloads.IsNull(3)) record.notice_rows = static_cast<std::uint64_t>(unloads.Number(3));
      attempt.unloads.push_back(std::move(record));
    }
  }
  return dead;
}

void Ledger::MarkSwept(const std::set<std::string>& runs, const std::set<std::string>& spared) {
  const std::lock_guard lock(mu_);
  const std::int64_t now = Seconds(clock_.Utc());
  const std::int64_t zombie_from = Seconds(clock_.Utc() - kZombieLife);
  Transaction transaction(*this, /*durable=*/false);
  for (const auto& run : runs) {
    std::vector<std::string> swept;
    Statement attempts(*this,
                       "SELECT attempt, prefix FROM attempt WHERE run = ? AND state <> 'cleaned'");
    attempts.Bind(run);
    while (attempts.Step()) {
      if (!spared.contains(attempts.Text(1))) swept.push_back(attempts.Text(0));
    }
    for (const auto& attempt : swept) {
      Statement(*this,
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

std::optional<AttemptState> Ledger::StateOf(std::string_view attempt) {
  const std::lock_guard lock(mu_);
  Statement statement(*this, "SELECT state FROM attempt WHERE attempt = ?");
  statement.Bind(attempt);
  if (!statement.Step()) return std::nullopt;
  return StateNamed(statement.Text(0));
}

AttemptState Ledger::StateNamed(const std::string& name) const {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (name == kStateNames.at(i)) return static_cast<AttemptState>(i);
  }
  ThrowSqlite(path_, SQLITE_CORRUPT, "an attempt has an unknown state");
}

}  // namespace sluice::sync
