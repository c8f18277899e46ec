#include "schedule/timetable.h"

#include <algorithm>

namespace sluice::schedule {

Timetable::Timetable(std::vector<When> entries, base::UtcTime now)
    : entries_(std::move(entries)), last_(now) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool interval = std::holds_alternative<std::chrono::seconds>(entries_[i]);
    next_.push_back(interval ? now : After(i, now, now));
  }
}

std::vector<std::size_t> Timetable::Due(base::UtcTime now) {
  const bool set_back = now < last_ - kJump;
  if (set_back) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      next_[i] = std::min(next_[i], After(i, now, now));
    }
    last_ = now;
  }
  last_ = std::max(last_, now);
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (next_[i] <= now) due.push_back(i);
  }
  return due;
}

void Timetable::Done(const std::vector<std::size_t>& numbers, base::UtcTime began,
                     base::UtcTime now) {
  for (const std::size_t number : numbers) next_.at(number) = After(number, began, now);
}

base::UtcTime Timetable::Next() const { return *std::min_element(next_.begin(), next_.end()); }

base::UtcTime Timetable::After(std::size_t number, base::UtcTime began, base::UtcTime now) const {
  const When& when = entries_.at(number);
  if (const auto* interval = std::get_if<std::chrono::seconds>(&when)) {
    // The clock may have been set back meanwhile.
    if (now < began) return now + *interval;
    return began + ((now - began) / *interval + 1) * *interval;
  }
  const auto& cron = std::get<CronIn>(when);
  return cron.cron.Next(std::chrono::floor<std::chrono::seconds>(now), cron.zone);
}

}  // namespace sluice::schedule
