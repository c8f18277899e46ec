#include "aws/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sluice::aws {
namespace {

// The two digits (or more) at `at`; nullopt if one of them is not a digit.
std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<base::UtcTime> Compose(std::optional<int> year, std::optional<int> month,
                                     std::optional<int> day, std::optional<int> hour,
                                     std::optional<int> minute, std::optional<int> second) {
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // 60 is a leap second.
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return base::UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
         std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

// ".25" -> 250 ms and what follows the digits.
std::optional<std::chrono::microseconds> TakeFraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return std::chrono::microseconds(0);
  rest.remove_prefix(1);
  std::int64_t micros = 0;
  std::int64_t unit = 100000;
  std::size_t digits = 0;
  for (; digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits) {
    micros += (rest[digits] - '0') * unit;
    unit /= 10;
  }
  rest.remove_prefix(digits);
  if (digits == 0) return std::nullopt;
  return std::chrono::microseconds(micros);
}

}  // namespace

std::string FormatAmzDate(base::UtcTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss clock(seconds - days);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<base::UtcTime> ParseIsoTime(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const auto time = Compose(Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2),
                            Digits(text, 11, 2), Digits(text, 14, 2), Digits(text, 17, 2));
  std::string_view rest = text.substr(19);
  const auto fraction = TakeFraction(rest);
  if (!time || !fraction || (rest != "Z" && rest != "+00:00")) return std::nullopt;
  return *time + *fraction;
}

std::optional<base::UtcTime> ParseHttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // "Thu, 01 Jan 2026 00:00:00 GMT": fixed width, the one form RFC 9110 lets a sender write.
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  std::optional<int> month;
  for (int i = 0; i < 12; ++i) {
    if (text.substr(8, 3) == kMonths[static_cast<std::size_t>(i)]) month = i + 1;
  }
  return Compose(Digits(text, 12, 4), month, Digits(text, 5, 2), Digits(text, 17, 2),
                 Digits(text, 20, 2), Digits(text, 23, 2));
}

base::UtcTime FromEpochSeconds(double seconds) {
  // A time is nanoseconds in 64 bits: what lies beyond the year 2262 overflowed them.
  constexpr double kMost = 9.2e9;
  seconds = std::isnan(seconds) ? 0 : std::clamp(seconds, -kMost, kMost);
  return base::UtcTime(std::chrono::duration_cast<base::UtcTime::duration>(
      std::chrono::microseconds(std::llround(seconds * 1e6))));
}

}  // namespace sluice::aws
