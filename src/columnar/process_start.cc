#include "columnar/process_start.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>

namespace sluice::columnar {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The n-th word, from 0.
std::optional<long long> FieldNumber(std::string_view text, int n) {
  for (; n >= 0; --n) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    if (n > 0) text.remove_prefix(std::min(text.find_first_of(" \n"), text.size()));
  }
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

}  // namespace

std::string ProcessStartFrom(std::string_view process_stat, std::string_view machine_stat,
                             long ticks_per_second) {
  constexpr int kStartTime = 19;  // "starttime", field 22 of proc(5), counted after the name
  constexpr std::string_view kBoot = "\nbtime ";
  const auto name_end = process_stat.rfind(')');
  const auto boot_at = machine_stat.find(kBoot);
  if (name_end == std::string_view::npos || boot_at == std::string_view::npos) return "";
  const auto ticks = FieldNumber(process_stat.substr(name_end + 1), kStartTime);
  const auto boot = FieldNumber(machine_stat.substr(boot_at + kBoot.size()), 0);
  if (!ticks || !boot || ticks_per_second <= 0) return "";
  const auto began = static_cast<std::time_t>(*boot + *ticks / ticks_per_second);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(began));
}

std::string ProcessStart(int pid) {
  return ProcessStartFrom(Contents(fmt::format("/proc/{}/stat", pid)), Contents("/proc/stat"),
                          sysconf(_SC_CLK_TCK));
}

}  // namespace sluice::columnar
