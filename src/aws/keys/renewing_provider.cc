#include "aws/keys/renewing_provider.h"

#include <algorithm>

#include "base/error.h"

namespace sluice::aws {
namespace {

// Renewed a little before they must be, so that no request leaves with keys that die on the way.
constexpr std::chrono::seconds kEarly{60};

}  // namespace

bool RenewingProvider::LastsLocked(std::chrono::seconds life_min) const {
  if (!keys_) return false;
  return !keys_->expiration || *keys_->expiration - clock_.Utc() >= life_min;
}

SessionKeys RenewingProvider::Get(std::chrono::seconds life_min, const base::Call& call) {
  const auto wanted = std::max(life_min, kEarly);
  std::unique_lock lock(mu_);
  if (!fetched_.wait(lock, call.stop, [&] { return !fetching_; })) {
    base::ThrowCancelled("get AWS keys", "");
  }
  if (LastsLocked(wanted)) return *keys_;
  fetching_ = true;
  lock.unlock();
  std::optional<SessionKeys> fresh;
  std::exception_ptr error;
  try {
    fresh = Fetch(call);
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  fetching_ = false;
  if (fresh) keys_ = std::move(fresh);
  fetched_.notify_all();
  if (error) std::rethrow_exception(error);
  if (LastsLocked(life_min)) return *keys_;
  throw base::Error(
      {.code = base::ErrorCode::kInvalidConfig,
       .operation = "get AWS keys",
       .subject = "life of " + std::to_string(life_min.count()) + " s",
       .message = "the keys to be had expire sooner than that",
       .remedy =
           "Ask the role for longer sessions (and raise its maximum session duration in IAM), "
           "or shorten what the keys must outlast."});
}

bool RenewingProvider::Reject(const SessionKeys& keys) {
  const std::lock_guard lock(mu_);
  // Keys without an expiration come from the configuration: there are no others.
  if (!keys.expiration) return false;
  if (keys_ && keys_->access_key_id == keys.access_key_id) keys_.reset();
  return true;
}

}  // namespace sluice::aws
