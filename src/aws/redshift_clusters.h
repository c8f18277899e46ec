// The compatibility call for a database login: the older service `redshift`, which knows a
// workgroup as a cluster and lets the caller name the database user. For set-ups whose user is not
// named after the AWS identity; AWS advises GetCredentials (redshift_serverless.h) instead.
// https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
#pragma once
#include <chrono>
#include <string>

#include "aws/endpoints.h"
#include "aws/redshift_serverless.h"
#include "aws/session_keys.h"
#include "base/clock.h"
#include "base/retry.h"
#include "http/transport.h"

namespace sluice::aws {

struct ClusterCredentialsRequest {
  std::string workgroup;                // sent as "redshift-serverless-<workgroup>"
  std::string user;                     // an existing database user, without any prefix
  std::string database;                 // sent as DbName; empty: not sent
  std::chrono::seconds duration{3600};  // 900-3600
};

// Thread-safe. Does not start compute and never creates a user (AutoCreate=false). Retries what is
// retryable and throws as errors.h maps: kNotFound (no such workgroup in that region), kPermission
// (with the action to allow), kUnsupported (this workgroup does not offer the call),
// kAuthentication, kInvalidConfig (a member breaks its rule), kThrottled, kUnavailable, and those
// of credentials and transport. A user that does not exist may pass here and fail at the login.
// REQUIRES: all references outlive it.
class RedshiftClusters {
 public:
  RedshiftClusters(Endpoint endpoint, CredentialProvider& credentials, http::Transport& transport,
                   const base::Clock& clock, base::RetryOptions retry = {});

  // `user` of the result is "IAM:<user>": the name to log in with, whose rights are those of the
  // user asked for.
  DbCredentials GetClusterCredentials(const ClusterCredentialsRequest& request,
                                      const base::Call& call);

 private:
  const Endpoint endpoint_;
  CredentialProvider& credentials_;
  http::Transport& transport_;
  const base::Clock& clock_;
  const base::RetryOptions retry_;
};

}  // namespace sluice::aws
