#include "aws/keys/unload_keys.h"

#include <algorithm>

#include "aws/keys/credentials.h"
#include "aws/keys/web_identity.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

// AWS's limit for inline and managed session policies together, in plain text:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
constexpr std::size_t kPolicyLengthMax = 2048;
constexpr std::chrono::seconds kDurationMin{900};
constexpr std::chrono::seconds kRoleDurationMax{43200};
constexpr std::chrono::seconds kFederationDurationMax{129600};
// Between STS's answer and the start of the UNLOAD.
constexpr std::chrono::seconds kMargin{120};

[[noreturn]] void RefuseNarrowing(const std::string& subject, const std::string& message,
                                  const std::string& remedy) {
  throw base::Error({.code = ErrorCode::kInvalidConfig,
                     .operation = "make keys for UNLOAD",
                     .subject = subject,
                     .message = message,
                     .remedy = remedy});
}

bool IsPathCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._=/-").find(c) != std::string_view::npos;
}

bool IsPath(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsPathCharacter);
}

std::string KeyStatement(const UnloadPolicyOptions& options) {
  if (options.kms_key.empty()) return "";
  const std::string resource =
      options.kms_key == "auto" ? "arn:" + options.partition + ":kms:" + options.region + ":*:key/*"
                                : options.kms_key;
  return R"(,{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":")" +
         resource + "\"}";
}

void CheckLife(const SessionKeys& keys, std::chrono::seconds life_min, base::UtcTime now) {
  if (!keys.expiration || *keys.expiration - now >= life_min) return;
  RefuseNarrowing(
      "life of " + std::to_string(life_min.count()) + " s",
      "AWS gave keys that expire sooner than the UNLOAD may end",
      "Shorten the UNLOAD's timeout, or raise the role's maximum session duration in IAM.");
}

}  // namespace

std::string UnloadPolicy(const UnloadPolicyOptions& options) {
  if (!IsPath(options.bucket) || options.bucket.find('/') != std::string::npos) {
    RefuseNarrowing("bucket " + options.bucket, "this is not the name of a bucket",
                    "Give staging.bucket as the name alone.");
  }
  if (!IsPath(options.prefix) || !options.prefix.ends_with('/') ||
      options.prefix.starts_with('/')) {
    RefuseNarrowing(
        "prefix " + options.prefix,
        "a staging prefix holds A-Za-z0-9._=/- only, does not begin with '/' and ends in it",
        "Give staging.root such a path.");
  }
  if ((options.kms_key + options.region).find_first_of("\"\\*?") != std::string::npos) {
    RefuseNarrowing("KMS key", "its ARN holds a quote, a backslash or a wildcard",
                    "Give one key's full ARN.");
  }
  const std::string bucket = "arn:" + options.partition + ":s3:::" + options.bucket;
  std::string policy =
      R"({"Version":"2012-10-17","Statement":[)"
      R"({"Effect":"Allow","Action":["s3:ListBucket","s3:GetBucketLocation","s3:ListBucketMultipartUploads"],"Resource":")" +
      bucket +
      R"("},{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":")" +
      bucket + "/" + options.prefix + R"(*"})" + KeyStatement(options) + "]}";
  if (policy.size() > kPolicyLengthMax) {
    RefuseNarrowing("prefix " + options.prefix, "the session policy passes AWS's 2048 characters",
                    "Shorten staging.root.");
  }
  return policy;
}

UnloadKeys::UnloadKeys(UnloadKeysOptions options, std::shared_ptr<CredentialProvider> base,
                       Sts& sts, const base::Clock& clock,
                       std::function<void(const std::string&)> warn)
    : options_(std::move(options)),
      base_(std::move(base)),
      sts_(sts),
      clock_(clock),
      warn_(std::move(warn)) {}

SessionKeys UnloadKeys::Get(const std::string& prefix, std::chrono::seconds life_min,
                            const base::Call& call) {
  const std::string policy = UnloadPolicy({.bucket = options_.bucket,
                                           .prefix = prefix,
                                           .partition = options_.partition,
                                           .kms_key = options_.kms_key,
                                           .region = options_.region});
  if (!options_.role) return FromUser(policy, life_min, call);
  AssumeRoleRequest request = *options_.role;
  request.policy = policy;
  // Never longer than configured by itself: above the role's maximum AWS refuses, it does not
  // clamp.
  request.duration = std::clamp(request.duration, kDurationMin, kRoleDurationMax);
  const std::string& token_file = options_.web_identity_token_file;
  const auto assume = [&](const SessionKeys& base) {
    return sts_.AssumeRole(base, request, call).keys;
  };
  SessionKeys keys = token_file.empty() ? UseKeys(*base_, kMargin, call, assume)
                                        : AssumeByWebIdentity(sts_, token_file, request, call).keys;
  CheckLife(keys, life_min, clock_.Utc());
  return keys;
}

SessionKeys UnloadKeys::FromUser(const std::string& policy, std::chrono::seconds life_min,
                                 const base::Call& call) {
  SessionKeys own = base_->Get(life_min, call);
  // Only long-term keys may call GetFederationToken.
  if (!own.session_token.empty()) return OwnKeys(std::move(own), "they are session keys already");
  const auto duration = std::clamp(std::max(life_min + kMargin, std::chrono::seconds(3600)),
                                   kDurationMin, kFederationDurationMax);
  try {
    SessionKeys keys = sts_.GetFederationToken(own, RoleSessionName(options_.connection, 32),
                                               policy, duration, call);
    CheckLife(keys, life_min, clock_.Utc());
    return keys;
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kPermission) throw;
    return FromSession(std::move(own), duration, life_min, call);
  }
}

SessionKeys UnloadKeys::FromSession(SessionKeys own, std::chrono::seconds duration,
                                    std::chrono::seconds life_min, const base::Call& call) {
  try {
    SessionKeys keys = sts_.GetSessionToken(own, duration, call);
    CheckLife(keys, life_min, clock_.Utc());
    WarnOnce("UNLOAD is sent with keys of a session of " + MaskKeyId(own.access_key_id) +
             ", because IAM refuses sts:GetFederationToken to this user: they expire, but until "
             "then they can do all that the user can, and the server may log them. Allow "
             R"({"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"})");
    return keys;
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kPermission) throw;
    return OwnKeys(std::move(own),
                   "IAM refuses sts:GetFederationToken and sts:GetSessionToken to this user");
  }
}

void UnloadKeys::WarnOnce(const std::string& warning) {
  if (warn_ && !warned_.exchange(true)) warn_(warning);
}

SessionKeys UnloadKeys::OwnKeys(SessionKeys keys, const std::string& why) {
  const std::string subject = "keys " + MaskKeyId(keys.access_key_id);
  if (!options_.allow_own_keys) {
    throw base::Error(
        {.code = ErrorCode::kPermission,
         .operation = "make keys for UNLOAD",
         .subject = subject,
         .message = "no narrowed keys can be had, because " + why,
         .remedy = "Use a role (auth.role_arn, with web_identity_token_file where the keys come "
                   "from one), or a role attached to the namespace (staging.unload_role), or "
                   "long-term keys of a user whose policy has\n"
                   R"({"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"})"
                   "\nor allow the configured keys themselves to stand in the UNLOAD statement, "
                   "where the server may log them (auth.allow_keys_in_unload: true)."});
  }
  WarnOnce("UNLOAD is sent with the configured keys themselves (" + subject + "), because " + why +
           ": the server may log them, and they are not narrowed to the staging prefix");
  return keys;
}

}  // namespace sluice::aws
