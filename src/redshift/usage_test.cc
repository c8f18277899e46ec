// Goal: the workgroup's own figures where they may be read, and silence where not.
#include "redshift/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using testing::Contains;

const std::vector<std::string> kUsageColumns = {"compute_capacity", "charged_seconds", "?column?"};
const base::UtcTime kBegan{std::chrono::seconds(1767225600)};

class UsageTest : public ::testing::Test {
 protected:
  std::optional<Usage> Ask() { return AskUsage(*workgroup_->Login(), kBegan, {}); }
  testing::Rule& Asked() { return workgroup_->When(Contains("sys_serverless_usage")); }
  std::shared_ptr<testing::FakeWorkgroup> workgroup_ = std::make_shared<testing::FakeWorkgroup>();
};

TEST_F(UsageTest, TakesTheNewestSizeAndAddsUpWhatWasChargedSince) {
  Asked().Rows(kUsageColumns,
               {{"0", "0", "t"}, {"8", "480", "t"}, {"8", "16", "t"}, {"16", "960", "f"}});
  const auto usage = Ask();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->rpus, 8.0);
  EXPECT_EQ(usage->charged_rpu_seconds, 496.0);
  EXPECT_THAT(workgroup_->statements().back(),
              ::testing::HasSubstr("end_time > '2026-01-01 00:00:00'"));
}

TEST_F(UsageTest, TellsTheSizeOfAnEarlierMinuteWhereNoneOfTheRunIsThereYet) {
  Asked().Rows(kUsageColumns, {{"32", "960", "f"}});
  const auto usage = Ask();
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->rpus, 32.0);
  EXPECT_EQ(usage->charged_rpu_seconds, std::nullopt);
}

TEST_F(UsageTest, SaysNothingWhereItMayNotBeReadOrIsEmpty) {
  Asked().Once().Fails(base::Error({.code = ErrorCode::kPermission}).info());
  EXPECT_FALSE(Ask());
  Asked().Rows(kUsageColumns, {});
  EXPECT_FALSE(Ask());
}

TEST_F(UsageTest, DoesNotHideThatTheConnectionBroke) {
  Asked().Fails(base::Error({.code = ErrorCode::kUnreachable}).info());
  EXPECT_THAT([&] { Ask(); }, test::ThrowsError(ErrorCode::kUnreachable));
}

}  // namespace
}  // namespace sluice::redshift
