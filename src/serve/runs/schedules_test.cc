// Goal: what was missed comes once, jitter stays what it is, and a clock that jumps keeps nobody
// waiting.
#include "serve/runs/schedules.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::serve {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// 2026-01-01T00:00:00Z.
const base::UtcTime kMidnight{seconds(1767225600)};

TEST(Planner, FollowsTheCronInItsZone) {
  Planner planner;
  EXPECT_EQ(planner.Next("p", {.cron = "30 * * * *"}, kMidnight), kMidnight + minutes(30));
  EXPECT_EQ(planner.Next("p", {.cron = "0 6 * * *", .time_zone = "Europe/Berlin"}, kMidnight),
            kMidnight + hours(5));
}

TEST(Planner, NeverIfPausedOrNotToBeRead) {
  Planner planner;
  EXPECT_EQ(planner.Next("p", {.cron = "* * * * *", .paused = true}, kMidnight), std::nullopt);
  EXPECT_EQ(planner.Next("p", {.cron = "when I say"}, kMidnight), std::nullopt);
  EXPECT_EQ(planner.Next("p", {.cron = "* * * * *", .time_zone = "Europe/Atlantis"}, kMidnight),
            std::nullopt);
}

TEST(Planner, JitterSpreadsPipelinesAndIsTheSameWheneverItIsAskedFor) {
  const Schedule hourly{.cron = "0 * * * *", .jitter = minutes(10)};
  std::set<base::UtcTime> times;
  for (int i = 0; i < 50; ++i) {
    const std::string pipeline = "pip_" + std::to_string(i);
    const auto due = Planner().Next(pipeline, hourly, kMidnight - minutes(20));
    ASSERT_TRUE(due);
    EXPECT_GE(*due, kMidnight);
    EXPECT_LE(*due, kMidnight + minutes(10));
    times.insert(*due);
    // Behind the hour, and before its own moment, that moment is still to come.
    if (*due > kMidnight + seconds(2)) {
      EXPECT_EQ(Planner().Next(pipeline, hourly, *due - seconds(2)), due);
    }
    EXPECT_GT(*Planner().Next(pipeline, hourly, *due), *due);
  }
  EXPECT_GT(times.size(), 30U);
}

TEST(PlanStep, WaitsPlansAndRunsOnceHoweverLongItWasMissed) {
  const auto next = kMidnight + hours(1);
  EXPECT_EQ(StepOf({}, next, kMidnight), PlanStep::kPlan);
  EXPECT_EQ(StepOf(next, next, kMidnight), PlanStep::kWait);
  EXPECT_EQ(StepOf(kMidnight, next, kMidnight), PlanStep::kRun);
  EXPECT_EQ(StepOf(kMidnight - hours(48), next, kMidnight), PlanStep::kRun);
  EXPECT_EQ(StepOf(next, {}, kMidnight), PlanStep::kWait);
}

TEST(PlanStep, AClockThatWasSetBackIsPlannedAnew) {
  EXPECT_EQ(StepOf(kMidnight + hours(24), kMidnight + hours(1), kMidnight), PlanStep::kPlan);
}

}  // namespace
}  // namespace sluice::serve
