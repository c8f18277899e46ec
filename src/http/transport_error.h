// What it means that nobody answered, as the one error type: one table, pure, with a test row per
// entry.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice::http {

// How nobody answered. The transport's adapter picks one.
enum class TransportFailure {
  kResolve,  // no such host
  kConnect,  // refused, no route
  kConnectTimeout,
  kCertificate,    // not trusted, or for another name
  kTls,            // anything else in the handshake
  kCaFile,         // the CA file cannot be read
  kStalled,        // nothing moved for the stall timeout
  kBroken,         // reset, or ended before its length
  kProtocol,       // no HTTP
  kProxy,          // in a way of its own (SOCKS)
  kProxyPassword,  // 407
  kProxyRefused,   // another 4xx
  kProxyGateway,   // 5xx
  kProxyConnect,   // refused, no route
  kProxyResolve,
  kProxySilent,
  kProxyTls,  // in the handshake with the proxy itself
  kNoMemory,
};
// Whom it was with.
struct OnTheWay {
  std::string host;
  std::string detail;  // the library's own text
  std::string proxy;   // without user and password: "http://proxy:3128 (HTTPS_PROXY)"
  int proxy_status = 0;
  std::string address_from;  // as in Asked
};
base::Error ToError(TransportFailure failure, std::string_view operation, std::string_view subject,
                    const OnTheWay& way);

// One row for each TransportFailure, in its order.
struct TransportRow {
  base::ErrorCode error;
  bool retryable;
  std::string_view seen;  // {host}, {proxy} and {status} are filled in
  std::string_view remedy;
  std::string_view reason = {};
};
std::span<const TransportRow> TransportTable();

// `reason` of the kCancelled errors of requests that had been sent.
inline constexpr char kSent[] = "sent";

// "; asked at HOST, the address that AWS_ENDPOINT_URL_S3 gives"; empty without `address_from`.
std::string AskedAt(const std::string& host, const std::string& address_from);

}  // namespace sluice::http
