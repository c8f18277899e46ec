#include "redshift/activity.h"

#include <algorithm>

namespace sluice::redshift {

void Activity::Begin() {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  if (active_ == 0 && !(burst_from_ && now <= CoveredUntilLocked())) {
    over_ += BurstLocked();
    burst_from_ = now;
    last_end_ = now;
    ++wake_ups_;
  }
  ++active_;
}

void Activity::End() {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  --active_;
  last_end_ = now;
}

base::SteadyTime Activity::CoveredUntilLocked() const {
  return std::max(last_end_ + kSlack, *burst_from_ + kMinimum);
}

std::chrono::nanoseconds Activity::BurstLocked() const {
  if (!burst_from_) return std::chrono::nanoseconds(0);
  const auto end = active_ > 0 ? clock_.Steady() : last_end_;
  return std::max<std::chrono::nanoseconds>(end - *burst_from_, kMinimum);
}

Activity::Bill Activity::So() const {
  const std::lock_guard lock(mu_);
  return {.wake_ups = wake_ups_,
          .billed = std::chrono::ceil<std::chrono::milliseconds>(over_ + BurstLocked())};
}

bool Activity::IsAwake() const {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  return active_ > 0 || (burst_from_ && now <= CoveredUntilLocked());
}

}  // namespace sluice::redshift
