#include "connection/host_rules.h"

#include <fmt/format.h>

#include "base/error.h"
#include "redshift/endpoint.h"

namespace sluice::connection {
namespace {

std::optional<config::Broken> CheckEndpoint(std::string_view host) {
  if (auto broken = config::CheckHost(host)) return broken;
  try {
    redshift::ParseEndpoint(host);
    return std::nullopt;
  } catch (const base::Error& error) {
    return config::Broken{fmt::format("cannot be used: {}", error.info().message),
                          error.info().remedy};
  }
}

std::optional<int> PortOf(std::string_view host) { return redshift::ParseEndpoint(host).port; }

}  // namespace

config::HostRules EndpointRules() { return {.check = CheckEndpoint, .port = PortOf}; }

}  // namespace sluice::connection
