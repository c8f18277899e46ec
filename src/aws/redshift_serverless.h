// redshift-serverless: a database login for an AWS identity, and facts about a workgroup.
// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "aws/endpoints.h"
#include "aws/session_keys.h"
#include "base/clock.h"
#include "base/retry.h"
#include "base/secret.h"
#include "http/transport.h"

namespace sluice::aws {

struct DbCredentialsRequest {
  std::string workgroup;
  std::string database;                 // sent as dbName; empty: not sent
  std::chrono::seconds duration{3600};  // 900-3600
};

// Holds a '+', '/' or '=' in the password and a ':' in the user: never put either into a URI.
struct DbCredentials {
  std::string user;  // "IAMR:<role>" or "IAM:<user>", derived by AWS; use exactly as it is
  base::Secret password;
  base::UtcTime expiration;  // of logins, not of sessions already open
  std::optional<base::UtcTime> next_refresh;
  // False if the policy refused dbName and the call passed without it (the API's page and the
  // service authorization reference disagree on a "dbname" resource).
  bool named_database = true;
};

struct Workgroup {
  std::string name;
  std::string id;  // a UUID, part of its ARN; changes when the workgroup is made again
  std::string arn;
  std::string status;  // CREATING, AVAILABLE, MODIFYING, DELETING
  std::string namespace_name;
  std::string host;  // empty until it is available
  int port = 0;
  std::optional<bool> publicly_accessible;
  std::string patch_version;
};

struct Namespace {
  std::string name;
  std::string id;
  std::string arn;
  std::string status;
  std::string database;                // made with the namespace
  std::string admin_user;              // empty if AWS does not tell
  std::vector<std::string> iam_roles;  // ARNs of the roles attached to it, for IAM_ROLE of UNLOAD
  std::string default_iam_role_arn;    // what IAM_ROLE default means; empty: none
};

// Thread-safe. No call starts compute. All retry what is retryable and throw as errors.h
// maps: kNotFound (no such workgroup in that region), kPermission (with the policy to add),
// kAuthentication, kInvalidConfig (a member breaks its rule), kThrottled, kUnavailable, and those
// of credentials and transport. REQUIRES: all references outlive it.
class RedshiftServerless {
 public:
  RedshiftServerless(Endpoint endpoint, CredentialProvider& credentials, http::Transport& transport,
                     const base::Clock& clock, base::RetryOptions retry = {});

  // One login; mint one per connection attempt.
  DbCredentials GetCredentials(const DbCredentialsRequest& request, const base::Call& call);
  // For diagnostics only: it is an IAM action of its own that the set-up guide does not ask for.
  Workgroup GetWorkgroup(const std::string& workgroup, const base::Call& call);
  // For diagnostics only, as GetWorkgroup.
  Namespace GetNamespace(const std::string& name, const base::Call& call);

 private:
  DbCredentials GetCredentialsOnce(const DbCredentialsRequest& request, const base::Call& call);
  std::string Send(const std::string& action, const std::string& subject, std::string body,
                   const base::Call& call);

  const Endpoint endpoint_;
  CredentialProvider& credentials_;
  http::Transport& transport_;
  const base::Clock& clock_;
  const base::RetryOptions retry_;
};

}  // namespace sluice::aws
