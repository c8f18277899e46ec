#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/inside_address.h"
#include "base/text.h"
#include "serve/compose/rules.h"

namespace sluice::serve {
namespace {

// Without what may stand around the same name: blanks, brackets, a last dot, a zone behind '%'.
std::string Bare(std::string_view host) {
  std::string bare = base::Lower(host);
  std::erase_if(bare, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (const auto zone = bare.find('%'); zone != std::string::npos) bare.resize(zone);
  while (bare.ends_with('.')) bare.pop_back();
  return bare;
}

std::optional<std::uint32_t> AsV4(const std::string& host) {
  in_addr address{};
  // As the resolver reads numbers: 127.1, 0x7f.1, 017700000001, 2130706433.
  if (host.empty() || inet_aton(host.c_str(), &address) == 0) return std::nullopt;
  return ntohl(address.s_addr);
}

std::optional<std::array<std::uint8_t, 16>> AsV6(const std::string& host) {
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

// One spelling for each address, so that what the operator wrote meets what the tenant wrote.
std::string Canonical(std::string_view host) {
  std::string bare = Bare(host);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (const auto v4 = AsV4(bare)) {
    const in_addr address{htonl(*v4)};
    inet_ntop(AF_INET, &address, text.data(), text.size());
    return text.data();
  }
  if (const auto v6 = AsV6(bare)) {
    inet_ntop(AF_INET6, v6->data(), text.data(), text.size());
    return text.data();
  }
  return bare;
}

constexpr auto kInsideEnds = std::to_array<std::string_view>(
    {".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan", ".corp", ".home",
     ".home.arpa", ".private"});

struct Address {
  std::string scheme;
  std::string host;
  std::string port;
  std::string path;
};

std::optional<Address> TakeApart(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  Address address{.scheme = base::Lower(url.substr(0, scheme))};
  std::string_view rest = url.substr(scheme + 3);
  // A user, a query or a fragment has no place there, and '\\' is a '/' to some.
  if (rest.find_first_of("@?#\\ ") != std::string_view::npos) return std::nullopt;
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) address.path = rest.substr(slash);
  while (address.path.ends_with('/')) address.path.pop_back();
  std::string_view authority = rest.substr(0, slash);
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
  address.port = has_port ? std::string(authority.substr(colon + 1))
                          : (address.scheme == "https" ? "443" : "80");
  address.host = Canonical(authority.substr(0, has_port ? colon : authority.size()));
  if (address.host.empty()) return std::nullopt;
  return address;
}

}  // namespace

std::optional<std::string> InsideHost(std::string_view host) {
  if (host.find('/') != std::string_view::npos || host.starts_with('@')) {
    return "is a socket of the server's file system";
  }
  const std::string bare = Bare(host);
  if (const auto v4 = AsV4(bare)) {
    const auto what = base::WhyInside(*v4);
    return what ? std::optional(std::string(*what)) : std::nullopt;
  }
  if (const auto v6 = AsV6(bare)) {
    const auto what = base::WhyInside(*v6);
    return what ? std::optional(std::string(*what)) : std::nullopt;
  }
  if (bare == "localhost") return std::string(base::kThisMachine);
  if (bare.find('.') == std::string::npos) {
    return "is a name without a dot, which the server's own network resolves";
  }
  const bool inside = std::any_of(kInsideEnds.begin(), kInsideEnds.end(),
                                  [&](std::string_view end) { return bare.ends_with(end); });
  if (inside) return "is a name of the server's own network";
  return std::nullopt;
}

bool AllowsHost(const OperatorRules& rules, std::string_view host) {
  if (host.find('/') != std::string_view::npos || host.starts_with('@')) return false;
  if (!InsideHost(host)) return true;
  const std::string wanted = Canonical(host);
  return std::any_of(rules.allow_hosts.begin(), rules.allow_hosts.end(),
                     [&](const std::string& allowed) { return Canonical(allowed) == wanted; });
}

bool AllowsEndpoint(const OperatorRules& rules, std::string_view url) {
  const auto wanted = TakeApart(url);
  if (!wanted) return false;
  return std::any_of(
      rules.allow_endpoints.begin(), rules.allow_endpoints.end(), [&](const std::string& text) {
        const auto allowed = TakeApart(text);
        return allowed && allowed->scheme == wanted->scheme && allowed->host == wanted->host &&
               allowed->port == wanted->port && allowed->path == wanted->path;
      });
}

}  // namespace sluice::serve
