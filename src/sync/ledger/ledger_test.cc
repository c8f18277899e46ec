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

#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LedgerTest : public testing::Test {
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

TEST_F(LedgerTest, KnowsAfterADeathWhatMayLieInTheBucket) {
  {
    Ledger ledger(path(), clock_);
    ledger.BeginRun("r1");
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "a1", .prefix = "p1/"});
    ledger.AddAttempt({.run = "r1", .stream = "b", .attempt = "b1", .prefix = "p2/"});
    ledger.SetFailed("b1", "source");
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
  EXPECT_EQ(newest.adopted, "a1");
  EXPECT_EQ(newest.began, clock_.Utc());
  EXPECT_EQ(newest.state, AttemptState::kPlanned);
  EXPECT_THAT(newest.unloads, ElementsAre(UnloadRecord{"rows-0001", "n = 0", "f1", 7},
                                          UnloadRecord{"keys", "", "f2", std::nullopt}));
  EXPECT_EQ(dead[1].basis, std::nullopt);
  EXPECT_EQ(dead[1].high, std::nullopt);
  EXPECT_THAT(ledger.DeadAttempts("r1"), IsEmpty());
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

// The ledger of the version before, as it wrote it.
TEST_F(LedgerTest, TakesOverALedgerOfTheVersionBefore) {
  std::filesystem::create_directories(path().parent_path());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(
          db,
          "CREATE TABLE run(run TEXT PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER, outcome"
          " TEXT) STRICT;"
          "CREATE TABLE attempt(attempt TEXT PRIMARY KEY, run TEXT NOT NULL, stream TEXT NOT NULL,"
          " prefix TEXT NOT NULL, state TEXT NOT NULL, began INTEGER NOT NULL, changed INTEGER NOT"
          " NULL, rows INTEGER, bytes INTEGER, error TEXT, committed INTEGER, watermark TEXT,"
          " notice_rows INTEGER, manifest_rows INTEGER, footer_rows INTEGER, inserted INTEGER,"
          " updated INTEGER, unchanged INTEGER, deleted INTEGER, skipped INTEGER, keys_compared"
          " INTEGER) STRICT;"
          "CREATE INDEX attempt_state ON attempt(state);"
          "CREATE INDEX attempt_run ON attempt(run);"
          "INSERT INTO attempt(attempt, run, stream, prefix, state, began, changed)"
          " VALUES('a1', 'r1', 's', 'p/', 'planned', 1767225600, 1767225600);"
          "PRAGMA user_version=2",
          nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  Ledger ledger(path(), clock_);
  const auto dead = ledger.DeadAttempts("r2");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].prefix, "p/");
  EXPECT_EQ(dead[0].basis, std::nullopt);  // swept, not adopted
  EXPECT_THAT(dead[0].unloads, IsEmpty());
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
