// Goal: exactly the manifest's parts arrive, byte by byte, whatever was prefetched; the disk budget
// holds; nothing is left on disk.
#include "staging/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::staging {
namespace {
using base::ErrorCode;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const base::Call kCall;

std::string Contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    store_.Add("p/0000.parquet", "0123456789");
    store_.Add("p/0001.parquet", "abcdefg");
    store_.Add("p/manifest", "{}");
    manifest_.parts = {{"p/0000.parquet", 10, 1}, {"p/0001.parquet", 7, 2}};
  }
  std::unique_ptr<Fetch> MakeFetch() {
    return std::make_unique<Fetch>(store_, disk_,
                                   FetchOptions{.dir = dir_.path(), .range_bytes = 4},
                                   [this](std::uint64_t n) { bytes_ += n; });
  }
  std::vector<aws::ObjectInfo> Listed() { return store_.List("p/", kCall); }
  // All parts as "key=content", released one batch at a time.
  std::vector<std::string> Drain(Fetch& fetch) {
    std::vector<std::string> all;
    for (;;) {
      const auto batch = fetch.Next(kCall, clock_);
      if (batch.empty()) return all;
      for (const auto& part : batch) all.push_back(part.part.key + "=" + Contents(part.file));
      fetch.Release(batch);
    }
  }
  std::size_t FilesOnDisk() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(dir_.path()), {}));
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  test::FakeObjectStore store_;
  base::ByteBudget disk_{1000};
  Manifest manifest_;
  std::atomic<std::uint64_t> bytes_ = 0;
};

TEST_F(FetchTest, BringsTheManifestsParts) {
  auto fetch = MakeFetch();
  fetch->Expect(manifest_, Listed());
  EXPECT_THAT(Drain(*fetch),
              UnorderedElementsAre("p/0000.parquet=0123456789", "p/0001.parquet=abcdefg"));
  EXPECT_EQ(fetch->bytes_complete(), 17u);
  EXPECT_EQ(bytes_, 17u);
  EXPECT_EQ(disk_.bytes_used(), 0u);
  EXPECT_EQ(FilesOnDisk(), 0u);
}

TEST_F(FetchTest, UsesWhatWasPrefetchedAndReadsItOnlyOnce) {
  auto fetch = MakeFetch();
  fetch->Prefetch(Listed());
  fetch->Prefetch(Listed());
  fetch->Expect(manifest_, Listed());
  EXPECT_EQ(Drain(*fetch).size(), 2u);
  EXPECT_EQ(bytes_, 17u);
}

TEST_F(FetchTest, DropsAPrefetchedPartThatTheManifestDoesNotList) {
  auto fetch = MakeFetch();
  store_.Add("p/stray.parquet", "stray");
  fetch->Prefetch(Listed());
  EXPECT_EQ(FilesOnDisk(), 3u);
  fetch->Expect(manifest_, Listed());
  EXPECT_EQ(FilesOnDisk(), 2u);
  EXPECT_EQ(Drain(*fetch).size(), 2u);
  EXPECT_EQ(disk_.bytes_used(), 0u);
}

TEST_F(FetchTest, FetchesAnewAPartThatWasReplacedAfterThePrefetch) {
  auto fetch = MakeFetch();
  fetch->Prefetch(Listed());
  store_.Add("p/0001.parquet", "ABCDEFG");
  fetch->Expect(manifest_, Listed());
  EXPECT_THAT(Drain(*fetch),
              UnorderedElementsAre("p/0000.parquet=0123456789", "p/0001.parquet=ABCDEFG"));
}

TEST_F(FetchTest, RefusesAMissingOrResizedPart) {
  manifest_.parts[0].bytes = 11;
  EXPECT_THAT([&] { MakeFetch()->Expect(manifest_, Listed()); },
              test::ThrowsError(ErrorCode::kCorrupt));
  manifest_.parts[0] = {"p/0009.parquet", 10, 1};
  EXPECT_THAT([&] { MakeFetch()->Expect(manifest_, Listed()); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(FetchTest, ReportsAFailedReadAndLeavesNothing) {
  store_.before = [](const std::string& operation, const std::string& key) {
    if (operation == "read" && key == "p/0001.parquet") {
      throw base::Error({.code = ErrorCode::kUnavailable, .operation = "read"});
    }
  };
  auto fetch = MakeFetch();
  fetch->Expect(manifest_, Listed());
  EXPECT_THAT(
      [&] {
        Drain(*fetch);
        Drain(*fetch);
      },
      test::ThrowsError(ErrorCode::kUnavailable));
  fetch.reset();
  EXPECT_EQ(FilesOnDisk(), 0u);
  EXPECT_EQ(disk_.bytes_used(), 0u);
}

TEST_F(FetchTest, AFailedPrefetchIsFetchedAgain) {
  bool refuse = true;
  store_.before = [&](const std::string& operation, const std::string&) {
    if (operation == "read" && refuse) {
      throw base::Error({.code = ErrorCode::kUnavailable, .operation = "read"});
    }
  };
  auto fetch = MakeFetch();
  fetch->Prefetch(Listed());
  refuse = false;
  fetch->Expect(manifest_, Listed());
  EXPECT_EQ(Drain(*fetch).size(), 2u);
}

TEST_F(FetchTest, StaysWithinTheDiskBudget) {
  base::ByteBudget small(10);
  Fetch fetch(store_, small, {.dir = dir_.path(), .range_bytes = 4}, [](std::uint64_t) {});
  fetch.Expect(manifest_, Listed());
  const auto first = fetch.Next(kCall, clock_);
  ASSERT_EQ(first.size(), 1u);
  fetch.Release(first);
  EXPECT_EQ(fetch.Next(kCall, clock_).size(), 1u);
  EXPECT_LE(small.bytes_peak(), 10u);
}

TEST_F(FetchTest, PrefetchLeavesHalfOfTheBudget) {
  base::ByteBudget small(20);
  Fetch fetch(store_, small, {.dir = dir_.path(), .range_bytes = 4}, [](std::uint64_t) {});
  fetch.Prefetch(Listed());
  EXPECT_EQ(small.bytes_used(), 10u);
}

TEST_F(FetchTest, AnEmptyManifestPartIsStillAFile) {
  store_.Add("p/0002.parquet", "");
  manifest_.parts = {{"p/0002.parquet", 0, 0}};
  auto fetch = MakeFetch();
  fetch->Expect(manifest_, Listed());
  EXPECT_THAT(Drain(*fetch), UnorderedElementsAre("p/0002.parquet="));
}

TEST_F(FetchTest, StopsWhenAsked) {
  store_.hold_reads = true;
  auto fetch = MakeFetch();
  fetch->Expect(manifest_, Listed());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT([&] { fetch->Next({.deadline = {}, .stop = stop.get_token()}, clock_); },
              test::ThrowsError(ErrorCode::kCancelled));
  store_.ReleaseReads();
}

TEST_F(FetchTest, TellsAFullDisk) {
  // The limit on a file's size stands in for a full disk: both fail where space is reserved.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 8;
  setrlimit(RLIMIT_FSIZE, &small);
  auto fetch = MakeFetch();
  fetch->Expect(manifest_, Listed());
  EXPECT_THAT([&] { fetch->Next(kCall, clock_); }, test::ThrowsError(ErrorCode::kNoSpace));
  setrlimit(RLIMIT_FSIZE, &before);
  fetch.reset();
  EXPECT_EQ(FilesOnDisk(), 0u);
}

}  // namespace
}  // namespace sluice::staging
