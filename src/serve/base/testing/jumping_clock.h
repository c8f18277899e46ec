// A clock that tests move, and whose time of day they set besides: by an administrator, or by what
// keeps a machine's clock right.
#pragma once
#include <atomic>

#include "tests/support/fake_clock.h"

namespace sluice::serve {

class JumpingClock final : public base::Clock {
 public:
  base::SteadyTime Steady() const override { return time_.Steady(); }
  base::UtcTime Utc() const override {
    return time_.Utc() + base::UtcTime::duration(jumped_.load());
  }
  bool Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const override {
    return time_.Sleep(duration, std::move(stop));
  }
  void Advance(std::chrono::nanoseconds duration) { time_.Advance(duration); }
  // The time of day alone: nothing else has passed.
  void Jump(std::chrono::seconds by) {
    jumped_ += std::chrono::duration_cast<base::UtcTime::duration>(by).count();
  }

 private:
  test::FakeClock time_;
  std::atomic<base::UtcTime::rep> jumped_ = 0;
};

}  // namespace sluice::serve
