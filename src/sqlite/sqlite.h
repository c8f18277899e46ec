// A SQLite database, as far as the ledger and the service use one. Errors are thrown where they
// arise, in the words that the owner of the database chooses. Our own and not SQLiteCpp's:
// docs/adr/0005-libraries-of-the-distribution.md.
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace sluice::sqlite {

// What a failure of `path` means. `code`: SQLite's primary one; `text`: SQLite's words.
using Explain = base::ErrorInfo (*)(const std::filesystem::path& path, int code,
                                    std::string_view text);

enum class Open { kExisting, kOrCreate };

// Not thread-safe. Throws what `explain` makes of a failure.
class Database {
 public:
  Database(std::filesystem::path path, Open open, Explain explain);
  // One statement or several, without parameters.
  void Execute(const char* sql);
  // A whole number that `sql` asks for; 0 if there is no row, or NULL in it.
  std::int64_t Number(const char* sql);
  const std::filesystem::path& path() const { return path_; }
  [[noreturn]] void Throw(int code, std::string_view text) const;

 private:
  friend class Statement;
  friend class Transaction;
  const std::filesystem::path path_;
  const Explain explain_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
};

// Binds the parameters in their order, then steps. REQUIRES: the database outlives it.
class Statement {
 public:
  Statement(const Database& database, const char* sql);
  Statement& Bind(std::string_view text);
  Statement& Bind(const std::string& text) { return Bind(std::string_view(text)); }
  Statement& Bind(const char* text) { return Bind(std::string_view(text)); }
  Statement& Bind(std::int64_t number);
  Statement& Bind(int number) { return Bind(static_cast<std::int64_t>(number)); }
  Statement& Bind(std::uint64_t number) { return Bind(static_cast<std::int64_t>(number)); }
  Statement& Bind(double number);
  Statement& Bind(base::UtcTime time);  // whole seconds
  template <typename Value>
  Statement& Bind(const std::optional<Value>& value) {
    return value ? Bind(*value) : BindNull();
  }
  Statement& BindNull();
  // True while there is a row.
  bool Step();
  // Of the row, by number, from 0. NULL: "" and 0.
  std::string Text(int column) const;
  std::int64_t Number(int column) const;
  std::uint64_t Unsigned(int column) const { return static_cast<std::uint64_t>(Number(column)); }
  base::UtcTime Time(int column) const {
    return base::UtcTime(std::chrono::seconds(Number(column)));
  }
  std::optional<std::string> OptionalText(int column) const;
  std::optional<std::int64_t> OptionalNumber(int column) const;
  std::optional<std::uint64_t> OptionalUnsigned(int column) const;
  std::optional<double> OptionalReal(int column) const;
  std::optional<base::UtcTime> OptionalTime(int column) const;

 private:
  void Check(int code) const;
  bool IsNull(int column) const;
  const Database& database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  int bound_ = 0;
};

// Whether a commit is on disk when it returns. A write to SQLite's log that is not flushed costs
// microseconds, a flush milliseconds, and each small table pays for all of its own.
enum class Durability { kMachine, kProcess };

// All or nothing: what was not committed is rolled back.
class Transaction {
 public:
  Transaction(Database& database, Durability durability);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void Commit();

 private:
  Database& database_;
  bool committed_ = false;
};

// For a statement of its own, which is a transaction.
void SetDurability(Database& database, Durability durability);

}  // namespace sluice::sqlite
