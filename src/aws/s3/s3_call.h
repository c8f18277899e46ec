// What the calls of S3 have in common: which host they address and how a document is read from a
// reply. What s3*.cc share; not for other rooms.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "aws/endpoints.h"
#include "aws/service.h"
#include "aws/session_keys.h"
#include "aws/xml.h"

namespace sluice::aws {

// `action` is IAM's name of what it needs.
ServiceCall BucketCall(const Endpoint& endpoint, const std::string& bucket, std::string operation,
                       std::string action);
ServiceCall ObjectCall(const Endpoint& endpoint, const std::string& bucket, std::string_view key,
                       std::string operation, std::string action);

// Calls until the reply can be read by `read` (of the body, an optional), and returns what that
// gives. A 200 may carry an error, because S3 answers before it knows (S3API DeleteObjects,
// CopyObject, CompleteMultipartUpload); one that is cut is asked for again.
template <typename Read>
auto SendForDocument(const ServiceClient& client, CredentialProvider& credentials,
                     const ServiceCall& request, const base::Call& call, Read read) {
  decltype(read(std::string_view())) result;
  client.Send(request, credentials, call, [&](const http::Response& response) {
    if (!response.ok()) return false;
    result = read(response.body);
    if (result) return true;
    if (const auto root = ParseXml(response.body); root && root->name == "Error") return false;
    throw client.Unreadable(request, response);
  });
  return std::move(*result);
}

}  // namespace sluice::aws
