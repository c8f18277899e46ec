// AWS Signature Version 4 in headers. Pure but for a cache of derived keys: no network, no clock.
//
// What is signed: method, path, query, every header given here, and the hash of the body. S3 takes
// the path encoded once, segment by segment and otherwise as it is ("//" and "." are parts of
// keys); every other service takes it with dot segments removed and encoded twice.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#pragma once
#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/session_keys.h"
#include "base/clock.h"
#include "http/transport.h"

namespace sluice::aws {

// "UNSIGNED-PAYLOAD": S3 only, and only over TLS, which then alone protects the body.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

struct SigningRequest {
  std::string method = "GET";
  std::string host;                   // as the Host header sends it, with its port
  std::string path = "/";             // raw, not encoded; begins with '/'
  QueryParameters query;              // raw, in any order
  std::vector<http::Header> headers;  // all are signed; without Host and X-Amz-*
  std::string payload_hash;           // Sha256Hex(body), or kUnsignedPayload for S3
};

struct SigningScope {
  std::string region;
  std::string service;  // "s3", "sts", "redshift-serverless"
};

// Percent-encoding as AWS signs it: all but A-Za-z0-9-._~, upper-case hex.
std::string UriEncode(std::string_view text);
// The same, keeping '/'.
std::string UriEncodePath(std::string_view path);
// "a=1&b=2": encoded and sorted by name, then value: what is signed is what is sent.
std::string EncodeQuery(const QueryParameters& query);
std::string Sha256Hex(std::string_view text);
// Base64 of the MD5 digest: the Content-MD5 of a multi-delete.
std::string Md5Base64(std::string_view text);

// Thread-safe. Keeps the last derived key: deriving costs four HMACs per request, and a run signs
// thousands with one key per day, region and service.
class Signer {
 public:
  explicit Signer(SigningScope scope) : scope_(std::move(scope)) {}
  ~Signer();
  Signer(const Signer&) = delete;
  Signer& operator=(const Signer&) = delete;

  // The headers to send beside those of `request`: Authorization, X-Amz-Date, for a session
  // X-Amz-Security-Token, for S3 X-Amz-Content-Sha256.
  std::vector<http::Header> Sign(const SigningRequest& request, const SessionKeys& keys,
                                 base::UtcTime now) const;

  // What Sign hashes, for tests and for finding a difference.
  std::string CanonicalRequest(const SigningRequest& request, const SessionKeys& keys,
                               base::UtcTime now) const;

  const SigningScope& scope() const { return scope_; }

 private:
  using Key = std::array<unsigned char, 32>;
  std::vector<http::Header> SignedHeaders(const SigningRequest& request, const SessionKeys& keys,
                                          base::UtcTime now) const;
  std::string Canonical(const SigningRequest& request,
                        const std::vector<http::Header>& headers) const;
  Key DerivedKey(const base::Secret& secret, const std::string& date) const;

  const SigningScope scope_;
  mutable std::mutex mu_;
  // Guarded by mu_.
  mutable std::string cached_date_;
  mutable base::Secret cached_secret_;
  mutable Key cached_key_{};
};

}  // namespace sluice::aws
