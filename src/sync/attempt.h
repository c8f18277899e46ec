// One attempt: what is to be read, by UNLOADs of its own or adopted from a dead attempt, and all
// that follows from it, in the order of effects.
#pragma once
#include <optional>
#include <string>

#include "redshift/session.h"
#include "sync/adoption.h"
#include "sync/context.h"
#include "sync/progress.h"
#include "sync/retry_policy.h"

namespace sluice::sync {

// How far an attempt came: what its caller must know to clean up after it and to go on.
struct AttemptTrace {
  Stage stage = Stage::kPlan;
  std::optional<AttemptFacts> recorded;  // as the ledger holds it; notices as they came
  bool unload_in_doubt = false;          // an UNLOAD was sent, and its end is not known
  bool commit_in_doubt = false;          // the destination could not tell whether it committed
  bool session_broken = false;           // although the attempt did not fail by it
  // What the budget said of the failure; nullopt: final.
  std::optional<RetryBudget::Next> next;
};

// Brings the stream over, cleans up after the commit, and fills `result`: proof, counts, warnings,
// left_behind. Or throws what failed, with `trace` filled and nothing cleaned: that is the
// caller's. A failing load begins anew from the staged parts as often as `budget` grants.
// Errors: those of Session, ObjectStore and Destination; kCorrupt if any of the row counts
// disagree; in_doubt if the destination could not be asked whether the commit happened.
void RunAttempt(const RunContext& context, const StreamPlan& plan, const Adoption* adoption,
                redshift::Session& session, RetryBudget& budget, StreamProgress& progress,
                StreamResult& result, AttemptTrace& trace, const std::stop_token& stop);

}  // namespace sluice::sync
