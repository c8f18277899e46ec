#include "serve/api/cookie.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

// What is longer is nobody's, and is not looked for.
constexpr std::size_t kCredentialMax = 200;

std::string_view CookieName(bool tls) { return tls ? "__Host-sluice_session" : "sluice_session"; }

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "localhost" of "localhost:8765", "::1" of "[::1]:8765".
std::string HostName(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return base::Lower(host.substr(0, host.rfind(':')));
}

bool IsAddress(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

[[noreturn]] void Throw403(std::string subject, std::string message, std::string remedy) {
  throw StatusError(403, "Not allowed",
                    {.code = ErrorCode::kPermission,
                     .operation = "read request",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

}  // namespace

std::string SessionCookie(std::string_view value, bool tls, std::chrono::seconds life) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", CookieName(tls),
                     value, life.count(), tls ? "; Secure" : "");
}

std::optional<base::Secret> CookieOf(const Request& request, bool tls) {
  for (const auto& [name, value] : request.fields) {
    if (!base::EqualFolded(name, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const std::string_view one = Trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto equals = one.find('=');
      if (equals == std::string_view::npos || one.substr(0, equals) != CookieName(tls)) continue;
      return base::Secret(std::string(one.substr(equals + 1)));
    }
  }
  return std::nullopt;
}

void ThrowNotSignedIn(std::string_view seen) {
  throw base::Error({.code = ErrorCode::kAuthentication,
                     .operation = "sign in",
                     .subject = "token",
                     .message = std::string(seen),
                     .remedy = "Send a token of this service as \"Authorization: Bearer slc_...\". "
                               "`sluice serve token` makes one at the server."});
}

void ThrowTooManyFailures() {
  throw StatusError(429, "Too many failed sign-ins",
                    {.code = ErrorCode::kThrottled,
                     .operation = "sign in",
                     .subject = "token",
                     .message = "too many tokens from this address were wrong",
                     .remedy = "Wait a minute, then send the right token.",
                     .retryable = true});
}

void RequirePageHeader(const Request& request) {
  if (request.Field("X-Sluice-Request") == "1") return;
  Throw403("X-Sluice-Request", "a cookie alone does not show that the page itself asks",
           "Send the header X-Sluice-Request: 1, or a token instead of the cookie.");
}

void RequireOwnHost(const ApiOptions& options, const Request& request) {
  const auto count =
      std::count_if(request.fields.begin(), request.fields.end(),
                    [](const auto& field) { return base::EqualFolded(field.first, "Host"); });
  const std::string name = HostName(request.Field("Host").value_or(""));
  const bool known =
      name == "localhost" || name == "127.0.0.1" || name == "::1" ||
      std::find(options.hosts.begin(), options.hosts.end(), name) != options.hosts.end() ||
      (options.any_address && IsAddress(name));
  if (count == 1 && known) return;
  throw StatusError(421, "Not this server",
                    {.code = ErrorCode::kPermission,
                     .operation = "read request",
                     .subject = "Host",
                     .message = "the request is meant for a server of another name",
                     .remedy = "Ask for this service by the name that it knows. If it has another "
                               "one, start it with --public-url https://that.name."});
}

void RequireOwnOrigin(const ApiContext& context, const Request& request) {
  const auto origin = request.Field("Origin");
  const bool own_origin = !origin || *origin == context.options.public_url ||
                          *origin == fmt::format("{}://{}", request.tls ? "https" : "http",
                                                 request.Field("Host").value_or(""));
  const auto site = request.Field("Sec-Fetch-Site");
  if (own_origin && (!site || *site == "same-origin" || *site == "none")) return;
  Throw403("Origin", "a page of another site asks",
           "Call the API from a server, with a token; a browser may only be on the service's own "
           "page. Behind a proxy, start the service with --public-url.");
}

void Authenticate(const ApiContext& context, Call& call) {
  constexpr std::string_view kNobodys = "the token is none of this service's, or has expired";
  if (const auto header = call.request.Field("Authorization")) {
    if (header->size() > 7 && base::EqualFolded(header->substr(0, 7), "Bearer ")) {
      call.credential = base::Secret(std::string(Trimmed(header->substr(7))));
      if (call.credential.Reveal().size() <= kCredentialMax) {
        call.token = context.store.FindToken(call.credential);
      }
    }
    if (call.token) return;
    if (!context.sign_ins.MayFail(call.request.address)) ThrowTooManyFailures();
    ThrowNotSignedIn(kNobodys);
  }
  auto session = CookieOf(call.request, context.options.tls);
  if (!session) ThrowNotSignedIn("no token was sent");
  RequirePageHeader(call.request);
  call.by_cookie = true;
  call.credential = std::move(*session);
  if (call.credential.Reveal().size() <= kCredentialMax) {
    call.token = context.store.FindSession(call.credential);
  }
  // Never "too often": a page whose session has ended must be told that, however many there are.
  if (!call.token) ThrowNotSignedIn("the session has ended");
}

}  // namespace sluice::serve
