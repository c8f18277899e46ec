#include "base/inside_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sluice::base {
namespace {

struct NetRange {
  std::uint32_t first = 0;
  int bits = 0;
  std::string_view what;
};

constexpr std::uint32_t Ip(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24U | b << 16U | c << 8U | d;
}

constexpr std::string_view kPrivate = "is an address of a private network";
constexpr std::string_view kLinkLocal =
    "is a link-local address, where clouds keep their metadata services";
constexpr std::string_view kNoHost = "is no address of a single host";

// https://www.iana.org/assignments/iana-ipv4-special-registry
constexpr auto kNetRanges = std::to_array<NetRange>({
    {Ip(0, 0, 0, 0), 8, kThisMachine},  // 0.0.0.0 connects to this machine
    {Ip(127, 0, 0, 0), 8, kThisMachine},
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

std::uint32_t V4At(const std::array<std::uint8_t, 16>& bytes, std::size_t at) {
  return Ip(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

}  // namespace

std::optional<std::string_view> WhyInside(std::uint32_t v4) {
  for (const NetRange& range : kNetRanges) {
    const int shift = 32 - range.bits;
    if (v4 >> shift == range.first >> shift) return range.what;
  }
  return std::nullopt;
}

// https://www.iana.org/assignments/iana-ipv6-special-registry
std::optional<std::string_view> WhyInside(const std::array<std::uint8_t, 16>& bytes) {
  const auto zeros = [&](std::size_t from, std::size_t to) {
    return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                       bytes.begin() + static_cast<std::ptrdiff_t>(to),
                       [](std::uint8_t byte) { return byte == 0; });
  };
  if (zeros(0, 15) && bytes[15] <= 1) return kThisMachine;  // :: and ::1
  // An address of IPv4 within: ::ffff:a.b.c.d, ::a.b.c.d, 64:ff9b::a.b.c.d, 2002:a.b.c.d::
  if (zeros(0, 10) && ((bytes[10] == 0xff && bytes[11] == 0xff) || zeros(10, 12))) {
    return WhyInside(V4At(bytes, 12));
  }
  if (bytes[0] == 0x00 && bytes[1] == 0x64 && bytes[2] == 0xff && bytes[3] == 0x9b) {
    // 64:ff9b:1::/48 is for local use, whatever stands within.
    return bytes[5] == 1 ? std::optional(kPrivate) : WhyInside(V4At(bytes, 12));
  }
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return WhyInside(V4At(bytes, 2));
  if ((bytes[0] & 0xfeU) == 0xfc) return kPrivate;                        // fc00::/7
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80) return kLinkLocal;  // fe80::/10
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0xc0) return kPrivate;    // fec0::/10
  if (bytes[0] == 0xff) return kNoHost;                                   // multicast
  return std::nullopt;
}

std::optional<std::string_view> WhyInside(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &address, sizeof four);
    return WhyInside(static_cast<std::uint32_t>(ntohl(four.sin_addr.s_addr)));
  }
  if (address.sa_family != AF_INET6) return kNoHost;
  sockaddr_in6 six{};
  std::memcpy(&six, &address, sizeof six);
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), six.sin6_addr.s6_addr, bytes.size());
  return WhyInside(bytes);
}

}  // namespace sluice::base
