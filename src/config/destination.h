// The `destination` group.
#pragma once
#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

// Fields of another type of destination are problems of their own, told as such. A lake in a bucket
// stands in the region of `staging` if it does not say, and never beneath its root.
DestinationConfig ReadDestination(Reading& reading, const Node* node, const StagingConfig& staging);

}  // namespace sluice::config
