// When a process of this machine began, from /proc. Any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::columnar {

// "2026-01-01 00:00:00 UTC"; empty if it is gone or cannot be seen.
std::string ProcessStart(int pid);

// Pure, the same of what stands in /proc/PID/stat and /proc/stat. A process may be named anything,
// "a) S 1 (b" as well: the fields are counted from the last ')'. Empty if the texts say less.
std::string ProcessStartFrom(std::string_view process_stat, std::string_view machine_stat,
                             long ticks_per_second);

}  // namespace sluice::columnar
