#include "aws/service.h"

#include <utility>

#include "aws/foreign_answer.h"

namespace sluice::aws {
namespace {

std::string SigningName(Service service) {
  switch (service) {
    case Service::kS3: return "s3";
    case Service::kSts: return "sts";
    case Service::kRedshiftServerless: return "redshift-serverless";
    case Service::kRedshift: return "redshift";
  }
  return "";
}

// An error that new keys may fix; leaves through Send only.
struct KeysExpired {
  base::Error error;
};

}  // namespace

ServiceClient::ServiceClient(Service service, Endpoint endpoint, http::Transport& transport,
                             const base::Clock& clock, base::RetryOptions retry)
    : service_(service),
      endpoint_(std::move(endpoint)),
      transport_(transport),
      clock_(clock),
      retry_(retry),
      signer_({endpoint_.region, SigningName(service)}) {}

http::Request ServiceClient::Build(const ServiceCall& request, const SessionKeys& keys) const {
  const SigningRequest to_sign{.method = request.method,
                               .host = endpoint_.host,
                               .path = endpoint_.base_path + request.path,
                               .query = request.query,
                               .headers = request.headers,
                               .payload_hash = Sha256Hex(request.body)};
  http::Request http = BuildUnsigned(request);
  const auto signature = signer_.Sign(to_sign, keys, clock_.Utc());
  http.headers.insert(http.headers.end(), signature.begin(), signature.end());
  return http;
}

http::Request ServiceClient::BuildUnsigned(const ServiceCall& request) const {
  const std::string path = endpoint_.base_path + request.path;
  http::Request http{.method = request.method,
                     .url = endpoint_.scheme + "://" + endpoint_.host + UriEncodePath(path),
                     .headers = request.headers,
                     .body = request.body,
                     .body_bytes_max = request.body_bytes_max,
                     .address_from = endpoint_.address_from,
                     .operation = request.asked.operation,
                     .subject = request.asked.subject};
  if (!request.query.empty()) http.url += "?" + EncodeQuery(request.query);
  return http;
}

base::Error ServiceClient::ErrorOf(const ServiceCall& request, const http::Response& response,
                                   const SessionKeys& keys) const {
  Asked asked = request.asked;
  asked.service = service_;
  asked.region = endpoint_.region;
  asked.host = endpoint_.host;
  asked.address_from = endpoint_.address_from;
  return ToError(ReadFailure(service_, response), asked, clock_.Utc(), keys);
}

base::Error ServiceClient::Unreadable(const ServiceCall& request,
                                      const http::Response& response) const {
  const bool foreign = IsForeignReply(service_, response);
  const std::string at = endpoint_.address_from.empty()
                             ? ""
                             : "; asked at " + endpoint_.host + ", the address that " +
                                   endpoint_.address_from + " gives";
  if (!foreign) {
    return base::Error(
        {.code = base::ErrorCode::kUnavailable,
         .operation = request.asked.operation,
         .subject = request.asked.subject,
         .message = (response.body.empty() && service_ != Service::kS3
                         ? "AWS's reply was empty"
                         : "AWS's reply was cut or is not what the service documents") +
                    at,
         .remedy = "Run again; if it lasts, check AWS_ENDPOINT_URL and any proxy on the way.",
         .retryable = true});
  }
  return base::Error(
      {.code = base::ErrorCode::kUnreachable,
       .operation = request.asked.operation,
       .subject = request.asked.subject,
       .message = "what answered is " + WhatAnswered(response) + ", not AWS" + at,
       .remedy = "Something else than AWS answers at " + endpoint_.host +
                 ": a proxy, the log-in page of a network (captive portal), or a wrong address. "
                 "Check HTTPS_PROXY and NO_PROXY, log in to the network, and compare "
                 "aws.endpoint_url and AWS_ENDPOINT_URL, if set.",
       .reason = "foreign_answer"});
}

void ServiceClient::SendWith(const SessionKeys& keys, const ServiceCall& request,
                             const base::Call& call,
                             const std::function<bool(const http::Response&)>& accept) const {
  base::Retry retry(clock_, retry_);
  retry.Run(call, [&] {
    if (call.stop.stop_requested()) {
      base::ThrowCancelled(request.asked.operation, request.asked.subject);
    }
    const http::Response response = transport_.Send(Build(request, keys), call);
    if (accept(response)) return;
    base::Error error = ErrorOf(request, response, keys);
    if (IsExpired(ReadFailure(service_, response))) throw KeysExpired{std::move(error)};
    throw error;
  });
}

void ServiceClient::SendUnsigned(const ServiceCall& request, const base::Secret& secret,
                                 const base::Call& call,
                                 const std::function<bool(const http::Response&)>& accept) const {
  const SessionKeys redacted{.session_token = secret};
  base::Retry retry(clock_, retry_);
  retry.Run(call, [&] {
    if (call.stop.stop_requested()) {
      base::ThrowCancelled(request.asked.operation, request.asked.subject);
    }
    const http::Response response = transport_.Send(BuildUnsigned(request), call);
    if (!accept(response)) throw ErrorOf(request, response, redacted);
  });
}

void ServiceClient::Send(const ServiceCall& request, CredentialProvider& credentials,
                         const base::Call& call,
                         const std::function<bool(const http::Response&)>& accept) const {
  for (bool renewed = false;; renewed = true) {
    // Outside the retry loop: providers retry by themselves.
    const SessionKeys keys = credentials.Get(kKeyLifeMin, call);
    try {
      return SendWith(keys, request, call, accept);
    } catch (const KeysExpired& expired) {
      if (renewed || !credentials.Reject(keys)) throw expired.error;
    }
  }
}

}  // namespace sluice::aws
