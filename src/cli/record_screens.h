// status, history and clean as people read them. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/style.h"
#include "model/stream.h"
#include "staging/clean.h"
#include "sync/ledger/history.h"

namespace sluice::cli {

std::string StatusScreen(const sync::History& history, const std::vector<model::Stream>& streams,
                         const std::string& bucket, base::UtcTime now, const Style& style,
                         const sync::CostTotal& month = {});
std::string HistoryScreen(const sync::History& history, const Style& style);
std::string CleanScreen(const staging::CleanResult& cleaned, const std::string& root,
                        const Style& style);

}  // namespace sluice::cli
