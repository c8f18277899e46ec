#include "http/proxy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/text.h"
#include "http/url.h"

namespace sluice::http {
namespace {

std::optional<std::uint32_t> Ipv4(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
    const std::string_view digits = text.substr(0, dot);
    const auto value = base::ParseNumber<std::uint32_t>(digits);
    if (!value || *value > 255) return std::nullopt;
    address = address << 8U | *value;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

bool InNetwork(std::string_view host, std::string_view network) {
  const auto slash = network.find('/');
  if (slash == std::string_view::npos) return false;
  const auto address = Ipv4(host);
  const auto base = Ipv4(network.substr(0, slash));
  const std::string_view digits = network.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!address || !base || error != std::errc() || bits > 32) return false;
  return bits == 0 || (*address ^ *base) >> (32U - bits) == 0;
}

bool IsExcepted(std::string_view host, std::string_view list) {
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(", \t"), list.size());
    std::string name = base::Lower(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (name == "*") return true;
    if (name.starts_with('.')) name.erase(0, 1);
    if (name.empty()) continue;
    if (host == name || host.ends_with("." + name) || InNetwork(host, name)) return true;
  }
  return false;
}

struct Found {
  std::string variable;
  std::string value;
};

std::optional<Found> SetIn(const base::Environment& environment, std::string_view scheme) {
  std::string lower = std::string(scheme) + "_proxy";
  std::string upper = lower;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  // HTTP_PROXY in capitals is not read: a CGI's caller could set it.
  for (const std::string& name : {lower, scheme == "http" ? std::string() : upper,
                                  std::string("all_proxy"), std::string("ALL_PROXY")}) {
    if (name.empty()) continue;
    if (auto value = base::Lookup(environment, name)) return Found{name, std::move(*value)};
  }
  return std::nullopt;
}

// "user:password@proxy:3128/" -> "http://proxy:3128".
std::string Shown(std::string_view value) {
  std::string scheme = "http";
  if (const auto mark = value.find("://"); mark != std::string_view::npos) {
    scheme = base::Lower(value.substr(0, mark));
    value.remove_prefix(mark + 3);
  }
  value = value.substr(0, value.find_first_of("/?#"));
  if (const auto at = value.rfind('@'); at != std::string_view::npos) value.remove_prefix(at + 1);
  const bool fine = !value.empty() && value.size() <= 255 && scheme.size() <= 10 &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') ||
                             std::string_view(".-_:[]%").find(c) != std::string_view::npos;
                    });
  return fine ? scheme + "://" + std::string(value) : "";
}

}  // namespace

std::optional<std::string> ProxyFor(std::string_view url, const base::Environment& environment) {
  const std::string host = base::Lower(HostOf(url));
  if (host.empty()) return std::nullopt;
  const auto found = SetIn(environment, url.starts_with("https://") ? "https" : "http");
  if (!found) return std::nullopt;
  for (const std::string_view name : {"no_proxy", "NO_PROXY"}) {
    const auto list = base::Lookup(environment, name);
    if (!list) continue;
    if (IsExcepted(host, *list)) return std::nullopt;
    break;
  }
  const std::string shown = Shown(found->value);
  return shown.empty() ? "of " + found->variable : shown + " (" + found->variable + ")";
}

}  // namespace sluice::http
