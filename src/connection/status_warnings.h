// What the ledger's record of a stream should make somebody do. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "sync/ledger/history.h"

namespace sluice::connection {

// What the last commit of `stream` should make somebody do: sentences. `now`: this machine's clock.
std::vector<std::string> StatusWarnings(const sync::History& history, const model::Stream& stream,
                                        base::UtcTime now);

}  // namespace sluice::connection
