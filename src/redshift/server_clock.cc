#include "redshift/server_clock.h"

#include <array>
#include <chrono>

#include "base/text.h"

namespace sluice::redshift {
namespace {

// The number in `text` from `at` on, of exactly so many digits.
std::optional<int> Digits(std::string_view text, std::size_t at, std::size_t size) {
  const std::string_view digits = text.substr(at, size);
  if (digits.size() != size || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  return base::ParseNumber<int>(digits);
}

// ".5": zeros at the end are left out.
std::optional<std::chrono::microseconds> Fraction(std::string_view text) {
  if (text.empty()) return std::chrono::microseconds(0);
  if (text.front() != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  std::string digits(text.substr(1));
  digits.resize(6, '0');
  const auto micros = Digits(digits, 0, 6);
  if (!micros) return std::nullopt;
  return std::chrono::microseconds(*micros);
}

}  // namespace

std::string BuildServerTime() { return "SELECT CAST(SYSDATE AS VARCHAR)"; }

std::optional<base::UtcTime> ReadServerTime(const std::vector<std::optional<std::string>>& row) {
  if (row.size() != 1 || !row[0] || row[0]->size() < 19) return std::nullopt;
  const std::string_view text = *row[0];
  std::array<int, 6> parts{};
  constexpr std::array<std::size_t, 6> kAt{0, 5, 8, 11, 14, 17};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = Digits(text, kAt[i], i == 0 ? 4 : 2);
    if (!number) return std::nullopt;
    parts[i] = *number;
  }
  const auto fraction = Fraction(text.substr(19));
  const std::chrono::year_month_day date(std::chrono::year(parts[0]),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2])));
  if (!fraction || !date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 60) {
    return std::nullopt;
  }
  return base::UtcTime(std::chrono::sys_days(date)) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]) + *fraction;
}

}  // namespace sluice::redshift
