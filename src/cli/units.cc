#include "cli/units.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace sluice::cli {

std::string Grouped(std::uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string Bytes(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.95 would print as 1000.0.
  while (value >= 999.95 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return unit >= 2 ? fmt::format("{:.2f} {}", value, kUnits[unit])
                   : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string Rate(double bytes_per_second) {
  const double shown = bytes_per_second > 0 ? bytes_per_second : 0;
  return Bytes(static_cast<std::uint64_t>(shown)) + "/s";
}

std::string Seconds(std::chrono::milliseconds duration) {
  return fmt::format("{:.1f}", static_cast<double>(duration.count()) / 1000);
}

std::string Clocked(std::chrono::seconds duration) {
  const auto total = duration.count();
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string Count(std::uint64_t number, const std::string& one) {
  return fmt::format("{} {}{}", Grouped(number), one, number == 1 ? "" : "s");
}

}  // namespace sluice::cli
