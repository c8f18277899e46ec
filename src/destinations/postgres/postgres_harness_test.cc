// Goal: PostgreSQL passes the suite of every destination.
#include "destinations/postgres/testing/postgres_harness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "columnar/database.h"
#include "columnar/sql_text.h"
#include "destinations/postgres/sql_text.h"

namespace sluice::destinations::postgres {
namespace {

namespace fs = std::filesystem;

// As the suite wants numbers: DuckDB writes "1.0" and "nan".
std::string AsText(const std::string& name, const std::string& type) {
  const std::string quoted = QuoteName(name);
  if (type != "real" && type != "double precision") return fmt::format("CAST({} AS text)", quoted);
  return fmt::format(
      "CASE WHEN {0} = 'NaN' THEN 'nan' WHEN CAST({0} AS text) ~ '^-?[0-9]+$' THEN CAST({0} AS "
      "text) || '.0' ELSE CAST({0} AS text) END",
      quoted);
}

}  // namespace

model::LocalPart WritePart(const fs::path& folder, const std::string& name,
                           const std::string& select) {
  const fs::path file = folder / (name + ".parquet");
  columnar::Database database = columnar::Database::Open({.threads = 1});
  database.Connect().Run(
      fmt::format("COPY ({}) TO {} (FORMAT parquet)", select, columnar::QuoteText(file.string())),
      {}, {"test", "a part"});
  return {{.key = name, .bytes = fs::file_size(file)}, file};
}

PostgresHarness::PostgresHarness(fs::path folder, std::uint64_t small_load_bytes)
    : folder_(std::move(folder)),
      // The folder is the same in a test and in its child; a name must be short.
      database_(fmt::format("test_{:016x}", std::hash<std::string>()(folder_.string()))),
      small_load_bytes_(small_load_bytes) {
  test::PostgresServer::Shared().MakeDatabase(database_);
}

PostgresHarness::~PostgresHarness() {
  if (getenv(kHolderVariable) == nullptr || std::to_string(getpid()) == getenv(kHolderVariable)) {
    test::PostgresServer::Shared().DropDatabase(database_);
  }
}

PostgresOptions PostgresHarness::Options() const {
  const test::PostgresServer& server = test::PostgresServer::Shared();
  return {.host = server.folder().string(),
          .port = server.port(),
          .database = database_,
          .user = test::PostgresServer::kSuperuser,
          .sslmode = "disable",
          .work_dir = folder_,
          .small_load_bytes = small_load_bytes_};
}

std::vector<std::string> PostgresHarness::Query(const std::string& sql) const {
  std::vector<std::string> rows;
  for (const auto& row : test::PostgresServer::Shared().Run(database_, sql)) {
    std::vector<std::string> cells;
    for (const auto& cell : row) cells.push_back(cell.value_or("NULL"));
    rows.push_back(fmt::format("{}", fmt::join(cells, "|")));
  }
  return rows;
}

std::unique_ptr<Destination> PostgresHarness::Open() {
  return OpenPostgres(Options(), clock_, log);
}

model::LocalPart PostgresHarness::MakePart(const std::string& name, const std::string& select) {
  return WritePart(folder_, name, select);
}

namespace {

// By name within the statement's own snapshot: to_regclass sees a table that was committed after
// that snapshot, and the rows of pg_attribute for it are then not visible yet.
std::string ColumnsOf(const std::string& columns, const model::TableName& table) {
  return fmt::format(
      "SELECT {} FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON "
      "n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {} AND a.attnum > 0 AND NOT "
      "a.attisdropped ORDER BY a.attnum",
      columns, QuoteText(table.schema), QuoteText(table.table));
}

}  // namespace

std::optional<std::vector<std::string>> PostgresHarness::Read(Destination&,
                                                              const model::TableName& table) {
  std::vector<std::string> list;
  for (const auto& row : test::PostgresServer::Shared().Run(
           database_, ColumnsOf("a.attname, format_type(a.atttypid, a.atttypmod)", table))) {
    list.push_back(AsText(row[0].value(), row[1].value()));
  }
  if (list.empty()) return std::nullopt;
  auto rows = Query(fmt::format("SELECT {} FROM {}", fmt::join(list, ", "), QuoteTable(table)));
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::string> PostgresHarness::ColumnNames(Destination&, const model::TableName& table) {
  return Query(ColumnsOf("a.attname", table));
}

std::vector<std::string> PostgresHarness::Squatters() const {
  return {"view", "materialized view", "sequence", "foreign table", "index", "a type", "domain"};
}

void PostgresHarness::Squat(Destination&, const std::string& kind, const model::TableName& table) {
  const std::string name = QuoteTable(table);
  const auto make = [&](const std::string& sql) {
    test::PostgresServer::Shared().Run(database_, sql);
  };
  if (kind == "sequence") return make("CREATE SEQUENCE " + name);
  if (kind == "a type") return make("CREATE TYPE " + name + " AS (n bigint)");
  if (kind == "domain") return make("CREATE DOMAIN " + name + " AS bigint");
  if (kind == "index") {
    return make(fmt::format("CREATE INDEX {} ON sales.other (n)", QuoteName(table.table)));
  }
  if (kind == "foreign table") {
    make("CREATE FOREIGN DATA WRAPPER nobody; CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody");
    return make(fmt::format("CREATE FOREIGN TABLE {} (n bigint, t text) SERVER nowhere", name));
  }
  make(fmt::format("CREATE {} {} AS SELECT 1 AS n, 'a' AS t", kind, name));
}

std::unique_ptr<Harness> MakePostgresHarness(const fs::path& folder) {
  return std::make_unique<PostgresHarness>(folder);
}

// The same by several connections, where a load's tables are there before its transaction.
std::unique_ptr<Harness> MakeParallelHarness(const fs::path& folder) {
  return std::make_unique<PostgresHarness>(folder, 0);
}

}  // namespace sluice::destinations::postgres

namespace sluice::destinations {

INSTANTIATE_TEST_SUITE_P(Postgres, Conformance, ::testing::Values(&postgres::MakePostgresHarness));
INSTANTIATE_TEST_SUITE_P(Postgres, Merging, ::testing::Values(&postgres::MakePostgresHarness));
INSTANTIATE_TEST_SUITE_P(Postgres, History, ::testing::Values(&postgres::MakePostgresHarness));
INSTANTIATE_TEST_SUITE_P(Postgres, SchemaChanges,
                         ::testing::Values(&postgres::MakePostgresHarness));
INSTANTIATE_TEST_SUITE_P(PostgresParallel, Conformance,
                         ::testing::Values(&postgres::MakeParallelHarness));
INSTANTIATE_TEST_SUITE_P(PostgresParallel, Merging,
                         ::testing::Values(&postgres::MakeParallelHarness));

}  // namespace sluice::destinations
