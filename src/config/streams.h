// The `defaults` and `streams` of a configuration.
#pragma once
#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

// Asks `top` for both fields and fills the streams and patterns of `config`. Names are unique.
void ReadStreams(Reading& reading, MapReader& top, Config& config);

}  // namespace sluice::config
