// When a workgroup was busy for us, as Redshift Serverless bills it: by the second while anything
// runs, and no wake-up less than a minute. An open transaction counts as running.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-billing.html
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "redshift/session_watch.h"

namespace sluice::redshift {

// Thread-safe; many sessions share one. It counts as if nobody else used the workgroup. REQUIRES:
// `clock` outlives it.
class Activity final : public SessionWatch {
 public:
  explicit Activity(const base::Clock& clock) : clock_(clock) {}

  void OnStatementBegan() override { Begin(); }
  void OnStatementEnded(const StatementSeen&) override { End(); }
  void OnTransaction(bool open) override { open ? Begin() : End(); }

  struct Bill {
    std::uint64_t wake_ups = 0;
    std::chrono::milliseconds billed{0};  // rounded up
  };
  Bill So() const;
  // A statement sent now would wake nobody: something runs, or the last wake-up's minute does.
  bool IsAwake() const;

  static constexpr std::chrono::seconds kMinimum{60};
  // What follows so closely finds the workgroup awake: between two statements of a session lies a
  // round trip (assumed).
  static constexpr std::chrono::seconds kSlack{1};

 private:
  void Begin();
  void End();
  base::SteadyTime CoveredUntilLocked() const;
  std::chrono::nanoseconds BurstLocked() const;

  const base::Clock& clock_;
  mutable std::mutex mu_;
  // Guarded by mu_.
  int active_ = 0;
  std::uint64_t wake_ups_ = 0;
  std::chrono::nanoseconds over_{0};  // of bursts that are over
  std::optional<base::SteadyTime> burst_from_;
  base::SteadyTime last_end_{};
};

}  // namespace sluice::redshift
