// Goal: what was missed comes once, jitter stays what it is, and a clock that jumps keeps nobody
// waiting.
#include "serve/runs/schedules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

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
  EXPECT_EQ(StepOf({}, next, {}, kMidnight), PlanStep::kPlan);
  EXPECT_EQ(StepOf(next, next, {}, kMidnight), PlanStep::kWait);
  EXPECT_EQ(StepOf(kMidnight, next, {}, kMidnight), PlanStep::kRun);
  EXPECT_EQ(StepOf(kMidnight - hours(48), next, {}, kMidnight), PlanStep::kRun);
  EXPECT_EQ(StepOf(next, {}, {}, kMidnight), PlanStep::kWait);
}

// What a pipeline does while the clock shows these times, one after another. Its schedule is every
// hour, and its first run was at midnight.
std::vector<PlanStep> StepsAt(const std::vector<base::UtcTime>& times) {
  Planner planner;
  const Schedule hourly{.cron = "0 * * * *"};
  auto planned = planner.Next("p", hourly, kMidnight);
  std::vector<PlanStep> steps;
  for (const auto now : times) {
    const auto next = planner.Next("p", hourly, now);
    const auto then = planner.Next("p", hourly, *next);
    steps.push_back(StepOf(planned, next, then, now));
    if (steps.back() != PlanStep::kWait) planned = next;
  }
  return steps;
}

TEST(PlanStep, AClockThatIsSetBackByALittleRunsNothingTwice) {
  EXPECT_THAT(
      StepsAt({kMidnight + seconds(1), kMidnight - seconds(2), kMidnight - seconds(1), kMidnight,
               kMidnight - minutes(20), kMidnight + seconds(1), kMidnight + minutes(59)}),
      testing::Each(PlanStep::kWait));
}

TEST(PlanStep, AClockThatIsSetBackByDaysKeepsNobodyWaiting) {
  const auto back = kMidnight - hours(48);
  EXPECT_THAT(StepsAt({back + seconds(1), back + hours(1)}),
              testing::ElementsAre(PlanStep::kPlan, PlanStep::kRun));
  // Just before an hour that may have had its run, the one behind it is waited for.
  const auto almost = back + minutes(55);
  EXPECT_THAT(StepsAt({almost, back + minutes(61), back + hours(2)}),
              testing::ElementsAre(PlanStep::kWait, PlanStep::kPlan, PlanStep::kRun));
}

TEST(PlanStep, AClockThatJumpsAheadRunsOnceWhatWasMissed) {
  const auto ahead = kMidnight + hours(72);
  EXPECT_THAT(StepsAt({ahead + seconds(1), ahead + seconds(2), ahead + minutes(30)}),
              testing::ElementsAre(PlanStep::kRun, PlanStep::kWait, PlanStep::kWait));
}

}  // namespace
}  // namespace sluice::serve
