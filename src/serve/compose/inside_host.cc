#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/text.h"
#include "serve/compose/rules.h"

namespace sluice::serve {
namespace {

struct Range {
  std::uint32_t first = 0;
  int bits = 0;
  std::string_view what;
};

constexpr std::uint32_t Ip(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24U | b << 16U | c << 8U | d;
}

constexpr std::string_view kLoopback = "is this machine itself";
constexpr std::string_view kPrivate = "is an address of a private network";
constexpr std::string_view kLinkLocal =
    "is a link-local address, where clouds keep their metadata services";
constexpr std::string_view kNoHost = "is no address of a single host";

// https://www.iana.org/assignments/iana-ipv4-special-registry
constexpr auto kRanges = std::to_array<Range>({
    {Ip(0, 0, 0, 0), 8, kLoopback},  // 0.0.0.0 connects to this machine
    {Ip(127, 0, 0, 0), 8, kLoopback},
    {Ip(10, 0, 0, 0), 8, kPrivate},
    {Ip(172, 16, 0, 0), 12, kPrivate},
    {Ip(192, 168, 0, 0), 16, kPrivate},
    {Ip(100, 64, 0, 0), 10, kPrivate},  // behind a carrier's or a cloud's translation
    {Ip(198, 18, 0, 0), 15, kPrivate},
    {Ip(169, 254, 0, 0), 16, kLinkLocal},
    {Ip(192, 0, 0, 0), 24, kNoHost},
    {Ip(224, 0, 0, 0), 4, kNoHost},
    {Ip(240, 0, 0, 0), 4, kNoHost},
});

std::optional<std::string_view> JudgeV4(std::uint32_t address) {
  for (const Range& range : kRanges) {
    const int shift = 32 - range.bits;
    if (address >> shift == range.first >> shift) return range.what;
  }
  return std::nullopt;
}

std::uint32_t V4At(const std::array<std::uint8_t, 16>& bytes, std::size_t at) {
  return Ip(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

// https://www.iana.org/assignments/iana-ipv6-special-registry
std::optional<std::string_view> JudgeV6(const std::array<std::uint8_t, 16>& bytes) {
  const auto zeros = [&](std::size_t from, std::size_t to) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                       bytes.begin() + static_cast<std::ptrdiff_t>(to),
                       [](std::uint8_t byte) { return byte == 0; });
  };
  if (zeros(0, 15) && bytes[15] <= 1) return kLoopback;  // :: and ::1
  // An address of IPv4 within: ::ffff:a.b.c.d, ::a.b.c.d, 64:ff9b::a.b.c.d, 2002:a.b.c.d::
  if (zeros(0, 10) && ((bytes[10] == 0xff && bytes[11] == 0xff) || zeros(10, 12))) {
    return JudgeV4(V4At(bytes, 12));
  }
  if (bytes[0] == 0x00 && bytes[1] == 0x64 && bytes[2] == 0xff && bytes[3] == 0x9b) {
    // 64:ff9b:1::/48 is for local use, whatever stands within.
    return bytes[5] == 1 ? std::optional(kPrivate) : JudgeV4(V4At(bytes, 12));
  }
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return JudgeV4(V4At(bytes, 2));
  if ((bytes[0] & 0xfeU) == 0xfc) return kPrivate;                        // fc00::/7
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80) return kLinkLocal;  // fe80::/10
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0xc0) return kPrivate;    // fec0::/10
  if (bytes[0] == 0xff) return kNoHost;                                   // multicast
  return std::nullopt;
}

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
    const auto what = JudgeV4(*v4);
    return what ? std::optional(std::string(*what)) : std::nullopt;
  }
  if (const auto v6 = AsV6(bare)) {
    const auto what = JudgeV6(*v6);
    return what ? std::optional(std::string(*what)) : std::nullopt;
  }
  if (bare == "localhost") return std::string(kLoopback);
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
