// Goal: a schedule means what cron's users think it means, clocks that are set forward and back
// included; what cannot be meant is refused with the way to write it.
#include "schedule/cron.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::schedule {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Seconds At(std::string_view text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  EXPECT_EQ(std::sscanf(std::string(text).c_str(), "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s),
            6);
  const auto date = std::chrono::year(y) / mo / d;
  return Seconds(std::chrono::sys_days(date)) + std::chrono::hours(h) + std::chrono::minutes(mi) +
         std::chrono::seconds(s);
}

std::string Text(Seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count());
}

TimeZone Zone(std::string_view name) {
  auto zone = LoadTimeZone(name);
  EXPECT_TRUE(zone) << name;
  return zone.value_or(TimeZone::Utc());
}

// The first `count` times after `after` (UTC), as UTC.
std::vector<std::string> Times(std::string_view cron, std::string_view after, int count = 1,
                               std::string_view zone = "UTC") {
  const auto parsed = Cron::Parse(cron);
  if (const auto* problem = std::get_if<CronProblem>(&parsed)) return {problem->problem};
  std::vector<std::string> times;
  Seconds at = At(after);
  for (int i = 0; i < count; ++i) {
    at = std::get<Cron>(parsed).Next(at, Zone(zone));
    times.push_back(Text(at));
  }
  return times;
}

struct Case {
  const char* cron;
  const char* after;
  const char* next;
};

// 2026-01-01 is a Thursday.
const Case kCases[] = {
    {"* * * * *", "2026-01-01 00:00:00", "2026-01-01 00:01"},
    {"* * * * *", "2026-01-01 00:00:59", "2026-01-01 00:01"},
    {"30 6 * * *", "2026-01-01 06:29:59", "2026-01-01 06:30"},
    {"30 6 * * *", "2026-01-01 06:30:00", "2026-01-02 06:30"},
    {"  30\t6  * * * ", "2026-01-01 06:30:00", "2026-01-02 06:30"},
    {"*/15 * * * *", "2026-01-01 00:46:00", "2026-01-01 01:00"},
    {"5-59/15 * * * *", "2026-01-01 00:21:00", "2026-01-01 00:35"},
    {"0,10,50 * * * *", "2026-01-01 00:11:00", "2026-01-01 00:50"},
    {"0 0-6/3,22 * * *", "2026-01-01 06:00:00", "2026-01-01 22:00"},
    {"0 6 * * mon-fri", "2026-01-02 06:00:00", "2026-01-05 06:00"},
    {"0 6 * * MON,Wed", "2026-01-05 06:00:00", "2026-01-07 06:00"},
    {"0 6 * * 7", "2026-01-01 00:00:00", "2026-01-04 06:00"},
    {"0 6 * * 0", "2026-01-01 00:00:00", "2026-01-04 06:00"},
    {"0 6 * * sat-sun", "2026-01-03 06:00:00", "2026-01-04 06:00"},
    {"0 6 * * 5-7", "2026-01-03 06:00:00", "2026-01-04 06:00"},
    {"0 0 1 jan-mar *", "2026-03-01 00:00:00", "2027-01-01 00:00"},
    {"0 0 31 * *", "2026-01-31 00:00:00", "2026-03-31 00:00"},
    {"0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00"},
    {"0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00"},  // 2100 has none
    // Both days: either is enough.
    {"0 0 13 * fri", "2026-01-01 00:00:00", "2026-01-02 00:00"},
    {"0 0 13 * fri", "2026-01-09 00:00:00", "2026-01-13 00:00"},
    // One that begins with a star: both must fit.
    {"0 0 */2 * fri", "2026-01-01 00:00:00", "2026-01-09 00:00"},
    {"0 0 29 2 */7", "2026-01-01 00:00:00", "2032-02-29 00:00"},  // a Sunday
    {"0 0 30 2 fri", "2026-01-01 00:00:00", "2026-02-06 00:00"},
    {"@hourly", "2026-01-01 00:00:00", "2026-01-01 01:00"},
    {"@daily", "2026-01-01 00:00:00", "2026-01-02 00:00"},
    {"@Midnight", "2026-01-01 00:00:00", "2026-01-02 00:00"},
    {"@weekly", "2026-01-01 00:00:00", "2026-01-04 00:00"},
    {"@monthly", "2026-01-01 00:00:00", "2026-02-01 00:00"},
    {"@yearly", "2026-01-01 00:00:00", "2027-01-01 00:00"},
    {"@annually", "2026-01-01 00:00:00", "2027-01-01 00:00"},
};

TEST(Cron, FindsTheNextTime) {
  for (const Case& one : kCases) {
    EXPECT_THAT(Times(one.cron, one.after), ElementsAre(one.next)) << one.cron;
  }
}

struct Refused {
  const char* cron;
  const char* problem;
  const char* remedy;
};

const Refused kRefused[] = {
    {"", "has 0 fields", "30 6 * * *"},
    {"5 * * *", "has 4 fields", "30 6 * * *"},
    {"0 5 * * * *", "has 6 fields", "30 6 * * *"},
    {"60 * * * *", "has a minute that is not 0 to 59", ""},
    {"* 24 * * *", "has a hour that is not 0 to 23", ""},
    {"* * 0 * *", "has a day of the month that is not 1 to 31", ""},
    {"* * * 13 *", "has a month that is not 1 to 12, or jan to dec", ""},
    {"* * * * 8", "has a day of the week that is not 0 to 7, or sun to sat", ""},
    {"* * * * monday", "has a day of the week that is not", ""},
    {"-1 * * * *", "has a minute", ""},
    {"1- * * * *", "has a minute", ""},
    {"1,,2 * * * *", "has a minute", ""},
    {"1.5 * * * *", "has a minute", ""},
    {"+1 * * * *", "has a minute", ""},
    {"0x1 * * * *", "has a minute", ""},
    {"0 22-4 * * *", "ends before it begins", "22-23,0-4"},
    {"0 6 * * fri-mon", "ends before it begins", ""},
    {"5/15 * * * *", "a step without a range as its minute", "5-59/..."},
    {"*/0 * * * *", "a step as its minute that is not", "*/15"},
    {"*/60 * * * *", "a step as its minute that is not", "*/15"},
    {"*/ * * * *", "a step as its minute that is not", "*/15"},
    {"*/99999999999999999999 * * * *", "a step as its minute that is not", "*/15"},
    {"0 0 30 2 *", "never comes", "February has 29"},
    {"0 0 31 feb,apr,jun,sep,nov *", "never comes", "have 30"},
    {"0 0 31 2 */2", "never comes", ""},
    {"@reboot", "is none of @hourly", ""},
    {"@", "is none of @hourly", ""},
    {"\xff * * * *", "has a minute", ""},
};

TEST(Cron, RefusesWhatCannotBeMeantAndSaysHowToWriteIt) {
  for (const Refused& one : kRefused) {
    const auto parsed = Cron::Parse(one.cron);
    const auto* problem = std::get_if<CronProblem>(&parsed);
    ASSERT_NE(problem, nullptr) << one.cron;
    EXPECT_THAT(problem->problem, HasSubstr(one.problem)) << one.cron;
    EXPECT_THAT(problem->remedy, HasSubstr(one.remedy)) << one.cron;
  }
}

// Berlin: 2026-03-29 02:00 becomes 03:00 (01:00 UTC); 2026-10-25 03:00 becomes 02:00 (01:00 UTC).
TEST(Cron, FollowsTheZonesClock) {
  EXPECT_THAT(Times("30 6 * * *", "2026-03-27 12:00:00", 3, "Europe/Berlin"),
              ElementsAre("2026-03-28 05:30", "2026-03-29 04:30", "2026-03-30 04:30"));
  EXPECT_THAT(Times("0 0 * * *", "2026-01-01 00:00:00", 1, "Asia/Kolkata"),
              ElementsAre("2026-01-01 18:30"));
}

TEST(Cron, DoesWhatLiesInTheHourThatIsLeftOutOnceAtItsEnd) {
  EXPECT_THAT(Times("30 2 * * *", "2026-03-28 12:00:00", 2, "Europe/Berlin"),
              ElementsAre("2026-03-29 01:00", "2026-03-30 00:30"));
  EXPECT_THAT(Times("0,10,20,30 2 * * *", "2026-03-28 12:00:00", 2, "Europe/Berlin"),
              ElementsAre("2026-03-29 01:00", "2026-03-30 00:00"));
  // 03:00 itself is not doubled by it.
  EXPECT_THAT(Times("0 2,3 * * *", "2026-03-28 12:00:00", 2, "Europe/Berlin"),
              ElementsAre("2026-03-29 01:00", "2026-03-30 00:00"));
}

TEST(Cron, DoesWhatLiesInTheHourThatComesTwiceTheFirstTime) {
  EXPECT_THAT(Times("30 2 * * *", "2026-10-24 12:00:00", 2, "Europe/Berlin"),
              ElementsAre("2026-10-25 00:30", "2026-10-26 01:30"));
  // Between the two it is over.
  EXPECT_THAT(Times("30 2 * * *", "2026-10-25 00:45:00", 1, "Europe/Berlin"),
              ElementsAre("2026-10-26 01:30"));
}

TEST(Cron, AScheduleOfAllHoursFollowsTheTimeThatPasses) {
  EXPECT_THAT(Times("30 * * * *", "2026-03-29 00:00:00", 3, "Europe/Berlin"),
              ElementsAre("2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"));
  EXPECT_THAT(Times("30 * * * *", "2026-10-25 00:00:00", 3, "Europe/Berlin"),
              ElementsAre("2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"));
}

// Midnight itself is left out (Cairo, 2026-04-24 00:00 becomes 01:00), and half an hour
// (Lord Howe, 2026-10-04 02:00 becomes 02:30).
TEST(Cron, KnowsOddChanges) {
  EXPECT_THAT(Times("@daily", "2026-04-22 23:00:00", 2, "Africa/Cairo"),
              ElementsAre("2026-04-23 22:00", "2026-04-24 21:00"));
  EXPECT_THAT(Times("15 2 * * *", "2026-10-03 00:00:00", 2, "Australia/Lord_Howe"),
              ElementsAre("2026-10-03 15:30", "2026-10-04 15:15"));
}

}  // namespace
}  // namespace sluice::schedule
