// Goal: one thing at a time, nothing piled up, nothing forgotten, whatever the clock does.
#include "schedule/timetable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::schedule {
namespace {

using base::UtcTime;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const UtcTime kMidnight{seconds(1767225600)};  // 2026-01-01 00:00:00

When Every(std::string_view cron) {
  return CronIn{std::get<Cron>(Cron::Parse(cron)), TimeZone::Utc()};
}

TEST(Timetable, AnIntervalIsDueAtOnceAndThenEachTime) {
  Timetable table({minutes(15)}, kMidnight);
  EXPECT_THAT(table.Due(kMidnight), ElementsAre(0));
  table.Done({0}, kMidnight, kMidnight + minutes(2));
  EXPECT_THAT(table.Due(kMidnight + minutes(14)), IsEmpty());
  EXPECT_EQ(table.Next(), kMidnight + minutes(15));
  EXPECT_THAT(table.Due(kMidnight + minutes(15)), ElementsAre(0));
}

TEST(Timetable, WhatOverranItsIntervalWaitsForTheNextOne) {
  Timetable table({minutes(15)}, kMidnight);
  table.Done({0}, kMidnight, kMidnight + minutes(50));
  EXPECT_EQ(table.Next(), kMidnight + minutes(60));
  table.Done({0}, kMidnight, kMidnight + minutes(60));  // exactly: not at once again
  EXPECT_EQ(table.Next(), kMidnight + minutes(75));
}

TEST(Timetable, CronWaitsForItsTime) {
  Timetable table({Every("30 6 * * *")}, kMidnight);
  EXPECT_THAT(table.Due(kMidnight), IsEmpty());
  EXPECT_EQ(table.Next(), kMidnight + hours(6) + minutes(30));
  EXPECT_THAT(table.Due(kMidnight + hours(6) + minutes(30)), ElementsAre(0));
}

TEST(Timetable, WhatCameWhileAnotherWasDoneIsDoneOnce) {
  Timetable table({Every("0 * * * *"), Every("*/10 * * * *")}, kMidnight);
  const auto one = kMidnight + hours(1);
  EXPECT_THAT(table.Due(one - seconds(1)), ElementsAre(1));
  table.Done({1}, one - minutes(10), one - minutes(9));
  EXPECT_THAT(table.Due(one), ElementsAre(0, 1));
  table.Done({0}, one, one + minutes(45));  // as if 1 was not begun with it
  EXPECT_THAT(table.Due(one + minutes(45)), ElementsAre(1));
  table.Done({1}, one + minutes(45), one + minutes(46));
  EXPECT_THAT(table.Due(one + minutes(46)), IsEmpty());
  EXPECT_EQ(table.Next(), one + minutes(50));
}

TEST(Timetable, AClockThatIsSetForwardMakesUpForNothing) {
  Timetable table({minutes(15), Every("0 * * * *")}, kMidnight);
  table.Done({0}, kMidnight, kMidnight);
  const auto later = kMidnight + hours(24 * 30);
  EXPECT_THAT(table.Due(later), ElementsAre(0, 1));
  table.Done({0, 1}, later, later + minutes(1));
  EXPECT_THAT(table.Due(later + minutes(1)), IsEmpty());
  EXPECT_EQ(table.Next(), later + minutes(15));
}

TEST(Timetable, AClockThatIsSetBackDoesNotStopIt) {
  Timetable table({minutes(15), Every("0 * * * *")}, kMidnight);
  table.Done({0}, kMidnight, kMidnight);
  const auto before = kMidnight - hours(24 * 365);
  EXPECT_THAT(table.Due(before), IsEmpty());
  EXPECT_EQ(table.Next(), before + minutes(15));
  EXPECT_THAT(table.Due(before + hours(1)), ElementsAre(0, 1));
  // Set back while it was done.
  table.Done({0}, before + hours(1), before);
  EXPECT_LE(table.Next(), before + hours(1));
}

TEST(Timetable, AClockThatIsPutRightByMomentsChangesNothing) {
  Timetable table({Every("0 * * * *")}, kMidnight);
  const auto one = kMidnight + hours(1);
  EXPECT_THAT(table.Due(one + seconds(1)), ElementsAre(0));
  table.Done({0}, one + seconds(1), one + seconds(20));
  EXPECT_THAT(table.Due(one - seconds(2)), IsEmpty());  // not the same hour twice
  EXPECT_THAT(table.Due(one + seconds(2)), IsEmpty());
  EXPECT_EQ(table.Next(), one + hours(1));
}

}  // namespace
}  // namespace sluice::schedule
