// Goal: what is particular to PostgreSQL holds: types and names arrive exactly, what hangs on a
// table that is replaced stays, what an earlier load left goes, and one process loads at a time.
#include "destinations/postgres/postgres_destination.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "destinations/postgres/testing/postgres_harness.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;
using model::SchemaPolicy;
using model::TypeKind;
using model::WriteMode;
using test::PostgresServer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const base::Call kCall;

class PostgresDestinationTest : public ::testing::Test {
 protected:
  std::unique_ptr<Destination> Open() { return harness_.Open(); }
  static model::StreamTarget Target(WriteMode mode = WriteMode::kOverwrite) {
    return {.stream = "sales.orders",
            .table = {"sales", "orders"},
            .columns = {{"n", {TypeKind::kInt64}}, {"t", {TypeKind::kVarchar}}},
            .write_mode = mode,
            .primary_key = {"n"},
            .complete = false};
  }
  model::LocalPart Part(int first, int last) {
    return harness_.MakePart(
        fmt::format("p{}", ++parts_),
        fmt::format("SELECT CAST(range AS BIGINT) AS n, 't' || range AS t FROM range({}, {})",
                    first, last + 1));
  }
  model::Counts Load(Destination& destination, const model::StreamTarget& target,
                     const model::LocalPart& part) {
    auto load = destination.Begin(target, kCall);
    const LoadedRows rows = load->Add({&part, 1}, kCall);
    return load->Commit({.value = "42", .run = "r1", .attempt = fmt::format("a{}", ++attempts_)},
                        {.manifest_rows = rows.loaded_rows,
                         .footer_rows = rows.footer_rows,
                         .loaded_rows = rows.loaded_rows},
                        kCall);
  }
  void Sql(const std::string& sql) { PostgresServer::Shared().Run(harness_.database(), sql); }
  std::vector<std::string> Query(const std::string& sql) { return harness_.Query(sql); }
  std::vector<std::string> Numbers() { return Query("SELECT n FROM sales.orders ORDER BY n"); }
  // What is ours, besides the state table.
  std::vector<std::string> OwnTables() {
    return Query(
        "SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
        "relnamespace WHERE relkind = 'r' AND (relname LIKE '\\_sluice%' OR nspname = "
        "'_sluice') AND relname <> 'state' ORDER BY 1");
  }

  const test::TempDir dir_;
  PostgresHarness harness_{dir_.path()};
  test::FakeClock clock_;
  test::NullLogger log_;
  int parts_ = 0;
  int attempts_ = 0;
};

TEST_F(PostgresDestinationTest, EveryTypeArrivesExactly) {
  model::StreamTarget target = Target();
  const auto decimal = [](int precision, int scale) {
    return model::Type{.kind = TypeKind::kDecimal, .precision = precision, .scale = scale};
  };
  target.columns = {{"d4", decimal(4, 2)},
                    {"d18", decimal(18, 0)},
                    {"d38", decimal(38, 37)},
                    {"f4", {TypeKind::kFloat32}},
                    {"f8", {TypeKind::kFloat64}},
                    {"tz", {TypeKind::kTimestampTz}},
                    {"ti", {TypeKind::kTime}},
                    {"ttz", {TypeKind::kTimeTz}},
                    {"iy", {TypeKind::kIntervalYearToMonth}},
                    {"su", {TypeKind::kSuper}},
                    {"vb", {TypeKind::kVarbyte}},
                    {"ge", {TypeKind::kGeometry}},
                    {"dt", {TypeKind::kDate}},
                    {"ts", {TypeKind::kTimestamp}}};
  const model::LocalPart part = harness_.MakePart(
      "types",
      "SELECT CAST('-99.99' AS DECIMAL(4,2)) AS d4, CAST(999999999999999999 AS DECIMAL(18,0)) AS "
      "d18, CAST('-9.9999999999999999999999999999999999999' AS DECIMAL(38,37)) AS d38, CAST('nan' "
      "AS FLOAT) AS f4, CAST('-inf' AS DOUBLE) AS f8, TIMESTAMP '2026-03-29 01:30:00.000001' AS "
      "tz, '24:00:00' AS ti, '23:59:59.999999-15:59' AS ttz, '-1 years -2 mons' AS iy, "
      "'{\"b\": 1.0, \"a\": \"\\u0000\", \"a\": 2}' AS su, '00ff' AS vb, "
      "'0101000000000000000000F03F0000000000000040' AS ge, DATE '0001-01-01' AS dt, TIMESTAMP "
      "'9999-12-31 23:59:59.999999' AS ts");
  const auto destination = Open();
  // As Redshift writes them.
  Load(*destination, target,
       harness_.MakePart("types2", fmt::format("SELECT d4, d18, d38, f4, f8, tz, CAST(ti AS TIME) "
                                               "AS ti, ttz, iy, su, vb, ge, dt, ts FROM "
                                               "'{}'",
                                               part.file.string())));
  EXPECT_THAT(
      Query("SET timezone = 'UTC'; SELECT * FROM sales.orders"),
      ElementsAre(
          "-99.99|999999999999999999|-9.9999999999999999999999999999999999999|NaN|-Infinity|"
          "2026-03-29 01:30:00.000001+00|24:00:00|23:59:59.999999-15:59|-1 years -2 mons|"
          "{\"b\": 1.0, \"a\": \"\\u0000\", \"a\": 2}|\\x00ff|"
          "0101000000000000000000F03F0000000000000040|0001-01-01|"
          "9999-12-31 23:59:59.999999"));
  EXPECT_THAT(
      Query("SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum) FROM "
            "pg_attribute WHERE attrelid = 'sales.orders'::regclass AND attnum > 0"),
      ElementsAre("numeric(4,2),numeric(18,0),numeric(38,37),real,double precision,timestamp with "
                  "time zone,time without time zone,time with time zone,text,json,bytea,text,date,"
                  "timestamp without time zone"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, MergesEveryType) {
  model::StreamTarget target = Target(WriteMode::kMerge);
  target.columns = {{"n", {TypeKind::kInt64}},
                    {"j", {TypeKind::kSuper}},
                    {"b", {TypeKind::kVarbyte}},
                    {"z", {TypeKind::kTimeTz}}};
  const auto part = [&](const std::string& json) {
    return harness_.MakePart(fmt::format("j{}", ++parts_),
                             fmt::format("SELECT CAST(1 AS BIGINT) AS n, '{}' AS j, 'ff' AS b, "
                                         "'01:00:00+01:00' AS z FROM range(2)",
                                         json));
  };
  const auto destination = Open();
  EXPECT_EQ(Load(*destination, target, part("{}")),
            (model::Counts{.inserted = 1, .skipped = 1, .duplicates = 1}));
  EXPECT_EQ(Load(*destination, target, part("{}")),
            (model::Counts{.unchanged = 1, .skipped = 1, .duplicates = 1}));
  EXPECT_EQ(Load(*destination, target, part("[]")),
            (model::Counts{.updated = 1, .skipped = 1, .duplicates = 1}));
  destination->Close();
}

TEST_F(PostgresDestinationTest, NamesAreKeptExactlyAndLongOnesRefusedByName) {
  const auto destination = Open();
  model::StreamTarget target = Target();
  target.table = {"we\"ird. schema", "ta'ble; --"};
  target.columns[0].name = std::string(63, 'x');
  target.columns[1].name = "N \"quoted\" %";
  const model::LocalPart part = harness_.MakePart(
      "odd", fmt::format("SELECT CAST(1 AS BIGINT) AS {:x>63}, 'a' AS \"N \"\"quoted\"\" %\"", ""));
  Load(*destination, target, part);
  Load(*destination, target, part);  // replaces it
  EXPECT_THAT(harness_.ColumnNames(*destination, target.table),
              ElementsAre(std::string(63, 'x'), "N \"quoted\" %"));
  const auto refused = [&](const std::string& name) {
    EXPECT_THAT([&] { destination->Begin(target, kCall); },
                test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                      AllOf(HasSubstr(name), HasSubstr("64 bytes"))));
  };
  target.columns[0].name = std::string(64, 'y');
  refused(std::string(64, 'y'));
  target = Target();
  target.table.table = std::string(62, 'z') + "ö";  // bytes, not letters
  refused(target.table.table);
  target = Target();
  target.columns[0].name = "xmin";
  EXPECT_THAT(
      [&] { destination->Begin(target, kCall); },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message, HasSubstr("xmin")));
  for (const char* schema : {"_sluice", "pg_temp", "information_schema", ""}) {
    target = Target();
    target.table.schema = schema;
    EXPECT_THAT([&] { destination->Begin(target, kCall); },
                test::ThrowsError(ErrorCode::kUnsupported));
  }
  destination->Close();
}

TEST_F(PostgresDestinationTest, ANulByteInATextIsRefusedAndNothingLeft) {
  const auto destination = Open();
  Load(*destination, Target(), Part(1, 2));
  const model::LocalPart bad =
      harness_.MakePart("nul", "SELECT CAST(1 AS BIGINT) AS n, 'secret' || chr(0) AS t");
  EXPECT_THAT([&] { Load(*destination, Target(), bad); },
              ::testing::Throws<base::Error>(::testing::Property(
                  &base::Error::info,
                  AllOf(::testing::Field(&base::ErrorInfo::code, ErrorCode::kUnsupported),
                        ::testing::Field(&base::ErrorInfo::subject, HasSubstr("column t")),
                        ::testing::Field(&base::ErrorInfo::message, Not(HasSubstr("secret")))))));
  EXPECT_THAT(Numbers(), ElementsAre("1", "2"));
  destination->Close();
  EXPECT_THAT(OwnTables(), IsEmpty());
}

TEST_F(PostgresDestinationTest, AValueThatIsNoJsonIsRefusedWithoutQuotingIt) {
  model::StreamTarget target = Target();
  target.columns[1].type.kind = TypeKind::kSuper;
  const auto destination = Open();
  const model::LocalPart bad =
      harness_.MakePart("json", "SELECT CAST(1 AS BIGINT) AS n, 'secret' AS t");
  try {
    Load(*destination, target, bad);
    ADD_FAILURE() << "was not refused";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(std::string(error.what()) + error.info().cause + error.info().remedy,
                Not(HasSubstr("secret")));
  }
}

TEST_F(PostgresDestinationTest, AMergeMakesThePrimaryKeyAndAnOverwriteNone) {
  const auto keys = [&] {
    return Query(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
        "'sales.orders'::regclass");
  };
  const auto destination = Open();
  Load(*destination, Target(WriteMode::kMerge), Part(1, 3));
  EXPECT_THAT(keys(), ElementsAre("orders_pkey|PRIMARY KEY (n)"));
  EXPECT_EQ(Load(*destination, Target(WriteMode::kMerge), Part(2, 4)),
            (model::Counts{.inserted = 1, .unchanged = 2}));
  Load(*destination, Target(), Part(1, 1));
  EXPECT_THAT(keys(), IsEmpty());
  destination->Close();
}

TEST_F(PostgresDestinationTest, OverwriteKeepsGrants) {
  Sql("DO $$ BEGIN CREATE ROLE analyst; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  const auto destination = Open();
  Load(*destination, Target(), Part(1, 1));
  Sql("GRANT SELECT ON sales.orders TO analyst; GRANT INSERT ON sales.orders TO PUBLIC");
  const auto before = Query("SELECT oid FROM pg_class WHERE relname = 'orders'");
  Load(*destination, Target(), Part(2, 2));
  EXPECT_NE(Query("SELECT oid FROM pg_class WHERE relname = 'orders'"), before);
  EXPECT_THAT(Query("SELECT has_table_privilege('analyst', 'sales.orders', 'SELECT'), "
                    "has_table_privilege('analyst', 'sales.orders', 'INSERT'), "
                    "has_table_privilege('analyst', 'sales.orders', 'DELETE')"),
              ElementsAre("t|t|f"));
  destination->Close();
}

// Each would be lost with the table; with it, rows are replaced where they stand.
TEST_F(PostgresDestinationTest, OverwriteKeepsATableOnWhichSomethingHangs) {
  const auto destination = Open();
  for (const char* hang :
       {"CREATE VIEW sales.v AS SELECT n FROM sales.orders", "CREATE INDEX i ON sales.orders (t)",
        "ALTER TABLE sales.orders ADD CONSTRAINT positive CHECK (n >= 0)",
        "ALTER TABLE sales.orders ADD COLUMN extra text DEFAULT 'x'",
        "COMMENT ON COLUMN sales.orders.t IS 'a text'",
        "CREATE PUBLICATION p FOR TABLE sales.orders; ALTER TABLE sales.orders "
        "REPLICA IDENTITY FULL",
        "ALTER TABLE sales.orders ADD UNIQUE (n); CREATE TABLE sales.lines (n "
        "bigint REFERENCES sales.orders (n) DEFERRABLE INITIALLY DEFERRED)"}) {
    SCOPED_TRACE(hang);
    Load(*destination, Target(), Part(1, 2));
    Sql(hang);
    const auto oid = Query("SELECT 'sales.orders'::regclass::oid");
    EXPECT_EQ(Load(*destination, Target(), Part(5, 7)).inserted, 3u);
    EXPECT_THAT(Numbers(), ElementsAre("5", "6", "7"));
    EXPECT_EQ(Query("SELECT 'sales.orders'::regclass::oid"), oid);
    Sql("DROP PUBLICATION IF EXISTS p; DROP TABLE sales.orders CASCADE; DROP TABLE IF EXISTS "
        "sales.lines");
  }
  destination->Close();
}

TEST_F(PostgresDestinationTest, ColumnsOfSomebodyElseHaveTheirDefaults) {
  Sql("CREATE SCHEMA sales; CREATE TABLE sales.orders (n bigint, t character varying(40), extra "
      "text DEFAULT 'x', twice bigint GENERATED ALWAYS AS (n * 2) STORED, price numeric)");
  const auto destination = Open();
  EXPECT_EQ(Load(*destination, Target(WriteMode::kMerge), Part(1, 1)).inserted, 1u);
  Sql("UPDATE sales.orders SET t = 'old', extra = 'y'");
  EXPECT_EQ(Load(*destination, Target(WriteMode::kMerge), Part(1, 2)),
            (model::Counts{.inserted = 1, .updated = 1}));
  EXPECT_THAT(Query("SELECT * FROM sales.orders ORDER BY n"),
              ElementsAre("1|t1|x|2|NULL", "2|t2|x|4|NULL"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, ATableOfOtherTypesIsLeftToThePolicy) {
  Sql("CREATE SCHEMA sales; CREATE TABLE sales.orders (n integer, t date)");
  const auto destination = Open();
  EXPECT_THAT(
      [&] { destination->Begin(Target(WriteMode::kAppend), kCall); },
      ::testing::Throws<base::Error>(::testing::Property(
          &base::Error::info,
          AllOf(::testing::Field(&base::ErrorInfo::code, ErrorCode::kUnsupported),
                ::testing::Field(&base::ErrorInfo::message,
                                 HasSubstr("column t is date there and text now")),
                ::testing::Field(
                    &base::ErrorInfo::remedy,
                    AllOf(HasSubstr("run this on the PostgreSQL database"),
                          HasSubstr(
                              R"(ALTER TABLE "sales"."orders" ALTER COLUMN "t" TYPE text;)")))))));
  Sql("ALTER TABLE sales.orders ALTER COLUMN t TYPE text");
  Load(*destination, Target(WriteMode::kAppend), Part(1, 1));  // integer is widened
  EXPECT_THAT(Query("SELECT pg_typeof(n), t FROM sales.orders"), ElementsAre("bigint|t1"));
  Load(*destination, Target(), Part(2, 2));  // overwrite takes the stream's shape
  EXPECT_THAT(Numbers(), ElementsAre("2"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, WhatIsNoTableIsNotReplaced) {
  Sql("CREATE SCHEMA sales; CREATE VIEW sales.orders AS SELECT 1 AS n");
  const auto destination = Open();
  EXPECT_THAT([&] { destination->Begin(Target(), kCall); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("a view of that name exists")));
  Sql("DROP VIEW sales.orders; CREATE TABLE sales.orders (n bigint, t text) PARTITION BY LIST (n); "
      "CREATE TABLE sales.part PARTITION OF sales.orders DEFAULT");
  EXPECT_THAT([&] { destination->Begin(Target(WriteMode::kMerge), kCall); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("partitions")));
  Load(*destination, Target(WriteMode::kAppend), Part(1, 1));
  Load(*destination, Target(), Part(3, 3));
  EXPECT_THAT(Query("SELECT n FROM sales.part"), ElementsAre("3"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, LeavesNothingOfLoadsThatCameToNothing) {
  for (const std::uint64_t small : {std::uint64_t{0}, std::uint64_t{1} << 30}) {
    PostgresOptions options = harness_.Options();
    options.small_load_bytes = small;
    const auto destination = OpenPostgres(options, clock_, log_);
    destination->Begin(Target(), kCall)->Add(std::vector{Part(1, 3)}, kCall);
    destination->Probe(kCall);
    destination->Close();
    EXPECT_THAT(Query("SELECT nspname FROM pg_namespace WHERE nspname IN ('sales', '_sluice', "
                      "'_sluice_probe')"),
                IsEmpty());
  }
}

TEST_F(PostgresDestinationTest, DropsWhatADeadProcessLeftAndNothingElse) {
  {
    PostgresOptions options = harness_.Options();
    options.small_load_bytes = 0;
    const auto destination = OpenPostgres(options, clock_, log_);
    Load(*destination, Target(WriteMode::kMerge), Part(1, 1));
    auto load = destination->Begin(Target(WriteMode::kMerge), kCall);
    load->Add(std::vector{Part(2, 2)}, kCall);
    auto other = destination->Begin(
        {.stream = "b", .table = {"sales", "b"}, .columns = Target().columns}, kCall);
    other->Add(std::vector{Part(2, 2)}, kCall);
    EXPECT_THAT(OwnTables(), ElementsAre(HasSubstr("_sluice.rows_"), HasSubstr("_sluice_new_")));
    // As if the process had died: its sessions end, and what it made stays.
    Sql("CREATE TABLE public.kept AS SELECT 1 AS a; DO $$ DECLARE r record; BEGIN FOR r IN SELECT "
        "c.oid::regclass AS t FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE "
        "relkind = 'r' AND (nspname = '_sluice' AND relname LIKE 'rows%' OR relname LIKE "
        "'\\_sluice\\_new%') LOOP EXECUTE format('CREATE TABLE public.%I AS TABLE %s', 'copy_' || "
        "md5(r.t::text), r.t); END LOOP; END $$");
    const auto left = Query(
        "SELECT format('CREATE TABLE %s (a int)', c.oid::regclass) FROM pg_class c JOIN "
        "pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND (nspname = '_sluice' AND "
        "relname LIKE 'rows%' OR relname LIKE '\\_sluice\\_new%')");
    load.reset();
    other.reset();
    destination->Close();
    EXPECT_THAT(OwnTables(), IsEmpty());
    for (const std::string& statement : left) Sql(statement);
  }
  EXPECT_EQ(OwnTables().size(), 2u);
  const auto destination = Open();
  Load(*destination, Target(WriteMode::kMerge), Part(2, 2));
  EXPECT_THAT(OwnTables(), ElementsAre(HasSubstr("_sluice_new_")));  // the other stream's
  Load(*destination, {.stream = "b", .table = {"sales", "b"}, .columns = Target().columns},
       Part(1, 1));
  EXPECT_THAT(OwnTables(), IsEmpty());
  EXPECT_THAT(Query("SELECT a FROM public.kept"), ElementsAre("1"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, ASecondProcessIsToldWhoHoldsItSinceWhen) {
  const auto destination = Open();
  EXPECT_THAT(
      [&] { Open(); },
      ::testing::Throws<base::Error>(::testing::Property(
          &base::Error::info,
          AllOf(::testing::Field(&base::ErrorInfo::code, ErrorCode::kConflict),
                ::testing::Field(&base::ErrorInfo::retryable, true),
                ::testing::Field(
                    &base::ErrorInfo::message,
                    AllOf(HasSubstr(fmt::format("sluice {} on", getpid())), HasSubstr("since 20"))),
                ::testing::Field(&base::ErrorInfo::remedy, HasSubstr("pg_terminate_backend("))))));
  destination->Close();
  Open()->Close();
}

TEST_F(PostgresDestinationTest, StateTellsWhatWasCommitted) {
  const auto destination = Open();
  Load(*destination, Target(), Part(1, 3));
  EXPECT_THAT(
      Query("SET timezone = 'UTC'; SELECT stream, target_schema, target_table, write_mode, run, "
            "attempt, watermark, inserted, updated, unchanged, deleted, skipped, notice_rows, "
            "manifest_rows, footer_rows, loaded_rows, committed_at FROM _sluice.state"),
      ElementsAre("sales.orders|sales|orders|overwrite|r1|a1|42|3|0|0|0|0|NULL|3|3|3|"
                  "2026-01-01 00:00:00+00"));
  destination->Close();
}

TEST_F(PostgresDestinationTest, RefusesBadOptionsByField) {
  const auto refused = [&](const PostgresOptions& options, const std::string& field) {
    EXPECT_THAT([&] { OpenPostgres(options, clock_, log_); },
                test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                      "destination." + field));
  };
  const PostgresOptions good = harness_.Options();
  PostgresOptions options = good;
  options.host = "";
  refused(options, "host");
  options = good;
  options.port = 0;
  refused(options, "port");
  options = good;
  options.database = "";
  refused(options, "database");
  options = good;
  options.user = "";
  refused(options, "user");
  options = good;
  options.sslmode = "on";
  refused(options, "sslmode");
  options = good;
  options.connections = 17;
  refused(options, "connections");
  options = good;
  options.memory_limit_mb = 1;
  refused(options, "memory_limit_mb");
  options = good;
  options.threads = 0;
  refused(options, "threads");
}

TEST_F(PostgresDestinationTest, StopsBeforeItBeginsAndWhenTheTimeHasPassed) {
  const auto destination = OpenPostgres(harness_.Options(), clock_, log_);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT([&] { destination->Begin(Target(), {.stop = stop.get_token()}); },
              test::ThrowsError(ErrorCode::kCancelled));
  auto load = destination->Begin(Target(), kCall);
  const base::Call late{.deadline = base::Deadline::After(clock_, std::chrono::seconds(1))};
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT([&] { load->Commit({}, {}, late); }, test::ThrowsError(ErrorCode::kTimeout));
  load.reset();
  destination->Close();
}

}  // namespace
}  // namespace sluice::destinations::postgres
