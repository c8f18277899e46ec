// One attempt: one UNLOAD and all that follows from it, in the order of effects.
#pragma once
#include <string>

#include "base/byte_budget.h"
#include "redshift/session.h"
#include "sync/ledger.h"
#include "sync/progress.h"
#include "sync/run.h"

namespace sluice::sync {

// What all attempts of a run share. REQUIRES: all outlive them.
struct RunContext {
  const RunOptions& options;
  const RunParts& parts;
  Ledger& ledger;
  base::ByteBudget& disk;
  std::string run;         // id
  std::string own_root;    // "sluice/acme/"
  std::string run_prefix;  // "sluice/acme/<run>/"
};

// Brings the stream over, or throws what failed, having cleaned up either way. Fills `result`:
// proof and counts on success, left_behind and warnings always. Errors: those of Session,
// ObjectStore and Destination; kCorrupt if any of the row counts disagree.
void RunAttempt(const RunContext& context, const StreamPlan& plan, redshift::Session& session,
                StreamProgress& progress, StreamResult& result, std::stop_token stop);

}  // namespace sluice::sync
