#include <algorithm>
#include <array>
#include <utility>

#include "aws/keys/credentials.h"
#include "aws/keys/keys_json.h"
#include "aws/keys/local_endpoint.h"
#include "aws/shared_files.h"
#include "base/error.h"
#include "http/url.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr std::string_view kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
// Of the agents of ECS and EKS:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
constexpr std::string_view kEcsHost = "169.254.170.2";
constexpr std::array<std::string_view, 5> kPlainHosts = {kEcsHost, "169.254.170.23", "fd00:ec2::23",
                                                         "localhost", "::1"};

[[noreturn]] void RefuseContainer(ErrorCode code, const std::string& subject, std::string message,
                                  std::string remedy) {
  throw base::Error({.code = code,
                     .operation = "get AWS keys",
                     .subject = subject,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

// "127.x.y.z" as digits and dots only: "127.evil.example" is another host.
bool IsLoopbackAddress(std::string_view host) {
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

class ContainerKeys final : public KeySource {
 public:
  explicit ContainerKeys(const SourceParts& parts)
      : environment_(parts.environment), transport_(parts.transport), clock_(parts.clock) {}

  std::variant<SessionKeys, NotConfigured> Find(const base::Call& call) override {
    const auto url = Url();
    if (!url) return NotConfigured{"container: " + std::string(kRelative) + " is not set"};
    subject_ = "container credentials of " + std::string(http::AuthorityOf(*url));
    http::Request request{.url = *url, .operation = "get AWS keys", .subject = subject_};
    if (const auto token = Token()) {
      request.headers.push_back({"Authorization", token->Reveal()});
    }
    const http::Response response = AskNearby(std::move(request), transport_, clock_, call);
    if (!response.ok()) RefuseStatus(response.status);
    SessionKeys keys = ReadKeysJson(response.body, "Token", subject_, clock_.Utc());
    id_ = keys.access_key_id;
    return keys;
  }

  std::string Describe() const override { return "keys " + MaskKeyId(id_) + " (" + subject_ + ")"; }

 private:
  std::optional<std::string> Url() const {
    if (const auto relative = base::Lookup(environment_, kRelative)) {
      if (relative->front() == '/') return "http://" + std::string(kEcsHost) + *relative;
      RefuseContainer(ErrorCode::kInvalidConfig, std::string(kRelative),
                      "it does not begin with '/'",
                      "ECS sets it by itself; do not set it by hand.");
    }
    auto full = base::Lookup(environment_, kFull);
    if (!full) return std::nullopt;
    const std::string_view host = http::HostOf(*full);
    if (host.empty()) {
      RefuseContainer(ErrorCode::kInvalidConfig, std::string(kFull),
                      "it is not an http or https address",
                      "Write it as http://localhost:port/path or https://host/path.");
    }
    const bool plain_is_fine =
        IsLoopbackAddress(host) ||
        std::find(kPlainHosts.begin(), kPlainHosts.end(), host) != kPlainHosts.end();
    if (!full->starts_with("https://") && !plain_is_fine) {
      RefuseContainer(ErrorCode::kInvalidConfig, std::string(kFull),
                      "keys would travel in the clear to host " + std::string(host),
                      "Use https, or an address of this machine or of the ECS or EKS agent.");
    }
    return full;
  }

  // The file is read each time, because it rotates.
  std::optional<base::Secret> Token() const {
    std::optional<base::Secret> token;
    std::string_view from = kToken;
    if (const auto file = base::Lookup(environment_, kTokenFile)) {
      from = kTokenFile;
      token = ReadSecretFile(*file, std::string(kTokenFile));
    } else if (const auto text = base::Lookup(environment_, kToken)) {
      token = base::Secret(*text);
    }
    if (token && !http::IsHeaderValue(token->Reveal())) {
      RefuseContainer(ErrorCode::kInvalidConfig, std::string(from),
                      "the token holds line breaks or other bytes that no header may hold",
                      "Give the token alone, on one line.");
    }
    return token;
  }

  [[noreturn]] void RefuseStatus(int status) const {
    const std::string message = "it answered HTTP " + std::to_string(status);
    if (status >= 500 || status == 429) {
      RefuseContainer(ErrorCode::kUnavailable, subject_, message,
                      "Run again; if it lasts, restart the container or the agent beside it.");
    }
    if (status == 401 || status == 403) {
      RefuseContainer(ErrorCode::kAuthentication, subject_, message,
                      "The agent does not accept the token of " + std::string(kTokenFile) + " or " +
                          std::string(kToken) + ": check that it is this container's own.");
    }
    RefuseContainer(ErrorCode::kAuthentication, subject_, message,
                    "Check that the task or pod has a role (ECS: taskRoleArn; EKS: a pod identity "
                    "association).");
  }

  const base::Environment environment_;
  http::Transport& transport_;
  const base::Clock& clock_;
  std::string subject_ = "container credentials";
  std::string id_;
};

}  // namespace

std::unique_ptr<KeySource> MakeContainerKeys(const SourceParts& parts) {
  return std::make_unique<ContainerKeys>(parts);
}

}  // namespace sluice::aws
