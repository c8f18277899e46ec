// The half of a sync that reads: UNLOADs are sent, their parts fetched meanwhile, and what came of
// them is proven by notice and manifest.
#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "redshift/session.h"
#include "sync/base/progress.h"
#include "sync/base/staged.h"
#include "sync/base/stream_result.h"
#include "sync/base/transfer.h"
#include "sync/read/adoption.h"
#include "sync/read/context.h"
#include "sync/read/stream_plan.h"

namespace sluice::sync {

struct ReadRequest {
  const StreamPlan& plan;
  const Adoption* adoption = nullptr;  // what is there already; nullptr: all is read
  std::string attempt;                 // id
  std::string prefix;                  // of the attempt; ends in '/', and nothing lies beneath it
  base::UtcTime snapshot;              // not after the read begins: an adopted one's is older
  // The destination takes rows from where they lie: they are not fetched.
  bool takes_staged = false;
};

// How far a read came: what its caller must know to clean up after it.
struct ReadTrace {
  std::optional<AttemptFacts> recorded;  // as the ledger holds it; notices as they came
  bool unload_in_doubt = false;          // an UNLOAD was sent, and its end is not known
  bool session_broken = false;           // although the read did not fail by it
};

// Reads what the plan asks for, or what of it is missing. The ledger holds the prefix before the
// first UNLOAD is sent (order of effects 1). Fills `result` (bytes, unload_duration, adopted_from,
// warnings) and `trace`, the latter also when it throws; then nothing is cleaned.
// Errors: those of Session, ObjectStore, Ledger and RunUnloadAuth; kConflict if the cursor's values
// went back; kCorrupt if notice and manifest disagree, or a listed part is not there.
Staged ReadStream(const ReadContext& context, const ReadRequest& request,
                  redshift::Session& session, Transfers& transfers, StreamProgress& progress,
                  StreamResult& result, ReadTrace& trace, const std::stop_token& stop);

}  // namespace sluice::sync
