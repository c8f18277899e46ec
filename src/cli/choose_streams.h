// The streams that the words of a command name. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "model/stream.h"

namespace sluice::cli {

// In the configuration's order. Throws kInvalidConfig for a name that no stream has (proposing the
// nearest), and if there is none at all.
std::vector<model::Stream> ChooseStreams(const std::vector<model::Stream>& all,
                                         const std::vector<std::string>& names);
std::vector<std::string> NamesOf(const std::vector<model::Stream>& streams);

}  // namespace sluice::cli
