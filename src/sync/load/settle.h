// A commit in doubt: the destination is asked, and nothing is repeated until it has answered.
#pragma once
#include <chrono>
#include <stop_token>

#include "base/clock.h"
#include "base/error.h"
#include "destinations/destination.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::sync {

// How long the destination is asked before the question is left to the next run: a server that
// restarts is back by then, and the person who waits is still there.
inline constexpr std::chrono::seconds kSettlePatience{120};

// The counts of the commit that `watermark` names, if it happened. If it did not, throws `error` as
// one that is not in doubt. If the destination cannot be asked within kSettlePatience, sets
// `in_doubt` and throws `error` in doubt still, with what to do. It is asked once even if `stop`
// has fired: whether the rows are there decides what may be removed.
model::Counts SettleCommit(destinations::Destination& destination, const base::Clock& clock,
                           const model::Watermark& watermark, const base::Error& error,
                           const std::stop_token& stop, bool& in_doubt);

}  // namespace sluice::sync
