// Goal: a process that is killed, a disk that is full and a file that is held leave the rows of the
// last commit, or those of the next one, and the next load works.
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::Optional;

enum class Full { kDuringLoad, kAtCommit };

void LimitFiles(rlim_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
}

// In a child process; 0: it was refused as a full disk should be. Stderr says why only in the first
// case: it is a file too.
int LoadOntoFullDisk(Full when, Harness& harness, const model::LocalPart& part) {
  try {
    if (when == Full::kDuringLoad) LimitFiles(6 << 20);
    const auto destination = harness.Open();
    auto load = destination->Begin(Target(), kCall);
    const LoadedRows rows = load->Add({&part, 1}, kCall);
    if (when == Full::kAtCommit) LimitFiles(1);
    load->Commit(Mark("a2"), ProofOf(rows), kCall);
  } catch (const base::Error& error) {
    fprintf(stderr, "%s (%s)\n", error.what(), error.info().cause.c_str());
    return error.code() == ErrorCode::kNoSpace ? 0 : 2;
  }
  return 1;
}

// In a child process; 0: it was refused with the name of the process that holds it, and since when.
int OpenWhileHeld(Harness& harness) {
  try {
    harness.Open();
  } catch (const base::Error& error) {
    fprintf(stderr, "%s\n", error.what());
    const std::string text = error.what();
    const bool named = text.find(getenv(kHolderVariable)) != std::string::npos &&
                       text.find("since 20") != std::string::npos;
    return error.code() == ErrorCode::kConflict && named ? 0 : 2;
  }
  return 1;
}

}  // namespace

TEST_P(Conformance, KilledBeforeCommitLeavesTheOldRows) {
  if (!InChild()) LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  EXPECT_EXIT(
      {
        const auto destination = harness_->Open();
        auto load = destination->Begin(Target(), kCall);
        AddAll(*load, {Numbers("new", 1, 300000)});
        kill(getpid(), SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("1|t1", "2|t2")));
  const auto destination = harness_->Open();
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a1");
  destination->Close();
  LoadAll(Target(), {Numbers("again", 7, 7)}, "a3");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("7|t7")));
}

TEST_P(Conformance, KilledInItsFirstLoadLeavesNothing) {
  EXPECT_EXIT(
      {
        const auto destination = harness_->Open();
        auto load = destination->Begin(Target(), kCall);
        AddAll(*load, {Numbers("new", 1, 300000)});
        kill(getpid(), SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(ReadClosed(kTable), std::nullopt);
  const auto destination = harness_->Open();
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall), std::nullopt);
  destination->Close();
  LoadAll(Target(), {Numbers("again", 7, 7)}, "a3");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("7|t7")));
}

TEST_P(Conformance, KilledAfterCommitKeepsTheNewRows) {
  if (!InChild()) LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  EXPECT_EXIT(
      {
        const auto destination = harness_->Open();
        auto load = destination->Begin(Target(), kCall);
        const LoadedRows rows = AddAll(*load, {Numbers("new", 1, 300000)});
        load->Commit(Mark("a2"), ProofOf(rows), kCall);
        kill(getpid(), SIGKILL);
      },
      ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(ReadClosed(kTable)->size(), 300000u);
  const auto destination = harness_->Open();
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a2");
  destination->Close();
}

TEST_P(Conformance, AFullDiskLeavesTheOldRows) {
  if (!harness_->IsLocalFile()) GTEST_SKIP() << "not a local file";
  if (!InChild()) {
    LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
    // Rows that do not compress: 16 MB.
    harness_->MakePart("large",
                       "SELECT CAST(range AS BIGINT) AS n, md5(CAST(range AS VARCHAR)) AS t "
                       "FROM range(500000)");
  }
  const model::LocalPart large{{.key = "large"}, folder_ / "large.parquet"};
  EXPECT_EXIT(_exit(LoadOntoFullDisk(Full::kDuringLoad, *harness_, large)),
              ::testing::ExitedWithCode(0), "no_space");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("1|t1", "2|t2")));
  LoadAll(Target(), {Numbers("again", 7, 7)}, "a3");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("7|t7")));
}

TEST_P(Conformance, ADiskFullAtCommitLeavesTheOldRows) {
  if (!harness_->IsLocalFile()) GTEST_SKIP() << "not a local file";
  if (!InChild()) LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const model::LocalPart part{{.key = "new"}, folder_ / "new.parquet"};
  if (!InChild()) Numbers("new", 3, 9);
  EXPECT_EXIT(_exit(LoadOntoFullDisk(Full::kAtCommit, *harness_, part)),
              ::testing::ExitedWithCode(0), "");
  const auto destination = harness_->Open();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a1");
  destination->Close();
}

// G16: Of two syncs into one destination one is refused, and told who holds it or who committed.
TEST_P(Conformance, AFileHeldByAnotherProcessIsAConflictThatNamesIt) {
  if (!harness_->IsLocalFile()) GTEST_SKIP() << "not a local file";
  std::unique_ptr<Destination> holder;
  if (!InChild()) {
    LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
    holder = harness_->Open();
  }
  EXPECT_EXIT(_exit(OpenWhileHeld(*harness_)), ::testing::ExitedWithCode(0), "conflict");
  EXPECT_THAT(harness_->Read(*holder, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  holder->Close();
}

// Before its end is even noticed by who started it: the lock dies with the process.
TEST_P(Conformance, AHolderThatDiedHoldsNothing) {
  if (!harness_->IsLocalFile()) GTEST_SKIP() << "not a local file";
  if (InChild()) return;
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const auto destination = harness_->Open();
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_THAT([&] { harness_->Open(); }, test::ThrowsError(ErrorCode::kConflict));
  kill(holder, SIGKILL);
  siginfo_t dead{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(holder), &dead, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("1|t1", "2|t2")));
  waitid(P_PID, static_cast<id_t>(holder), &dead, WEXITED);
  close(ready[0]);
  close(ready[1]);
}

}  // namespace sluice::destinations
