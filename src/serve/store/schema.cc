#include "serve/store/schema.h"

#include <fmt/format.h>

#include <array>

#include "serve/base/problem.h"

namespace sluice::serve {
namespace {

constexpr std::int64_t kApplicationId = 0x534c5356;  // format, do not change

// Step i brings version i to i + 1.
constexpr std::array<const char*, kSchemaVersion> kSteps = {
    "CREATE TABLE tenant(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name "
    "TEXT"
    " NOT NULL UNIQUE, parallel_runs INTEGER, external_id TEXT NOT NULL, version INTEGER NOT NULL,"
    " created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;"

    "CREATE TABLE resource(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind"
    " TEXT NOT NULL, tenant TEXT NOT NULL REFERENCES tenant(id) ON DELETE CASCADE, name TEXT NOT"
    " NULL, fields TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL, updated "
    "INTEGER"
    " NOT NULL, tested INTEGER, tested_ok INTEGER, UNIQUE(tenant, kind, name)) STRICT;"

    "CREATE TABLE secret(owner TEXT NOT NULL REFERENCES resource(id) ON DELETE CASCADE, field TEXT "
    "NOT"
    " NULL, key TEXT NOT NULL, sealed TEXT NOT NULL, PRIMARY KEY(owner, field)) STRICT;"

    "CREATE TABLE pipeline(id TEXT PRIMARY KEY REFERENCES resource(id) ON DELETE CASCADE, tenant "
    "TEXT"
    " NOT NULL, source TEXT NOT NULL REFERENCES resource(id), destination TEXT NOT NULL REFERENCES"
    " resource(id), connection TEXT NOT NULL, scheduled INTEGER NOT NULL, planned_version INTEGER,"
    " next INTEGER, UNIQUE(tenant, connection)) STRICT;"
    "CREATE INDEX pipeline_source ON pipeline(source);"
    "CREATE INDEX pipeline_destination ON pipeline(destination);"

    "CREATE TABLE run(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, tenant "
    "TEXT"
    " NOT NULL REFERENCES tenant(id) ON DELETE CASCADE, pipeline TEXT NOT NULL REFERENCES"
    " resource(id) ON DELETE CASCADE, source TEXT NOT NULL, destination TEXT NOT NULL, trigger TEXT"
    " NOT NULL, state TEXT NOT NULL, whole INTEGER NOT NULL, allow_deletes INTEGER NOT NULL, "
    "streams"
    " TEXT NOT NULL, retry_of TEXT NOT NULL, queued INTEGER NOT NULL, started INTEGER, ended "
    "INTEGER,"
    " stop INTEGER NOT NULL DEFAULT 0, pid INTEGER, pid_started INTEGER, rows INTEGER, bytes "
    "INTEGER,"
    " amount REAL, billed REAL, rpu REAL, counts TEXT, cost TEXT, result TEXT, error TEXT) STRICT;"
    "CREATE INDEX run_pipeline ON run(pipeline, number);"
    "CREATE INDEX run_success ON run(pipeline, state, ended);"
    "CREATE INDEX run_tenant ON run(tenant, number);"
    "CREATE INDEX run_state ON run(state, number);"
    "CREATE INDEX run_ended ON run(ended);"
    // One that waits and one that runs, whatever the program does.
    "CREATE UNIQUE INDEX run_queued ON run(pipeline) WHERE state = 'queued';"
    "CREATE UNIQUE INDEX run_running ON run(pipeline) WHERE state = 'running';"
    "CREATE UNIQUE INDEX run_destination ON run(destination) WHERE state = 'running';"

    "CREATE TABLE message(id TEXT PRIMARY KEY, tenant TEXT NOT NULL, alert TEXT NOT NULL REFERENCES"
    " resource(id) ON DELETE CASCADE, event TEXT NOT NULL, payload TEXT NOT NULL, attempts INTEGER"
    " NOT NULL, next INTEGER NOT NULL, created INTEGER NOT NULL) STRICT;"
    "CREATE INDEX message_next ON message(next);"
    "CREATE INDEX message_alert ON message(alert);"

    "CREATE TABLE token(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, hash "
    "TEXT"
    " NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL, tenant TEXT REFERENCES tenant(id) "
    "ON"
    " DELETE CASCADE, created INTEGER NOT NULL, expires INTEGER, used INTEGER) STRICT;"
    "CREATE INDEX token_tenant ON token(tenant);"
    "CREATE TABLE session(hash TEXT PRIMARY KEY, token TEXT NOT NULL REFERENCES token(id) ON DELETE"
    " CASCADE, expires INTEGER NOT NULL) STRICT;"
    "CREATE INDEX session_token ON session(token);"

    // Without references: it tells of what is gone, too.
    "CREATE TABLE audit(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, token TEXT,"
    " token_name TEXT, tenant TEXT, action TEXT NOT NULL, subject TEXT NOT NULL, address TEXT) "
    "STRICT;"
    "CREATE INDEX audit_tenant ON audit(tenant, number);"

    "CREATE TABLE answer(owner TEXT NOT NULL, name TEXT NOT NULL, request TEXT NOT NULL, created"
    " INTEGER NOT NULL, status INTEGER, key TEXT, sealed TEXT, PRIMARY KEY(owner, name)) STRICT;"
    "CREATE INDEX answer_created ON answer(created);"

    "CREATE TABLE key_check(number INTEGER PRIMARY KEY, key TEXT NOT NULL, sealed TEXT NOT NULL)"
    " STRICT;",

    // What ended in each hour since 1970, so that a month of many thousands of runs is summed in
    // milliseconds. By a trigger: whatever ends a run is counted with it.
    "CREATE TABLE run_hour(hour INTEGER NOT NULL, tenant TEXT NOT NULL REFERENCES tenant(id) ON "
    "DELETE CASCADE, runs INTEGER NOT NULL, succeeded INTEGER NOT NULL, partly INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, stopped INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT"
    " NULL, ms INTEGER NOT NULL, billed REAL, rpu REAL, amount REAL, PRIMARY KEY(hour, tenant))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX run_hour_tenant ON run_hour(tenant);"
    "CREATE TRIGGER run_ended AFTER UPDATE OF ended ON run WHEN OLD.ended IS NULL AND NEW.ended IS"
    " NOT NULL BEGIN INSERT INTO run_hour VALUES(NEW.ended / 3600000, NEW.tenant, 1, NEW.state ="
    " 'succeeded', NEW.state = 'partly', NEW.state = 'failed', NEW.state = 'stopped',"
    " ifnull(NEW.rows, 0), ifnull(NEW.bytes, 0), ifnull(NEW.ended - NEW.started, 0), NEW.billed,"
    " NEW.rpu, NEW.amount) ON CONFLICT(hour, tenant) DO UPDATE SET runs = runs + 1, succeeded ="
    " succeeded + excluded.succeeded, partly = partly + excluded.partly, failed = failed +"
    " excluded.failed, stopped = stopped + excluded.stopped, rows = rows + excluded.rows, bytes ="
    " bytes + excluded.bytes, ms = ms + excluded.ms, billed = coalesce(billed + excluded.billed,"
    " billed, excluded.billed), rpu = coalesce(rpu + excluded.rpu, rpu, excluded.rpu), amount ="
    " coalesce(amount + excluded.amount, amount, excluded.amount); END;"
    "INSERT INTO run_hour SELECT ended / 3600000, tenant, count(*), sum(state = 'succeeded'),"
    " sum(state = 'partly'), sum(state = 'failed'), sum(state = 'stopped'), ifnull(sum(rows),"
    " 0), ifnull(sum(bytes), 0), ifnull(sum(ended - started), 0), sum(billed), sum(rpu),"
    " sum(amount) FROM run WHERE ended IS NOT NULL GROUP BY 1, 2;",
};

constexpr std::string_view kMoveAway =
    "Restore it from a backup (docs/SERVE.md), or take another folder: --data DIR";

}  // namespace

base::ErrorInfo ExplainStore(const std::filesystem::path& path, int code, std::string_view text) {
  using base::ErrorCode;
  base::ErrorInfo info{.code = ErrorCode::kInternal,
                       .operation = "use the database",
                       .subject = path.string(),
                       .message = std::string(text)};
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      info.code = ErrorCode::kUnavailable;
      info.message = "another process holds it";
      info.remedy = "Try again. If it stays so, look who has it open: fuser " + path.string();
      info.retryable = true;
      info.reason = kReasonBusy;
      break;
    case SQLITE_FULL:
      info.code = ErrorCode::kNoSpace;
      info.message = "the disk is full";
      info.remedy =
          "Make room on the disk of the --data folder: df -h " + path.parent_path().string();
      info.retryable = true;
      break;
    case SQLITE_IOERR:
      info.code = ErrorCode::kUnavailable;
      info.message = "the disk refused it";
      info.cause = std::string(text);
      info.remedy = "Look at that disk: dmesg";
      break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      info.code = ErrorCode::kPermission;
      info.remedy = "Allow the user that runs sluice to write it and its folder: chown";
      break;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      info.code = ErrorCode::kCorrupt;
      info.remedy = kMoveAway;
      break;
    default: info.remedy = "Report it with these words."; break;
  }
  return info;
}

void RequireOurs(sqlite::Database& database) {
  // One statement: another process may be about to make it.
  sqlite::Statement statement(
      database,
      "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM"
      " pragma_user_version), count(*) FROM sqlite_schema");
  statement.Step();
  const std::int64_t version = statement.Number(1);
  const bool empty = statement.Number(2) == 0 && version == 0;
  std::string message;
  if (!empty && (statement.Number(0) != kApplicationId || version < 1)) {
    message = "it is an SQLite database, but not one of sluice serve";
  } else if (version > kSchemaVersion) {
    message = fmt::format("a newer sluice wrote it: it is of format {}, this program knows {}",
                          version, kSchemaVersion);
  }
  if (message.empty()) return;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "open the database",
                     .subject = database.path().string(),
                     .message = std::move(message),
                     .remedy = version > kSchemaVersion
                                   ? "Use the newer sluice, or a backup from before the upgrade."
                                   : std::string(kMoveAway)});
}

void Migrate(sqlite::Database& database, std::int64_t version) {
  for (std::int64_t at = database.Number("PRAGMA user_version"); at < version; ++at) {
    sqlite::Transaction transaction(database, sqlite::Durability::kMachine);
    database.Execute(kSteps.at(static_cast<std::size_t>(at)));
    database.Execute(
        fmt::format("PRAGMA application_id={};PRAGMA user_version={}", kApplicationId, at + 1)
            .c_str());
    transaction.Commit();
  }
}

}  // namespace sluice::serve
