// STS: who am I, and short-lived keys.
// https://docs.aws.amazon.com/STS/latest/APIReference/
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "aws/endpoints.h"
#include "aws/session_keys.h"
#include "base/clock.h"
#include "base/retry.h"
#include "http/transport.h"

namespace sluice::aws {

struct ServiceCall;

struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
  // This machine's clock less the service's, from the reply's Date header (whole seconds); nullopt
  // if it had none.
  std::optional<std::chrono::seconds> clock_ahead;
};

struct SessionTag {
  std::string key;    // 1-128 characters
  std::string value;  // 0-256
};

struct AssumeRoleRequest {
  std::string role_arn;
  // Shows up in the customer's CloudTrail: "sluice-<connection>". 2-64 of [A-Za-z0-9_+=,.@-];
  // RoleSessionName() makes one from any text.
  std::string session_name = "sluice";
  std::string external_id;  // empty: not sent
  std::string policy;  // session policy, at most 2048 characters; empty: the role's full rights
  // 900 s up to the role's maximum; 3600 is every role's default and the cap when one role assumes
  // another. More is refused by AWS, not shortened.
  std::chrono::seconds duration{3600};
  std::vector<SessionTag> tags;  // need sts:TagSession in the trust policy
};

struct AssumedRole {
  SessionKeys keys;
  std::string arn;  // arn:aws:sts::<account>:assumed-role/<role>/<session>
};

// Thread-safe; holds no keys. Each call takes the keys that sign it, retries what is retryable, and
// throws as errors.h maps: kAuthentication (key, secret, clock, expired), kPermission (trust
// policy, ExternalId, sts:TagSession), kInvalidConfig (duration, policy or name refused),
// kThrottled, kUnavailable, and the transport's. REQUIRES: `transport` and `clock` outlive it.
class Sts {
 public:
  Sts(Endpoint endpoint, http::Transport& transport, const base::Clock& clock,
      base::RetryOptions retry = {});

  // Needs no permission: it works even under an explicit deny.
  CallerIdentity GetCallerIdentity(const SessionKeys& keys, const base::Call& call);
  AssumedRole AssumeRole(const SessionKeys& keys, const AssumeRoleRequest& request,
                         const base::Call& call);
  // Unsigned: the token is the proof. REQUIRES: `request` has neither external_id nor tags.
  AssumedRole AssumeRoleWithWebIdentity(const base::Secret& token, const AssumeRoleRequest& request,
                                        const base::Call& call);
  // Only long-term keys of an IAM user may call it. `policy` must not be empty: without one the
  // session has no rights at all. `name`: 2-32 of [A-Za-z0-9_+=,.@-].
  SessionKeys GetFederationToken(const SessionKeys& keys, const std::string& name,
                                 const std::string& policy, std::chrono::seconds duration,
                                 const base::Call& call);
  // Only long-term keys of an IAM user may call it; needs no permission. The session has all rights
  // of the user but for IAM and most of STS.
  SessionKeys GetSessionToken(const SessionKeys& keys, std::chrono::seconds duration,
                              const base::Call& call);

 private:
  http::Response Send(const SessionKeys& keys, const std::string& action,
                      const std::string& subject,
                      const std::vector<std::pair<std::string, std::string>>& parameters,
                      const base::Call& call);
  ServiceCall CallOf(const std::string& action, const std::string& subject,
                     const std::vector<std::pair<std::string, std::string>>& parameters) const;

  const Endpoint endpoint_;
  http::Transport& transport_;
  const base::Clock& clock_;
  const base::RetryOptions retry_;
};

// "sluice-" and `connection`, with characters AWS refuses replaced by '-', cut to `length_max`.
std::string RoleSessionName(std::string_view connection, std::size_t length_max = 64);

}  // namespace sluice::aws
