// Goal: what dead runs left goes, a living one's and a neighbour's stay.
#include "sync/clean_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sync/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CleanUpTest : public ::testing::Test {
 protected:
  CleanUpTest() {
    const std::string dead = staging::MakeRunId(clock_.Utc(), 1);
    const std::string unknown = staging::MakeRunId(clock_.Utc(), 2);
    store_.Add("sluice/acme/" + dead + "/t/a/0000_part_00.parquet", "x");
    unknown_key_ = "sluice/acme/" + unknown + "/t/a/0000_part_00.parquet";
    store_.Add(unknown_key_, "x");
    store_.Add("sluice/neighbour/object", "x");
    Ledger ledger(options_.ledger, clock_);
    ledger.BeginRun(dead);
    ledger.AddAttempt(
        {.run = dead, .stream = "t", .attempt = "a", .prefix = "sluice/acme/" + dead + "/t/a/"});
  }
  test::TempDir dir_;
  test::FakeClock clock_;
  test::FakeObjectStore store_;
  std::string unknown_key_;
  CleanUpOptions options_{.connection = "acme",
                          .bucket = "b",
                          .root = "sluice/",
                          .ledger = dir_.path() / "acme.ledger"};
};

TEST_F(CleanUpTest, RemovesWhatTheLedgerKnowsDead) {
  const auto cleaned = CleanUp(options_, store_, clock_, {});
  EXPECT_EQ(cleaned.objects_deleted, 1U);
  EXPECT_THAT(cleaned.left_behind, IsEmpty());
  EXPECT_THAT(store_.Keys(), ElementsAre(unknown_key_, "sluice/neighbour/object"));
}

TEST_F(CleanUpTest, EverythingIsEverythingOfThisConnection) {
  options_.everything = true;
  CleanUp(options_, store_, clock_, {});
  EXPECT_THAT(store_.Keys(), ElementsAre("sluice/neighbour/object"));
}

// G10: An object outside the connection's own root is never touched.
TEST_F(CleanUpTest, WhatLiesBeneathAnEarlierRootGoesAndItsNewOwnerStays) {
  const std::string old = staging::MakeRunId(clock_.Utc(), 3);
  const std::string moved = staging::MakeRunId(clock_.Utc(), 4);
  const std::string unproven = staging::MakeRunId(clock_.Utc(), 5);
  const std::string theirs = staging::MakeRunId(clock_.Utc(), 6);
  store_.Add("sluice/ac-me/" + old + "/t/a/0000_part_00.parquet", "x");
  store_.Add("former/acme/" + moved + "/t/b/0000_part_00.parquet", "x");
  store_.Add("sluice/ac-me/live/" + unproven + ".parquet", "x");
  store_.Add("sluice/ac-me/" + theirs + "/t/c/0000_part_00.parquet", "x");
  {
    Ledger ledger(options_.ledger, clock_);
    for (const auto& [run, prefix, attempt] : std::vector<std::array<std::string, 3>>{
             {old, "sluice/ac-me/" + old + "/t/a/", "a1"},
             {moved, "former/acme/" + moved + "/t/b/", "b1"},
             // A row that names a neighbour's folder without the run's id proves nothing.
             {unproven, "sluice/ac-me/live/", "c1"},
             {"live", "sluice/ac-me/live/", "d1"}}) {
      ledger.BeginRun(run);
      ledger.AddAttempt({.run = run, .stream = "t", .attempt = attempt, .prefix = prefix});
    }
  }
  const auto cleaned = CleanUp(options_, store_, clock_, {});
  EXPECT_EQ(cleaned.objects_deleted, 3U);
  EXPECT_THAT(cleaned.left_behind, IsEmpty());
  EXPECT_THAT(store_.Keys(), ElementsAre("sluice/ac-me/" + theirs + "/t/c/0000_part_00.parquet",
                                         "sluice/ac-me/live/" + unproven + ".parquet", unknown_key_,
                                         "sluice/neighbour/object"));
}

TEST_F(CleanUpTest, WaitsForNoSyncThatRuns) {
  const Ledger held(options_.ledger, clock_);
  EXPECT_THAT([&] { CleanUp(options_, store_, clock_, {}); },
              test::ThrowsError(base::ErrorCode::kConflict));
}

}  // namespace
}  // namespace sluice::sync
