// Goal: a DuckDB file passes the suite of every destination, and what is particular to a file on
// disk holds: nothing left beside it, nothing of ours in it after a failure, its size bounded.
#include "destinations/duckdb/duckdb_destination.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "columnar/sql_text.h"
#include "destinations/duckdb/duckdb_store.h"
#include "destinations/testing/conformance.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using columnar::QuoteText;
using model::TypeKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const columnar::Task kTask{"test", "a DuckDB file"};
const base::Call kCall;

std::string Row(const std::vector<std::optional<std::string>>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += (i > 0 ? "|" : "") + cells[i].value_or("NULL");
  }
  return out;
}

std::vector<std::string> Query(Destination& destination, const std::string& sql) {
  std::vector<std::string> rows;
  columnar::Connection connection = dynamic_cast<DuckDbStore&>(destination).Connect();
  for (const auto& row : connection.Run(sql, {}, kTask).rows) rows.push_back(Row(row));
  return rows;
}

std::string Quoted(const model::TableName& table) {
  return columnar::QuoteName(table.schema) + "." + columnar::QuoteName(table.table);
}

// A part made by DuckDB; what only pyarrow can write is tested in columnar.
model::LocalPart WritePart(const fs::path& folder, const std::string& name,
                           const std::string& select) {
  const fs::path file = folder / (name + ".parquet");
  columnar::Database database = columnar::Database::Open({.threads = 1});
  database.Connect().Run(
      fmt::format("COPY ({}) TO {} (FORMAT parquet)", select, QuoteText(file.string())), {}, kTask);
  return {{.key = name, .bytes = fs::file_size(file)}, file};
}

class DuckDbHarness final : public Harness {
 public:
  explicit DuckDbHarness(fs::path folder) : folder_(std::move(folder)) {}

  std::unique_ptr<Destination> Open() override {
    return OpenDuckDb({.path = folder_ / "test.duckdb", .work_dir = folder_}, clock_, log);
  }
  model::LocalPart MakePart(const std::string& name, const std::string& select) override {
    return WritePart(folder_, name, select);
  }
  std::optional<std::vector<std::string>> Read(Destination& destination,
                                               const model::TableName& table) override {
    if (ColumnNames(destination, table).empty()) return std::nullopt;
    auto rows = Query(destination, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM " + Quoted(table));
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  std::vector<std::string> ColumnNames(Destination& destination,
                                       const model::TableName& table) override {
    return Query(destination,
                 fmt::format("SELECT column_name FROM duckdb_columns() WHERE schema_name = {} AND "
                             "table_name = {} ORDER BY column_index",
                             QuoteText(table.schema), QuoteText(table.table)));
  }
  std::vector<std::string> EngineSchemas() const override {
    return {"pg_catalog", "information_schema", "temp", "system", "Temp", "PG_CATALOG"};
  }
  std::vector<std::string> Squatters() const override { return {"view"}; }
  void Squat(Destination& destination, const std::string&, const model::TableName& table) override {
    Query(destination, "CREATE VIEW " + Quoted(table) + " AS SELECT 1 AS n, 'a' AS t");
  }
  bool IgnoresCase() const override { return true; }
  bool IsLocalFile() const override { return true; }

 private:
  const fs::path folder_;
  test::FakeClock clock_;
};

std::unique_ptr<Harness> MakeDuckDbHarness(const fs::path& folder) {
  return std::make_unique<DuckDbHarness>(folder);
}

INSTANTIATE_TEST_SUITE_P(DuckDb, Conformance, ::testing::Values(&MakeDuckDbHarness));
INSTANTIATE_TEST_SUITE_P(DuckDb, Merging, ::testing::Values(&MakeDuckDbHarness));
INSTANTIATE_TEST_SUITE_P(DuckDb, History, ::testing::Values(&MakeDuckDbHarness));
INSTANTIATE_TEST_SUITE_P(DuckDb, SchemaChanges, ::testing::Values(&MakeDuckDbHarness));

class DuckDbDestination : public ::testing::Test {
 protected:
  DuckDbOptions Options() const {
    return {.path = dir_.path() / "acme.duckdb",
            .work_dir = dir_.path() / "work",
            .parts_dir = dir_.path()};
  }
  std::unique_ptr<Destination> Open() { return OpenDuckDb(Options(), clock_, log_); }
  static model::StreamTarget Target(std::string schema = "sales", std::string table = "orders") {
    return {.stream = schema + "." + table,
            .table = {schema, table},
            .columns = {{"n", {TypeKind::kInt64}}}};
  }
  model::LocalPart Part(const std::string& name, const std::string& rows = "range(3)") {
    return WritePart(dir_.path(), name, "SELECT CAST(range AS BIGINT) AS n FROM " + rows);
  }
  void Load(Destination& destination, const model::StreamTarget& target,
            const model::LocalPart& part, const std::string& attempt) {
    auto load = destination.Begin(target, kCall);
    const LoadedRows rows = load->Add({&part, 1}, kCall);
    load->Commit({.value = "42", .run = "r1", .attempt = attempt},
                 {.manifest_rows = rows.loaded_rows,
                  .footer_rows = rows.footer_rows,
                  .loaded_rows = rows.loaded_rows,
                  .parts = 1,
                  .manifest_bytes = 9,
                  .fetched_bytes = 9},
                 kCall);
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
      if (entry.path().extension() != ".parquet") names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const test::TempDir dir_;
  test::FakeClock clock_;
  test::NullLogger log_;
};

TEST_F(DuckDbDestination, LeavesTheFileAndNothingElse) {
  fs::create_directories(Options().work_dir);
  const auto destination = Open();
  Load(*destination, Target(), Part("a"), "a1");
  destination->Close();
  EXPECT_THAT(Files(), ElementsAre("acme.duckdb", "work"));
}

TEST_F(DuckDbDestination, RemovesAFileItMadeForNothing) {
  fs::create_directories(Options().work_dir);
  const auto destination = Open();
  destination->Probe(kCall);
  destination->Begin(Target(), kCall)->Add(std::vector{Part("a")}, kCall);
  destination->Close();
  EXPECT_THAT(Files(), ElementsAre("work"));
}

TEST_F(DuckDbDestination, DroppedWithoutCloseLeavesTheSame) {
  Open()->Begin(Target(), kCall);
  EXPECT_THAT(Files(), ElementsAre());
}

// What lies on disk at any moment is what a process leaves that is killed then.
TEST_F(DuckDbDestination, RemovesWhatADeadRunLeftThatCommittedNothing) {
  const fs::path dead = dir_.path() / "dead";
  fs::create_directories(dead);
  const auto leave = [&](const std::string& when) {
    for (const char* name : {"acme.duckdb", "acme.duckdb.wal"}) {
      const fs::path from = dir_.path() / name;
      if (fs::exists(from)) fs::copy_file(from, dead / (when + "-" + name));
    }
  };
  {
    const auto destination = Open();
    leave("opened");
    auto load = destination->Begin(Target(), kCall);
    load->Add(std::vector{Part("a")}, kCall);
    leave("loading");
    load.reset();
    Load(*destination, Target(), Part("b"), "a1");
    leave("committed");
    destination->Close();
  }
  for (const std::string when : {"opened", "loading", "committed"}) {
    DuckDbOptions options = Options();
    options.path = dead / (when + "-acme.duckdb");
    const auto destination = OpenDuckDb(options, clock_, log_);
    EXPECT_EQ(destination->ReadCommitted("sales.orders", kCall).has_value(), when == "committed");
    destination->Close();
    EXPECT_EQ(fs::exists(options.path), when == "committed") << when;
    EXPECT_FALSE(fs::exists(options.path.string() + ".wal")) << when;
  }
}

// Whatever somebody put there is theirs, even if no row is in it.
TEST_F(DuckDbDestination, KeepsAFileThatHoldsAnything) {
  for (const char* statement :
       {"CREATE TABLE mine (a INTEGER)", "CREATE VIEW mine AS SELECT 1 AS a",
        "CREATE SEQUENCE mine", "CREATE MACRO mine(a) AS a + 1", "CREATE TYPE mine AS ENUM ('a')",
        "SELECT true"}) {
    SCOPED_TRACE(statement);
    fs::remove(Options().path);
    {
      columnar::Database database = columnar::Database::Open({.file = Options().path});
      database.Connect().Run(statement, {}, kTask);
    }
    for (int i = 0; i < 2; ++i) {
      const auto destination = Open();
      destination->Begin(Target(), kCall);
      destination->Close();
      EXPECT_TRUE(fs::exists(Options().path)) << "after failure " << i;
    }
  }
}

TEST_F(DuckDbDestination, SpillsIntoAWorkFolderThatDoesNotExistYet) {
  DuckDbOptions options = Options();
  options.memory_limit_mb = 64;
  options.threads = 1;
  options.work_dir = dir_.path() / "not" / "there";
  const auto destination = OpenDuckDb(options, clock_, log_);
  model::StreamTarget target = Target();
  target.write_mode = model::WriteMode::kMerge;
  target.primary_key = {"n"};
  target.columns.push_back({"t", {TypeKind::kVarchar}});
  const auto part = [&](const std::string& name, int first, int last) {
    return WritePart(dir_.path(), name,
                     fmt::format("SELECT CAST(range AS BIGINT) AS n, md5(CAST(range AS VARCHAR)) "
                                 "|| md5(CAST(range + 1 AS VARCHAR)) AS t FROM range({}, {})",
                                 first, last));
  };
  Load(*destination, target, part("one", 0, 1), "a1");
  Load(*destination, target, part("many", 0, 1'000'000), "a2");  // 70 MB are staged
  EXPECT_THAT(Query(*destination, "SELECT CAST(count(*) AS BIGINT) FROM sales.orders"),
              ElementsAre("1000000"));
  destination->Close();
  EXPECT_FALSE(fs::exists(dir_.path() / "not"));
}

// DuckDB marks 16 KB for each 2,048 rows of which one is deleted: here 91 MB, and it begins
// with 64.
TEST_F(DuckDbDestination, AFewRowsAnywhereInALargeTableFindTheMemoryTheyNeed) {
  auto destination = Open();
  model::StreamTarget target = Target();
  target.write_mode = model::WriteMode::kMerge;
  target.primary_key = {"n"};
  target.columns.push_back({"c", {TypeKind::kInt64}});
  target.cursor = "c";
  const auto part = [&](const std::string& name, int rows, int step) {
    return WritePart(dir_.path(), name,
                     fmt::format("SELECT CAST(range * {} AS BIGINT) AS n, CAST({} AS BIGINT) AS c "
                                 "FROM range({})",
                                 step, step, rows));
  };
  Load(*destination, target, part("all", 12'000'000, 1), "a1");
  destination->Close();
  destination = Open();  // which gives back the memory of the first load
  target.complete = false;
  Load(*destination, target, part("few", 12'000, 1000), "a2");
  EXPECT_THAT(Query(*destination, "SELECT CAST(sum(c) AS BIGINT) FROM sales.orders"),
              ElementsAre(std::to_string(11'988'000 + 12'000 * 1000)));
  destination->Close();
}

TEST_F(DuckDbDestination, TellsWhichWorkFolderCannotBeMade) {
  std::ofstream(dir_.path() / "a-file") << "x";
  DuckDbOptions options = Options();
  options.work_dir = dir_.path() / "a-file" / "below";
  const auto destination = OpenDuckDb(options, clock_, log_);
  EXPECT_THAT([&] { destination->Begin(Target(), kCall); },
              test::ThrowsErrorWith(ErrorCode::kPermission, &base::ErrorInfo::remedy,
                                    HasSubstr("limits.work_dir")));
  destination->Close();
}

TEST_F(DuckDbDestination, LeavesNoSchemaOfALoadThatFailed) {
  {
    columnar::Database database = columnar::Database::Open({.file = Options().path});
    database.Connect().Run("CREATE TABLE mine AS SELECT 1 AS a", {}, kTask);
  }
  auto destination = Open();
  destination->Begin(Target("brand_new"), kCall);
  destination->Close();
  destination = Open();
  EXPECT_THAT(Query(*destination,
                    "SELECT schema_name FROM duckdb_schemas() WHERE database_name = "
                    "current_database() AND NOT internal AND schema_name <> 'main'"),
              ElementsAre());
  EXPECT_THAT(Query(*destination, "SELECT CAST(count(*) AS BIGINT) FROM mine"), ElementsAre("1"));
  destination->Close();
}

TEST_F(DuckDbDestination, StateTellsWhatWasCommitted) {
  const auto destination = Open();
  Load(*destination, Target(), Part("a"), "a1");
  Load(*destination, Target(), Part("b"), "a2");
  EXPECT_THAT(
      Query(*destination,
            "SELECT stream, target_schema, target_table, write_mode, run, attempt, watermark, "
            "inserted, updated, unchanged, deleted, skipped, notice_rows, manifest_rows, "
            "footer_rows, "
            "loaded_rows, parts, manifest_bytes, fetched_bytes, CAST(committed_at AS VARCHAR) "
            "FROM _sluice.state"),
      ElementsAre("sales.orders|sales|orders|overwrite|r1|a2|42|3|0|0|0|0|NULL|3|3|3|1|9|9|"
                  "2026-01-01 00:00:00+00"));
  destination->Close();
}

TEST_F(DuckDbDestination, RefusesASchemaChangeUnderAppend) {
  const auto destination = Open();
  model::StreamTarget target = Target();
  target.write_mode = model::WriteMode::kAppend;
  Load(*destination, target, Part("a"), "a1");
  target.columns[0].type.kind = TypeKind::kInt32;
  EXPECT_THAT([&] { destination->Begin(target, kCall); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("column n is BIGINT there and INTEGER now")));
  destination->Close();
}

// As the first version made it.
TEST_F(DuckDbDestination, ReadsAndExtendsTheStateOfAnEarlierVersion) {
  {
    columnar::Database database = columnar::Database::Open({.file = Options().path});
    columnar::Connection connection = database.Connect();
    connection.Run("CREATE SCHEMA _sluice", {}, kTask);
    connection.Run(
        "CREATE TABLE _sluice.state (stream VARCHAR NOT NULL, target_schema VARCHAR NOT NULL, "
        "target_table VARCHAR NOT NULL, write_mode VARCHAR NOT NULL, run VARCHAR NOT NULL, "
        "attempt VARCHAR NOT NULL, watermark VARCHAR, inserted UBIGINT NOT NULL, updated UBIGINT "
        "NOT NULL, unchanged UBIGINT NOT NULL, deleted UBIGINT NOT NULL, skipped UBIGINT NOT NULL, "
        "notice_rows UBIGINT, manifest_rows UBIGINT NOT NULL, footer_rows UBIGINT NOT NULL, "
        "loaded_rows UBIGINT NOT NULL, parts UBIGINT NOT NULL, manifest_bytes UBIGINT NOT NULL, "
        "fetched_bytes UBIGINT NOT NULL, committed_at TIMESTAMP WITH TIME ZONE NOT NULL)",
        {}, kTask);
    connection.Run(
        "INSERT INTO _sluice.state VALUES ('sales.orders', 'sales', 'orders', 'overwrite', 'r0', "
        "'a0', '41', 7, 0, 0, 0, 0, NULL, 7, 7, 7, 1, 9, 9, TIMESTAMPTZ '2026-01-01 00:00:00+00')",
        {}, kTask);
  }
  const auto destination = Open();
  auto committed = destination->ReadCommitted("sales.orders", kCall);
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->watermark.value, "41");
  EXPECT_EQ(committed->watermark.cursor, std::nullopt);
  EXPECT_EQ(committed->watermark.keys_compared, std::nullopt);
  EXPECT_EQ(committed->counts, (model::Counts{.inserted = 7}));
  Load(*destination, Target("sales", "others"), Part("a"), "a1");
  committed = destination->ReadCommitted("sales.orders", kCall);
  EXPECT_EQ(committed->watermark.attempt, "a0");
  EXPECT_EQ(committed->counts.deleted_absent, 0u);
  EXPECT_EQ(destination->ReadCommitted("sales.others", kCall)->watermark.attempt, "a1");
  destination->Close();
}

TEST_F(DuckDbDestination, DoesNotReplaceAView) {
  {
    columnar::Database database = columnar::Database::Open({.file = Options().path});
    columnar::Connection connection = database.Connect();
    connection.Run("CREATE SCHEMA sales", {}, kTask);
    connection.Run("CREATE VIEW sales.orders AS SELECT 1 AS a", {}, kTask);
  }
  const auto destination = Open();
  EXPECT_THAT(
      [&] { destination->Begin(Target(), kCall); },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message, HasSubstr("view")));
  destination->Close();
}

TEST_F(DuckDbDestination, RefusesReservedAndClashingSchemas) {
  const auto destination = Open();
  for (const char* schema : {"_sluice", "INFORMATION_SCHEMA", "pg_catalog", "", "MAIN"}) {
    EXPECT_THAT([&] { destination->Begin(Target(schema), kCall); },
                test::ThrowsError(ErrorCode::kUnsupported))
        << schema;
  }
  destination->Close();
}

TEST_F(DuckDbDestination, LoadsIntoMain) {
  const auto destination = Open();
  Load(*destination, Target("main"), Part("a"), "a1");
  EXPECT_THAT(Query(*destination, "SELECT n FROM orders ORDER BY n"), ElementsAre("0", "1", "2"));
  destination->Close();
}

TEST_F(DuckDbDestination, KeepsOddNamesExactly) {
  const auto destination = Open();
  model::StreamTarget target = Target("we\"ird. schema", "ta'ble; --");
  target.columns[0].name = "N";
  Load(*destination, target, Part("a"), "a1");
  EXPECT_THAT(Query(*destination,
                    "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
                    "WHERE schema_name NOT IN ('_sluice', 'main') AND NOT internal"),
              ElementsAre("we\"ird. schema|ta'ble; --|N"));
  destination->Close();
}

TEST_F(DuckDbDestination, RefusesBadOptions) {
  DuckDbOptions options = Options();
  options.threads = 0;
  EXPECT_THAT([&] { OpenDuckDb(options, clock_, log_); },
              test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                    "destination.threads"));
  options = Options();
  options.memory_limit_mb = 10;
  EXPECT_THAT([&] { OpenDuckDb(options, clock_, log_); },
              test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                    "destination.memory_limit_mb"));
  EXPECT_THAT([&] { OpenDuckDb({}, clock_, log_); }, test::ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(DuckDbDestination, NamesWhatCannotBeOpened) {
  DuckDbOptions options = Options();
  options.path = dir_.path() / "missing" / "acme.duckdb";
  EXPECT_THAT([&] { OpenDuckDb(options, clock_, log_); }, test::ThrowsError(ErrorCode::kNotFound));
  std::ofstream(Options().path) << std::string(20000, 'x');
  EXPECT_THAT([&] { Open(); }, test::ThrowsError(ErrorCode::kUnsupported));
  EXPECT_EQ(fs::file_size(Options().path), 20000u);
}

TEST_F(DuckDbDestination, TellsWhenItMayNotWrite) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::create_directory(dir_.path() / "closed");
  chmod((dir_.path() / "closed").c_str(), 0500);
  DuckDbOptions options = Options();
  options.path = dir_.path() / "closed" / "acme.duckdb";
  EXPECT_THAT([&] { OpenDuckDb(options, clock_, log_); },
              test::ThrowsError(ErrorCode::kPermission));
}

TEST_F(DuckDbDestination, StopsBeforeItBegins) {
  const auto destination = Open();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT([&] { destination->Begin(Target(), {.stop = stop.get_token()}); },
              test::ThrowsError(ErrorCode::kCancelled));
  destination->Close();
}

TEST_F(DuckDbDestination, StopsWhenTheDeadlineHasPassed) {
  const auto destination = Open();
  const base::Call call{.deadline = base::Deadline::After(clock_, std::chrono::seconds(1))};
  auto load = destination->Begin(Target(), call);
  clock_.Advance(std::chrono::seconds(2));
  const model::LocalPart part = Part("a");
  EXPECT_THAT([&] { load->Add({&part, 1}, call); }, test::ThrowsError(ErrorCode::kTimeout));
  load.reset();
  destination->Close();
}

TEST_F(DuckDbDestination, AFailedLoadTakesNoMoreParts) {
  const auto destination = Open();
  auto load = destination->Begin(Target(), kCall);
  const model::LocalPart bad = WritePart(dir_.path(), "bad", "SELECT 'x' AS n");
  EXPECT_THAT([&] { load->Add({&bad, 1}, kCall); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT([&] { load->Add({&bad, 1}, kCall); }, test::ThrowsError(ErrorCode::kInternal));
  EXPECT_THAT([&] { load->Commit({}, {}, kCall); }, test::ThrowsError(ErrorCode::kInternal));
  load.reset();
  destination->Close();
}

// Overwriting frees the old table's blocks: the file holds at most two tables and then stays.
TEST_F(DuckDbDestination, OverwritingDoesNotLetTheFileGrow) {
  const model::LocalPart part = WritePart(
      dir_.path(), "p", "SELECT CAST(hash(range) // 2 AS BIGINT) AS n FROM range(300000)");
  std::uintmax_t after_two = 0;
  for (int i = 0; i < 6; ++i) {
    const auto destination = Open();
    Load(*destination, Target(), part, fmt::format("a{}", i));
    destination->Close();
    if (i == 1) after_two = fs::file_size(Options().path);
  }
  EXPECT_LE(fs::file_size(Options().path), after_two + after_two / 10);
}

}  // namespace
}  // namespace sluice::destinations::duckdb
