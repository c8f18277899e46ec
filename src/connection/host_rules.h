// What redshift/endpoint.h says of a host, for the rooms that may not ask it. Pure; any thread.
#pragma once
#include "config/rules.h"

namespace sluice::connection {

// `config validate`, `init` and all that reads a configuration judge a host alike.
config::HostRules EndpointRules();

}  // namespace sluice::connection
