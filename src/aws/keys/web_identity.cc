#include "aws/keys/web_identity.h"

#include <utility>

#include "aws/header_guard.h"
#include "aws/keys/credentials.h"
#include "aws/keys/renewing_provider.h"
#include "aws/shared_files.h"
#include "base/error.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

constexpr std::string_view kFile = "AWS_WEB_IDENTITY_TOKEN_FILE";
constexpr std::string_view kRole = "AWS_ROLE_ARN";

class WebIdentityKeys final : public KeySource {
 public:
  WebIdentityKeys(const SourceParts& parts, std::string session_name)
      : environment_(parts.environment), sts_(parts.sts), session_name_(std::move(session_name)) {}

  std::variant<SessionKeys, NotConfigured> Find(const base::Call& call) override {
    const auto file = base::Lookup(environment_, kFile);
    // A role alone says nothing: other tools set it too.
    if (!file) return NotConfigured{"web identity: " + std::string(kFile) + " is not set"};
    const auto role = base::Lookup(environment_, kRole);
    if (!role) {
      throw base::Error(
          {.code = ErrorCode::kInvalidConfig,
           .operation = "get AWS keys",
           .subject = "environment",
           .message = std::string(kRole) + " is not set, but " + std::string(kFile) + " is",
           .remedy = "Set both variables or neither."});
    }
    AssumeRoleRequest request{
        .role_arn = *role,
        .session_name =
            base::Lookup(environment_, "AWS_ROLE_SESSION_NAME").value_or(session_name_)};
    described_ = "role " + *role + " assumed with the web identity token of " + *file;
    return AssumeByWebIdentity(sts_, *file, request, call).keys;
  }

  std::string Describe() const override { return described_ + " (environment)"; }

 private:
  const base::Environment environment_;
  Sts& sts_;
  const std::string session_name_;
  std::string described_;
};

class WebIdentityRole final : public RenewingProvider {
 public:
  WebIdentityRole(AssumeRoleRequest request, std::string token_file, Sts& sts,
                  const base::Clock& clock)
      : RenewingProvider(clock),
        request_(std::move(request)),
        token_file_(std::move(token_file)),
        sts_(sts) {}

  std::string Describe() const override {
    return "role " + request_.role_arn + " assumed with the web identity token of " + token_file_;
  }

 protected:
  SessionKeys Fetch(const base::Call& call) override {
    return AssumeByWebIdentity(sts_, token_file_, request_, call).keys;
  }

 private:
  const AssumeRoleRequest request_;
  const std::string token_file_;
  Sts& sts_;
};

}  // namespace

AssumedRole AssumeByWebIdentity(Sts& sts, const std::string& token_file,
                                const AssumeRoleRequest& request, const base::Call& call) {
  const base::Secret token = ReadSecretFile(token_file, "web identity token");
  CheckKeyText(token.Reveal(), "the token", "web identity token, file " + token_file);
  try {
    return sts.AssumeRoleWithWebIdentity(token, request, call);
  } catch (const base::Error& error) {
    if (error.code() != ErrorCode::kAuthentication) throw;
    const base::Secret again = ReadSecretFile(token_file, "web identity token");
    if (again == token) throw;
    return sts.AssumeRoleWithWebIdentity(again, request, call);
  }
}

std::unique_ptr<KeySource> MakeWebIdentityKeys(const SourceParts& parts, std::string session_name) {
  return std::make_unique<WebIdentityKeys>(parts, std::move(session_name));
}

std::unique_ptr<CredentialProvider> MakeWebIdentityRole(AssumeRoleRequest request,
                                                        std::string token_file, Sts& sts,
                                                        const base::Clock& clock) {
  return std::make_unique<WebIdentityRole>(std::move(request), std::move(token_file), sts, clock);
}

}  // namespace sluice::aws
