#include "aws/keys/credentials.h"

#include <utility>

#include "aws/header_guard.h"
#include "aws/keys/renewing_provider.h"
#include "aws/shared_files.h"
#include "base/error.h"

namespace sluice::aws {
namespace {

using Found = std::variant<SessionKeys, NotConfigured>;

class FixedKeys final : public KeySource {
 public:
  FixedKeys(SessionKeys keys, std::string where)
      : keys_(std::move(keys)), where_(std::move(where)) {}

  Found Find(const base::Call&) override {
    if (keys_.access_key_id.empty() && keys_.secret_access_key.empty()) {
      return NotConfigured{where_ + ": no keys"};
    }
    if (keys_.access_key_id.empty() || keys_.secret_access_key.empty()) {
      throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                         .operation = "get AWS keys",
                         .subject = where_,
                         .message = "access key id and secret access key need each other",
                         .remedy = "Give both."});
    }
    CheckKeys(keys_, where_);
    return keys_;
  }
  std::string Describe() const override {
    return "keys " + MaskKeyId(keys_.access_key_id) + " (" + where_ + ")";
  }

 private:
  const SessionKeys keys_;
  const std::string where_;
};

class EnvironmentKeys final : public KeySource {
 public:
  explicit EnvironmentKeys(base::Environment environment) : environment_(std::move(environment)) {}

  Found Find(const base::Call&) override {
    const auto id = base::Lookup(environment_, "AWS_ACCESS_KEY_ID");
    const auto secret = base::Lookup(environment_, "AWS_SECRET_ACCESS_KEY");
    if (!id && !secret) return NotConfigured{"environment: AWS_ACCESS_KEY_ID is not set"};
    if (!id || !secret) {
      throw base::Error(
          {.code = base::ErrorCode::kInvalidConfig,
           .operation = "get AWS keys",
           .subject = "environment",
           .message = std::string(id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID") +
                      " is not set, but its counterpart is",
           .remedy = "Set both variables or neither."});
    }
    const base::Secret token(base::Lookup(environment_, "AWS_SESSION_TOKEN").value_or(""));
    CheckKeyText(*id, "AWS_ACCESS_KEY_ID", "environment");
    CheckKeyText(*secret, "AWS_SECRET_ACCESS_KEY", "environment");
    CheckKeyText(token.Reveal(), "AWS_SESSION_TOKEN", "environment");
    id_ = *id;
    return SessionKeys{*id, base::Secret(*secret), token, std::nullopt};
  }
  std::string Describe() const override { return "keys " + MaskKeyId(id_) + " (environment)"; }

 private:
  const base::Environment environment_;
  std::string id_;
};

class Chain final : public RenewingProvider {
 public:
  Chain(std::vector<std::unique_ptr<KeySource>> sources, const base::Clock& clock)
      : RenewingProvider(clock), sources_(std::move(sources)) {}

  std::string Describe() const override {
    const std::lock_guard lock(mu_);
    return described_;
  }

 protected:
  SessionKeys Fetch(const base::Call& call) override {
    if (answered_ != nullptr) return Take(*answered_, call).value();
    std::string why;
    for (const auto& source : sources_) {
      if (auto keys = Take(*source, call, &why)) {
        answered_ = source.get();
        return std::move(*keys);
      }
    }
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "get AWS keys",
                       .message = "no AWS keys are configured: " + why,
                       .remedy = "Set auth in the configuration (access_key_id and "
                                 "secret_access_key, or profile), or AWS_ACCESS_KEY_ID and "
                                 "AWS_SECRET_ACCESS_KEY in the environment, or run where AWS gives "
                                 "a role: an instance, a task or a pod.",
                       .reason = "no_keys"});
  }

 private:
  std::optional<SessionKeys> Take(KeySource& source, const base::Call& call,
                                  std::string* why = nullptr) {
    Found found = source.Find(call);
    if (auto* keys = std::get_if<SessionKeys>(&found)) {
      const std::lock_guard lock(mu_);
      described_ = source.Describe();
      return std::move(*keys);
    }
    const auto& absent = std::get<NotConfigured>(found);
    if (why != nullptr) {
      *why += (why->empty() ? "" : "; ") + absent.why;
      return std::nullopt;
    }
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "get AWS keys",
                       .message = "the keys used so far are no longer configured: " + absent.why,
                       .remedy = "Restore them, or start Sluice again."});
  }

  const std::vector<std::unique_ptr<KeySource>> sources_;
  KeySource* answered_ = nullptr;  // used by Fetch alone, one thread at a time
  mutable std::mutex mu_;
  std::string described_ = "no keys yet";  // guarded by mu_
};

class AssumedRoleKeys final : public RenewingProvider {
 public:
  AssumedRoleKeys(AssumeRoleRequest request, std::shared_ptr<CredentialProvider> base, Sts& sts,
                  const base::Clock& clock)
      : RenewingProvider(clock), request_(std::move(request)), base_(std::move(base)), sts_(sts) {}

  std::string Describe() const override {
    return "role " + request_.role_arn + " assumed with " + base_->Describe();
  }

 protected:
  SessionKeys Fetch(const base::Call& call) override {
    // The base keys sign one call now; how long they live after it does not matter.
    return UseKeys(*base_, std::chrono::seconds(60), call, [&](const SessionKeys& keys) {
      return sts_.AssumeRole(keys, request_, call).keys;
    });
  }

 private:
  const AssumeRoleRequest request_;
  const std::shared_ptr<CredentialProvider> base_;
  Sts& sts_;
};

}  // namespace

std::unique_ptr<KeySource> MakeFixedKeys(SessionKeys keys, std::string where) {
  return std::make_unique<FixedKeys>(std::move(keys), std::move(where));
}

std::unique_ptr<KeySource> MakeEnvironmentKeys(base::Environment environment) {
  return std::make_unique<EnvironmentKeys>(std::move(environment));
}

std::unique_ptr<CredentialProvider> MakeChain(std::vector<std::unique_ptr<KeySource>> sources,
                                              const base::Clock& clock) {
  return std::make_unique<Chain>(std::move(sources), clock);
}

std::unique_ptr<CredentialProvider> MakeDefaultChain(ProfileOptions options,
                                                     const SourceParts& parts) {
  std::vector<std::unique_ptr<KeySource>> sources;
  if (!options.profile.empty()) {
    sources.push_back(MakeProfileKeys(std::move(options), parts));
    return MakeChain(std::move(sources), parts.clock);
  }
  const bool asked_for = base::Lookup(parts.environment, "AWS_PROFILE").has_value();
  sources.push_back(MakeEnvironmentKeys(parts.environment));
  if (asked_for) sources.push_back(MakeProfileKeys(options, parts));
  sources.push_back(MakeWebIdentityKeys(parts, options.session_name));
  if (!asked_for) sources.push_back(MakeProfileKeys(options, parts));
  sources.push_back(MakeContainerKeys(parts));
  sources.push_back(MakeInstanceKeys(parts));
  return MakeChain(std::move(sources), parts.clock);
}

std::unique_ptr<CredentialProvider> MakeAssumeRole(AssumeRoleRequest request,
                                                   std::shared_ptr<CredentialProvider> base,
                                                   Sts& sts, const base::Clock& clock) {
  return std::make_unique<AssumedRoleKeys>(std::move(request), std::move(base), sts, clock);
}

std::optional<std::string> DefaultRegion(const base::Environment& environment,
                                         const std::string& profile) {
  if (auto region = base::Lookup(environment, "AWS_REGION")) return region;
  if (auto region = base::Lookup(environment, "AWS_DEFAULT_REGION")) return region;
  return ProfileSetting(environment, profile, "region");
}

}  // namespace sluice::aws
