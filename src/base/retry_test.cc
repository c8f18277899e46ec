// Goal: what may be repeated is repeated, within its budget, its deadline and the user's patience;
// what may not, never.
#include "base/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::base {
namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;

Error Passing() { return Error({.code = ErrorCode::kUnavailable, .retryable = true}); }

class RetryTest : public testing::Test {
 protected:
  // Fails `failures` times with `error`, then returns how often it was called.
  int Run(Retry& retry, int failures, const Error& error, const Call& call = {}) {
    int calls = 0;
    return retry.Run(call, [&] {
      if (++calls <= failures) throw error;
      return calls;
    });
  }
  test::FakeClock clock_;
  Retry retry_{
      clock_,
      {.attempts_max = 4, .backoff_first = milliseconds(100), .backoff_max = milliseconds(300)},
      7};
};

TEST_F(RetryTest, RepeatsAPassingFailure) { EXPECT_EQ(Run(retry_, 3, Passing()), 4); }

TEST_F(RetryTest, GivesUpWithTheLastErrorWhenItsCallsAreUsedUp) {
  EXPECT_THAT([&] { Run(retry_, 4, Passing()); }, test::ThrowsError(ErrorCode::kUnavailable));
  EXPECT_EQ(clock_.sleeps().size(), 3u);
}

TEST_F(RetryTest, NeverRepeatsWhatIsFinalOrInDoubt) {
  EXPECT_THROW(Run(retry_, 1, Error({.code = ErrorCode::kPermission})), Error);
  EXPECT_THROW(
      Run(retry_, 1, Error({.code = ErrorCode::kUnreachable, .retryable = true, .in_doubt = true})),
      Error);
  EXPECT_TRUE(clock_.sleeps().empty());
}

TEST_F(RetryTest, PausesGrowToTheirBoundWithFullJitter) {
  for (int i = 0; i < 200; ++i) Run(retry_, 3, Passing());
  std::array<std::chrono::nanoseconds, 3> longest{};
  const auto sleeps = clock_.sleeps();
  for (std::size_t i = 0; i < sleeps.size(); ++i)
    longest[i % 3] = std::max(longest[i % 3], sleeps[i]);
  EXPECT_LE(longest[0], milliseconds(100));
  EXPECT_GT(longest[0], milliseconds(80));
  EXPECT_LE(longest[1], milliseconds(200));
  EXPECT_GT(longest[1], milliseconds(150));
  EXPECT_LE(longest[2], milliseconds(300));
  EXPECT_GT(longest[2], milliseconds(250));
}

TEST_F(RetryTest, DoesNotSleepPastTheDeadline) {
  const Call call{.deadline = Deadline::After(clock_, milliseconds(0)), .stop = {}};
  EXPECT_THAT([&] { Run(retry_, 1, Passing(), call); }, test::ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(RetryTest, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  const Call call{.deadline = {}, .stop = stop.get_token()};
  EXPECT_THAT([&] { Run(retry_, 1, Passing(), call); }, test::ThrowsError(ErrorCode::kCancelled));
}

TEST_F(RetryTest, RefillGivesAnAdvancingReaderANewBudget) {
  int calls = 0;
  retry_.Run({}, [&] {
    retry_.Refill();
    if (++calls < 20) throw Passing();
  });
  EXPECT_EQ(calls, 20);
}

TEST(Deadline, KnowsWhatRemains) {
  test::FakeClock clock;
  const auto deadline = Deadline::After(clock, seconds(10));
  EXPECT_EQ(deadline.Remaining(clock), seconds(10));
  clock.Advance(seconds(4));
  EXPECT_EQ(deadline.Remaining(clock), seconds(6));
  EXPECT_FALSE(deadline.Expired(clock));
  clock.Advance(seconds(7));
  EXPECT_EQ(deadline.Remaining(clock), seconds(0));
  EXPECT_TRUE(deadline.Expired(clock));
  EXPECT_FALSE(Deadline::Never().Expired(clock));
  EXPECT_EQ(Deadline::Never().Sooner(deadline).Remaining(clock), seconds(0));
  EXPECT_EQ(deadline.Sooner(Deadline::Never()).Remaining(clock), seconds(0));
}

TEST(SystemClock, SleepEndsEarlyWhenStopped) {
  const SystemClock clock;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(clock.Sleep(std::chrono::hours(1), stop.get_token()));
  EXPECT_TRUE(clock.Sleep(milliseconds(1), {}));
  EXPECT_GT(clock.Utc().time_since_epoch(), std::chrono::hours(24 * 365 * 50));
}

}  // namespace
}  // namespace sluice::base
