// Asking an address close by for keys: the instance's metadata, a container's agent. Nobody may be
// there, and a program on a laptop must not hang for it.
#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/transport.h"

namespace sluice::aws {

// Sends it, without a proxy, at most twice: a connection has one second, an answer two; a second
// try follows an error of the line or a 5xx. Throws the transport's errors, kTimeout among them.
http::Response AskNearby(http::Request request, http::Transport& transport,
                         const base::Clock& clock, const base::Call& call);

}  // namespace sluice::aws
