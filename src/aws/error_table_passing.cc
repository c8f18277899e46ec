// What may pass by itself and is asked again, apart from what stays: throttling, a service that
// failed, a line that broke. The codes are those that AWS's own SDKs repeat:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
#include <array>

#include "aws/error_table.h"

namespace sluice::aws {
namespace {

using enum base::ErrorCode;

constexpr ErrorRow Throttled(std::string_view code) {
  return {.code = code,
          .error = kThrottled,
          .retryable = true,
          .remedy = kThrottleRemedy,
          .reason = "throttled"};
}

constexpr ErrorRow Failed(std::string_view code, base::ErrorCode error = kUnavailable) {
  return {.code = code, .error = error, .retryable = true, .remedy = kServiceRemedy};
}

constexpr ErrorRow Damaged(std::string_view code) {
  return {.code = code,
          .error = kCorrupt,
          .retryable = true,
          .remedy = "The bytes changed on the way: look for a proxy that rewrites requests."};
}

constexpr auto kRows = std::to_array<ErrorRow>({
    // Slower, please.
    {.text = "Rate exceeded",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    Throttled("Throttling"),
    Throttled("ThrottlingException"),
    Throttled("ThrottledException"),
    Throttled("RequestThrottled"),
    Throttled("RequestThrottledException"),
    Throttled("TooManyRequestsException"),
    Throttled("TooManyRequests"),
    Throttled("RequestLimitExceeded"),
    Throttled("BandwidthLimitExceeded"),
    Throttled("ProvisionedThroughputExceededException"),
    Throttled("PriorRequestNotComplete"),
    Throttled("SlowDown"),
    {.status = 429,
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},

    // The service failed, or the line did.
    Failed("RequestTimeout"),
    Failed("RequestTimeoutException"),
    Failed("InternalError"),
    Failed("InternalFailure"),
    Failed("InternalServerException"),
    Failed("ServiceUnavailable"),
    Failed("ServiceUnavailableException"),
    Failed("IDPCommunicationError"),
    Failed("OperationAborted", kConflict),
    Failed("ConditionalRequestConflict", kConflict),
    Damaged("BadDigest"),
    Damaged("XAmzContentSHA256Mismatch"),
    Failed("IncompleteBody"),
    {.service = Service::kRedshift,
     .code = "UnsupportedOperation",
     .error = kUnsupported,
     .remedy = "This workgroup does not take GetClusterCredentials: set redshift.login_api: "
               "GetCredentials, and create the database user under the name AWS derives from the "
               "role or user (sluice setup sql)."},
    {.status = 501,
     .error = kUnsupported,
     .remedy = "This endpoint does not offer the operation: is AWS_ENDPOINT_URL a service that is "
               "compatible with it?"},
    {.status_class = 5, .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
    {.status = 408, .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
});

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

std::span<const ErrorRow> PassingRows() { return kRows; }
std::span<const TransportRow> TransportTable() { return kTransportRows; }

}  // namespace sluice::aws
