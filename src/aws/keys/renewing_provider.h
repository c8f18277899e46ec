// What every provider shares: keys are kept, and renewed by one caller while the others wait.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>

#include "aws/session_keys.h"
#include "base/clock.h"

namespace sluice::aws {

// REQUIRES: `clock` outlives it.
class RenewingProvider : public CredentialProvider {
 public:
  explicit RenewingProvider(const base::Clock& clock) : clock_(clock) {}

  SessionKeys Get(std::chrono::seconds life_min, const base::Call& call) final;
  bool Reject(const SessionKeys& keys) final;

 protected:
  // New keys. Called by one thread at a time, without a lock held: it may use the network.
  virtual SessionKeys Fetch(const base::Call& call) = 0;

 private:
  bool LastsLocked(std::chrono::seconds life_min) const;

  const base::Clock& clock_;
  mutable std::mutex mu_;
  // Guarded by mu_.
  std::condition_variable_any fetched_;
  bool fetching_ = false;
  std::optional<SessionKeys> keys_;
};

}  // namespace sluice::aws
