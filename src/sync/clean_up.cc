#include "sync/clean_up.h"

#include "base/random.h"
#include "staging/prefix.h"
#include "sync/ledger.h"

namespace sluice::sync {

staging::CleanResult CleanUp(const CleanUpOptions& options, aws::ObjectStore& store,
                             const base::Clock& clock, std::stop_token stop) {
  constexpr std::chrono::minutes kPatience{10};
  Ledger ledger(options.ledger, clock);
  // No run of ours: every run that the ledger knows is dead.
  const std::string nobody = staging::MakeRunId(clock.Utc(), base::RandomBits());
  const auto dead = ledger.DeadRuns(nobody);
  const std::string own_root = staging::OwnRoot(options.root, options.connection);
  const base::Call call{.deadline = base::Deadline::After(clock, kPatience),
                        .stop = std::move(stop)};
  staging::SweepOptions sweep{.own_root = own_root, .current_run = nobody, .dead_runs = dead};
  if (options.everything) sweep.orphan_age = std::chrono::hours(0);
  auto swept = staging::Sweep(store, options.bucket, sweep, clock.Utc(), call);
  if (swept.left_behind.empty()) ledger.MarkSwept(dead);
  return swept;
}

}  // namespace sluice::sync
