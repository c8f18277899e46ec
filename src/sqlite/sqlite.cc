#include "sqlite/sqlite.h"

#include <utility>

namespace sluice::sqlite {

Database::Database(std::filesystem::path path, Open open, Explain explain)
    : path_(std::move(path)), explain_(explain), db_(nullptr, sqlite3_close_v2) {
  const int flags = SQLITE_OPEN_READWRITE | (open == Open::kOrCreate ? SQLITE_OPEN_CREATE : 0);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path_.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (db == nullptr) Throw(SQLITE_NOMEM, "out of memory");
  if (code != SQLITE_OK) Throw(code, sqlite3_errmsg(db));
  sqlite3_busy_timeout(db, 5000);  // Another program that reads it may hold it for a moment.
}

void Database::Throw(int code, std::string_view text) const {
  throw base::Error(explain_(path_, code & 0xff, text));
}

void Database::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) Throw(code, sqlite3_errmsg(db_.get()));
}

std::int64_t Database::Number(const char* sql) {
  Statement statement(*this, sql);
  return statement.Step() ? statement.Number(0) : 0;
}

Statement::Statement(const Database& database, const char* sql)
    : database_(database), statement_(nullptr, sqlite3_finalize) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v2(database.db_.get(), sql, -1, &statement, nullptr));
  statement_.reset(statement);
}

Statement& Statement::Bind(std::string_view text) {
  // A view may have no address, which SQLite takes for NULL.
  const char* data = text.empty() ? "" : text.data();
  Check(sqlite3_bind_text(statement_.get(), ++bound_, data, static_cast<int>(text.size()),
                          SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::Bind(std::int64_t number) {
  Check(sqlite3_bind_int64(statement_.get(), ++bound_, number));
  return *this;
}

Statement& Statement::Bind(base::UtcTime time) {
  return Bind(static_cast<std::int64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count()));
}

Statement& Statement::Bind(double number) {
  Check(sqlite3_bind_double(statement_.get(), ++bound_, number));
  return *this;
}

Statement& Statement::BindNull() {
  Check(sqlite3_bind_null(statement_.get(), ++bound_));
  return *this;
}

bool Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) Check(code);
  return false;
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string Statement::Text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

std::int64_t Statement::Number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::string> Statement::OptionalText(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Text(column));
}

std::optional<std::int64_t> Statement::OptionalNumber(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Number(column));
}

std::optional<std::uint64_t> Statement::OptionalUnsigned(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Unsigned(column));
}

std::optional<double> Statement::OptionalReal(int column) const {
  if (IsNull(column)) return std::nullopt;
  return sqlite3_column_double(statement_.get(), column);
}

std::optional<base::UtcTime> Statement::OptionalTime(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Time(column));
}

void Statement::Check(int code) const {
  if (code != SQLITE_OK) database_.Throw(code, sqlite3_errmsg(database_.db_.get()));
}

void SetDurability(Database& database, Durability durability) {
  database.Execute(durability == Durability::kMachine ? "PRAGMA synchronous=FULL"
                                                      : "PRAGMA synchronous=NORMAL");
}

Transaction::Transaction(Database& database, Durability durability) : database_(database) {
  SetDurability(database, durability);
  database.Execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!committed_) sqlite3_exec(database_.db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::Commit() {
  database_.Execute("COMMIT");
  committed_ = true;
}

}  // namespace sluice::sqlite
