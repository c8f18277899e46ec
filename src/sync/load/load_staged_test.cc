// Goal: what is staged is committed as a whole, once and proven, or not at all. No workgroup is
// here: what reads is a fake that stages what the bucket holds.
#include "sync/load/load_staged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/load/settle.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_destination.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unload_objects.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class Silent final : public Observer {
 public:
  void OnProgress(const Progress&) override {}
};

class LoadStagedTest : public ::testing::Test {
 protected:
  LoadStagedTest() {
    staged_.target = {.stream = "orders", .table = {"main", "orders"}};
    staged_.watermark = {.stream = "orders", .value = "70", .run = "r1", .attempt = "a1"};
  }
  // The other half: an UNLOAD that ended, its parts and manifest in the bucket.
  StagedUnload& Unloaded(const std::string& what, std::uint64_t parts, std::uint64_t rows_each) {
    const std::string prefix = "sluice/acme/r1/orders/a1/" + what + "/";
    test::AddUnloaded(store_, prefix, parts, rows_each);
    StagedUnload unload{.what = what, .prefix = prefix, .keys = what == "keys"};
    unload.notice_rows = parts * rows_each;
    if (const auto text = store_.Get(prefix + "manifest", 1 << 20, call_)) {
      unload.manifest = staging::ParseManifest(*text, "b", prefix);
    }
    staged_.unloads.push_back(std::move(unload));
    return staged_.unloads.back();
  }
  void Load(bool adopted = false) {
    StreamProgress progress(observer_, "orders");
    LoadStaged({.clock = clock_,
                .log = log_,
                .destination = destination_,
                .transfers = transfers_,
                .adopted = adopted,
                .reached = [this](Effect effect) { effects_.push_back(effect); }},
               staged_, budget_, progress, result_, trace_, stop_.get_token());
  }
  void Fail(int times, const std::string& at, base::ErrorInfo error) {
    destination_.before = [=, left = times](const std::string& step, const std::string&) mutable {
      if (step == at && left-- > 0) throw base::Error(error);
    };
  }

  test::TempDir dir_;
  test::HurriedClock clock_;
  test::NullLogger log_;
  test::FakeObjectStore store_;
  test::FakeDestination destination_;
  Silent observer_;
  base::ByteBudget disk_{1 << 20};
  const base::Call call_{.deadline = base::Deadline::Never(), .stop = {}};
  Transfers transfers_{store_, disk_, dir_.path() / "work" / "a1", 8, [](std::uint64_t) {}};
  RetryBudget budget_{1};
  Staged staged_;
  StreamResult result_;
  LoadTrace trace_;
  std::vector<Effect> effects_;
  std::stop_source stop_;
};

TEST_F(LoadStagedTest, CommitsEveryRowWithTheWatermarkAndProvesIt) {
  Unloaded("rows-0001", 2, 5);
  Unloaded("rows-0002", 1, 3);
  Load();
  const auto table = destination_.tables().at("orders");
  EXPECT_EQ(table.rows, 13U);
  EXPECT_EQ(table.watermark.value, "70");
  EXPECT_TRUE(result_.proof.Agrees());
  EXPECT_EQ(result_.proof.notice_rows, 13U);
  EXPECT_EQ(result_.proof.parts, 3U);
  EXPECT_EQ(result_.proof.fetched_bytes, 60U);
  EXPECT_EQ(result_.watermark, "70");
  EXPECT_THAT(effects_, ElementsAre(Effect::kLoaded));
  EXPECT_FALSE(trace_.next);
}

TEST_F(LoadStagedTest, NothingStagedEmptiesTheTable) {
  Unloaded("rows", 0, 0);
  Load();
  EXPECT_EQ(destination_.tables().at("orders").rows, 0U);
}

TEST_F(LoadStagedTest, KeysAreComparedAfterTheRowsAlsoIfThereIsNone) {
  Unloaded("keys", 0, 0);
  Unloaded("rows", 1, 2);
  std::vector<std::string> steps;
  destination_.before = [&](const std::string& step, const std::string&) { steps.push_back(step); };
  Load();
  EXPECT_THAT(steps, ElementsAre("begin", "read", "add", "add_keys", "commit"));
  EXPECT_EQ(destination_.tables().at("orders").keys, 0U);
  EXPECT_EQ(result_.keys_compared, 0U);
  EXPECT_EQ(result_.proof.loaded_rows, 2U);  // keys are no rows
}

TEST_F(LoadStagedTest, WhatStaysIsTakenFromTheBucketByTheDestination) {
  Unloaded("rows", 2, 5).stays = true;
  Load();
  EXPECT_EQ(destination_.tables().at("orders").rows, 10U);
  EXPECT_THAT(result_.verified, ElementsAre(Pair("copied", 2U)));
  EXPECT_THAT(store_.log(), ::testing::Not(::testing::Contains(HasSubstr("read"))));
}

TEST_F(LoadStagedTest, CountsThatDisagreeCommitNothingAndAreNotTriedAgain) {
  Unloaded("rows", 2, 5);
  destination_.lose_rows = 1;
  EXPECT_THAT([&] { Load(); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::message,
                                    AllOf(HasSubstr("lists 10"), HasSubstr("9 were loaded"))));
  EXPECT_THAT(destination_.tables(), IsEmpty());
  EXPECT_FALSE(trace_.next);
}

TEST_F(LoadStagedTest, AStageOfAnotherCommitIsOvertaken) {
  Unloaded("rows", 1, 5);
  staged_.basis = "r0/a0";
  EXPECT_THAT([&] { Load(); }, test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::reason,
                                                     std::string(kOvertaken)));
  EXPECT_THAT(effects_, IsEmpty());
  ASSERT_TRUE(trace_.next);
  EXPECT_EQ(trace_.next->again, Again::kAttempt);  // this stage is of no use: read again
}

TEST_F(LoadStagedTest, AFailureThatPassesLoadsTheSameStageAgain) {
  Unloaded("rows", 2, 5);
  Fail(2, "add", {.code = ErrorCode::kConflict, .operation = "load", .retryable = true});
  Load();
  EXPECT_EQ(destination_.tables().at("orders").rows, 10U);
  EXPECT_EQ(result_.proof.loaded_rows, 10U);  // of the last load alone
  EXPECT_FALSE(trace_.next);
}

TEST_F(LoadStagedTest, CtrlCEndsItBetweenTwoLoads) {
  Unloaded("rows", 2, 5);
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step != "add") return;
    stop_.request_stop();
    throw base::Error({.code = ErrorCode::kConflict, .operation = "load", .retryable = true});
  };
  EXPECT_THAT([&] { Load(); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_THAT(destination_.tables(), IsEmpty());
}

// G14: Nothing in doubt is repeated blindly: after a lost COMMIT the destination is asked, after a
// lost UNLOAD the manifest.
TEST_F(LoadStagedTest, ACommitWhoseAnswerWasLostIsAskedFor) {
  Unloaded("rows", 2, 5);
  destination_.commit_in_doubt = true;
  Load();
  EXPECT_EQ(result_.counts.inserted, 10U);
  EXPECT_EQ(result_.watermark, "70");
  EXPECT_FALSE(trace_.commit_in_doubt);
}

TEST_F(LoadStagedTest, ADoubtThatStaysIsTold) {
  Unloaded("rows", 2, 5);
  destination_.commit_in_doubt = true;
  bool committed = false;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "commit") committed = true;
    if (step == "read" && committed) {
      throw base::Error({.code = ErrorCode::kUnreachable, .operation = "connect"});
    }
  };
  EXPECT_THAT([&] { Load(); },
              test::ThrowsErrorWith(ErrorCode::kDestination, &base::ErrorInfo::remedy,
                                    HasSubstr("asks first")));
  EXPECT_TRUE(trace_.commit_in_doubt);
}

TEST_F(LoadStagedTest, APartThatIsGoneIsNotReadFromTheStageAgain) {
  Unloaded("rows", 2, 5);
  store_.Remove("sluice/acme/r1/orders/a1/rows/0001_part_00.parquet");
  EXPECT_THAT([&] { Load(); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT(destination_.tables(), IsEmpty());
  EXPECT_TRUE(!trace_.next || trace_.next->again != Again::kStaged);
}

}  // namespace
}  // namespace sluice::sync
