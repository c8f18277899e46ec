// Which proxy libcurl uses for an address, told for errors. Pure; any thread.
// https://everything.curl.dev/usingcurl/proxies/env.html
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.h"

namespace sluice::http {

// "http://proxy.example:3128 (HTTPS_PROXY)", never with user and password; nullopt if the way to
// `url` is direct: no variable is set, or NO_PROXY names the host.
std::optional<std::string> ProxyFor(std::string_view url, const base::Environment& environment);

}  // namespace sluice::http
