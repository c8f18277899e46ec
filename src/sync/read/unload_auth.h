// What the UNLOADs of one run write with.
#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "redshift/unload_statement.h"

namespace sluice::sync {

// What UNLOADs write with: keys that may write beneath the run's prefix, whatever the stream,
// shared as long as they live long enough: each costs a call of STS. Thread-safe.
class RunUnloadAuth {
 public:
  // Keys for a prefix, that live at least `life_min`.
  using Source = std::function<redshift::UnloadAuth(
      const std::string& prefix, std::chrono::seconds life_min, const base::Call& call)>;
  RunUnloadAuth(Source source, const base::Clock& clock, std::string run_prefix)
      : source_(std::move(source)), clock_(clock), run_prefix_(std::move(run_prefix)) {}
  // Keys that live at least `life_min`. Errors: those of the source.
  redshift::UnloadAuth Get(std::chrono::seconds life_min, const base::Call& call);
  // A server found them expired, whatever their expiration said.
  void Forget() {
    const std::lock_guard lock(mu_);
    auth_.reset();
  }

 private:
  bool GoodForLocked(std::chrono::seconds life_min) const;
  const Source source_;
  const base::Clock& clock_;
  const std::string run_prefix_;
  std::mutex mu_;
  std::optional<redshift::UnloadAuth> auth_;  // guarded by mu_
};

}  // namespace sluice::sync
