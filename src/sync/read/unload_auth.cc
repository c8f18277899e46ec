#include "sync/read/unload_auth.h"

#include <variant>

namespace sluice::sync {
namespace {

// The clocks of AWS and of this machine differ by as much before requests are refused altogether;
// usually by far less.
constexpr std::chrono::seconds kClockSlack{60};

}  // namespace

redshift::UnloadAuth RunUnloadAuth::Get(std::chrono::seconds life_min, const base::Call& call) {
  const std::lock_guard lock(mu_);
  if (!GoodForLocked(life_min)) auth_ = source_(run_prefix_, life_min, call);
  return *auth_;
}

bool RunUnloadAuth::GoodForLocked(std::chrono::seconds life_min) const {
  if (!auth_) return false;
  const auto* keys = std::get_if<aws::SessionKeys>(&*auth_);
  if (keys == nullptr) return true;  // a role: the server gets its own keys
  return keys->expiration && *keys->expiration - clock_.Utc() >= life_min + kClockSlack;
}

}  // namespace sluice::sync
