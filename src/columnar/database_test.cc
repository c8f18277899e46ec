// Goal: DuckDB's handles live and die with their owners, and its failures arrive as our errors.
#include "columnar/database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <thread>

#include "columnar/sql_text.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {

namespace fs = std::filesystem;

const Task kDatabaseTask{"test", "a database"};

TEST(Database, ReadsBackWhatWasBound) {
  Database database = Database::Open({.threads = 1});
  Connection connection = database.Connect();
  connection.Run("CREATE TABLE t (a VARCHAR, b BIGINT, c UBIGINT, d BOOLEAN)", {}, kDatabaseTask);
  const Result insert =
      connection.Run("INSERT INTO t VALUES ($1, $2, $3, $4), (NULL, NULL, NULL, $5)",
                     {std::string("a long text, 'quoted'\0!", 23), std::int64_t{-1},
                      std::uint64_t{18446744073709551615u}, true, std::monostate()},
                     kDatabaseTask);
  EXPECT_EQ(insert.rows_changed, 2u);
  const Result result = connection.Run("SELECT * FROM t ORDER BY b NULLS LAST", {}, kDatabaseTask);
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0][0], std::string("a long text, 'quoted'\0!", 23));
  EXPECT_EQ(result.rows[0][1], "-1");
  EXPECT_EQ(result.rows[0][2], "18446744073709551615");
  EXPECT_EQ(result.rows[0][3], "true");
  EXPECT_EQ(result.rows[1][0], std::nullopt);
}

TEST(Database, ReadsMoreRowsThanOneChunk) {
  Database database = Database::Open({.threads = 1});
  EXPECT_EQ(database.Connect().Run("SELECT range FROM range(5000)", {}, kDatabaseTask).rows.size(),
            5000u);
}

TEST(Database, RefusesToReadOtherTypes) {
  Database database = Database::Open({.threads = 1});
  EXPECT_THAT([&] { database.Connect().Run("SELECT DATE '2020-01-01'", {}, kDatabaseTask); },
              test::ThrowsError(base::ErrorCode::kInternal));
}

TEST(Database, KnowsParquetJsonAndTimeZones) {
  Database database = Database::Open({.threads = 1});
  const Result result = database.Connect().Run(
      "SELECT CAST(TIMESTAMP '2020-01-01 00:00:00' AS TIMESTAMPTZ)::VARCHAR, "
      "CAST('{\"a\":1}' AS JSON)::VARCHAR, "
      "(SELECT count(*) FROM duckdb_functions() WHERE function_name = 'read_parquet') > 0",
      {}, kDatabaseTask);
  EXPECT_EQ(result.rows[0][0], "2020-01-01 00:00:00+00");
  EXPECT_EQ(result.rows[0][1], "{\"a\":1}");
  EXPECT_EQ(result.rows[0][2], "true");
}

TEST(Database, NamesAMissingFolderAndAForeignFile) {
  const test::TempDir dir;
  EXPECT_THAT([&] { Database::Open({.file = dir.path() / "no" / "a.duckdb"}); },
              test::ThrowsError(base::ErrorCode::kNotFound));
  const auto foreign = dir.path() / "foreign.duckdb";
  std::ofstream(foreign) << std::string(20000, 'x');
  EXPECT_THAT([&] { Database::Open({.file = foreign}); },
              test::ThrowsError(base::ErrorCode::kCorrupt));
}

TEST(Database, KeepsValuesAndSqlOutOfErrors) {
  Database database = Database::Open({.threads = 1});
  Connection connection = database.Connect();
  for (const char* sql : {"SELECT CAST(x AS BIGINT) FROM (VALUES ('hunter2')) t(x)",
                          "SELECT hunter2", "SELEKT hunter2", "SELECT * FROM hunter2"}) {
    try {
      connection.Run(sql, {}, kDatabaseTask);
      ADD_FAILURE() << "did not throw";
    } catch (const base::Error& error) {
      for (const std::string& text : {std::string(error.what()), error.info().remedy}) {
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
      }
      EXPECT_EQ(error.info().cause.find("SELE"), std::string::npos) << error.info().cause;
    }
  }
}

TEST(Database, DoesNotBeginWhenStopped) {
  Database database = Database::Open({.threads = 1});
  Connection connection = database.Connect();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(
      [&] { connection.Run("CREATE TABLE t (a BIGINT)", {}, kDatabaseTask, stop.get_token()); },
      test::ThrowsError(base::ErrorCode::kCancelled));
  EXPECT_EQ(connection.Run("SELECT table_name FROM duckdb_tables()", {}, kDatabaseTask).rows.size(),
            0u);
}

TEST(Database, StopsAStatementThatRuns) {
  Database database = Database::Open({.threads = 2});
  Connection connection = database.Connect();
  std::stop_source stop;
  // Would take hours: the test ends because the stop reaches it, whenever it comes.
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(
      [&] {
        connection.Run(
            "SELECT sum(CAST(a.range * b.range AS DOUBLE))::VARCHAR FROM range(10000000) a, "
            "range(10000000) b",
            {}, kDatabaseTask, stop.get_token());
      },
      test::ThrowsError(base::ErrorCode::kCancelled));
  EXPECT_EQ(connection.Run("SELECT true", {}, kDatabaseTask).rows.size(), 1u);  // usable again
}

TEST(Database, SaysThatMemoryRanOut) {
  Database database = Database::Open({.memory_limit_mb = 16, .threads = 1});
  EXPECT_THAT(
      [&] {
        database.Connect().Run("CREATE TABLE t AS SELECT range, random() AS x FROM range(5000000)",
                               {}, kDatabaseTask);
      },
      test::ThrowsErrorWith(base::ErrorCode::kDestination, &base::ErrorInfo::message,
                            std::string(kOutOfMemoryMessage)));
}

class Restricted : public testing::Test {
 protected:
  Restricted() {
    fs::create_directories(in_);
    fs::create_directories(out_);
    Database free = Database::Open({.threads = 1});
    for (const fs::path& folder : {in_, out_}) {
      free.Connect().Run(fmt::format("COPY (SELECT 1 AS a) TO {} (FORMAT parquet)",
                                     QuoteText((folder / "p.parquet").string())),
                         {}, kDatabaseTask);
    }
    database_.emplace(Database::Open({.file = dir_.path() / "x.duckdb",
                                      .memory_limit_mb = 64,
                                      .threads = 1,
                                      .temp_dir = dir_.path() / "spill",
                                      .folders = std::vector{in_}}));
  }
  Result Run(const std::string& sql) { return database_->Connect().Run(sql, {}, kDatabaseTask); }
  void ExpectRefused(const std::string& sql) { EXPECT_THROW(Run(sql), base::Error) << sql; }
  static std::string Read(const fs::path& file) {
    return "SELECT CAST(count(*) AS BIGINT) FROM read_parquet(" +
           QuoteText(EscapeGlob(file.string())) + ")";
  }

  const test::TempDir dir_;
  // A person may call a folder so.
  const fs::path in_ = dir_.path() / "in [1]*'s";
  const fs::path out_ = dir_.path() / "out";
  std::optional<Database> database_;
};

TEST_F(Restricted, ReadsAndWritesInItsFoldersAlone) {
  EXPECT_EQ(Run(Read(in_ / "p.parquet")).rows[0][0], "1");
  Run("COPY (SELECT 1 AS a) TO " + QuoteText((in_ / "q.parquet").string()) +
      " (FORMAT parquet, USE_TMP_FILE false)");
  ExpectRefused(Read(out_ / "p.parquet"));
  ExpectRefused(Read(in_ / ".." / "out" / "p.parquet"));
  ExpectRefused("COPY (SELECT 1 AS a) TO " + QuoteText((out_ / "q.parquet").string()));
  ExpectRefused("SELECT size FROM read_text('/etc/hostname')");
  ExpectRefused("SELECT file FROM glob('/etc/*')");
  ExpectRefused("SELECT * FROM read_csv('/etc/passwd')");
  ExpectRefused("ATTACH " + QuoteText((dir_.path() / "y.duckdb").string()));
  ExpectRefused("INSTALL httpfs");
  ExpectRefused("LOAD httpfs");
  ExpectRefused("SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')");
}

TEST_F(Restricted, StillWritesItsFileAndSpills) {
  Run("CREATE TABLE t AS SELECT range AS a, md5(CAST(range AS VARCHAR)) AS b FROM range(1500000)");
  Run("CHECKPOINT");
  // 70 MB, of which 64 may be in memory.
  Connection connection = database_->Connect();
  connection.Run("CREATE TEMP TABLE s AS SELECT * FROM t", {}, kDatabaseTask);
  EXPECT_EQ(connection.Run("SELECT CAST(count(*) AS BIGINT) FROM s", {}, kDatabaseTask).rows[0][0],
            "1500000");
}

TEST_F(Restricted, LetsNoSettingBeChangedButWhatItTakesOfTheMachine) {
  Run("SET GLOBAL memory_limit = '100MB'");
  database_->Share(128, 1);
  for (const char* setting :
       {"enable_external_access = true", "lock_configuration = false",
        "preserve_insertion_order = true", "allowed_directories = ['/']",
        "temp_directory = '/tmp/elsewhere'", "autoload_known_extensions = true",
        "autoinstall_known_extensions = true", "allowed_configs = ['temp_directory']",
        "TimeZone = 'Europe/Berlin'"}) {
    ExpectRefused(std::string("SET GLOBAL ") + setting);
    ExpectRefused(std::string("SET ") + setting);
  }
  const auto value = [&](const std::string& name) {
    return Run("SELECT value FROM duckdb_settings() WHERE name = '" + name + "'").rows[0][0];
  };
  EXPECT_EQ(value("enable_external_access"), "false");
  EXPECT_EQ(value("autoload_known_extensions"), "false");
  EXPECT_EQ(value("autoinstall_known_extensions"), "false");
  EXPECT_EQ(value("lock_configuration"), "true");
}

}  // namespace
}  // namespace sluice::columnar
