// Goal: what dead runs left goes, a living one's and a neighbour's stay.
#include "sync/clean_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

class CleanUpTest : public testing::Test {
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

TEST_F(CleanUpTest, WaitsForNoSyncThatRuns) {
  const Ledger held(options_.ledger, clock_);
  EXPECT_THAT([&] { CleanUp(options_, store_, clock_, {}); },
              test::ThrowsError(base::ErrorCode::kConflict));
}

}  // namespace
}  // namespace sluice::sync
