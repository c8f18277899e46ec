#include "aws/sts.h"

#include <algorithm>

#include "aws/header_guard.h"
#include "aws/query_protocol.h"
#include "aws/service.h"
#include "aws/time_text.h"
#include "aws/xml.h"

namespace sluice::aws {
namespace {

using Parameters = QueryMembers;

constexpr std::string_view kStsVersion = "2011-06-15";

// Keys that were chosen already, as a provider.
class TheseKeys final : public CredentialProvider {
 public:
  explicit TheseKeys(SessionKeys keys) : keys_(std::move(keys)) {}
  SessionKeys Get(std::chrono::seconds, const base::Call&) override { return keys_; }
  std::string Describe() const override { return "given keys"; }

 private:
  const SessionKeys keys_;
};

base::Error BadReply(const std::string& action) {
  return base::Error({.code = base::ErrorCode::kUnavailable,
                      .operation = action,
                      .subject = "STS",
                      .message = "AWS's reply lacks what the service documents",
                      .remedy = "Run again; if it lasts, check AWS_ENDPOINT_URL and any proxy on "
                                "the way.",
                      .retryable = true});
}

SessionKeys KeysOf(const std::string& action, const XmlNode& root) {
  const XmlNode* result = root.Child(action + "Result");
  const XmlNode* found = result == nullptr ? nullptr : result->Child("Credentials");
  if (found == nullptr) throw BadReply(action);
  SessionKeys keys{std::string(found->Text("AccessKeyId")),
                   base::Secret(std::string(found->Text("SecretAccessKey"))),
                   base::Secret(std::string(found->Text("SessionToken"))),
                   ParseIsoTime(found->Text("Expiration"))};
  if (keys.access_key_id.empty() || keys.secret_access_key.empty() || keys.session_token.empty() ||
      !keys.expiration) {
    throw BadReply(action);
  }
  CheckKeys(keys, "reply of STS, " + action);
  return keys;
}

XmlNode Parse(const std::string& action, const std::string& text) {
  auto root = ParseXml(text);
  if (!root || root->name != action + "Response") throw BadReply(action);
  return std::move(*root);
}

Parameters ParametersOf(const AssumeRoleRequest& request) {
  Parameters parameters = {{"RoleArn", request.role_arn},
                           {"RoleSessionName", request.session_name},
                           {"DurationSeconds", std::to_string(request.duration.count())}};
  if (!request.external_id.empty()) parameters.emplace_back("ExternalId", request.external_id);
  if (!request.policy.empty()) parameters.emplace_back("Policy", request.policy);
  for (std::size_t i = 0; i < request.tags.size(); ++i) {
    const std::string member = "Tags.member." + std::to_string(i + 1);  // Lists count from 1.
    parameters.emplace_back(member + ".Key", request.tags[i].key);
    parameters.emplace_back(member + ".Value", request.tags[i].value);
  }
  return parameters;
}

// Takes the first good reply into `kept`.
std::function<bool(const http::Response&)> Keeper(const ServiceClient& client,
                                                  const ServiceCall& request,
                                                  http::Response& kept) {
  return [&client, &request, &kept](const http::Response& response) {
    if (!response.ok()) return false;
    const auto root = ParseXml(response.body);
    if (!root || root->name != request.asked.operation + "Response") {
      throw client.Unreadable(request, response);
    }
    kept = response;
    return true;
  };
}

std::optional<std::chrono::seconds> ClockAhead(const http::Response& reply, base::UtcTime now) {
  const std::string* date = reply.Find("date");
  const auto server = ParseHttpDate(date == nullptr ? "" : *date);
  if (!server) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(now - *server);
}

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

}  // namespace

Sts::Sts(Endpoint endpoint, http::Transport& transport, const base::Clock& clock,
         base::RetryOptions retry)
    : endpoint_(std::move(endpoint)), transport_(transport), clock_(clock), retry_(retry) {}

http::Response Sts::Send(const SessionKeys& keys, const std::string& action,
                         const std::string& subject, const Parameters& parameters,
                         const base::Call& call) {
  const ServiceClient client(Service::kSts, endpoint_, transport_, clock_, retry_);
  TheseKeys provider(keys);
  const ServiceCall request = CallOf(action, subject, parameters);
  http::Response reply;
  client.Send(request, provider, call, Keeper(client, request, reply));
  return reply;
}

ServiceCall Sts::CallOf(const std::string& action, const std::string& subject,
                        const Parameters& parameters) const {
  return {.asked = {.operation = action,
                    .subject = subject,
                    .action = "sts:" + action,
                    .resource = subject.starts_with("role ") ? subject.substr(5) : "*"},
          .method = "POST",
          .headers = {{"Content-Type", std::string(kFormType)}},
          .body = QueryForm(action, kStsVersion, parameters),
          .body_bytes_max = 1 << 20};
}

AssumedRole Sts::AssumeRoleWithWebIdentity(const base::Secret& token,
                                           const AssumeRoleRequest& request,
                                           const base::Call& call) {
  const std::string action = "AssumeRoleWithWebIdentity";
  Parameters parameters = ParametersOf(request);
  parameters.emplace_back("WebIdentityToken", token.Reveal());
  const ServiceClient client(Service::kSts, endpoint_, transport_, clock_, retry_);
  const ServiceCall asked = CallOf(action, "role " + request.role_arn, parameters);
  http::Response reply;
  client.SendUnsigned(asked, token, call, Keeper(client, asked, reply));
  const XmlNode root = Parse(action, reply.body);
  return {KeysOf(action, root), std::string(root.Text(action + "Result/AssumedRoleUser/Arn"))};
}

CallerIdentity Sts::GetCallerIdentity(const SessionKeys& keys, const base::Call& call) {
  const std::string action = "GetCallerIdentity";
  const http::Response reply = Send(keys, action, "STS", {}, call);
  const auto clock_ahead = ClockAhead(reply, clock_.Utc());
  const XmlNode root = Parse(action, reply.body);
  const auto text = [&](const char* name) {
    return std::string(root.Text(action + "Result/" + name));
  };
  CallerIdentity identity{text("Account"), text("Arn"), text("UserId"), clock_ahead};
  if (identity.account.empty() || identity.arn.empty()) throw BadReply(action);
  return identity;
}

AssumedRole Sts::AssumeRole(const SessionKeys& keys, const AssumeRoleRequest& request,
                            const base::Call& call) {
  const std::string action = "AssumeRole";
  const XmlNode root = Parse(
      action, Send(keys, action, "role " + request.role_arn, ParametersOf(request), call).body);
  return {KeysOf(action, root), std::string(root.Text("AssumeRoleResult/AssumedRoleUser/Arn"))};
}

SessionKeys Sts::GetFederationToken(const SessionKeys& keys, const std::string& name,
                                    const std::string& policy, std::chrono::seconds duration,
                                    const base::Call& call) {
  const std::string action = "GetFederationToken";
  const Parameters parameters = {
      {"Name", name}, {"Policy", policy}, {"DurationSeconds", std::to_string(duration.count())}};
  return KeysOf(action, Parse(action, Send(keys, action, "user " + name, parameters, call).body));
}

SessionKeys Sts::GetSessionToken(const SessionKeys& keys, std::chrono::seconds duration,
                                 const base::Call& call) {
  const std::string action = "GetSessionToken";
  const Parameters parameters = {{"DurationSeconds", std::to_string(duration.count())}};
  return KeysOf(action, Parse(action, Send(keys, action, "STS", parameters, call).body));
}

std::string RoleSessionName(std::string_view connection, std::size_t length_max) {
  std::string name = "sluice-" + std::string(connection);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !IsNameCharacter(c); }, '-');
  return name.substr(0, length_max);
}

}  // namespace sluice::aws
