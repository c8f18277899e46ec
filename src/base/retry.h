// The one retry loop. Nothing below it retries.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>

#include "base/clock.h"
#include "base/error.h"

namespace sluice::base {

struct RetryOptions {
  int attempts_max = 5;             // calls in all, not repeats
  milliseconds backoff_first{100};  // upper bound of the first pause
  milliseconds backoff_max{5000};   // upper bound of any pause
};

// Full jitter: a pause is uniform in [0, min(backoff_max, backoff_first * 2^n)], because equal
// pauses make parallel readers collide again
// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Not thread-safe: one
// per call site and thread. REQUIRES: `clock` outlives it.
class Retry {
 public:
  Retry(const Clock& clock, RetryOptions options, std::uint64_t seed = std::random_device{}());

  // Calls `body` until it returns, throws an Error that is not retryable or is in doubt, the
  // attempts are used up (then the last Error), the deadline would pass during the pause (then the
  // last Error), or `stop` fires (kCancelled). `body` may call Refill() when bytes advanced.
  template <typename Body>
  auto Run(const Call& call, Body&& body) {
    used_ = 0;
    for (;;) {
      try {
        return body();
      } catch (const Error& error) {
        if (!PauseBeforeNext(call, error)) throw;
      }
    }
  }

  // The failure budget starts again: a long download that keeps advancing may fail more often than
  // attempts_max in total.
  void Refill() { used_ = 0; }

  // Counts a failure and pauses. Returns false if `error` must be given up on. For loops that are
  // not shaped as Run. Throws kCancelled if `stop` fires meanwhile.
  bool PauseBeforeNext(const Call& call, const Error& error);

  // Counts a failure and returns how long to wait before the next call, or nullopt to give up:
  // the decision alone, for event loops that must not block.
  std::optional<std::chrono::nanoseconds> NextPause(const Error& error);

 private:
  const Clock& clock_;
  const RetryOptions options_;
  std::mt19937_64 random_;
  int used_ = 0;
};

}  // namespace sluice::base
