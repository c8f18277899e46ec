// A bound on bytes held at one time, shared by threads: memory in flight, parts on local disk.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>

#include "base/clock.h"

namespace sluice::base {

// Thread-safe. First come, first served, so that a large request is not starved by small ones.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Given back when it dies. REQUIRES: the budget outlives it.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();
    std::uint64_t bytes() const { return bytes_; }

   private:
    friend class ByteBudget;
    Lease(ByteBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
    void Release() noexcept;
    ByteBudget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

  // Waits until `bytes` are free. A request above the whole budget waits until the budget is
  // empty and then gets it all: one part larger than the budget must still pass.
  // Throws kCancelled if `stop` fires first.
  Lease Acquire(std::uint64_t bytes, std::stop_token stop);
  // The lease, if it can be had now.
  std::optional<Lease> TryAcquire(std::uint64_t bytes);

  std::uint64_t bytes_max() const { return bytes_max_; }
  std::uint64_t bytes_used() const;
  std::uint64_t bytes_peak() const;

 private:
  bool FitsLocked(std::uint64_t bytes) const;
  Lease TakeLocked(std::uint64_t bytes);
  void Release(std::uint64_t bytes) noexcept;

  const std::uint64_t bytes_max_;
  mutable std::mutex mu_;
  std::condition_variable_any freed_;  // guarded by mu_, as all below
  std::uint64_t used_ = 0;
  std::uint64_t peak_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::set<std::uint64_t> waiting_;  // tickets; the smallest is served next
};

}  // namespace sluice::base
