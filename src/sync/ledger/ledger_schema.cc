#include "sync/ledger/ledger_schema.h"

#include <fmt/format.h>

#include "sync/ledger/ledger_files.h"

namespace sluice::sync {

std::int64_t LedgerVersion(sqlite::Database& database) {
  return database.Number("PRAGMA user_version");
}

// Another program's database is neither changed nor added to.
void RequireLedger(sqlite::Database& database, const char* operation) {
  // One statement: another process may be about to make it.
  sqlite::Statement statement(database,
                              "SELECT (SELECT user_version FROM pragma_user_version), count(*),"
                              " count(*) FILTER (WHERE name IN ('run', 'attempt')) FROM "
                              "sqlite_schema WHERE type = 'table'");
  statement.Step();
  const auto version = statement.Number(0);
  const auto tables = statement.Number(1);
  if (tables == 0 ? version == 0 : statement.Number(2) == 2 && version > 0) return;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = operation,
                     .subject = LedgerSubject(database.path()),
                     .message = "it is an SQLite database, but not a ledger of Sluice",
                     .remedy = std::string(kMoveLedgerAway)});
}

void RequireKnownVersion(sqlite::Database& database) {
  const std::int64_t version = LedgerVersion(database);
  if (version <= kLedgerVersion) return;
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "open ledger",
       .subject = LedgerSubject(database.path()),
       .message = fmt::format("a newer sluice wrote it: it is of format {}, this program knows {}",
                              version, kLedgerVersion),
       .remedy = "Use the newer sluice that wrote it. Or: " + std::string(kMoveLedgerAway)});
}

void MigrateLedger(sqlite::Database& database) {
  const std::int64_t version = LedgerVersion(database);
  if (version < 1) {
    database.Execute(
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
    database.Execute(
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
    database.Execute(
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
    database.Execute(
        "BEGIN;"
        "CREATE TABLE reset(stream TEXT PRIMARY KEY) STRICT;"
        "PRAGMA user_version=4;"
        "COMMIT");
  }
  if (version < 5) {
    // The index: the last commit of each stream is asked for by every `status`, and by each run.
    database.Execute(
        "BEGIN;"
        "ALTER TABLE attempt ADD COLUMN subject TEXT;"
        "ALTER TABLE attempt ADD COLUMN message TEXT;"
        "ALTER TABLE attempt ADD COLUMN remedy TEXT;"
        "CREATE TABLE failure(run TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL,"
        " code TEXT NOT NULL, subject TEXT NOT NULL, message TEXT NOT NULL, remedy TEXT NOT NULL,"
        " PRIMARY KEY(run, stream)) STRICT;"
        "CREATE INDEX attempt_stream ON attempt(stream, committed);"
        "PRAGMA user_version=5;"
        "COMMIT");
  }
  if (version < 6) {
    // All NULL: not known, as of a run that died.
    database.Execute(
        "BEGIN;"
        "ALTER TABLE run ADD COLUMN wake_ups INTEGER;"
        "ALTER TABLE run ADD COLUMN billed_ms INTEGER;"
        "ALTER TABLE run ADD COLUMN rpus REAL;"
        "ALTER TABLE run ADD COLUMN workgroup_rpu_seconds REAL;"
        "ALTER TABLE run ADD COLUMN rpu_price REAL;"
        "ALTER TABLE run ADD COLUMN s3_put INTEGER;"
        "ALTER TABLE run ADD COLUMN s3_get INTEGER;"
        "ALTER TABLE run ADD COLUMN s3_free INTEGER;"
        "ALTER TABLE run ADD COLUMN bytes_staged INTEGER;"
        "ALTER TABLE run ADD COLUMN bytes_moved INTEGER;"
        "PRAGMA user_version=6;"
        "COMMIT");
  }
  if (version < 7) {
    database.Execute(
        "BEGIN;"
        "ALTER TABLE attempt ADD COLUMN as_of_us INTEGER;"
        "CREATE TABLE chosen(pattern TEXT NOT NULL, schema_name TEXT NOT NULL, table_name TEXT"
        " NOT NULL, state TEXT NOT NULL, changed INTEGER NOT NULL,"
        " PRIMARY KEY(pattern, schema_name, table_name)) STRICT;"
        "PRAGMA user_version=7;"
        "COMMIT");
  }
}

}  // namespace sluice::sync
