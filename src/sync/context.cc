#include "sync/context.h"

namespace sluice::sync {
namespace {

constexpr std::uint64_t kLateBytesMax = 1 << 20;
// What a crash leaves for the next run to sweep stays within one page of LIST.
constexpr std::size_t kLateItemsMax = 500;

}  // namespace

bool LateCleaning::Add(Item item, std::uint64_t bytes) {
  const std::lock_guard lock(mu_);
  if (bytes > kLateBytesMax || items_.size() >= kLateItemsMax) return false;
  items_.push_back(std::move(item));
  return true;
}

}  // namespace sluice::sync
