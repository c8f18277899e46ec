// The `defaults` and `streams` of a configuration.
#pragma once
#include <vector>

#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

// Asks `top` for both fields. Names are unique in the answer.
std::vector<StreamConfig> ReadStreams(Reading& reading, MapReader& top);

}  // namespace sluice::config
