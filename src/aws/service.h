// One signed call to an AWS service: keys, signature, transport, retry, error. What sts.cc,
// redshift_serverless.cc and s3.cc share; not for other rooms.
#pragma once
#include <functional>
#include <string>

#include "aws/endpoints.h"
#include "aws/errors.h"
#include "aws/session_keys.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/retry.h"
#include "http/transport.h"

namespace sluice::aws {

struct ServiceCall {
  Asked asked;
  std::string method = "GET";
  std::string path = "/";  // raw, beneath the endpoint's base path
  QueryParameters query;
  std::vector<http::Header> headers;
  std::string body;
  std::uint64_t body_bytes_max = 8ULL << 20;
};

// Thread-safe. REQUIRES: `transport` and `clock` outlive it.
class ServiceClient {
 public:
  ServiceClient(Service service, Endpoint endpoint, http::Transport& transport,
                const base::Clock& clock, base::RetryOptions retry);

  // Repeats what is retryable until `accept` takes a reply; it may throw a retryable Error itself,
  // for a 200 with a broken body. Replies it returns false for become errors by errors.h. Keys
  // refused for their age are renewed once. REQUIRES: repeating `call` is safe.
  void Send(const ServiceCall& request, CredentialProvider& credentials, const base::Call& call,
            const std::function<bool(const http::Response&)>& accept) const;

  // The same without a signature, for calls whose body proves who we are by `secret`, which never
  // appears in an error.
  void SendUnsigned(const ServiceCall& request, const base::Secret& secret, const base::Call& call,
                    const std::function<bool(const http::Response&)>& accept) const;

  // The request ready to be sent, signed for now.
  http::Request Build(const ServiceCall& request, const SessionKeys& keys) const;
  base::Error ErrorOf(const ServiceCall& request, const http::Response& response,
                      const SessionKeys& keys) const;
  // Of a 2xx reply that cannot be read: retryable, as S3 may cut a body it began with 200; but
  // kUnreachable and final if another server gave it.
  base::Error Unreadable(const ServiceCall& request, const http::Response& response) const;

  const Endpoint& endpoint() const { return endpoint_; }
  http::Transport& transport() const { return transport_; }
  const base::Clock& clock() const { return clock_; }
  const base::RetryOptions& retry() const { return retry_; }
  Service service() const { return service_; }

 private:
  void SendWith(const SessionKeys& keys, const ServiceCall& request, const base::Call& call,
                const std::function<bool(const http::Response&)>& accept) const;
  http::Request BuildUnsigned(const ServiceCall& request) const;

  const Service service_;
  const Endpoint endpoint_;
  http::Transport& transport_;
  const base::Clock& clock_;
  const base::RetryOptions retry_;
  const Signer signer_;
};

// Life that keys must still have when a request is signed: it outlasts the longest retry pauses.
inline constexpr std::chrono::seconds kKeyLifeMin{60};

}  // namespace sluice::aws
