#include "http/transport_error.h"

#include <array>
#include <utility>
#include <vector>

#include "base/fill.h"

namespace sluice::http {
namespace {

using base::Fill;
using enum base::ErrorCode;

constexpr std::string_view kNetRemedy =
    "Check DNS, firewall and proxy between this machine and {host}, and the region in its name.";
constexpr std::string_view kCaRemedy =
    "If a proxy or firewall inspects TLS, or a private endpoint presents its own certificate, name "
    "its authority (your company's root) in AWS_CA_BUNDLE or aws.ca_bundle (a PEM file), or let "
    "{host} pass without inspection. Verification cannot be switched off.";
constexpr std::string_view kProxyRemedy =
    "Check HTTPS_PROXY; or let {host} pass the proxy: add it to NO_PROXY, if this machine may "
    "reach it directly.";

constexpr auto kTransportRows = std::to_array<TransportRow>({
    {kUnreachable, true, "there is no address for {host}", kNetRemedy},
    {kUnreachable, true, "{host} did not accept the connection", kNetRemedy},
    {kUnreachable, true, "{host} did not answer within the connect timeout", kNetRemedy},
    {kUnreachable, false, "the certificate of {host} is not trusted or is for another name",
     kCaRemedy, "certificate"},
    {kUnreachable, true, "TLS with {host} failed", kCaRemedy},
    {kInvalidConfig, false, "the CA file cannot be read",
     "Check that AWS_CA_BUNDLE names a readable PEM file with at least one certificate."},
    {kTimeout, true, "{host} sent nothing for too long", kNetRemedy},
    {kUnreachable, true, "the connection to {host} broke", kNetRemedy},
    {kUnreachable, false, "{host} does not speak HTTP as expected",
     "Check AWS_ENDPOINT_URL: scheme, host and port."},
    {kUnreachable, true, "the proxy {proxy} on the way to {host} failed", kProxyRemedy, "proxy"},
    {kUnreachable, false, "the proxy {proxy} asks for a password before it lets us to {host} (407)",
     "Put user and password into HTTPS_PROXY (http://user:password@host:port, special signs as "
     "%XX), or add {host} to NO_PROXY, if this machine may reach it directly.",
     "proxy"},
    {kUnreachable, false, "the proxy {proxy} refuses to connect to {host} (HTTP {status})",
     "Let the proxy's administrator allow {host}, or add it to NO_PROXY, if this machine may reach "
     "it directly.",
     "proxy"},
    {kUnreachable, true, "the proxy {proxy} could not reach {host} (HTTP {status})",
     "Run again. If it lasts: the proxy itself has no way to {host}, or does not know its name. "
     "Ask its administrator, or add {host} to NO_PROXY, if this machine may reach it directly.",
     "proxy"},
    {kUnreachable, true, "the proxy {proxy} on the way to {host} does not accept connections",
     kProxyRemedy, "proxy"},
    {kUnreachable, true, "there is no address for the proxy {proxy} on the way to {host}",
     kProxyRemedy, "proxy"},
    {kUnreachable, true, "the proxy {proxy} on the way to {host} does not answer", kProxyRemedy,
     "proxy"},
    {kUnreachable, false, "TLS with the proxy {proxy} itself failed",
     "An address that begins with https:// means that the proxy itself speaks TLS; most do not: "
     "write HTTPS_PROXY=http://host:port. If it does, name its authority in AWS_CA_BUNDLE.",
     "proxy"},
    {kInternal, false, "no memory for another connection", "Lower the number of parallel streams."},
});

}  // namespace

std::span<const TransportRow> TransportTable() { return kTransportRows; }

// Whoever set another address and forgot it looks for the mistake everywhere else.
std::string AskedAt(const std::string& host, const std::string& address_from) {
  if (address_from.empty()) return "";
  return "; asked at " + host + ", the address that " + address_from + " gives";
}

base::Error ToError(TransportFailure failure, std::string_view operation, std::string_view subject,
                    const OnTheWay& way) {
  const TransportRow& row = TransportTable()[static_cast<std::size_t>(failure)];
  const base::Words words = {{"host", way.host},
                             {"proxy", way.proxy.empty() ? "of HTTPS_PROXY" : way.proxy},
                             {"status", std::to_string(way.proxy_status)}};
  std::string message = Fill(row.seen, words) + AskedAt(way.host, way.address_from);
  // Whoever inspects TLS sits at the proxy, if there is one.
  if (failure == TransportFailure::kCertificate && !way.proxy.empty()) {
    message += "; the way leads through the proxy " + way.proxy;
  }
  return base::Error({.code = row.error,
                      .operation = std::string(operation),
                      .subject = std::string(subject),
                      .message = std::move(message),
                      .remedy = Fill(row.remedy, words),
                      .retryable = row.retryable,
                      .cause = way.detail,
                      .reason = std::string(row.reason)});
}

}  // namespace sluice::http
