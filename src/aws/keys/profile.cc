#include <algorithm>
#include <map>
#include <utility>

#include "aws/header_guard.h"
#include "aws/keys/credential_process.h"
#include "aws/keys/credentials.h"
#include "aws/keys/web_identity.h"
#include "aws/shared_files.h"
#include "base/error.h"
#include "base/text.h"

namespace sluice::aws {
namespace {

using Found = std::variant<SessionKeys, NotConfigured>;

// Ways to keys that we cannot follow; named in the error, as silence would look like a typo.
constexpr std::string_view kUnsupported[] = {"sso_session", "sso_start_url", "login_session"};

[[noreturn]] void RefuseProfile(base::ErrorCode code, const std::string& profile,
                                std::string message, std::string remedy) {
  throw base::Error({.code = code,
                     .operation = "get AWS keys",
                     .subject = "profile " + profile,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

class ProfileKeys final : public KeySource {
 public:
  ProfileKeys(ProfileOptions options, const SourceParts& parts)
      : options_(std::move(options)),
        parts_(parts),
        environment_(parts.environment),
        sts_(parts.sts),
        name_(ProfileName(environment_, options_.profile)) {}

  // The files are read each time, because what fills them (a login tool) may have renewed them.
  Found Find(const base::Call& call) override {
    profiles_ = ReadProfiles(environment_);
    const std::string where = profiles_.credentials_path + " or " + profiles_.config_path;
    const bool asked_for = !options_.profile.empty() || base::Lookup(environment_, "AWS_PROFILE");
    if (!profiles_.by_name.contains(name_)) {
      if (!asked_for) return NotConfigured{"profile " + name_ + ": not in " + where};
      RefuseProfile(
          base::ErrorCode::kInvalidConfig, name_, "there is no such profile in " + where,
          "Check the name (auth.profile or AWS_PROFILE); \"aws configure list-profiles\" shows "
          "them.");
    }
    const Settings& settings = profiles_.by_name.at(name_);
    const bool has_keys = settings.contains("aws_access_key_id") || settings.contains("role_arn") ||
                          settings.contains("credential_process") || Unsupported(settings);
    if (!has_keys && !asked_for) {
      return NotConfigured{"profile " + name_ +
                           ": neither aws_access_key_id nor role_arn nor credential_process"};
    }
    how_.clear();
    return Resolve(name_, {}, call);
  }

  std::string Describe() const override { return how_ + " (profile " + name_ + ")"; }

 private:
  static std::optional<std::string> Unsupported(const Settings& settings) {
    for (const std::string_view name : kUnsupported) {
      if (settings.contains(name)) return std::string(name);
    }
    return std::nullopt;
  }

  static std::string Value(const Settings& settings, std::string_view name) {
    const auto it = settings.find(name);
    return it == settings.end() ? "" : it->second;
  }

  SessionKeys Resolve(const std::string& name, std::vector<std::string> came_from,
                      const base::Call& call) {
    const auto found = profiles_.by_name.find(name);
    if (found == profiles_.by_name.end()) {
      RefuseProfile(base::ErrorCode::kInvalidConfig, came_from.empty() ? name : came_from.back(),
                    "its source_profile " + name + " does not exist", "Check source_profile.");
    }
    const Settings& settings = found->second;
    // A role whose source is itself is assumed with its own keys.
    const bool visited = std::find(came_from.begin(), came_from.end(), name) != came_from.end();
    if (!Value(settings, "role_arn").empty() && !visited) {
      came_from.push_back(name);
      return AssumeRole(name, settings, std::move(came_from), call);
    }
    if (visited && came_from.back() != name) {
      RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                    "its source_profile leads back to itself",
                    "Let one of the profiles hold keys.");
    }
    return OwnKeys(name, settings, call);
  }

  SessionKeys OwnKeys(const std::string& name, const Settings& settings, const base::Call& call) {
    const std::string id = Value(settings, "aws_access_key_id");
    const std::string secret = Value(settings, "aws_secret_access_key");
    if (!id.empty() && !secret.empty()) {
      const std::string token = Value(settings, "aws_session_token");
      CheckKeyText(id, "aws_access_key_id", "profile " + name);
      CheckKeyText(secret, "aws_secret_access_key", "profile " + name);
      CheckKeyText(token, "aws_session_token", "profile " + name);
      how_ += "keys " + MaskKeyId(id);
      return {id, base::Secret(secret), base::Secret(token), std::nullopt};
    }
    const std::string command = Value(settings, "credential_process");
    if (!command.empty()) {
      SessionKeys keys =
          RunCredentialProcess({.command = command, .profile = name}, parts_.clock, call);
      how_ += "keys " + MaskKeyId(keys.access_key_id) + " of credential_process";
      return keys;
    }
    if (const auto way = Unsupported(settings)) {
      RefuseMissingSession(name, settings);
      RefuseProfile(
          base::ErrorCode::kUnsupported, name, "it gets its keys by " + *way,
          "Sluice cannot follow that yet. Log in and export the keys into the environment "
          "instead:\n"
          "aws sso login --profile " +
              name + "\neval \"$(aws configure export-credentials --profile " + name +
              " --format env)\"");
    }
    if (!id.empty() || !secret.empty()) {
      RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                    std::string("it holds ") +
                        (id.empty() ? "aws_secret_access_key but no aws_access_key_id"
                                    : "aws_access_key_id but no aws_secret_access_key"),
                    "Keys come in twos: run \"aws configure --profile " + name + "\".");
    }
    RefuseProfile(
        base::ErrorCode::kInvalidConfig, name,
        "it holds neither aws_access_key_id and aws_secret_access_key nor a role_arn nor a "
        "credential_process",
        "Run \"aws configure --profile " + name + "\".");
  }

  // A log-in that names a section which is not there is a typing error before it is anything else.
  void RefuseMissingSession(const std::string& name, const Settings& settings) const {
    const std::string session = Value(settings, "sso_session");
    if (session.empty() || profiles_.sso_sessions.contains(session)) return;
    RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                  "its sso_session " + session + " does not exist in " + profiles_.config_path,
                  "Correct sso_session, or add a section [sso-session " + session +
                      "] (aws configure sso-session).");
  }

  // MFA needs a person; AWS would answer a refusal of the trust policy.
  static void RefuseMfa(const std::string& name, const Settings& settings) {
    if (Value(settings, "mfa_serial").empty()) return;
    RefuseProfile(
        base::ErrorCode::kUnsupported, name,
        "its role wants a code of a device (mfa_serial), and Sluice runs without a person",
        "Log in with the code and export the keys:\n"
        "eval \"$(aws configure export-credentials --profile " +
            name +
            " --format env)\"\nor let Sluice assume a role whose trust policy asks for no MFA.");
  }

  SessionKeys BaseKeys(const std::string& name, const Settings& settings,
                       std::vector<std::string> came_from, const base::Call& call) {
    const std::string source = Value(settings, "source_profile");
    if (!source.empty()) return Resolve(source, std::move(came_from), call);
    const std::string from = Value(settings, "credential_source");
    if (!from.empty()) return SourceKeys(name, from, call);
    RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                  "role_arn needs source_profile, credential_source or web_identity_token_file",
                  "Name in profile " + name +
                      " whose keys assume the role:\nsource_profile = <profile with keys>\nor\n"
                      "credential_source = Environment   # or EcsContainer, Ec2InstanceMetadata");
  }

  SessionKeys SourceKeys(const std::string& name, const std::string& from, const base::Call& call) {
    std::unique_ptr<KeySource>& source = sources_[from];
    if (!source && from == "Environment") source = MakeEnvironmentKeys(environment_);
    if (!source && from == "EcsContainer") source = MakeContainerKeys(parts_);
    if (!source && from == "Ec2InstanceMetadata") source = MakeInstanceKeys(parts_);
    if (!source) {
      RefuseProfile(
          base::ErrorCode::kInvalidConfig, name, "there is no credential_source " + from,
          "Write credential_source = Environment, EcsContainer or Ec2InstanceMetadata (their "
          "case counts); for the keys of another profile, source_profile.");
    }
    Found found = source->Find(call);
    if (const auto* absent = std::get_if<NotConfigured>(&found)) {
      RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                    "credential_source is " + from + ", but that has no keys: " + absent->why,
                    "Use source_profile, or run where the keys are.");
    }
    how_ += source->Describe();
    return std::move(std::get<SessionKeys>(found));
  }

  SessionKeys AssumeRole(const std::string& name, const Settings& settings,
                         std::vector<std::string> came_from, const base::Call& call) {
    AssumeRoleRequest request{.role_arn = Value(settings, "role_arn"),
                              .session_name = options_.session_name,
                              .external_id = Value(settings, "external_id")};
    const std::string session_name = Value(settings, "role_session_name");
    if (!session_name.empty()) request.session_name = session_name;
    const std::string duration = Value(settings, "duration_seconds");
    if (!duration.empty()) request.duration = ParseDuration(name, duration);
    how_ += "role " + request.role_arn + " assumed with ";
    const std::string token_file = Value(settings, "web_identity_token_file");
    if (!token_file.empty()) {
      how_ += "the web identity token of " + token_file;
      // The call has no external id; the token's claims stand in for it.
      request.external_id.clear();
      return AssumeByWebIdentity(sts_, token_file, request, call).keys;
    }
    RefuseMfa(name, settings);
    const SessionKeys base = BaseKeys(name, settings, std::move(came_from), call);
    CheckRoleArn(name, request.role_arn);
    return sts_.AssumeRole(base, request, call).keys;
  }

  static void CheckRoleArn(const std::string& name, const std::string& arn) {
    if (arn.starts_with("arn:") && arn.find(":role/") != std::string::npos) return;
    RefuseProfile(base::ErrorCode::kInvalidConfig, name, "its role_arn is not the ARN of a role",
                  "Write role_arn = arn:aws:iam::<account>:role/<name>");
  }

  static std::chrono::seconds ParseDuration(const std::string& name, const std::string& text) {
    const auto seconds = base::ParseNumber<int>(text);
    if (!seconds || *seconds < 900 || *seconds > 43200) {
      RefuseProfile(base::ErrorCode::kInvalidConfig, name,
                    "duration_seconds is not a number from 900 to 43200",
                    "Write the seconds as digits.");
    }
    return std::chrono::seconds(*seconds);
  }

  const ProfileOptions options_;
  const SourceParts parts_;
  const base::Environment environment_;
  Sts& sts_;
  const std::string name_;
  Profiles profiles_;
  std::string how_;
  std::map<std::string, std::unique_ptr<KeySource>> sources_;  // by credential_source
};

}  // namespace

std::unique_ptr<KeySource> MakeProfileKeys(ProfileOptions options, const SourceParts& parts) {
  return std::make_unique<ProfileKeys>(std::move(options), parts);
}

}  // namespace sluice::aws
