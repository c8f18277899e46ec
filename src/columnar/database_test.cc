// Goal: DuckDB's handles live and die with their owners, and its failures arrive as our errors.
#include "columnar/database.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {

const Task kTask{"test", "a database"};

TEST(Database, ReadsBackWhatWasBound) {
  Database database = Database::Open({.threads = 1});
  Connection connection = database.Connect();
  connection.Run("CREATE TABLE t (a VARCHAR, b BIGINT, c UBIGINT, d BOOLEAN)", {}, kTask);
  const Result insert =
      connection.Run("INSERT INTO t VALUES ($1, $2, $3, $4), (NULL, NULL, NULL, $5)",
                     {std::string("a long text, 'quoted'\0!", 23), std::int64_t{-1},
                      std::uint64_t{18446744073709551615u}, true, std::monostate()},
                     kTask);
  EXPECT_EQ(insert.rows_changed, 2u);
  const Result result = connection.Run("SELECT * FROM t ORDER BY b NULLS LAST", {}, kTask);
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0][0], std::string("a long text, 'quoted'\0!", 23));
  EXPECT_EQ(result.rows[0][1], "-1");
  EXPECT_EQ(result.rows[0][2], "18446744073709551615");
  EXPECT_EQ(result.rows[0][3], "true");
  EXPECT_EQ(result.rows[1][0], std::nullopt);
}

TEST(Database, ReadsMoreRowsThanOneChunk) {
  Database database = Database::Open({.threads = 1});
  EXPECT_EQ(database.Connect().Run("SELECT range FROM range(5000)", {}, kTask).rows.size(), 5000u);
}

TEST(Database, RefusesToReadOtherTypes) {
  Database database = Database::Open({.threads = 1});
  EXPECT_THAT([&] { database.Connect().Run("SELECT DATE '2020-01-01'", {}, kTask); },
              test::ThrowsError(base::ErrorCode::kInternal));
}

TEST(Database, KnowsParquetJsonAndTimeZones) {
  Database database = Database::Open({.threads = 1});
  const Result result = database.Connect().Run(
      "SELECT CAST(TIMESTAMP '2020-01-01 00:00:00' AS TIMESTAMPTZ)::VARCHAR, "
      "CAST('{\"a\":1}' AS JSON)::VARCHAR, "
      "(SELECT count(*) FROM duckdb_functions() WHERE function_name = 'read_parquet') > 0",
      {}, kTask);
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
      connection.Run(sql, {}, kTask);
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
  EXPECT_THAT([&] { connection.Run("CREATE TABLE t (a BIGINT)", {}, kTask, stop.get_token()); },
              test::ThrowsError(base::ErrorCode::kCancelled));
  EXPECT_EQ(connection.Run("SELECT table_name FROM duckdb_tables()", {}, kTask).rows.size(), 0u);
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
            {}, kTask, stop.get_token());
      },
      test::ThrowsError(base::ErrorCode::kCancelled));
  EXPECT_EQ(connection.Run("SELECT true", {}, kTask).rows.size(), 1u);  // usable again
}

TEST(Database, SaysThatMemoryRanOut) {
  Database database = Database::Open({.memory_limit_mb = 16, .threads = 1});
  EXPECT_THAT(
      [&] {
        database.Connect().Run("CREATE TABLE t AS SELECT range, random() AS x FROM range(5000000)",
                               {}, kTask);
      },
      test::ThrowsErrorWith(base::ErrorCode::kDestination, &base::ErrorInfo::message,
                            std::string(kOutOfMemoryMessage)));
}

}  // namespace
}  // namespace sluice::columnar
