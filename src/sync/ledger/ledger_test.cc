// Goal: what may lie in the bucket is always findable, one process at a time writes it, and a
// damaged ledger is told, not trusted.
#include "sync/ledger/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "sqlite/sqlite.h"
#include "sync/ledger/history.h"
#include "sync/ledger/known_table.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LedgerTest : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return dir_.path() / "state" / "acme.ledger"; }
  test::TempDir dir_;
  test::FakeClock clock_;
};

TEST_F(LedgerTest, FollowsAnAttemptThroughItsStates) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("r1");
  ledger.AddAttempt({.run = "r1",
                     .stream = "sales.orders",
                     .attempt = "a1",
                     .prefix = "sluice/acme/r1/sales-orders/a1/"});
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kPlanned);
  ledger.SetCommitted("a1", {.proof = {.loaded_rows = 7}});
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kCommitted);
  ledger.SetCleaned("a1");
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kCleaned);
  ledger.EndRun("r1", "done");
  EXPECT_EQ(ledger.StateOf("a2"), std::nullopt);
}

TEST_F(LedgerTest, KnowsHowLongTheLastReadOfAStreamTook) {
  Ledger ledger(path(), clock_);
  EXPECT_FALSE(ledger.LastCommit("orders"));
  const auto commit = [&](const std::string& attempt, std::chrono::seconds took, std::uint64_t rows,
                          const std::optional<std::string>& adopted = std::nullopt) {
    ledger.AddAttempt({.run = "r1",
                       .stream = "orders",
                       .attempt = attempt,
                       .prefix = "sluice/acme/r1/orders/" + attempt + "/",
                       .adopted = adopted});
    clock_.Advance(took);
    ledger.SetCommitted(attempt, {.proof = {.loaded_rows = rows}});
  };
  commit("a1", std::chrono::seconds(90), 7);
  commit("a2", std::chrono::seconds(600), 70);
  commit("a3", std::chrono::seconds(1), 700, "a0");  // it read nothing
  ledger.AddAttempt({.run = "r1", .stream = "orders", .attempt = "a4", .prefix = "sluice/a4/"});
  const auto last = ledger.LastCommit("orders");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->rows, 70U);
  EXPECT_EQ(last->took, std::chrono::seconds(600));
}

TEST_F(LedgerTest, KnowsAfterADeathWhatMayLieInTheBucket) {
  {
    Ledger ledger(path(), clock_);
    ledger.BeginRun("r1");
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
    ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "p2/"});
    ledger.SetFailed("b1", {.code = ErrorCode::kSource});
    ledger.BeginRun("r0");
    ledger.AddAttempt({.run = "r0", .stream = "c", .attempt = "c1", .prefix = "p3/"});
    ledger.SetCleaned("c1");
  }
  Ledger ledger(path(), clock_);
  EXPECT_THAT(ledger.DeadRuns("r2"), ElementsAre("r1"));
  EXPECT_THAT(ledger.DeadRuns("r1"), IsEmpty());
}

TEST_F(LedgerTest, KnowsTheRunsThatNeverEnded) {
  Ledger ledger(path(), clock_);
  for (const char* run : {"r1", "r2", "r3"}) ledger.BeginRun(run);
  ledger.EndRun("r2", "done");
  EXPECT_THAT(ledger.UnendedRuns("r3"), ElementsAre("r1"));
}

TEST_F(LedgerTest, AbandonsTheDeadAttemptsOfOneStreamAlone) {
  Ledger ledger(path(), clock_);
  ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
  ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a2", .prefix = "p2/"});
  ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "p3/"});
  ledger.SetCommitted("a2", {});
  ledger.Abandon("a");
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kAbandoned);
  EXPECT_EQ(ledger.StateOf("a2"), AttemptState::kCommitted);
  EXPECT_EQ(ledger.StateOf("b1"), AttemptState::kPlanned);
}

TEST_F(LedgerTest, SweepsAnAttemptWhoseUnloadMayStillWriteForTwoDays) {
  Ledger ledger(path(), clock_);
  ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
  ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "p2/"});
  ledger.SetCommitted("b1", {});
  ledger.MarkSwept({"r1"});
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kAbandoned);
  EXPECT_EQ(ledger.StateOf("b1"), AttemptState::kCleaned);
  EXPECT_THAT(ledger.DeadRuns("r2"), ElementsAre("r1"));
  clock_.Advance(std::chrono::hours(49));
  ledger.MarkSwept({"r1"});
  EXPECT_THAT(ledger.DeadRuns("r2"), IsEmpty());
}

TEST_F(LedgerTest, KeepsWhatAnAttemptReadsAndWhatEndedOfIt) {
  {
    Ledger ledger(path(), clock_);
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
    clock_.Advance(std::chrono::seconds(5));
    ledger.AddAttempt({.run = "r1",
                       .stream = "a",
                       .attempt = "a2",
                       .prefix = "p2/",
                       .basis = "r0/a0",
                       .high = "41",
                       .as_of = base::UtcTime(std::chrono::microseconds(1'800'000'000'000'001)),
                       .adopted = "a1",
                       .unloads = {{.what = "rows-0001", .condition = "n = 0", .fingerprint = "f1"},
                                   {.what = "keys", .condition = "", .fingerprint = "f2"}}});
    ledger.SetUnloaded("a2", "rows-0001", 7);
  }
  Ledger ledger(path(), clock_);
  const auto dead = ledger.DeadAttempts("r2");
  ASSERT_EQ(dead.size(), 2U);
  const AttemptFacts& newest = dead[0];
  EXPECT_EQ(newest.attempt, "a2");
  EXPECT_EQ(newest.run, "r1");
  EXPECT_EQ(newest.stream, "a");
  EXPECT_EQ(newest.prefix, "p2/");
  EXPECT_EQ(newest.basis, "r0/a0");
  EXPECT_EQ(newest.high, "41");
  EXPECT_EQ(newest.as_of, base::UtcTime(std::chrono::microseconds(1'800'000'000'000'001)));
  EXPECT_EQ(newest.adopted, "a1");
  EXPECT_EQ(newest.began, clock_.Utc());
  EXPECT_EQ(newest.state, AttemptState::kPlanned);
  EXPECT_THAT(newest.unloads, ElementsAre(UnloadRecord{"rows-0001", "n = 0", "f1", 7},
                                          UnloadRecord{"keys", "", "f2", std::nullopt}));
  EXPECT_EQ(dead[1].basis, std::nullopt);
  EXPECT_EQ(dead[1].high, std::nullopt);
  EXPECT_EQ(dead[1].as_of, std::nullopt);
  EXPECT_THAT(ledger.DeadAttempts("r1"), IsEmpty());
}

TEST_F(LedgerTest, KeepsWhyAnAttemptFailedInWordsThatAreNotTooLong) {
  const std::string long_text(1999, 'x');
  {
    Ledger ledger(path(), clock_);
    ledger.BeginRun("r1");
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p/"});
    ledger.SetFailed("a1", {.code = ErrorCode::kPermission,
                            .operation = "UNLOAD",
                            .subject = "stream a",
                            .message = long_text + "\u00e4\u00e4",
                            .remedy = "GRANT SELECT"});
  }
  const auto attempt = ReadHistory(path(), 1).runs.at(0).attempts.at(0);
  EXPECT_EQ(attempt.error, "permission");
  EXPECT_EQ(attempt.subject, "stream a");
  EXPECT_EQ(attempt.message, long_text);  // 2,000 bytes at most, and no half of a character
  EXPECT_EQ(attempt.remedy, "GRANT SELECT");
}

TEST_F(LedgerTest, RemembersTheTablesThatPatternsMet) {
  using State = KnownTable::State;
  EXPECT_THAT(ReadKnownTables(path()), IsEmpty()) << "no ledger yet";
  Ledger ledger(path(), clock_);
  const KnownTable odd{.pattern = "sales.*", .table = {"sales", "a.b'c"}, .state = State::kTold};
  KnownTable orders{.pattern = "sales.*", .table = {"sales", "orders"}, .state = State::kTaken};
  const KnownTable other{.pattern = "*.*", .table = {"sales", "orders"}, .state = State::kGone};
  ledger.NoteTables({odd, orders, other});
  EXPECT_THAT(ReadKnownTables(path()), ElementsAre(other, odd, orders));
  orders.state = State::kGone;
  ledger.NoteTables({orders});
  EXPECT_THAT(ReadKnownTables(path()), ElementsAre(other, odd, orders)) << "the others stay";
}

TEST_F(LedgerTest, SparedPrefixesStayAsTheyAre) {
  Ledger ledger(path(), clock_);
  ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
  ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "p2/"});
  ledger.MarkSwept({"r1"}, {"p1/"});
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kPlanned);
  EXPECT_EQ(ledger.StateOf("b1"), AttemptState::kAbandoned);
}

TEST_F(LedgerTest, WhatBeganInTheFutureIsAgedFromNowOnAndHasNoBasis) {
  {
    Ledger ledger(path(), clock_);
    clock_.Advance(std::chrono::hours(24 * 365));
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p/", .basis = ""});
    clock_.Advance(-std::chrono::hours(24 * 365));
    ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "q/", .basis = ""});
  }
  Ledger ledger(path(), clock_);
  const auto dead = ledger.DeadAttempts("r2");
  ASSERT_EQ(dead.size(), 2U);
  for (const auto& attempt : dead) {
    EXPECT_LE(attempt.began, clock_.Utc());
    EXPECT_EQ(attempt.basis.has_value(), attempt.attempt == "b1");
  }
  ledger.MarkSwept({"r1"});
  clock_.Advance(std::chrono::hours(49));
  ledger.MarkSwept({"r1"});
  EXPECT_THAT(ledger.DeadRuns("r2"), IsEmpty());
}

// Ledgers as earlier versions of the program wrote them. Each statement is what that version added.
const std::vector<const char*> kFormats = {
    "CREATE TABLE run(run TEXT PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER, outcome TEXT)"
    " STRICT;"
    "CREATE TABLE attempt(attempt TEXT PRIMARY KEY, run TEXT NOT NULL, stream TEXT NOT NULL,"
    " prefix TEXT NOT NULL, state TEXT NOT NULL, began INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " rows INTEGER, bytes INTEGER, error TEXT) STRICT;"
    "CREATE INDEX attempt_state ON attempt(state);"
    "PRAGMA user_version=1",
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
    "PRAGMA user_version=2",
    "ALTER TABLE attempt ADD COLUMN basis TEXT;"
    "ALTER TABLE attempt ADD COLUMN high TEXT;"
    "ALTER TABLE attempt ADD COLUMN adopted TEXT;"
    "CREATE TABLE unload(attempt TEXT NOT NULL, number INTEGER NOT NULL, what TEXT NOT NULL,"
    " condition TEXT NOT NULL, fingerprint TEXT NOT NULL, notice_rows INTEGER,"
    " PRIMARY KEY(attempt, number)) STRICT;"
    "PRAGMA user_version=3",
    "CREATE TABLE reset(stream TEXT PRIMARY KEY) STRICT;"
    "PRAGMA user_version=4",
    "ALTER TABLE attempt ADD COLUMN subject TEXT;"
    "ALTER TABLE attempt ADD COLUMN message TEXT;"
    "ALTER TABLE attempt ADD COLUMN remedy TEXT;"
    "CREATE TABLE failure(run TEXT NOT NULL, stream TEXT NOT NULL, at INTEGER NOT NULL,"
    " code TEXT NOT NULL, subject TEXT NOT NULL, message TEXT NOT NULL, remedy TEXT NOT NULL,"
    " PRIMARY KEY(run, stream)) STRICT;"
    "CREATE INDEX attempt_stream ON attempt(stream, committed);"
    "PRAGMA user_version=5",
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
    "PRAGMA user_version=6",
};

class OldLedgerTest : public LedgerTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  OldLedgerTest() {
    std::filesystem::create_directories(path().parent_path());
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    for (std::size_t i = 0; i < GetParam(); ++i) {
      EXPECT_EQ(sqlite3_exec(db, kFormats.at(i), nullptr, nullptr, nullptr), SQLITE_OK);
    }
    const char* rows =
        "INSERT INTO run(run, began) VALUES('r1', 1767225600);"
        "INSERT INTO attempt(attempt, run, stream, prefix, state, began, changed, error)"
        " VALUES('a1', 'r1', 's', 'p/', 'planned', 1767225600, 1767225600, NULL),"
        " ('a2', 'r1', 't', 'q/', 'failed', 1767225600, 1767225600, 'source')";
    EXPECT_EQ(sqlite3_exec(db, rows, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
};

TEST_P(OldLedgerTest, IsTakenOverWithAllThatMayLieInTheBucket) {
  Ledger ledger(path(), clock_);
  const auto dead = ledger.DeadAttempts("r2");
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[1].prefix, "p/");
  EXPECT_EQ(dead[1].basis, std::nullopt);  // swept, not adopted
  EXPECT_THAT(dead[1].unloads, IsEmpty());
  ledger.SetFailed("a1", {.code = ErrorCode::kSource, .message = "new"});
  const auto attempts = ReadHistory(path(), 1).runs.at(0).attempts;
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0].message, "new");
  EXPECT_EQ(attempts[1].error, "source");
  EXPECT_EQ(attempts[1].message, "");
}

TEST_P(OldLedgerTest, IsReadAsItStands) {
  EXPECT_THAT(ReadKnownTables(path()), IsEmpty());
  const History history = ReadHistory(path(), 1);
  if (GetParam() < 2) return;  // of the first, nothing was told
  EXPECT_EQ(history.runs.at(0).attempts.at(1).error, "source");
  EXPECT_EQ(history.unclean.size(), 2U);
}
TEST_P(OldLedgerTest, KnowsNoCostsUntilANewRunRecordsItsOwn) {
  EXPECT_EQ(ReadCosts(path(), {}).runs, 0U);
  EXPECT_THAT(ReadHistory(path(), 1).last_costs, IsEmpty());
  Ledger ledger(path(), clock_);
  EXPECT_EQ(ReadHistory(path(), 1).runs.at(0).cost, std::nullopt);
  ledger.BeginRun("r2");
  ledger.EndRun("r2", "done", model::RunCost{.wake_ups = 3});
  EXPECT_EQ(ReadHistory(path(), 9).last_cost->wake_ups, 3U);
  EXPECT_EQ(ReadCosts(path(), {}).runs, 1U);
}
INSTANTIATE_TEST_SUITE_P(EachVersion, OldLedgerTest, ::testing::Values(1, 2, 3, 4, 5, 6),
                         [](const auto& version) { return std::to_string(version.param); });

// Ended runs, each with one attempt that committed and is clean, an hour apart.
class PruneTest : public LedgerTest {
 protected:
  void AddRun(Ledger& ledger, const std::string& run, const std::string& stream,
              bool committed = true, bool cleaned = true) {
    ledger.BeginRun(run);
    ledger.AddAttempt({.run = run,
                       .stream = stream,
                       .attempt = run + "-a",
                       .prefix = "p/" + run + "/",
                       .unloads = {{.what = "rows", .condition = "", .fingerprint = "f"}}});
    if (committed) {
      ledger.SetCommitted(run + "-a", {});
    } else {
      ledger.SetFailed(run + "-a", {.code = ErrorCode::kSource, .message = "m"});
      ledger.NoteFailure(run, stream, {.code = ErrorCode::kSource, .message = "m"});
    }
    if (cleaned) ledger.SetCleaned(run + "-a");
    ledger.EndRun(run, committed ? "done" : "failed");
    clock_.Advance(std::chrono::hours(1));
  }
  std::vector<std::string> RunsThere() const {
    std::vector<std::string> runs;
    for (const auto& run : ReadHistory(path(), 1 << 20).runs) runs.push_back(run.run);
    return runs;
  }
  sqlite::Database Direct() const {
    return {path(), sqlite::Open::kExisting,
            [](const std::filesystem::path&, int, std::string_view text) {
              return base::ErrorInfo{.message = std::string(text)};
            }};
  }
  std::int64_t RowsOf(const std::string& table) const {
    return Direct().Number(("SELECT count(*) FROM " + table).c_str());
  }
};

TEST_F(PruneTest, ForgetsOldRunsAsAWhole) {
  Ledger ledger(path(), clock_);
  AddRun(ledger, "r1", "a", /*committed=*/false);
  AddRun(ledger, "r2", "a");
  AddRun(ledger, "r3", "a");
  ledger.Prune({.age = std::chrono::hours(24)}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3", "r2", "r1"));
  ledger.Prune({.age = std::chrono::minutes(90)}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3"));
  for (const char* table : {"run", "attempt", "unload"}) EXPECT_EQ(RowsOf(table), 1) << table;
  EXPECT_EQ(RowsOf("failure"), 0);
}

// G6: After SIGKILL at any point, the next sync ends with right data and an empty bucket.
TEST_F(PruneTest, WhatMayStillLieInTheBucketIsKeptHoweverOldItIs) {
  Ledger ledger(path(), clock_);
  AddRun(ledger, "r1", "a", /*committed=*/true, /*cleaned=*/false);
  AddRun(ledger, "r2", "a", /*committed=*/false, /*cleaned=*/false);
  ledger.BeginRun("r3");  // killed before its UNLOAD ended
  ledger.AddAttempt({.run = "r3",
                     .stream = "a",
                     .attempt = "r3-a",
                     .prefix = "p/r3/",
                     .unloads = {{.what = "rows", .condition = "", .fingerprint = "f"}}});
  clock_.Advance(std::chrono::hours(1));
  AddRun(ledger, "r4", "a");
  AddRun(ledger, "r5", "a");
  clock_.Advance(std::chrono::hours(24 * 365));
  ledger.Prune({.age = std::chrono::seconds(0)}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r5", "r3", "r2", "r1"));
  EXPECT_THAT(ledger.DeadRuns("now"), ElementsAre("r1", "r2", "r3"));
  const auto dead = ledger.DeadAttempts("now");
  ASSERT_EQ(dead.size(), 3U);
  EXPECT_EQ(dead[0].unloads.size(), 1U);  // it may yet be adopted
  ledger.MarkSwept({"r1", "r2", "r3"});
  ledger.Prune({.age = std::chrono::seconds(0)}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r5"));
}

TEST_F(PruneTest, PartsOnLocalDiskAreNeededToo) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("r1");  // killed, and nothing of it is in the bucket
  clock_.Advance(std::chrono::hours(2));
  ledger.Prune({.age = std::chrono::hours(1)}, {"r1"});
  EXPECT_THAT(ledger.UnendedRuns("now"), ElementsAre("r1"));
  ledger.Prune({.age = std::chrono::hours(1)}, {});
  EXPECT_THAT(ledger.UnendedRuns("now"), IsEmpty());
}

TEST_F(PruneTest, EachStreamsLastCommitIsKept) {
  Ledger ledger(path(), clock_);
  AddRun(ledger, "r1", "a");
  AddRun(ledger, "r2", "b");
  AddRun(ledger, "r3", "b");
  ledger.Prune({.age = std::chrono::seconds(0)}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3", "r1"));
  EXPECT_EQ(ReadHistory(path(), 1).last_commits.size(), 2U);
}

TEST_F(PruneTest, RunsAreBoundedByTheirNumberToo) {
  Ledger ledger(path(), clock_);
  for (const char* run : {"r1", "r2", "r3", "r4"}) AddRun(ledger, run, "a", /*committed=*/false);
  ledger.Prune({.runs = 4}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r4", "r3", "r2", "r1"));
  ledger.Prune({.runs = 3}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r4", "r3", "r2"));
  AddRun(ledger, "r5", "a", /*committed=*/false);
  ledger.Prune({.runs = 3}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r5", "r4", "r3"));
}

TEST_F(PruneTest, AndByTheNumberOfTheirAttempts) {
  Ledger ledger(path(), clock_);
  ledger.BeginRun("r0");  // came to no attempt
  AddRun(ledger, "r1", "a", /*committed=*/false);
  AddRun(ledger, "r2", "a", /*committed=*/false);
  AddRun(ledger, "r3", "a", /*committed=*/false);
  ledger.Prune({.attempts = 3}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3", "r2", "r1", "r0"));
  ledger.Prune({.attempts = 2}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3", "r2"));
  ledger.Prune({.attempts = 2}, {});
  EXPECT_THAT(RunsThere(), ElementsAre("r3", "r2"));
}

TEST_F(LedgerTest, RefusesOneOfANewerVersion) {
  { const Ledger ledger(path(), clock_); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_THAT([&] { Ledger ledger(path(), clock_); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::remedy,
                                    HasSubstr("newer sluice")));
}

TEST_F(LedgerTest, IsHeldByOneProcessAndSaysByWhichSinceWhen) {
  Ledger ledger(path(), clock_);
  const auto open = [&] { Ledger second(path(), clock_); };
  EXPECT_THAT(open, test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                          HasSubstr("since 2026-01-01 00:00:00 UTC")));
}

TEST_F(LedgerTest, IsFreeAgainWhenItsHolderIsKilled) {
  std::array<int, 2> pipe_fds{};
  ASSERT_EQ(pipe(pipe_fds.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Ledger ledger(path(), clock_);
    (void)!write(pipe_fds[1], "x", 1);
    pause();
  }
  char ready = 0;
  ASSERT_EQ(read(pipe_fds[0], &ready, 1), 1);
  const auto open = [&] { Ledger second(path(), clock_); };
  EXPECT_THAT(open, test::ThrowsError(ErrorCode::kConflict));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(open());
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

TEST_F(LedgerTest, TellsAFileThatIsNoLedger) {
  std::filesystem::create_directories(path().parent_path());
  std::ofstream(path()) << std::string(4096, 'x');
  EXPECT_THAT([&] { Ledger ledger(path(), clock_); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::remedy,
                                    HasSubstr("Nothing is lost")));
}

// A page overwritten in the middle, as a failing disk does it.
TEST_F(LedgerTest, TellsALedgerThatIsDamagedInside) {
  {
    Ledger ledger(path(), clock_);
    for (int i = 0; i < 200; ++i) {
      const std::string id = std::to_string(i);
      ledger.AddAttempt({.run = "r1", .stream = "s", .attempt = id, .prefix = "p/" + id + "/"});
    }
  }
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(3 * 4096, 'x');
  file.close();
  EXPECT_THAT(
      [&] {
        Ledger ledger(path(), clock_);
        ledger.DeadAttempts("r2");
      },
      test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(LedgerTest, TellsALedgerThatMayNotBeWritten) {
  { const Ledger ledger(path(), clock_); }
  if (geteuid() == 0) {
    // Root may write whatever the mode says; a folder in the place of SQLite's log may not be.
    std::filesystem::create_directory(path().string() + "-wal");
  } else {
    chmod(path().c_str(), 0400);
  }
  EXPECT_THAT(
      [&] {
        Ledger ledger(path(), clock_);
        ledger.BeginRun("r1");
      },
      test::ThrowsErrorWith(ErrorCode::kPermission, &base::ErrorInfo::remedy,
                            HasSubstr("writable")));
}

TEST_F(LedgerTest, TellsADiskThatTakesNoMore) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit little = before;
  little.rlim_cur = 512;
  setrlimit(RLIMIT_FSIZE, &little);
  EXPECT_THAT(
      [&] {
        Ledger ledger(path(), clock_);
        ledger.BeginRun("r1");
      },
      test::ThrowsErrorWith(ErrorCode::kNoSpace, &base::ErrorInfo::remedy, HasSubstr("disk")));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

TEST_F(LedgerTest, RefusesAFolderThatCannotBeMade) {
  std::ofstream(dir_.path() / "state") << "a file where the folder should be";
  EXPECT_THAT([&] { Ledger ledger(path(), clock_); }, test::ThrowsError(ErrorCode::kPermission));
}

}  // namespace
}  // namespace sluice::sync
