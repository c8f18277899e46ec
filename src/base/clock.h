// The only source of time, and what every blocking call takes: a deadline and a way to be stopped.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>

namespace sluice::base {

using SteadyTime = std::chrono::steady_clock::time_point;
using UtcTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

// Thread-safe. Tests give a fake; nothing else in the program calls now() or sleeps.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Steady() const = 0;
  virtual UtcTime Utc() const = 0;
  // Returns false, early, if `stop` fires meanwhile.
  virtual bool Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const = 0;
};

class SystemClock final : public Clock {
 public:
  SteadyTime Steady() const override;
  UtcTime Utc() const override;
  bool Sleep(std::chrono::nanoseconds duration, std::stop_token stop) const override;
};

// A point in steady time, or none. A value.
class Deadline {
 public:
  static Deadline Never() { return Deadline(); }
  static Deadline After(const Clock& clock, std::chrono::nanoseconds duration);

  bool Expired(const Clock& clock) const;
  // At least zero; nullopt if there is no deadline.
  std::optional<std::chrono::nanoseconds> Remaining(const Clock& clock) const;
  // The earlier of the two.
  Deadline Sooner(const Deadline& other) const;

 private:
  std::optional<SteadyTime> at_;
};

// What a blocking call may cost. Throws of the callee: kTimeout when the deadline has passed,
// kCancelled when `stop` fired.
struct Call {
  Deadline deadline;
  std::stop_token stop;
};

}  // namespace sluice::base
