#include <algorithm>
#include <utility>

#include "aws/json_text.h"
#include "aws/keys/credentials.h"
#include "aws/keys/keys_json.h"
#include "aws/keys/local_endpoint.h"
#include "aws/shared_files.h"
#include "aws/sigv4.h"
#include "base/error.h"
#include "base/text.h"
#include "http/url.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
constexpr std::string_view kIpv4 = "http://169.254.169.254";
constexpr std::string_view kIpv6 = "http://[fd00:ec2::254]";
constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kTokenLife = "21600";  // seconds, the longest; used for one fetch

// Why the service has no keys for us; leaves through Find only.
struct NoKeys {
  std::string why;
};

// Never IMDSv1: it answers requests that others trick a program on the instance into sending.
class InstanceKeys final : public KeySource {
 public:
  explicit InstanceKeys(const SourceParts& parts)
      : environment_(parts.environment), transport_(parts.transport), clock_(parts.clock) {}

  std::variant<SessionKeys, NotConfigured> Find(const base::Call& call) override {
    try {
      endpoint_ = Endpoint();
      SessionKeys keys = Fetch(call);
      answered_ = true;
      return keys;
    } catch (const NoKeys& none) {
      if (!answered_) return NotConfigured{"instance metadata: " + none.why};
      // The keys came from here before, so this is a failure and not a missing configuration.
      Refuse(ErrorCode::kUnavailable, none.why,
             "Run again; check that the instance still has its role and its metadata service.");
    }
  }

  std::string Describe() const override {
    return "keys " + MaskKeyId(id_) + " (role " + role_ + " of this instance)";
  }

 private:
  [[noreturn]] void Refuse(ErrorCode code, std::string message, std::string remedy) const {
    throw base::Error(
        {.code = code,
         .operation = "get AWS keys",
         .subject = "instance metadata of " + std::string(http::AuthorityOf(endpoint_)),
         .message = std::move(message),
         .remedy = std::move(remedy),
         .retryable = code == ErrorCode::kUnavailable});
  }

  std::optional<std::string> Setting(std::string_view variable, std::string_view setting) const {
    if (auto value = base::Lookup(environment_, variable)) return value;
    return ProfileSetting(environment_, "", setting);
  }

  std::string Endpoint() const {
    if (base::Lower(base::Lookup(environment_, "AWS_EC2_METADATA_DISABLED").value_or("")) ==
        "true") {
      throw NoKeys{"AWS_EC2_METADATA_DISABLED is true"};
    }
    auto given = Setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    if (given) {
      while (given->ends_with('/')) given->pop_back();
      if (!http::HostOf(*given).empty()) return *given;
      throw base::Error({.code = ErrorCode::kInvalidConfig,
                         .operation = "get AWS keys",
                         .subject = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                         .message = "it is not an http or https address",
                         .remedy = "Write it as " + std::string(kIpv4) + ", or unset it."});
    }
    const std::string mode = base::Lower(
        Setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode")
            .value_or("ipv4"));
    if (mode == "ipv4") return std::string(kIpv4);
    if (mode == "ipv6") return std::string(kIpv6);
    throw base::Error({.code = ErrorCode::kInvalidConfig,
                       .operation = "get AWS keys",
                       .subject = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                       .message = "it is neither IPv4 nor IPv6",
                       .remedy = "Write IPv4 or IPv6, or unset it."});
  }

  http::Response Ask(const std::string& method, std::string_view path, http::Header header,
                     const base::Call& call) {
    http::Request request{.method = method,
                          .url = endpoint_ + std::string(path),
                          .headers = {std::move(header)},
                          .operation = "get AWS keys",
                          .subject = "instance metadata"};
    http::Response response = AskNearby(std::move(request), transport_, clock_, call);
    if (response.status < 500) return response;
    Refuse(ErrorCode::kUnavailable, "it answered HTTP " + std::to_string(response.status),
           "Run again; the instance's metadata service is not well.");
  }

  base::Secret Token(const base::Call& call) {
    http::Response response;
    try {
      response = Ask("PUT", kTokenPath,
                     {"X-aws-ec2-metadata-token-ttl-seconds", std::string(kTokenLife)}, call);
    } catch (const base::Error& error) {
      if (call.deadline.Expired(clock_)) throw;
      const std::string who = std::string(http::AuthorityOf(endpoint_));
      if (error.code() == ErrorCode::kUnreachable) {
        throw NoKeys{who + " does not answer; this is not an EC2 instance"};
      }
      if (error.code() == ErrorCode::kTimeout) {
        throw NoKeys{who +
                     " does not answer; in a container on EC2 the instance's metadata hop limit "
                     "must be 2"};
      }
      throw;
    }
    if (response.status == 403) throw NoKeys{"it is switched off on this instance (HTTP 403)"};
    if (!response.ok() || !http::IsHeaderValue(response.body)) {
      throw NoKeys{"it gave no IMDSv2 token (HTTP " + std::to_string(response.status) + ")"};
    }
    return base::Secret(std::move(response.body));
  }

  SessionKeys Fetch(const base::Call& call) {
    const base::Secret token = Token(call);
    const auto get = [&](const std::string& path) {
      return Ask("GET", path, {"X-aws-ec2-metadata-token", token.Reveal()}, call);
    };
    const http::Response roles = get(std::string(kRolePath));
    if (roles.status == 404) throw NoKeys{"no role is attached to this instance"};
    std::string role = roles.body.substr(0, roles.body.find_first_of("\r\n"));
    if (!roles.ok() || role.empty()) {
      Refuse(ErrorCode::kUnavailable, "it did not name the instance's role",
             "Attach a role to the instance (EC2, Actions, Security, Modify IAM role).");
    }
    const http::Response reply = get(std::string(kRolePath) + UriEncode(role));
    const auto json = JsonText::Parse(reply.body);
    const std::string code = json ? json->String("Code").value_or("Success") : "";
    if (!reply.ok() || code != "Success") {
      Refuse(ErrorCode::kUnavailable,
             "it has no keys for role " + role + " (HTTP " + std::to_string(reply.status) +
                 (IsWord(code) ? ", " + code : "") + ")",
             "Check the role of the instance and its trust policy (Principal "
             "{\"Service\":\"ec2.amazonaws.com\"}).");
    }
    SessionKeys keys = ReadKeysJson(
        reply.body, "Token", "instance metadata of " + std::string(http::AuthorityOf(endpoint_)),
        clock_.Utc());
    role_ = std::move(role);
    id_ = keys.access_key_id;
    return keys;
  }

  // The service's own codes are words; anything else is not shown.
  static bool IsWord(const std::string& code) {
    return !code.empty() && code.size() <= 64 && std::all_of(code.begin(), code.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
  }

  const base::Environment environment_;
  http::Transport& transport_;
  const base::Clock& clock_;
  std::string endpoint_;
  bool answered_ = false;
  std::string role_;
  std::string id_;
};

}  // namespace

std::unique_ptr<KeySource> MakeInstanceKeys(const SourceParts& parts) {
  return std::make_unique<InstanceKeys>(parts);
}

}  // namespace sluice::aws
