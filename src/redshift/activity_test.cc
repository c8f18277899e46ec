// Goal: the bill of a workgroup that only we use, to the second.
#include "redshift/activity.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace sluice::redshift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ActivityTest : public ::testing::Test {
 protected:
  void Statement(std::chrono::nanoseconds lasts) {
    activity_.OnStatementBegan();
    clock_.Advance(lasts);
    activity_.OnStatementEnded({});
  }
  test::FakeClock clock_;
  Activity activity_{clock_};
};

TEST_F(ActivityTest, BillsNothingBeforeTheFirstStatement) {
  EXPECT_EQ(activity_.So().wake_ups, 0U);
  EXPECT_EQ(activity_.So().billed, seconds(0));
  EXPECT_FALSE(activity_.IsAwake());
}

TEST_F(ActivityTest, BillsAMinuteForWhatIsShorter) {
  Statement(milliseconds(20));
  clock_.Advance(seconds(30));
  Statement(milliseconds(20));
  EXPECT_EQ(activity_.So().wake_ups, 1U);
  EXPECT_EQ(activity_.So().billed, seconds(60));
  EXPECT_TRUE(activity_.IsAwake());
  clock_.Advance(seconds(31));
  EXPECT_FALSE(activity_.IsAwake());
}

TEST_F(ActivityTest, BillsByTheMillisecondAboveTheMinute) {
  Statement(milliseconds(90500));
  EXPECT_EQ(activity_.So().billed, milliseconds(90500));
  clock_.Advance(milliseconds(5));  // a round trip
  Statement(seconds(10));
  EXPECT_EQ(activity_.So().wake_ups, 1U);
  EXPECT_EQ(activity_.So().billed, milliseconds(100505));
}

TEST_F(ActivityTest, BillsEachWakeUpAMinute) {
  Statement(seconds(1));
  clock_.Advance(seconds(100));
  Statement(seconds(1));
  EXPECT_EQ(activity_.So().wake_ups, 2U);
  EXPECT_EQ(activity_.So().billed, seconds(120));
}

TEST_F(ActivityTest, CountsAnOpenTransactionAsRunning) {
  activity_.OnStatementBegan();
  activity_.OnTransaction(true);
  activity_.OnStatementEnded({});
  clock_.Advance(seconds(200));
  EXPECT_TRUE(activity_.IsAwake());
  EXPECT_EQ(activity_.So().billed, seconds(200));
  activity_.OnTransaction(false);
  clock_.Advance(seconds(200));
  EXPECT_EQ(activity_.So().wake_ups, 1U);
  EXPECT_EQ(activity_.So().billed, seconds(200));
}

TEST_F(ActivityTest, SessionsThatOverlapAreBilledOnce) {
  activity_.OnStatementBegan();
  clock_.Advance(seconds(50));
  activity_.OnStatementBegan();
  clock_.Advance(seconds(50));
  activity_.OnStatementEnded({});
  clock_.Advance(seconds(50));
  activity_.OnStatementEnded({});
  EXPECT_EQ(activity_.So().wake_ups, 1U);
  EXPECT_EQ(activity_.So().billed, seconds(150));
}

}  // namespace
}  // namespace sluice::redshift
