#include "base/retry.h"

#include <algorithm>

namespace sluice::base {

Retry::Retry(const Clock& clock, RetryOptions options, std::uint64_t seed)
    : clock_(clock), options_(options), random_(seed) {}

std::optional<std::chrono::nanoseconds> Retry::NextPause(const Error& error) {
  if (!error.info().retryable || error.info().in_doubt) return std::nullopt;
  if (++used_ >= options_.attempts_max) return std::nullopt;
  const int doublings = std::min(used_ - 1, 20);
  const auto bound = std::min<std::chrono::nanoseconds>(
      options_.backoff_max, options_.backoff_first * (1LL << doublings));
  std::uniform_int_distribution<std::int64_t> pause(
      0, std::chrono::duration_cast<std::chrono::nanoseconds>(bound).count());
  return std::chrono::nanoseconds(pause(random_));
}

bool Retry::PauseBeforeNext(const Call& call, const Error& error) {
  const auto pause = NextPause(error);
  if (!pause) return false;
  const auto remaining = call.deadline.Remaining(clock_);
  if (remaining && *remaining <= *pause) return false;
  if (!clock_.Sleep(*pause, call.stop)) {
    ThrowCancelled(error.info().operation, error.info().subject);
  }
  return true;
}

}  // namespace sluice::base
