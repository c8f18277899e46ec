// One stream of a run: tried until it is committed, or fails for good, or the budget is used up.
#pragma once
#include <memory>
#include <stop_token>
#include <vector>

#include "sync/context.h"

namespace sluice::sync {

// Fills `result`; what fails is in its `error`, never thrown. `dead`: the stream's attempts of
// earlier runs, newest first; those that can serve are loaded, the others removed. `session` is
// used if there is one, else a login is made; it is reset once it cannot be trusted any more.
void SyncStream(const RunContext& context, const model::Stream& stream,
                std::vector<AttemptFacts> dead, std::unique_ptr<redshift::Session>& session,
                StreamResult& result, const std::stop_token& stop);

}  // namespace sluice::sync
