// Goal: what the records tell is what happened, also while a sync holds the ledger.
#include "sync/ledger/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "sync/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class HistoryTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return dir_.path() / "acme.ledger"; }
  void OneRun(Ledger& ledger, const std::string& run, std::uint64_t rows) {
    ledger.BeginRun(run);
    ledger.AddAttempt(
        {.run = run, .stream = "sales.orders", .attempt = run + "-a", .prefix = "p/" + run + "/"});
    ledger.SetCommitted(run + "-a", {.proof = {.loaded_rows = rows},
                                     .counts = {.inserted = rows - 1, .updated = 1},
                                     .watermark = "w" + run});
    ledger.SetCleaned(run + "-a");
    ledger.EndRun(run, "done");
    clock_.Advance(std::chrono::hours(1));
  }
  test::TempDir dir_;
  test::FakeClock clock_;
};

TEST_F(HistoryTest, NoLedgerIsAnEmptyHistory) {
  const History history = ReadHistory(path(), 10);
  EXPECT_THAT(history.runs, IsEmpty());
  EXPECT_EQ(history.holder, std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(HistoryTest, TellsRunsNewestFirstAndEachStreamsLastCommit) {
  {
    Ledger ledger(path(), clock_);
    OneRun(ledger, "r1", 5);
    OneRun(ledger, "r2", 7);
    ledger.BeginRun("r3");
    ledger.AddAttempt(
        {.run = "r3", .stream = "sales.orders", .attempt = "r3-a", .prefix = "p/r3/"});
    ledger.SetFailed("r3-a", {.code = ErrorCode::kSource});
    ledger.EndRun("r3", "failed");
  }
  const History history = ReadHistory(path(), 2);
  ASSERT_THAT(history.runs, SizeIs(2));
  EXPECT_EQ(history.runs[0].run, "r3");
  EXPECT_EQ(history.runs[0].outcome, "failed");
  EXPECT_EQ(history.runs[0].attempts.at(0).error, "source");
  EXPECT_EQ(history.runs[1].run, "r2");
  ASSERT_THAT(history.last_commits, SizeIs(1));
  EXPECT_EQ(history.last_commits[0].watermark, "wr2");
  EXPECT_EQ(history.last_commits[0].counts.inserted, 6U);
  EXPECT_EQ(history.last_commits[0].rows, 7U);
  ASSERT_THAT(history.unclean, SizeIs(1));
  EXPECT_EQ(history.unclean[0].prefix, "p/r3/");
  EXPECT_EQ(history.holder, std::nullopt);
}

TEST_F(HistoryTest, TellsWhyAStreamFailedUntilItCommits) {
  Ledger ledger(path(), clock_);
  OneRun(ledger, "r1", 5);
  const auto fails = [&](const std::string& run, const std::string& stream) {
    ledger.BeginRun(run);
    ledger.NoteFailure(run, stream,
                       {.code = ErrorCode::kNotFound,
                        .subject = "stream " + stream,
                        .message = "there is no such table (" + run + ")",
                        .remedy = "Run: sluice discover"});
    ledger.EndRun(run, "failed");
  };
  fails("r2", "sales.orders");  // all within one second of the commit, or of a clock put back
  fails("r3", "sales.orders");
  fails("r4", "sales.items");
  auto history = ReadHistory(path(), 10);
  ASSERT_THAT(history.last_failures, SizeIs(2));
  EXPECT_EQ(history.last_failures[0].stream, "sales.items");
  EXPECT_EQ(history.last_failures[1].run, "r3");
  EXPECT_EQ(history.last_failures[1].code, "not_found");
  EXPECT_EQ(history.last_failures[1].subject, "stream sales.orders");
  EXPECT_EQ(history.last_failures[1].message, "there is no such table (r3)");
  EXPECT_EQ(history.last_failures[1].remedy, "Run: sluice discover");
  OneRun(ledger, "r5", 5);
  history = ReadHistory(path(), 10);
  ASSERT_THAT(history.last_failures, SizeIs(1));
  EXPECT_EQ(history.last_failures[0].stream, "sales.items");
  // The runs keep what they told.
  for (const auto& run : history.runs) {
    EXPECT_THAT(run.failures, SizeIs(run.outcome == "failed" ? 1 : 0)) << run.run;
  }
}

TEST_F(HistoryTest, TellsWhyAWholeRunFailedBesideItsStreams) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("r1");
  ledger.NoteFailure("r1", "", {.code = ErrorCode::kUnreachable, .message = "nobody answered"});
  ledger.EndRun("r1", "failed");
  const auto history = ReadHistory(path(), 1);
  EXPECT_EQ(history.runs.at(0).failures.at(0).message, "nobody answered");
  EXPECT_EQ(history.runs.at(0).failures.at(0).stream, "");
  EXPECT_THAT(history.last_failures, IsEmpty());
}

TEST_F(HistoryTest, TellsOfAResetUntilTheStreamCommitsAgain) {
  Ledger ledger(path(), clock_);
  OneRun(ledger, "r1", 5);
  ledger.NoteReset("sales.orders");
  ledger.NoteReset("sales.orders");
  EXPECT_THAT(ReadHistory(path(), 1).resets, ElementsAre("sales.orders"));
  EXPECT_THAT(ReadHistory(path(), 1).last_commits, SizeIs(1));
  OneRun(ledger, "r2", 5);
  EXPECT_THAT(ReadHistory(path(), 1).resets, IsEmpty());
}

TEST_F(HistoryTest, CanBeReadWhileASyncHoldsIt) {
  Ledger ledger(path(), clock_);
  OneRun(ledger, "r1", 5);
  ledger.BeginRun("r2");
  const History history = ReadHistory(path(), 10);
  ASSERT_TRUE(history.holder);
  EXPECT_THAT(*history.holder, HasSubstr("process " + std::to_string(getpid())));
  EXPECT_EQ(history.runs.at(0).ended, std::nullopt);
}

TEST_F(HistoryTest, ALedgerOfTheFirstFormatIsBroughtUpToDateAndKeepsItsAttempts) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(
          db,
          "CREATE TABLE run(run TEXT PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER, outcome "
          "TEXT) STRICT;"
          "CREATE TABLE attempt(attempt TEXT PRIMARY KEY, run TEXT NOT NULL, stream TEXT NOT NULL,"
          "prefix TEXT NOT NULL, state TEXT NOT NULL, began INTEGER NOT NULL, changed INTEGER NOT "
          "NULL, rows INTEGER, bytes INTEGER, error TEXT) STRICT;"
          "CREATE INDEX attempt_state ON attempt(state);"
          "INSERT INTO attempt VALUES('a', 'r', 's', 'p/', 'failed', 1, 1, NULL, NULL, 'x');"
          "PRAGMA user_version=1",
          nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  EXPECT_THAT(ReadHistory(path(), 5).unclean, IsEmpty());
  { Ledger ledger(path(), clock_); }
  EXPECT_THAT(ReadHistory(path(), 5).unclean, SizeIs(1));
}

TEST_F(HistoryTest, AFileThatIsNoLedgerIsTold) {
  std::ofstream(path()) << std::string(5000, 'x');
  EXPECT_THAT([&] { ReadHistory(path(), 5); }, test::ThrowsError(ErrorCode::kCorrupt));
}

// What `write` leaves in the place of the ledger.
base::ErrorCode Probed(const std::filesystem::path& path) {
  try {
    ProbeLedger(path);
  } catch (const base::Error& error) {
    EXPECT_THAT(error.info().subject, HasSubstr(path.string()));
    EXPECT_NE(error.info().remedy, "");
    return error.code();
  }
  return base::ErrorCode::kInternal;  // none
}

constexpr auto kWell = base::ErrorCode::kInternal;

void Execute(const std::filesystem::path& path, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

TEST_F(HistoryTest, AProbeFindsALedgerWellAndChangesNothing) {
  EXPECT_EQ(Probed(path()), kWell);
  EXPECT_FALSE(std::filesystem::exists(path()));
  Ledger ledger(path(), clock_);
  OneRun(ledger, "r1", 5);
  EXPECT_EQ(Probed(path()), kWell);  // while a sync holds it, too
}

TEST_F(HistoryTest, AProbeTellsWhatIsNoLedger) {
  std::ofstream(path()) << std::string(5000, 'x');
  EXPECT_EQ(Probed(path()), base::ErrorCode::kCorrupt);
  std::filesystem::remove(path());
  Execute(path(), "CREATE TABLE photos(name TEXT)");
  EXPECT_EQ(Probed(path()), base::ErrorCode::kCorrupt);
  EXPECT_THAT([&] { Ledger(path(), clock_); }, test::ThrowsError(ErrorCode::kCorrupt));
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  EXPECT_EQ(Probed(path()), base::ErrorCode::kCorrupt);
}

TEST_F(HistoryTest, AProbeTellsANewerFormat) {
  { const Ledger ledger(path(), clock_); }
  Execute(path(), "PRAGMA user_version=99");
  EXPECT_EQ(Probed(path()), base::ErrorCode::kCorrupt);
}

TEST_F(HistoryTest, AProbeTellsALink) {
  std::filesystem::create_symlink(dir_.path() / "elsewhere", path());
  EXPECT_EQ(Probed(path()), base::ErrorCode::kPermission);
}

model::RunCost SomeCost() {
  model::RunCost cost{.wake_ups = 2,
                      .billed = std::chrono::milliseconds(90'500),
                      .rpus = 8,
                      .workgroup_rpu_seconds = 1000.5,
                      .rpu_price = 0.36,
                      .s3 = {.put = 9, .get = 5, .free = 1},
                      .bytes_staged = 1'234'567,
                      .bytes_moved = 1'300'000};
  model::Price(cost);
  return cost;
}

TEST_F(HistoryTest, TellsWhatARunCostAndWhatItCannotKnow) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("whole");
  ledger.EndRun("whole", "done", SomeCost());
  ledger.BeginRun("unpriced");
  ledger.EndRun("unpriced", "failed", model::RunCost{.wake_ups = 1, .bytes_moved = 7});
  ledger.BeginRun("uncounted");
  ledger.EndRun("uncounted", "done");
  ledger.BeginRun("died");
  const auto runs = ReadHistory(path(), 9).runs;
  std::map<std::string, std::optional<model::RunCost>> costs;
  for (const auto& run : runs) costs[run.run] = run.cost;
  EXPECT_EQ(costs.at("whole"), SomeCost());
  EXPECT_DOUBLE_EQ(costs.at("whole")->amount.value(), 90.5 * 8 / 3600 * 0.36);
  EXPECT_EQ(costs.at("unpriced"), (model::RunCost{.wake_ups = 1, .bytes_moved = 7}));
  EXPECT_EQ(costs.at("uncounted"), std::nullopt);
  EXPECT_EQ(costs.at("died"), std::nullopt);
  EXPECT_EQ(ReadHistory(path(), 9).last_cost, std::nullopt);  // of "uncounted"
}

TEST_F(HistoryTest, AddsUpWhatRunsCostSinceAMoment) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("old");
  ledger.EndRun("old", "done", SomeCost());
  clock_.Advance(std::chrono::hours(1));
  const auto since = clock_.Utc() - std::chrono::minutes(1);
  for (const char* run : {"a", "b"}) {
    ledger.BeginRun(run);
    ledger.EndRun(run, "done", SomeCost());
  }
  ledger.BeginRun("unpriced");
  ledger.EndRun("unpriced", "done", model::RunCost{.wake_ups = 1, .s3 = {.get = 1}});
  const auto total = ReadCosts(path(), since);
  EXPECT_EQ(total.runs, 3U);
  EXPECT_EQ(total.cost.wake_ups, 5U);
  EXPECT_EQ(total.cost.billed, std::chrono::milliseconds(181'000));
  EXPECT_EQ(total.cost.s3, (model::S3Requests{.put = 18, .get = 11, .free = 2}));
  EXPECT_EQ(total.cost.bytes_staged, 2'469'134U);
  EXPECT_DOUBLE_EQ(total.cost.amount.value(), 2 * *SomeCost().amount);
  EXPECT_EQ(ReadCosts(path().string() + ".none", since).runs, 0U);
}

TEST_F(HistoryTest, TellsWhatTheRunOfEachLastCommitCost) {
  Ledger ledger(path(), clock_);
  const auto run = [&](const std::string& id, const std::vector<std::string>& streams) {
    ledger.BeginRun(id);
    for (const auto& stream : streams) {
      ledger.AddAttempt({.run = id, .stream = stream, .attempt = id + stream, .prefix = "p/"});
      ledger.SetCommitted(id + stream, {.proof = {.fetched_bytes = 10}});
    }
    model::RunCost cost{.wake_ups = streams.size()};
    ledger.EndRun(id, "done", cost);
    clock_.Advance(std::chrono::minutes(1));
  };
  run("r1", {"a", "b"});
  run("r2", {"a"});
  const auto costs = ReadHistory(path(), 1).last_costs;
  ASSERT_EQ(costs.size(), 2U);
  EXPECT_EQ(costs[0].stream, "a");
  EXPECT_EQ(costs[0].cost.wake_ups, 1U);
  EXPECT_EQ(costs[0].streams, 1U);
  EXPECT_EQ(costs[1].stream, "b");
  EXPECT_EQ(costs[1].cost.wake_ups, 2U);
  EXPECT_EQ(costs[1].streams, 2U);
  EXPECT_EQ(costs[1].bytes, 10U);
}

}  // namespace
}  // namespace sluice::sync
