// Which addresses are inside: this machine's, or of its own network. What a stranger names must not
// lead there. Pure.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::base {

// What an address is if it is inside, as the end of a sentence: "is this machine itself", "is an
// address of a private network"; nullopt if the internet reaches it. An address of IPv4 within one
// of IPv6 is judged by itself; families other than the two are inside.
// https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry
std::optional<std::string_view> WhyInside(const sockaddr& address);
std::optional<std::string_view> WhyInside(std::uint32_t v4);  // in the machine's own order of bytes
std::optional<std::string_view> WhyInside(const std::array<std::uint8_t, 16>& v6);

inline constexpr std::string_view kThisMachine = "is this machine itself";

}  // namespace sluice::base
