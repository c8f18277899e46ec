// `sluice reset`: how far streams were read is forgotten, without a sync. Their rows stay.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "destinations/destination.h"

namespace sluice::sync {

// The destination forgets the last commit of each of `streams`, and the ledger what their dead
// attempts left: none of it is loaded after the reset. Holds the ledger from before `open` opens
// the destination, so no sync of this machine runs. Where it fails, the streams before the failing
// one are reset. `told` gets each as soon as it is reset. Errors: those of Ledger and Destination.
void Reset(const std::vector<std::string>& streams, const std::filesystem::path& ledger,
           const std::function<std::unique_ptr<destinations::Destination>()>& open,
           const base::Clock& clock, std::stop_token stop,
           const std::function<void(const std::string& stream)>& told = {});

}  // namespace sluice::sync
