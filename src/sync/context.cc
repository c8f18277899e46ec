#include "sync/context.h"

#include <variant>

namespace sluice::sync {
namespace {

// The clocks of AWS and of this machine differ by as much before requests are refused altogether;
// usually by far less.
constexpr std::chrono::seconds kClockSlack{60};
constexpr std::uint64_t kLateBytesMax = 1 << 20;
// What a crash leaves for the next run to sweep stays within one page of LIST.
constexpr std::size_t kLateItemsMax = 500;

}  // namespace

redshift::UnloadAuth RunUnloadAuth::Get(std::chrono::seconds life_min, const base::Call& call) {
  const std::lock_guard lock(mu_);
  if (!GoodForLocked(life_min)) auth_ = parts_.unload_auth(run_prefix_, life_min, call);
  return *auth_;
}

bool RunUnloadAuth::GoodForLocked(std::chrono::seconds life_min) const {
  if (!auth_) return false;
  const auto* keys = std::get_if<aws::SessionKeys>(&*auth_);
  if (keys == nullptr) return true;  // a role: the server gets its own keys
  return keys->expiration && *keys->expiration - parts_.clock.Utc() >= life_min + kClockSlack;
}

bool LateCleaning::Add(Item item, std::uint64_t bytes) {
  const std::lock_guard lock(mu_);
  if (bytes > kLateBytesMax || items_.size() >= kLateItemsMax) return false;
  items_.push_back(std::move(item));
  return true;
}

}  // namespace sluice::sync
