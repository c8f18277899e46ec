// Goal: any number that a service sends as a time is one.
#include "aws/time_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::aws {
namespace {

TEST(TimeText, NumbersBeyondAllTimesAreTheFurthestOnes) {
  EXPECT_EQ(FromEpochSeconds(1767229200.25).time_since_epoch(),
            std::chrono::milliseconds(1767229200250));
  const auto last = FromEpochSeconds(std::numeric_limits<double>::infinity());
  EXPECT_EQ(FromEpochSeconds(1e300), last);
  EXPECT_EQ(FromEpochSeconds(9.3e9), last);
  EXPECT_GT(last, FromEpochSeconds(9e9));
  EXPECT_LT(FromEpochSeconds(-1e300), FromEpochSeconds(-9e9));
  EXPECT_EQ(FromEpochSeconds(std::numeric_limits<double>::quiet_NaN()), FromEpochSeconds(0));
}

}  // namespace
}  // namespace sluice::aws
