#include "base/byte_budget.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace sluice::base {

ByteBudget::Lease::Lease(Lease&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

ByteBudget::Lease& ByteBudget::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    Release();
    budget_ = std::exchange(other.budget_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

ByteBudget::Lease::~Lease() { Release(); }

void ByteBudget::Lease::Release() noexcept {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->Release(std::exchange(bytes_, 0));
}

bool ByteBudget::FitsLocked(std::uint64_t bytes) const {
  return bytes > bytes_max_ ? used_ == 0 : used_ + bytes <= bytes_max_;
}

ByteBudget::Lease ByteBudget::TakeLocked(std::uint64_t bytes) {
  used_ += bytes;
  peak_ = std::max(peak_, used_);
  return {this, bytes};
}

ByteBudget::Lease ByteBudget::Acquire(std::uint64_t bytes, std::stop_token stop) {
  std::unique_lock lock(mu_);
  const std::uint64_t ticket = next_ticket_++;
  waiting_.insert(ticket);
  const bool served =
      freed_.wait(lock, stop, [&] { return ticket == *waiting_.begin() && FitsLocked(bytes); });
  waiting_.erase(ticket);
  freed_.notify_all();  // Served or cancelled: the next in line may fit now.
  if (!served) ThrowCancelled("wait for free space", "byte budget");
  return TakeLocked(bytes);
}

std::optional<ByteBudget::Lease> ByteBudget::TryAcquire(std::uint64_t bytes) {
  const std::lock_guard lock(mu_);
  if (!waiting_.empty() || !FitsLocked(bytes)) return std::nullopt;
  return TakeLocked(bytes);
}

void ByteBudget::Release(std::uint64_t bytes) noexcept {
  const std::lock_guard lock(mu_);
  used_ -= bytes;
  freed_.notify_all();
}

std::uint64_t ByteBudget::bytes_used() const {
  const std::lock_guard lock(mu_);
  return used_;
}

std::uint64_t ByteBudget::bytes_peak() const {
  const std::lock_guard lock(mu_);
  return peak_;
}

}  // namespace sluice::base
