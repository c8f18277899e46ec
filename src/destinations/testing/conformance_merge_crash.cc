// Goal: a process that is killed in the middle of a merge, or for which the disk ends there, leaves
// the rows and the watermark of the last commit or of this one; and nobody beside it sees part of a
// merge.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::StreamTarget;

constexpr int kRows = 60'000;

// Rows 1 to kRows of version `v`: every one changed since version v - 1.
std::string Version(int v) {
  return fmt::format(
      "SELECT CAST(range AS BIGINT) AS n, 'v{0}-' || md5(CAST(range AS VARCHAR)) AS t, CAST({0} AS "
      "BIGINT) AS c, false AS d FROM range(1, {1})",
      v, kRows + 1);
}

// The one version that all rows are of; "mixed" if they are not.
std::string VersionOf(const std::vector<std::string>& rows) {
  if (rows.size() != kRows) return fmt::format("{} rows", rows.size());
  const auto version = [](const std::string& row) {
    const auto begin = row.find('|') + 1;
    return row.substr(begin, row.find('-', begin) - begin);
  };
  const std::string first = version(rows.front());
  const bool all = std::all_of(rows.begin(), rows.end(),
                               [&](const std::string& row) { return version(row) == first; });
  return all ? first : "mixed";
}

void Merge(Destination& destination, const StreamTarget& target, const model::LocalPart& part,
           const std::string& attempt) {
  auto load = destination.Begin(target, kCall);
  const LoadedRows rows = AddAll(*load, {part});
  load->Commit(Mark(attempt), ProofOf(rows), kCall);
}

// A child that merges `part`, and is killed `after` its Commit began; returns whether it had ended
// before. Forked, not a death test: those would make the parts again each time.
bool KilledInCommit(Harness& harness, const StreamTarget& target, const model::LocalPart& part,
                    const std::string& attempt, std::chrono::microseconds after) {
  int begun[2];
  if (pipe(begun) != 0) return true;
  const pid_t child = fork();
  if (child == 0) {
    const auto destination = harness.Open();
    auto load = destination->Begin(target, kCall);
    const LoadedRows rows = AddAll(*load, {part});
    if (write(begun[1], "x", 1) != 1) _exit(1);
    load->Commit(Mark(attempt), ProofOf(rows), kCall);
    _exit(0);
  }
  close(begun[1]);
  char byte = 0;
  const bool began = read(begun[0], &byte, 1) == 1;
  close(begun[0]);
  usleep(static_cast<useconds_t>(after.count()));
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(began) << "the child died before its Commit";
  return WIFEXITED(status);
}

// In a child process; 0: it was refused as a full disk should be.
int MergeOntoFullDisk(Harness& harness, const StreamTarget& target, const model::LocalPart& part,
                      rlim_t more) {
  try {
    const auto destination = harness.Open();
    auto load = destination->Begin(target, kCall);
    const LoadedRows rows = AddAll(*load, {part});
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = more, .rlim_max = more};
    setrlimit(RLIMIT_FSIZE, &limit);
    load->Commit(Mark("a2"), ProofOf(rows), kCall);
  } catch (const base::Error& error) {
    return error.code() == ErrorCode::kNoSpace ? 0 : 2;
  }
  return 1;
}

}  // namespace

// Returns the attempt whose rows are there, all of them and no others. A server may still be about
// to end what a killed client asked for: then it is looked at again.
std::string Merging::ExpectOneVersion(const std::map<std::string, std::string>& versions) {
  for (;;) {
    const auto before = destination_->ReadCommitted("sales.numbers", kCall);
    const std::string there = VersionOf(There().value_or(std::vector<std::string>()));
    const auto after = destination_->ReadCommitted("sales.numbers", kCall);
    EXPECT_TRUE(before && after);
    if (!before || !after) return "";
    if (before->watermark.attempt != after->watermark.attempt) continue;
    EXPECT_EQ(there, versions.at(after->watermark.attempt)) << after->watermark.attempt;
    return after->watermark.attempt;
  }
}

TEST_P(Merging, KilledAtAnyMomentOfItsCommitLeavesOneVersion) {
  const StreamTarget target = MergeTarget();
  Merge(*destination_, target, harness_->MakePart("first", Version(1)), "a1");
  destination_->Close();
  std::map<std::string, std::string> versions{{"a1", "v1"}};
  int interrupted = 0;
  // From its first statement to about its end, whatever the machine: each kill comes later until a
  // commit has ended before it, then earlier again.
  std::chrono::microseconds after{0};
  for (int round = 0; round < 12; ++round) {
    const std::string attempt = fmt::format("k{}", round);
    versions[attempt] = fmt::format("v{}", round + 2);
    const model::LocalPart part = harness_->MakePart(attempt, Version(round + 2));
    const bool ended = KilledInCommit(*harness_, target, part, attempt, after);
    destination_ = harness_->Open();
    const std::string committed = ExpectOneVersion(versions);
    if (ended) {
      EXPECT_EQ(committed, attempt) << "a commit that was answered is gone";
      after = after / 2;
    } else {
      ++interrupted;
      after = after + after / 2 + std::chrono::milliseconds(20);
    }
    destination_->Close();
  }
  EXPECT_GT(interrupted, 3);
  destination_ = harness_->Open();
  Merge(*destination_, target, harness_->MakePart("last", Version(99)), "last");
  EXPECT_EQ(VersionOf(*There()), "v99");
}

TEST_P(Merging, ADiskFullInAMergeLeavesTheOldRows) {
  if (!harness_->IsLocalFile()) GTEST_SKIP() << "not a local file";
  const StreamTarget target = MergeTarget();
  Merge(*destination_, target, harness_->MakePart("first", Version(1)), "a1");
  const model::LocalPart part = harness_->MakePart("second", Version(2));
  destination_->Close();
  // At its first write, and where some of it has been written.
  for (const rlim_t bytes : {rlim_t{1}, rlim_t{1} << 18U, rlim_t{1} << 20U}) {
    const pid_t child = fork();
    if (child == 0) _exit(MergeOntoFullDisk(*harness_, target, part, bytes));
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << bytes;
    destination_ = harness_->Open();
    EXPECT_EQ(VersionOf(There().value_or(std::vector<std::string>())), "v1") << bytes;
    EXPECT_EQ(destination_->ReadCommitted(target.stream, kCall)->watermark.attempt, "a1");
    destination_->Close();
  }
  destination_ = harness_->Open();
  Merge(*destination_, target, part, "a3");
  EXPECT_EQ(VersionOf(*There()), "v2");
}

TEST_P(Merging, AReaderBesideItSeesNoPartOfAMerge) {
  const StreamTarget target = MergeTarget();
  Merge(*destination_, target, harness_->MakePart("first", Version(1)), "a1");
  std::vector<model::LocalPart> parts;
  for (int v = 2; v <= 4; ++v) {
    parts.push_back(harness_->MakePart(fmt::format("v{}", v), Version(v)));
  }
  std::atomic<int> reads = 0;
  std::string wrong;
  {
    std::jthread reader([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const auto rows = harness_->Read(*destination_, kTable);
        const std::string there = VersionOf(rows.value_or(std::vector<std::string>()));
        if (there.size() != 2 || there.front() != 'v') wrong = there;
        ++reads;
      }
    });
    while (reads == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Merge(*destination_, target, parts[i], fmt::format("b{}", i));
    }
  }
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(VersionOf(*There()), "v4");
}

}  // namespace sluice::destinations
