// Where this process may connect to. A service gives its children SLUICE_OUTSIDE_ONLY, since
// strangers name the hosts there: a name that stands for an address of the service's own network
// must not lead there, whatever its owner makes it stand for between two look-ups.
#pragma once
#include <netdb.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "pq/parameters.h"

namespace sluice::pq {

struct Reach {
  bool outside_only = false;
  std::vector<std::string> allowed;  // hosts that may be inside all the same

  // True if `host` may stand for any address: outside_only is not set, it is among `allowed`, or it
  // is a name that AWS gives to a workgroup, which stands for an address of the workgroup's own
  // network where that is not public.
  bool Anywhere(std::string_view host) const;
};

// From SLUICE_OUTSIDE_ONLY: "1", then hosts with commas between them: "1,127.0.0.1,db.internal".
// Not set: anywhere.
Reach ReachOf(const base::Environment& environment);
// Of this process.
Reach OwnReach();

// What errors say of `host` if an address that it stands for is inside; empty if none is or may be.
std::string WhyRefused(const Reach& reach, std::string_view host, const addrinfo* addresses);

// What Connect is given instead of `parameters`: the host with the addresses that it stands for
// now, each of them allowed. Unchanged where `reach` lets it be anything, and where the parameters
// name no host. Throws kInvalidConfig if one is inside or it is a socket's folder; kUnreachable,
// retryable, if there is no such name.
Parameters Pinned(const Reach& reach, Parameters parameters);

}  // namespace sluice::pq
