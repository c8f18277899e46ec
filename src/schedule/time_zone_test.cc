// Goal: clocks show what the system's own database says, in every zone and far into the future; a
// damaged file is none.
#include "schedule/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace sluice::schedule {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kFolder = "/usr/share/zoneinfo/";

Seconds AtWallClock(int year, unsigned month, unsigned day, seconds clock = seconds(0)) {
  return Seconds(std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                                       static_cast<int>(day))) +
         clock;
}

std::string Bytes(const std::string& name) {
  std::ifstream file(kFolder + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the C library says: another reader of the same files.
long OfTheSystem(const std::string& zone, Seconds time) {
  setenv("TZ", (":" + zone).c_str(), 1);
  tzset();
  const std::time_t when = time.time_since_epoch().count();
  std::tm local{};
  localtime_r(&when, &local);
  unsetenv("TZ");
  return local.tm_gmtoff;
}

TEST(TimeZone, AgreesWithTheSystemForACenturyInZonesOfAllKinds) {
  for (const char* name :
       {"UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo",
        "America/St_Johns", "Asia/Kolkata", "Asia/Tehran", "Australia/Lord_Howe", "Pacific/Chatham",
        "Africa/Casablanca", "Africa/Cairo", "America/Nuuk", "Asia/Gaza", "Pacific/Apia",
        "Antarctica/Troll", "Etc/GMT+5"}) {
    const auto zone = LoadTimeZone(name);
    ASSERT_TRUE(zone) << name;
    for (Seconds time = AtWallClock(1990, 1, 1); time < AtWallClock(2090, 1, 1);
         time += hours(61) + minutes(7)) {
      ASSERT_EQ(zone->OffsetAt(time).count(), OfTheSystem(name, time))
          << name << " " << time.time_since_epoch().count();
    }
  }
}

TEST(TimeZone, TellsWhenAClockShowsATime) {
  const auto berlin = LoadTimeZone("Europe/Berlin").value();
  const auto local = [](Seconds shown) { return Local(shown.time_since_epoch()); };
  EXPECT_THAT(berlin.When(local(AtWallClock(2026, 7, 1, hours(12)))),
              ElementsAre(AtWallClock(2026, 7, 1, hours(10))));
  EXPECT_THAT(
      berlin.When(local(AtWallClock(2026, 10, 25, hours(2) + minutes(30)))),
      ElementsAre(AtWallClock(2026, 10, 25, minutes(30)), AtWallClock(2026, 10, 25, minutes(90))));
  const Local skipped = local(AtWallClock(2026, 3, 29, hours(2) + minutes(30)));
  EXPECT_THAT(berlin.When(skipped), IsEmpty());
  EXPECT_EQ(berlin.EndOfGap(skipped), AtWallClock(2026, 3, 29, hours(1)));
  // A whole day: Samoa had no 2011-12-30.
  const auto apia = LoadTimeZone("Pacific/Apia").value();
  const Local no_day = local(AtWallClock(2011, 12, 30, hours(12)));
  EXPECT_THAT(apia.When(no_day), IsEmpty());
  EXPECT_EQ(apia.EndOfGap(no_day), AtWallClock(2011, 12, 30, hours(10)));
}

TEST(TimeZone, HasNoZoneOfANameThatIsNoneOrLeavesTheFolder) {
  for (const char* name : {"", "Berlin", "europe/berlin", "Europe", "Europe/", "/Europe/Berlin",
                           "../zoneinfo/UTC", "Europe/../UTC", "zone.tab", "Europe/Berlin\n"}) {
    EXPECT_FALSE(LoadTimeZone(name)) << name;
  }
  EXPECT_FALSE(LoadTimeZone("Europe/Berlin", "/nowhere"));
  EXPECT_TRUE(LoadTimeZone("UTC", "/nowhere"));
}

TEST(TimeZone, IsNoneOfAFileThatIsCutAtAnyLength) {
  const std::string whole = Bytes("Europe/Berlin");
  ASSERT_TRUE(TimeZone::Parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(TimeZone::Parse(std::string_view(whole).substr(0, length))) << length;
  }
}

TEST(TimeZone, DoesNotCrashOnDamagedBytes) {
  const std::string whole = Bytes("America/New_York");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      if (const auto zone = TimeZone::Parse(damaged)) {
        zone->OffsetAt(AtWallClock(2026, 1, 1));
        zone->OffsetAt(AtWallClock(2100, 7, 1));
      }
    }
  }
}

TEST(PosixRule, ReadsEveryForm) {
  struct Form {
    const char* text;
    hours winter;
    hours summer;
  };
  for (const Form& form : {Form{"UTC0", hours(0), hours(0)}, Form{"<+03>-3", hours(3), hours(3)},
                           Form{"CET-1CEST,M3.5.0,M10.5.0/3", hours(1), hours(2)},
                           Form{"EST5EDT,M3.2.0,M11.1.0", hours(-5), hours(-4)},
                           Form{"AAA+5BBB+3,J60/-1,300/167:59:59", hours(-5), hours(-3)}}) {
    const auto rule = PosixRule::Parse(form.text);
    ASSERT_TRUE(rule) << form.text;
    EXPECT_EQ(rule->OffsetAt(AtWallClock(2026, 1, 1)), form.winter) << form.text;
    EXPECT_EQ(rule->OffsetAt(AtWallClock(2026, 7, 1)), form.summer) << form.text;
  }
}

TEST(PosixRule, RefusesEverythingElse) {
  for (const char* text :
       {"", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
        "<+03-3", "CET-168", "CET-1:60", "CET-1CEST,J0,J1", "CET-1CEST,366,1"}) {
    EXPECT_FALSE(PosixRule::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::schedule
