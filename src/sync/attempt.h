// One attempt: what is to be read, by UNLOADs of its own or adopted from a dead attempt, and all
// that follows from it, in the order of effects: sync/read, sync/load, and clean.
#pragma once
#include <stop_token>

#include "redshift/session.h"
#include "sync/base/progress.h"
#include "sync/base/retry_policy.h"
#include "sync/context.h"
#include "sync/load/load_staged.h"
#include "sync/read/adoption.h"
#include "sync/read/read_stream.h"

namespace sluice::sync {

// How far an attempt came: what its caller must know to clean up after it and to go on.
struct AttemptTrace {
  Stage stage = Stage::kPlan;  // kLoad until the end, once the load has begun
  ReadTrace read;
  LoadTrace load;
};

// Brings the stream over, cleans up after the commit, and fills `result`: proof, counts, warnings,
// left_behind. Or throws what failed, with `trace` filled and nothing cleaned: that is the
// caller's. A failing load starts again from the staged parts as often as `budget` allows.
// Errors: those of Session, ObjectStore and Destination; kCorrupt if any of the row counts
// disagree; in_doubt if the destination could not be asked whether the commit happened.
void RunAttempt(const RunContext& context, const StreamPlan& plan, const Adoption* adoption,
                redshift::Session& session, RetryBudget& budget, StreamProgress& progress,
                StreamResult& result, AttemptTrace& trace, const std::stop_token& stop);

}  // namespace sluice::sync
