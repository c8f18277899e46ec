// Where keys come from: the configuration, the environment, a profile, a role assumed with any of
// them. Web identity, container and instance roles join as further KeySources.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/environment.h"
#include "aws/session_keys.h"
#include "aws/sts.h"
#include "base/clock.h"

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
std::unique_ptr<KeySource> MakeEnvironmentKeys(Environment environment);

struct ProfileOptions {
  // Empty: AWS_PROFILE, else "default". A profile named here or there must exist.
  std::string profile;
  std::string session_name = "sluice";  // for profiles with a role_arn
};
// The shared files ~/.aws/credentials and ~/.aws/config, or those named by
// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE: keys, or role_arn with source_profile (which may
// be a role in turn) or credential_source = Environment, with external_id, duration_seconds.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
// REQUIRES: `sts` outlives it.
std::unique_ptr<KeySource> MakeProfileKeys(ProfileOptions options, Environment environment,
                                           Sts& sts);

// The first source that is configured answers, from then on alone. If none is: kInvalidConfig,
// whose message tells why each was not. REQUIRES: `clock` outlives it.
std::unique_ptr<CredentialProvider> MakeChain(std::vector<std::unique_ptr<KeySource>> sources,
                                              const base::Clock& clock);

// Environment, then profile; only the profile if options.profile is given.
std::unique_ptr<CredentialProvider> MakeDefaultChain(ProfileOptions options,
                                                     Environment environment, Sts& sts,
                                                     const base::Clock& clock);

// Keys of `request.role_arn`, assumed with keys of `base`, which it shares with whoever else needs
// that identity (unload_keys.h). REQUIRES: `sts` and `clock` outlive it.
std::unique_ptr<CredentialProvider> MakeAssumeRole(AssumeRoleRequest request,
                                                   std::shared_ptr<CredentialProvider> base,
                                                   Sts& sts, const base::Clock& clock);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`; nullopt if none says.
std::optional<std::string> DefaultRegion(const Environment& environment,
                                         const std::string& profile = "");

// "AKIA...WXYZ": enough to find the key, too little to use it.
std::string MaskKeyId(std::string_view access_key_id);

}  // namespace sluice::aws
