// Who is asking: bearer tokens, the page's cookie, and what a page elsewhere must not be able to
// have a browser do. For serve/api alone.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "serve/api/call.h"

namespace sluice::serve {

// Set-Cookie. Of the page alone: no script reads it, no other site's request brings it. Behind TLS
// its name has the prefix that binds it to this host. Empty `value` removes it.
std::string SessionCookie(std::string_view value, bool tls, std::chrono::seconds life);
std::optional<base::Secret> CookieOf(const Request& request, bool tls);

// 401 with what to do.
[[noreturn]] void ThrowNotSignedIn(std::string_view seen);
[[noreturn]] void ThrowTooManyFailures();

// Throws 403 without `X-Sluice-Request: 1`: a form of another site cannot send it.
void RequirePageHeader(const Request& request);

// Throws 421 if Host names another server (ApiOptions::hosts).
void RequireOwnHost(const ApiOptions& options, const Request& request);
// Throws 403 if the browser says that a page of another origin asks.
void RequireOwnOrigin(const ApiContext& context, const Request& request);

// Fills call.token and credential. Throws 401.
void Authenticate(const ApiContext& context, Call& call);

}  // namespace sluice::serve
