// The parts of an address, and what may stand in a header. Pure; any thread.
#pragma once
#include <string_view>

namespace sluice::http {

// "host:port" or "[::1]" of an http or https address; empty if it is none, or names a user.
std::string_view AuthorityOf(std::string_view url);
// The same without port and brackets.
std::string_view HostOf(std::string_view url);

// What is allowed to stand in a header: visible ASCII and blanks, not empty.
bool IsHeaderValue(std::string_view text);

}  // namespace sluice::http
