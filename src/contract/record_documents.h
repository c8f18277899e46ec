// status, history, clean and reset as programs read them: docs/CLI_JSON.md is the promise. Each is
// one JSON document with a line end. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "staging/clean.h"
#include "sync/ledger/history.h"

namespace sluice::contract {

// `month`: what the runs of the last 30 days cost.
std::string StatusJson(const sync::History& history, const std::vector<model::Stream>& streams,
                       const std::string& bucket, base::UtcTime now,
                       const sync::CostTotal& month = {});
std::string HistoryJson(const sync::History& history);
std::string CleanJson(const staging::CleanResult& cleaned);
std::string ResetJson(const std::vector<std::string>& streams);

}  // namespace sluice::contract
