// Where keys come from: the configuration, the environment, a profile, a web identity token, a
// container's or an instance's role; and a role assumed with any of them.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/session_keys.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/environment.h"
#include "http/transport.h"

namespace sluice::aws {

// Why a source has nothing to offer: not an error, the next one is asked.
struct NotConfigured {
  std::string why;  // "AWS_ACCESS_KEY_ID is not set"
};

// One place to look for keys. Not thread-safe: its provider serializes the calls.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // Throws if it is configured and fails: silently going on with somebody else's keys would be
  // worse. kInvalidConfig for half a configuration, kUnsupported for one we cannot follow.
  virtual std::variant<SessionKeys, NotConfigured> Find(const base::Call& call) = 0;
  // "environment", "profile acme (keys AKIA...WXYZ)".
  virtual std::string Describe() const = 0;
};

// `where` says for people where the keys stood: "configuration".
std::unique_ptr<KeySource> MakeFixedKeys(SessionKeys keys, std::string where);
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
std::unique_ptr<KeySource> MakeEnvironmentKeys(base::Environment environment);

// What sources ask for keys. REQUIRES: all outlive the source.
struct SourceParts {
  base::Environment environment;
  Sts& sts;
  http::Transport& transport;
  const base::Clock& clock;
};

// AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME (else `session_name`).
// The token is read again before each call.
std::unique_ptr<KeySource> MakeWebIdentityKeys(const SourceParts& parts, std::string session_name);

// The agent of ECS or EKS: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, else
// AWS_CONTAINER_CREDENTIALS_FULL_URI (https, or plain to this machine and the agents' addresses
// only), with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, else AWS_CONTAINER_AUTHORIZATION_TOKEN.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
std::unique_ptr<KeySource> MakeContainerKeys(const SourceParts& parts);

// The role of an EC2 instance, by IMDSv2 alone. AWS_EC2_METADATA_DISABLED,
// AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv4, IPv6) count,
// and the profile's settings of those names. Where nobody answers it takes 2 s to say so.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
std::unique_ptr<KeySource> MakeInstanceKeys(const SourceParts& parts);

struct ProfileOptions {
  // Empty: AWS_PROFILE, else "default". A profile named here or there must exist.
  std::string profile;
  std::string session_name = "sluice";  // for profiles with a role_arn
};
// The shared files ~/.aws/credentials and ~/.aws/config, or those named by
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE: keys, or credential_process, or role_arn with
// web_identity_token_file, source_profile (which may be any of these in turn) or credential_source
// (Environment, EcsContainer, Ec2InstanceMetadata), with external_id, role_session_name,
// duration_seconds. A profile that logs in by IAM Identity Center is refused, with the way out.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
std::unique_ptr<KeySource> MakeProfileKeys(ProfileOptions options, const SourceParts& parts);

// The first source that is configured answers, from then on alone. If none is: kInvalidConfig,
// whose message tells why each was not. REQUIRES: `clock` outlives it.
std::unique_ptr<CredentialProvider> MakeChain(std::vector<std::unique_ptr<KeySource>> sources,
                                              const base::Clock& clock);

// Environment, the profile of AWS_PROFILE, web identity, the profile "default", container,
// instance: the order of the AWS SDKs, in which the nearer wins, but for AWS_PROFILE, which they
// rank differently and somebody set on purpose. Only the profile if options.profile is given.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
std::unique_ptr<CredentialProvider> MakeDefaultChain(ProfileOptions options,
                                                     const SourceParts& parts);

// Keys of `request.role_arn`, assumed with keys of `base`, which it shares with whoever else needs
// that identity (unload_keys.h). REQUIRES: `sts` and `clock` outlive it.
std::unique_ptr<CredentialProvider> MakeAssumeRole(AssumeRoleRequest request,
                                                   std::shared_ptr<CredentialProvider> base,
                                                   Sts& sts, const base::Clock& clock);

// Keys of `request.role_arn`, assumed with the web identity token in `token_file` (web_identity.h).
// REQUIRES: `sts` and `clock` outlive it.
std::unique_ptr<CredentialProvider> MakeWebIdentityRole(AssumeRoleRequest request,
                                                        std::string token_file, Sts& sts,
                                                        const base::Clock& clock);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`; nullopt if none says.
std::optional<std::string> DefaultRegion(const base::Environment& environment,
                                         const std::string& profile = "");

}  // namespace sluice::aws
