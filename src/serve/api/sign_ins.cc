#include "serve/api/sign_ins.h"

namespace sluice::serve {

bool SignIns::MayFail(const std::string& address) {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  if (failures_.size() >= kAddressesMax && !failures_.contains(address)) {
    std::erase_if(failures_, [&](const auto& one) { return now - one.second.since >= kWithin; });
    if (failures_.size() >= kAddressesMax) return false;
  }
  Failures& failures = failures_.try_emplace(address, Failures{now, 0}).first->second;
  if (now - failures.since >= kWithin) failures = {now, 0};
  return ++failures.count <= kFailuresMax;
}

}  // namespace sluice::serve
