// status, history, clean and reset: what past syncs did, and putting it right by hand.
#pragma once
#include "cli/commands.h"
#include "model/stream.h"
#include "staging/clean.h"
#include "sync/ledger/history.h"

namespace sluice::cli {

// Each stream's last commit, who syncs now, what may lie in the bucket. Contacts nobody.
int RunStatus(const Context& context, const config::Config& config);
// The last runs, newest first. Contacts nobody.
int RunHistory(const Context& context, const config::Config& config);
// Removes what dead runs left in the bucket.
int RunClean(const Context& context, const config::Config& config);
// Forgets how far streams were read: the next sync reads everything.
int RunReset(const Context& context, const config::Config& config);

std::string StatusScreen(const sync::History& history, const std::vector<model::Stream>& streams,
                         const std::string& bucket, base::UtcTime now, const Style& style);
std::string HistoryScreen(const sync::History& history, const Style& style);
std::string CleanScreen(const staging::CleanResult& cleaned, const std::string& root,
                        const Style& style);

}  // namespace sluice::cli
