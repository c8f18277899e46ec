// What is due, and when the next thing will be: of several that come by an interval or by cron.
// Pure: whoever asks tells the time. One thread.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "schedule/cron.h"
#include "schedule/time_zone.h"

namespace sluice::schedule {

struct CronIn {
  Cron cron;
  TimeZone zone;
};
// Every so long since it last began; at once the first time.
using When = std::variant<std::chrono::seconds, CronIn>;

// What came while something else was done is done once afterwards, however often it came; what came
// while it was done itself, not at all. A clock that is set back by more than kJump begins anew:
// nothing waits for a time that was reached already.
class Timetable {
 public:
  static constexpr std::chrono::seconds kJump{60};

  // REQUIRES: `entries` is not empty, and no interval is 0.
  Timetable(std::vector<When> entries, base::UtcTime now);

  // By their numbers, in order. Empty: nothing is due.
  std::vector<std::size_t> Due(base::UtcTime now);
  // These were begun at `began` and are over.
  void Done(const std::vector<std::size_t>& numbers, base::UtcTime began, base::UtcTime now);
  // When the next one is due, or was.
  base::UtcTime Next() const;

 private:
  base::UtcTime After(std::size_t number, base::UtcTime began, base::UtcTime now) const;

  std::vector<When> entries_;
  std::vector<base::UtcTime> next_;  // of each
  base::UtcTime last_;               // the latest time that was told
};

}  // namespace sluice::schedule
