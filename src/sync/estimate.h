// What a sync would cost, judged by what the last ones did. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/cost.h"
#include "model/stream.h"
#include "sync/ledger/history.h"

namespace sluice::sync {

struct RunEstimate {
  // Of the streams that were synced before: each as its last commit, if it shared its run's cost
  // with the others of that run alike. One wake-up, which is billed at least a minute.
  model::RunCost cost;
  // Streams of which no commit tells what they cost: not in it.
  std::vector<std::string> unknown;
};

RunEstimate Estimate(const std::vector<model::Stream>& streams, const History& history,
                     std::optional<double> rpu_price);

}  // namespace sluice::sync
