// The `destination` group.
#pragma once
#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

// Fields of another type of destination are problems of their own, told as such. `staging_region`:
// where a lake in a bucket stands if it does not say.
DestinationConfig ReadDestination(Reading& reading, const Node* node,
                                  const std::string& staging_region);

}  // namespace sluice::config
