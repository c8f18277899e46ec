// Keys for the text of an UNLOAD. The server may log that text, so they can do one thing only:
// write and read beneath one prefix of the staging bucket, for an hour.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/session_keys.h"
#include "aws/sts.h"
#include "base/clock.h"

namespace sluice::aws {

struct UnloadPolicyOptions {
  std::string bucket;
  std::string prefix;             // "sluice/acme/<run>/": ends in '/', not empty
  std::string partition = "aws";  // PartitionOf(bucket region)
  // SSE-KMS: the key's ARN, or "auto": any key of `region`, as only S3 knows which one the bucket
  // has. Empty: no statement about keys.
  std::string kms_key;
  std::string region;  // of the bucket; with "auto"
};

// The session policy: list the bucket; put, get and multipart beneath the prefix; no delete, no
// login. s3:ListBucket is not narrowed to the prefix because UNLOAD is not known to work then.
// Pure. Throws kInvalidConfig if bucket or prefix hold characters other than A-Za-z0-9._=/- (a '*'
// would widen the policy), the prefix does not end in '/', or the text passes AWS's 2048
// characters.
std::string UnloadPolicy(const UnloadPolicyOptions& options);

struct UnloadKeysOptions {
  std::string bucket;
  std::string partition = "aws";
  std::string kms_key;     // as UnloadPolicyOptions
  std::string region;      // as UnloadPolicyOptions
  std::string connection;  // for the session's name
  // The role that reads for us, assumed a second time with the policy; its own `policy` must be
  // empty. nullopt: we are an IAM user, and GetFederationToken gives the keys.
  std::optional<AssumeRoleRequest> role;
  // With `role`: it is assumed with this file's web identity token, not with keys of the base.
  std::string web_identity_token_file;
  // For a user to whom STS gives no other keys, or whose keys are session keys: put the keys
  // themselves into the UNLOAD. They can do all that the user can, and may be logged.
  bool allow_own_keys = false;
};

// Thread-safe. REQUIRES: `sts` and `clock` outlive it.
class UnloadKeys {
 public:
  // `base` is the identity before any role is assumed, the same that MakeAssumeRole was given.
  UnloadKeys(UnloadKeysOptions options, std::shared_ptr<CredentialProvider> base, Sts& sts,
             const base::Clock& clock, std::function<void(const std::string&)> warn = nullptr);

  // Keys that live at least `life_min` and may write beneath `prefix` only: of the role assumed
  // again, or of GetFederationToken. If IAM refuses the latter: keys of GetSessionToken, which
  // expire but are not narrowed, and at last, if allowed, the user's own; `warn` is told of either,
  // at most once. Throws as Sts does; kPermission, with what to add, if none of these can be had;
  // kInvalidConfig if no session of the allowed length lives for `life_min`.
  SessionKeys Get(const std::string& prefix, std::chrono::seconds life_min, const base::Call& call);

  // False once Get has handed out keys that can do more than write beneath their prefix.
  bool narrowed() const { return !warned_; }

 private:
  SessionKeys FromUser(const std::string& policy, std::chrono::seconds life_min,
                       const base::Call& call);
  SessionKeys FromSession(SessionKeys own, std::chrono::seconds duration,
                          std::chrono::seconds life_min, const base::Call& call);
  SessionKeys OwnKeys(SessionKeys keys, const std::string& why);
  void WarnOnce(const std::string& warning);

  const UnloadKeysOptions options_;
  const std::shared_ptr<CredentialProvider> base_;
  Sts& sts_;
  const base::Clock& clock_;
  const std::function<void(const std::string&)> warn_;
  std::atomic<bool> warned_ = false;
};

}  // namespace sluice::aws
