// Goal: the server's time is read exactly, or taken for none.
#include "redshift/server_clock.h"

#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

base::UtcTime Day(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) /
                               static_cast<int>(day));
}

TEST(ServerClock, ReadsTimesAsTheServerSpellsThem) {
  EXPECT_EQ(ReadServerTime({"2026-01-31 00:00:00"}), Day(2026, 1, 31));
  EXPECT_EQ(ReadServerTime({"2026-01-31 13:05:09.5"}),
            Day(2026, 1, 31) + std::chrono::milliseconds(47'109'500));
  EXPECT_EQ(ReadServerTime({"1999-12-31 23:59:59.000001"}),
            Day(2000, 1, 1) - std::chrono::seconds(1) + std::chrono::microseconds(1));
}

TEST(ServerClock, TakesEverythingElseForNone) {
  const std::string whole = "2026-01-31 12:00:00.123456";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const bool fits = length == 19 || length > 20;
    EXPECT_EQ(ReadServerTime({whole.substr(0, length)}).has_value(), fits) << length;
  }
  for (const char* text :
       {"2026-02-30 12:00:00", "2026-01-31 24:00:00", "2026-01-31 12:61:00", "20x6-01-31 12:00:00",
        "2026-01-31 12:00:00.12345678", "2026-01-31 12:00:00+00", "2026-01-31 12:00:00 BC"}) {
    EXPECT_EQ(ReadServerTime({text}), std::nullopt) << text;
  }
  EXPECT_EQ(ReadServerTime({std::nullopt}), std::nullopt);
  EXPECT_EQ(ReadServerTime({}), std::nullopt);
}

}  // namespace
}  // namespace sluice::redshift
