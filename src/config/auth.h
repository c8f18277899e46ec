// The `auth` group of sluice.yaml.
#pragma once
#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

// `top` is told of what concerns the group as a whole.
AuthConfig ReadAuth(Reading& reading, const Node* node, MapReader& top);

}  // namespace sluice::config
