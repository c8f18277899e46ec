// The half of a sync that loads: what is staged becomes rows at the destination, proven and
// committed with their watermark, or nothing does.
#pragma once
#include <functional>
#include <optional>
#include <stop_token>

#include "base/clock.h"
#include "base/log.h"
#include "destinations/destination.h"
#include "sync/base/effect.h"
#include "sync/base/progress.h"
#include "sync/base/retry_policy.h"
#include "sync/base/staged.h"
#include "sync/base/stream_result.h"
#include "sync/base/transfer.h"

namespace sluice::sync {

// REQUIRES: all outlive the load.
struct LoadParts {
  const base::Clock& clock;
  base::Logger& log;
  destinations::Destination& destination;
  Transfers& transfers;
  bool adopted = false;                 // parts of another attempt are among what is staged
  std::function<void(Effect)> reached;  // REQUIRES: not empty
};

// How far a load came: what its caller must know to clean up after it and to go on.
struct LoadTrace {
  bool commit_in_doubt = false;  // the destination could not tell whether it committed
  // What the budget said of the failure; nullopt: final.
  std::optional<RetryBudget::Next> next;
};

// Loads and commits, and fills `result`: proof, counts, watermark, warnings. A load that fails for
// a moment starts again from what is staged, as often as `budget` allows. Or throws what failed,
// with `trace` filled; nothing is cleaned, that is the caller's.
// Errors: those of Destination and staging::Fetch; kConflict, reason kOvertaken, if the destination
// holds another commit than `staged.basis`; kCorrupt if any of the row counts disagree; in_doubt if
// the destination could not be asked whether the commit happened.
void LoadStaged(const LoadParts& parts, Staged& staged, RetryBudget& budget,
                StreamProgress& progress, StreamResult& result, LoadTrace& trace,
                const std::stop_token& stop);

}  // namespace sluice::sync
