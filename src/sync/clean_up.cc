#include "sync/clean_up.h"

#include "base/random.h"
#include "staging/prefix.h"
#include "sync/elsewhere.h"
#include "sync/ledger/ledger.h"

namespace sluice::sync {

staging::CleanResult CleanUp(const CleanUpOptions& options, aws::ObjectStore& store,
                             const base::Clock& clock, std::stop_token stop) {
  constexpr std::chrono::minutes kPatience{10};
  Ledger ledger(options.ledger, clock);
  // No run of ours: every run that the ledger knows is dead.
  const std::string nobody = staging::MakeRunId(clock.Utc(), base::RandomBits());
  auto dead = ledger.DeadRuns(nobody);
  const std::string own_root = staging::OwnRoot(options.root, options.connection);
  const base::Call call{.deadline = base::Deadline::After(clock, kPatience),
                        .stop = std::move(stop)};
  staging::SweepOptions sweep{.own_root = own_root, .current_run = nobody, .dead_runs = dead};
  if (options.everything) sweep.orphan_age = std::chrono::hours(0);
  auto swept = staging::Sweep(store, options.bucket, sweep, clock.Utc(), call);
  const bool own_clean = swept.left_behind.empty();
  auto elsewhere = CleanElsewhere(store, options.bucket,
                                  FindElsewhere(ledger.DeadAttempts(nobody), own_root), dead, call);
  if (own_clean) ledger.MarkSwept(dead);
  swept.objects_deleted += elsewhere.objects_deleted;
  swept.uploads_aborted += elsewhere.uploads_aborted;
  for (auto& left : elsewhere.left_behind) swept.left_behind.push_back(std::move(left));
  if (!swept.error) swept.error = std::move(elsewhere.error);
  return swept;
}

}  // namespace sluice::sync
