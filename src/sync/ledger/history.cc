#include "sync/ledger/history.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "base/error.h"
#include "sync/ledger/ledger.h"
#include "sync/ledger/ledger_files.h"

namespace sluice::sync {
namespace {

using Db = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
using Prepared = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

[[noreturn]] void Throw(const std::filesystem::path& path, sqlite3* db) {
  const int code = db == nullptr ? SQLITE_NOMEM : sqlite3_errcode(db);
  const bool corrupt = code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR;
  throw base::Error({.code = corrupt ? base::ErrorCode::kCorrupt : base::ErrorCode::kPermission,
                     .operation = "read ledger",
                     .subject = "ledger " + path.string(),
                     .message = db == nullptr ? "out of memory" : sqlite3_errmsg(db),
                     .remedy = corrupt ? "If a newer sluice wrote it, use that one. Else: " +
                                             std::string(kMoveLedgerAway)
                                       : "Make the file and its folder readable for this user."});
}

Prepared Prepare(const std::filesystem::path& path, const Db& db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db.get(), sql, -1, &statement, nullptr) != SQLITE_OK) {
    Throw(path, db.get());
  }
  return {statement, sqlite3_finalize};
}

std::string Text(const Prepared& row, int column) {
  const auto* text = sqlite3_column_text(row.get(), column);
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

bool IsNull(const Prepared& row, int column) {
  return sqlite3_column_type(row.get(), column) == SQLITE_NULL;
}

std::uint64_t Number(const Prepared& row, int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(row.get(), column));
}

base::UtcTime Time(const Prepared& row, int column) {
  return base::UtcTime(std::chrono::seconds(sqlite3_column_int64(row.get(), column)));
}

constexpr char kAttempt[] =
    "SELECT stream, attempt, state, prefix, began, committed, error, rows, bytes, inserted,"
    " updated, unchanged, deleted, skipped, watermark FROM attempt ";

AttemptRecord ReadAttempt(const Prepared& row) {
  AttemptRecord record{.stream = Text(row, 0),
                       .attempt = Text(row, 1),
                       .state = Text(row, 2),
                       .prefix = Text(row, 3),
                       .began = Time(row, 4),
                       .error = Text(row, 6),
                       .rows = Number(row, 7),
                       .bytes = Number(row, 8),
                       .counts = {.inserted = Number(row, 9),
                                  .updated = Number(row, 10),
                                  .unchanged = Number(row, 11),
                                  .deleted = Number(row, 12),
                                  .skipped = Number(row, 13)}};
  if (!IsNull(row, 5)) record.committed = Time(row, 5);
  if (!IsNull(row, 14)) record.watermark = Text(row, 14);
  return record;
}

// Attempts that `where` chooses; `text` is bound, if it asks for one.
std::vector<AttemptRecord> Attempts(const std::filesystem::path& path, const Db& db,
                                    const std::string& where, const std::string& text = "") {
  const Prepared rows = Prepare(path, db, (kAttempt + where).c_str());
  if (sqlite3_bind_parameter_count(rows.get()) > 0) {
    sqlite3_bind_text(rows.get(), 1, text.c_str(), -1, SQLITE_TRANSIENT);
  }
  std::vector<AttemptRecord> records;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(rows.get())) == SQLITE_ROW) records.push_back(ReadAttempt(rows));
  if (code != SQLITE_DONE) Throw(path, db.get());
  return records;
}

// Of the lock that ledger.cc takes; nullopt if nobody has it.
std::optional<std::string> Holder(const std::filesystem::path& ledger) {
  const int fd =
      open((ledger.string() + ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::optional<std::string> holder;
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
    std::array<char, 128> text{};
    const ssize_t n = pread(fd, text.data(), text.size(), 0);
    holder = n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : "an unknown process";
  }
  close(fd);
  return holder;
}

// Of an older version, which the next sync brings up to date, tables and columns may be missing.
std::int64_t Version(const std::filesystem::path& path, const Db& db) {
  const Prepared version = Prepare(path, db, "PRAGMA user_version");
  if (sqlite3_step(version.get()) != SQLITE_ROW) Throw(path, db.get());
  return sqlite3_column_int64(version.get(), 0);
}

void RequireLedger(const std::filesystem::path& path, const Db& db) {
  const Prepared tables = Prepare(
      path, db,
      "SELECT count(*), count(*) FILTER (WHERE name IN ('run', 'attempt')) FROM sqlite_schema"
      " WHERE type = 'table'");
  if (sqlite3_step(tables.get()) != SQLITE_ROW) Throw(path, db.get());
  if (Number(tables, 0) == 0 || Number(tables, 1) == 2) return;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "read ledger",
                     .subject = "ledger " + path.string(),
                     .message = "it is an SQLite database, but not a ledger of Sluice",
                     .remedy = std::string(kMoveLedgerAway)});
}

std::set<std::string> Resets(const std::filesystem::path& path, const Db& db) {
  const Prepared rows = Prepare(path, db, "SELECT stream FROM reset");
  std::set<std::string> streams;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(rows.get())) == SQLITE_ROW) streams.insert(Text(rows, 0));
  if (code != SQLITE_DONE) Throw(path, db.get());
  return streams;
}

}  // namespace

History ReadHistory(const std::filesystem::path& ledger, int runs_max) {
  History history;
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored)) return history;
  RequireOwnFiles(ledger);
  sqlite3* opened = nullptr;
  // Not read-only: a ledger in WAL mode needs its shared-memory file even to be read.
  const int code = sqlite3_open_v2(ledger.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const Db db(opened, sqlite3_close_v2);
  if (code != SQLITE_OK) Throw(ledger, db.get());
  sqlite3_busy_timeout(db.get(), 5000);
  history.holder = Holder(ledger);
  RequireLedger(ledger, db);
  constexpr std::int64_t kHasCommits = 2;
  constexpr std::int64_t kHasResets = 4;
  const std::int64_t version = Version(ledger, db);
  if (version < kHasCommits) return history;
  if (version >= kHasResets) history.resets = Resets(ledger, db);
  const Prepared runs =
      Prepare(ledger, db,
              "SELECT run, began, ended, outcome FROM run ORDER BY began DESC, run DESC LIMIT ?");
  sqlite3_bind_int(runs.get(), 1, runs_max);
  int step = SQLITE_OK;
  while ((step = sqlite3_step(runs.get())) == SQLITE_ROW) {
    RunRecord run{.run = Text(runs, 0), .began = Time(runs, 1), .outcome = Text(runs, 3)};
    if (!IsNull(runs, 2)) run.ended = Time(runs, 2);
    run.attempts = Attempts(ledger, db, "WHERE run = ? ORDER BY began, stream", run.run);
    history.runs.push_back(std::move(run));
  }
  if (step != SQLITE_DONE) Throw(ledger, db.get());
  history.last_commits =
      Attempts(ledger, db,
               "AS a WHERE committed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM attempt AS b WHERE"
               " b.stream = a.stream AND b.committed IS NOT NULL AND (b.committed, b.rowid) >"
               " (a.committed, a.rowid)) ORDER BY stream");
  history.unclean = Attempts(ledger, db, "WHERE state <> 'cleaned' ORDER BY began");
  return history;
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
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(ledger.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  const Db db(opened, sqlite3_close_v2);
  if (code != SQLITE_OK) Throw(ledger, db.get());
  sqlite3_busy_timeout(db.get(), 5000);
  RequireLedger(ledger, db);
  if (Version(ledger, db) > kLedgerVersion) {
    refuse(base::ErrorCode::kCorrupt, "it was written by a newer sluice",
           "Use the newer sluice that wrote it. Or: " + std::string(kMoveLedgerAway));
  }
  const Prepared sound = Prepare(ledger, db, "PRAGMA quick_check(1)");
  if (sqlite3_step(sound.get()) != SQLITE_ROW) Throw(ledger, db.get());
  if (Text(sound, 0) != "ok") {
    refuse(base::ErrorCode::kCorrupt, "it is damaged", std::string(kMoveLedgerAway));
  }
}

}  // namespace sluice::sync
