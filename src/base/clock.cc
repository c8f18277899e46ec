#include "base/clock.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sluice::base {

SteadyTime SystemClock::Steady() const { return std::chrono::steady_clock::now(); }
UtcTime SystemClock::Utc() const { return std::chrono::system_clock::now(); }

bool SystemClock::Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const {
  std::mutex mu;
  std::condition_variable_any wake;
  std::unique_lock lock(mu);
  wake.wait_for(lock, stop, duration, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

Deadline Deadline::After(const Clock& clock, std::chrono::nanoseconds duration) {
  Deadline d;
  d.at_ = clock.Steady() + std::chrono::duration_cast<SteadyTime::duration>(duration);
  return d;
}

bool Deadline::Expired(const Clock& clock) const { return at_ && clock.Steady() >= *at_; }

std::optional<std::chrono::nanoseconds> Deadline::Remaining(const Clock& clock) const {
  if (!at_) return std::nullopt;
  return std::max<std::chrono::nanoseconds>(*at_ - clock.Steady(), std::chrono::nanoseconds(0));
}

Deadline Deadline::Sooner(const Deadline& other) const {
  if (!at_) return other;
  if (!other.at_) return *this;
  return *at_ < *other.at_ ? *this : other;
}

}  // namespace sluice::base
