// A run's events as its child writes them: one line each. Any thread.
#pragma once
#include <filesystem>
#include <vector>

#include "serve/runs/runs.h"

namespace sluice::serve {

// Appends whole lines behind the byte `after` to `events`, about `bytes_max` of them and at least
// one if there is one. An `after` behind which no line begins: from the beginning. Lines that are
// no JSON object are left out. Returns whether there are more.
bool ReadEvents(const std::filesystem::path& file, std::uint64_t after, std::size_t bytes_max,
                std::vector<RunEvent>& events);

}  // namespace sluice::serve
