// A clock that tests move. Sleep returns at once and moves it, so no test waits.
#pragma once
#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sluice::test {

class FakeClock final : public base::Clock {
 public:
  base::SteadyTime Steady() const override {
    const std::lock_guard lock(mu_);
    return steady_;
  }
  base::UtcTime Utc() const override {
    const std::lock_guard lock(mu_);
    return utc_;
  }
  bool Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const override {
    if (stop.stop_requested()) return false;
    const std::lock_guard lock(mu_);
    AdvanceLocked(duration);
    sleeps_.push_back(duration);
    return true;
  }
  void Advance(std::chrono::nanoseconds duration) {
    const std::lock_guard lock(mu_);
    AdvanceLocked(duration);
  }
  std::vector<std::chrono::nanoseconds> sleeps() const {
    const std::lock_guard lock(mu_);
    return sleeps_;
  }

 private:
  void AdvanceLocked(std::chrono::nanoseconds duration) const {
    steady_ += std::chrono::duration_cast<base::SteadyTime::duration>(duration);
    utc_ += std::chrono::duration_cast<base::UtcTime::duration>(duration);
  }
  mutable std::mutex mu_;
  mutable base::SteadyTime steady_{std::chrono::hours(1)};
  mutable base::UtcTime utc_{std::chrono::seconds(1767225600)};  // 2026-01-01T00:00:00Z
  mutable std::vector<std::chrono::nanoseconds> sleeps_;
};

// For what has threads of its own that wait: a sleep lasts a millisecond and moves the time by all
// of its length, so that patience of minutes is over in a moment while work still gets done.
class HurriedClock final : public base::Clock {
 public:
  base::SteadyTime Steady() const override { return real_.Steady() + Ahead(); }
  base::UtcTime Utc() const override {
    return real_.Utc() + std::chrono::duration_cast<base::UtcTime::duration>(Ahead());
  }
  bool Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const override {
    if (!real_.Sleep(std::min<std::chrono::nanoseconds>(duration, std::chrono::milliseconds(1)),
                     std::move(stop))) {
      return false;
    }
    const std::lock_guard lock(mu_);
    ahead_ += duration;
    return true;
  }
  void Advance(std::chrono::nanoseconds duration) {
    const std::lock_guard lock(mu_);
    ahead_ += duration;
  }

 private:
  std::chrono::nanoseconds Ahead() const {
    const std::lock_guard lock(mu_);
    return ahead_;
  }
  const base::SystemClock real_;
  mutable std::mutex mu_;
  mutable std::chrono::nanoseconds ahead_{0};
};

}  // namespace sluice::test
