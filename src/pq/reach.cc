#include "pq/reach.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/inside_address.h"
#include "base/process_environment.h"
#include "base/text.h"

namespace sluice::pq {
namespace {

constexpr std::string_view kVariable = "SLUICE_OUTSIDE_ONLY";
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-connecting.html
constexpr std::string_view kWorkgroups[] = {".redshift-serverless.amazonaws.com",
                                            ".redshift-serverless.amazonaws.com.cn"};
constexpr std::string_view kRemedy =
    "Name a host that the internet reaches, or ask whoever runs the service to allow this one "
    "(--allow-host).";

std::string TextOf(const addrinfo& address) {
  char text[NI_MAXHOST] = "";
  const int failed = getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0,
                                 NI_NUMERICHOST);
  return failed == 0 ? text : "";
}

[[noreturn]] void RefuseHost(const std::string& host, std::string message) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "connect",
                     .subject = "host " + host,
                     .message = std::move(message),
                     .remedy = std::string(kRemedy)});
}

}  // namespace

bool Reach::Anywhere(std::string_view host) const {
  if (!outside_only) return true;
  const auto same = [&](const std::string& one) { return base::EqualFolded(one, host); };
  if (std::any_of(allowed.begin(), allowed.end(), same)) return true;
  const std::string name = base::Lower(host);
  return std::any_of(std::begin(kWorkgroups), std::end(kWorkgroups),
                     [&](std::string_view end) { return name.ends_with(end); });
}

Reach ReachOf(const base::Environment& environment) {
  Reach reach;
  const auto value = base::Lookup(environment, kVariable);
  if (!value) return reach;
  reach.outside_only = true;
  std::string_view rest = *value;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (const auto host = rest.substr(0, comma); host != "1") reach.allowed.emplace_back(host);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return reach;
}

Reach OwnReach() { return ReachOf(base::ProcessEnvironment); }

std::string WhyRefused(const Reach& reach, std::string_view host, const addrinfo* addresses) {
  if (reach.Anywhere(host)) return {};
  for (const addrinfo* one = addresses; one != nullptr; one = one->ai_next) {
    if (const auto why = base::WhyInside(*one->ai_addr)) {
      return fmt::format(
          "its name stands for an address that {}, which this service does not connect to",
          *why == base::kThisMachine ? "is the service's own machine" : why->data());
    }
  }
  return {};
}

Parameters Pinned(const Reach& reach, Parameters parameters) {
  const auto named = parameters.values.find("host");
  const std::string host = named == parameters.values.end() ? std::string() : named->second;
  if (reach.Anywhere(host)) return parameters;
  if (host.empty() || host.front() == '/' || host.front() == '@' ||
      host.find(',') != std::string::npos || parameters.values.contains("hostaddr")) {
    RefuseHost(host, "it is not the name of one host, and this service connects to nothing else");
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(failed == 0 ? found : nullptr,
                                                                 freeaddrinfo);
  if (failed != 0) {
    throw base::Error({.code = base::ErrorCode::kUnreachable,
                       .operation = "connect",
                       .subject = "host " + host,
                       .message = fmt::format("could not translate host name \"{}\" to address: {}",
                                              host, gai_strerror(failed)),
                       .remedy = "Check the host's name.",
                       .retryable = true});
  }
  if (std::string why = WhyRefused(reach, host, found); !why.empty())
    RefuseHost(host, std::move(why));
  std::string hosts;
  std::string addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const std::string_view comma = hosts.empty() ? "" : ",";
    hosts += fmt::format("{}{}", comma, host);
    addresses += fmt::format("{}{}", comma, TextOf(*one));
  }
  parameters.values["host"] = hosts;
  parameters.values["hostaddr"] = addresses;
  return parameters;
}

}  // namespace sluice::pq
