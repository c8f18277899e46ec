// Goal: what may lie in the bucket is always findable, one process at a time writes it, and a
// damaged ledger is told, not trusted.
#include "sync/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
  ledger.AddAttempt("r1", "sales.orders", "a1", "sluice/acme/r1/sales-orders/a1/");
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
    ledger.AddAttempt("r1", "a", "a1", "p1/");
    ledger.AddAttempt("r1", "b", "b1", "p2/");
    ledger.SetFailed("b1", "source");
    ledger.BeginRun("r0");
    ledger.AddAttempt("r0", "c", "c1", "p3/");
    ledger.SetCleaned("c1");
  }
  Ledger ledger(path(), clock_);
  EXPECT_THAT(ledger.DeadRuns("r2"), ElementsAre("r1"));
  EXPECT_THAT(ledger.DeadRuns("r1"), IsEmpty());
}

TEST_F(LedgerTest, SweepsAnAttemptWhoseUnloadMayStillWriteForTwoDays) {
  Ledger ledger(path(), clock_);
  ledger.AddAttempt("r1", "a", "a1", "p1/");
  ledger.AddAttempt("r1", "b", "b1", "p2/");
  ledger.SetCommitted("b1", {});
  ledger.MarkSwept({"r1"});
  EXPECT_EQ(ledger.StateOf("a1"), AttemptState::kAbandoned);
  EXPECT_EQ(ledger.StateOf("b1"), AttemptState::kCleaned);
  EXPECT_THAT(ledger.DeadRuns("r2"), ElementsAre("r1"));
  clock_.Advance(std::chrono::hours(49));
  ledger.MarkSwept({"r1"});
  EXPECT_THAT(ledger.DeadRuns("r2"), IsEmpty());
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
  EXPECT_THAT([&] { Ledger ledger(path(), clock_); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(LedgerTest, RefusesAFolderThatCannotBeMade) {
  std::ofstream(dir_.path() / "state") << "a file where the folder should be";
  EXPECT_THAT([&] { Ledger ledger(path(), clock_); }, test::ThrowsError(ErrorCode::kPermission));
}

}  // namespace
}  // namespace sluice::sync
