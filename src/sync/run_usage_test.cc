// Goal: a run asks the workgroup for its costs once, last, and only while that wakes nobody; it
// never fails for want of a figure.
#include "sync/run_usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {

using std::chrono::seconds;

class RunUsageTest : public RunFixture {
 protected:
  RunUsageTest() { ServerUnloads(); }
  RunResult RunCounted() {
    RunParts parts = Parts();
    parts.activity = &activity_;
    parts.traffic = &traffic_;
    return sync::Run(streams_, options_, parts, stop_.get_token());
  }
  redshift::testing::Rule& Asked() {
    return workgroup_->When(redshift::testing::Contains("sys_serverless_usage"));
  }
  std::size_t TimesAsked() const { return CountOf("SELECT compute_capacity"); }

  redshift::Activity activity_{clock_};
  aws::S3Traffic traffic_;
};

TEST_F(RunUsageTest, AsksOnceBehindTheLastStream) {
  Asked().Rows({"a", "b", "c"}, {{"8", "480", "t"}});
  options_.rpu_price = 0.36;
  activity_.OnTransaction(true);  // something runs
  const auto result = RunCounted();
  ASSERT_TRUE(result.cost);
  EXPECT_EQ(result.cost->rpus, 8.0);
  EXPECT_EQ(result.cost->workgroup_rpu_seconds, 480.0);
  EXPECT_TRUE(result.cost->amount);
  EXPECT_EQ(TimesAsked(), 1U);
  const auto all = workgroup_->statements();
  EXPECT_TRUE(all.back().starts_with("SELECT compute_capacity")) << all.back();
}

TEST_F(RunUsageTest, DoesNotWakeAWorkgroupForIt) {
  activity_.OnStatementBegan();
  activity_.OnStatementEnded({});
  clock_.Advance(seconds(61));
  const auto result = RunCounted();
  EXPECT_EQ(TimesAsked(), 0U);
  ASSERT_TRUE(result.cost);
  EXPECT_EQ(result.cost->rpus, std::nullopt);
  EXPECT_EQ(result.cost->billed, seconds(60));
}

TEST_F(RunUsageTest, DoesNotAskWhereItIsToldNotTo) {
  options_.ask_usage = false;
  activity_.OnTransaction(true);
  RunCounted();
  EXPECT_EQ(TimesAsked(), 0U);
}

TEST_F(RunUsageTest, ARefusalOrABrokenConnectionCostsTheFigureAlone) {
  Asked().Once().Fails(Failure(base::ErrorCode::kPermission).info());
  Asked().Fails(Failure(base::ErrorCode::kUnreachable).info());
  activity_.OnTransaction(true);
  for (int i = 0; i < 2; ++i) {
    const auto result = RunCounted();
    for (const auto& stream : result.streams) EXPECT_FALSE(stream.error);
    EXPECT_EQ(result.cost->rpus, std::nullopt);
  }
  EXPECT_EQ(TimesAsked(), 2U);
}

TEST_F(RunUsageTest, AStreamThatFailsKeepsTheOthersFromNothing) {
  Asked().Rows({"a", "b", "c"}, {{"8", "480", "t"}});
  streams_[1].sync_mode = model::SyncMode::kIncremental;  // without a cursor: no plan
  streams_[1].cursor = "none";
  activity_.OnTransaction(true);
  options_.streams_parallel = 1;
  const auto result = RunCounted();
  EXPECT_TRUE(result.streams[1].error);
  EXPECT_EQ(TimesAsked(), 1U);
  EXPECT_GT(result.cost->bytes_staged, 0U);
}

TEST_F(RunUsageTest, NobodyCountedIsNoCost) { EXPECT_EQ(Run().cost, std::nullopt); }

TEST_F(RunUsageTest, ADrainBeginsNoOtherStream) {
  std::stop_source drain;
  RunParts parts = Parts();
  parts.drain = drain.get_token();
  parts.after_effect = [&](Effect effect, std::string_view) {
    if (effect == Effect::kPrefixRecorded) drain.request_stop();
  };
  options_.streams_parallel = 1;
  const auto result = sync::Run(streams_, options_, parts, stop_.get_token());
  EXPECT_TRUE(result.interrupted);
  EXPECT_FALSE(result.streams[0].error);
  EXPECT_EQ(result.streams[1].error->code, base::ErrorCode::kCancelled);
  EXPECT_EQ(result.streams[2].error->code, base::ErrorCode::kCancelled);
  ExpectClean();
}

}  // namespace
}  // namespace sluice::sync
