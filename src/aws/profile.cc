#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/credentials.h"
#include "aws/shared_files.h"
#include "base/error.h"

namespace sluice::aws {
namespace {

using Found = std::variant<SessionKeys, NotConfigured>;

// Ways to keys that we cannot follow yet; named in the error, as silence would look like a typo.
constexpr std::string_view kUnsupported[] = {"credential_process", "sso_session", "sso_start_url",
                                             "web_identity_token_file", "login_session"};

[[noreturn]] void Refuse(base::ErrorCode code, const std::string& profile, std::string message,
                         std::string remedy) {
  throw base::Error({.code = code,
                     .operation = "get AWS keys",
                     .subject = "profile " + profile,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

class ProfileKeys final : public KeySource {
 public:
  ProfileKeys(ProfileOptions options, Environment environment, Sts& sts)
      : options_(std::move(options)),
        environment_(std::move(environment)),
        sts_(sts),
        name_(ProfileName(environment_, options_.profile)) {}

  // The files are read each time, because what fills them (a login tool) may have renewed them.
  Found Find(const base::Call& call) override {
    profiles_ = ReadProfiles(environment_);
    const std::string where = profiles_.credentials_path + " or " + profiles_.config_path;
    const bool asked_for = !options_.profile.empty() || Lookup(environment_, "AWS_PROFILE");
    if (!profiles_.by_name.contains(name_)) {
      if (!asked_for) return NotConfigured{"profile " + name_ + ": not in " + where};
      Refuse(base::ErrorCode::kInvalidConfig, name_, "there is no such profile in " + where,
             "Check the name (auth.profile or AWS_PROFILE); \"aws configure list-profiles\" shows "
             "them.");
    }
    const Settings& settings = profiles_.by_name.at(name_);
    const bool has_keys = settings.contains("aws_access_key_id") || settings.contains("role_arn") ||
                          Unsupported(settings);
    if (!has_keys && !asked_for) {
      return NotConfigured{"profile " + name_ + ": neither aws_access_key_id nor role_arn"};
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
      Refuse(base::ErrorCode::kInvalidConfig, came_from.empty() ? name : came_from.back(),
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
      Refuse(base::ErrorCode::kInvalidConfig, name, "its source_profile leads back to itself",
             "Let one of the profiles hold keys.");
    }
    return OwnKeys(name, settings);
  }

  SessionKeys OwnKeys(const std::string& name, const Settings& settings) {
    const std::string id = Value(settings, "aws_access_key_id");
    const std::string secret = Value(settings, "aws_secret_access_key");
    if (!id.empty() && !secret.empty()) {
      how_ += "keys " + MaskKeyId(id);
      return {id, base::Secret(secret), base::Secret(Value(settings, "aws_session_token")),
              std::nullopt};
    }
    if (const auto way = Unsupported(settings)) {
      Refuse(base::ErrorCode::kUnsupported, name, "it gets its keys by " + *way,
             "Sluice cannot follow that yet. Export the keys into the environment instead: "
             "eval \"$(aws configure export-credentials --profile " +
                 name + " --format env)\"");
    }
    Refuse(base::ErrorCode::kInvalidConfig, name,
           "it holds neither aws_access_key_id and aws_secret_access_key nor a role_arn",
           "Run \"aws configure --profile " + name + "\".");
  }

  SessionKeys BaseKeys(const std::string& name, const Settings& settings,
                       std::vector<std::string> came_from, const base::Call& call) {
    const std::string source = Value(settings, "source_profile");
    if (!source.empty()) return Resolve(source, std::move(came_from), call);
    const std::string from = Value(settings, "credential_source");
    if (from == "Environment") {
      const auto environment = MakeEnvironmentKeys(environment_);
      Found found = environment->Find(call);
      if (auto* keys = std::get_if<SessionKeys>(&found)) {
        how_ += environment->Describe();
        return std::move(*keys);
      }
      Refuse(base::ErrorCode::kInvalidConfig, name,
             "credential_source is Environment, but AWS_ACCESS_KEY_ID is not set",
             "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
    }
    if (!from.empty()) {
      Refuse(base::ErrorCode::kUnsupported, name,
             "credential_source " + from + " is not supported yet",
             "Use source_profile, or credential_source = Environment.");
    }
    Refuse(base::ErrorCode::kInvalidConfig, name, "role_arn needs source_profile",
           "Name the profile whose keys assume the role.");
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
    const SessionKeys base = BaseKeys(name, settings, std::move(came_from), call);
    return sts_.AssumeRole(base, request, call).keys;
  }

  static std::chrono::seconds ParseDuration(const std::string& name, const std::string& text) {
    int seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size() || seconds < 900 ||
        seconds > 43200) {
      Refuse(base::ErrorCode::kInvalidConfig, name,
             "duration_seconds is not a number from 900 to 43200", "Write the seconds as digits.");
    }
    return std::chrono::seconds(seconds);
  }

  const ProfileOptions options_;
  const Environment environment_;
  Sts& sts_;
  const std::string name_;
  Profiles profiles_;
  std::string how_;
};

}  // namespace

std::unique_ptr<KeySource> MakeProfileKeys(ProfileOptions options, Environment environment,
                                           Sts& sts) {
  return std::make_unique<ProfileKeys>(std::move(options), std::move(environment), sts);
}

}  // namespace sluice::aws
