// Asking an address close by for keys: the instance's metadata, a container's agent. Nobody may be
// there, and a program on a laptop must not hang for it.
#pragma once
#include <string>
#include <string_view>

#include "aws/transport.h"
#include "base/clock.h"

namespace sluice::aws {

// Sends it, without a proxy, at most twice: a connection has one second, an answer two; a second
// try follows an error of the line or a 5xx. Throws the transport's errors, kTimeout among them.
HttpResponse AskNearby(HttpRequest request, HttpTransport& transport, const base::Clock& clock,
                       const base::Call& call);

// "host:port" or "[::1]" of an http or https address; empty if it is none, or names a user.
std::string_view AuthorityOf(std::string_view url);
// The same without port and brackets.
std::string_view HostOf(std::string_view url);

// What is allowed to stand in a header: visible ASCII and blanks, not empty.
bool IsHeaderValue(std::string_view text);

}  // namespace sluice::aws
