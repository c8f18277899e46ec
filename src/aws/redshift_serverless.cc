#include "aws/redshift_serverless.h"

#include <utility>

#include "aws/json_text.h"
#include "aws/service.h"
#include "aws/time_text.h"

namespace sluice::aws {
namespace {

base::Error BadCredentialsReply(const std::string& action, const std::string& subject) {
  return base::Error({.code = base::ErrorCode::kUnavailable,
                      .operation = action,
                      .subject = subject,
                      .message = "AWS's reply lacks what the service documents",
                      .remedy = "Run again; if it lasts, check AWS_ENDPOINT_URL and any proxy on "
                                "the way.",
                      .retryable = true});
}

// The service tells an attached role as its bare ARN, or in the words of its own object, in either
// order of members: "IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::1:role/x)".
std::string RoleArnIn(const std::string& text) {
  const auto start = text.find("arn:");
  if (start == std::string::npos) return text;
  return text.substr(start, text.find_first_of(",) ", start) - start);
}

// The policy may ask for a "dbname" resource that no policy can name (the API's page and the
// service authorization reference disagree).
bool RefusesDatabaseName(const base::Error& error) {
  return error.code() == base::ErrorCode::kPermission &&
         error.info().message.find("dbname") != std::string::npos;
}

}  // namespace

RedshiftServerless::RedshiftServerless(Endpoint endpoint, CredentialProvider& credentials,
                                       http::Transport& transport, const base::Clock& clock,
                                       base::RetryOptions retry)
    : endpoint_(std::move(endpoint)),
      credentials_(credentials),
      transport_(transport),
      clock_(clock),
      retry_(retry) {}

std::string RedshiftServerless::Send(const std::string& action, const std::string& subject,
                                     std::string body, const base::Call& call) {
  const ServiceClient client(Service::kRedshiftServerless, endpoint_, transport_, clock_, retry_);
  std::string reply;
  const ServiceCall request = {.asked = {.operation = action,
                                         .subject = subject,
                                         .action = "redshift-serverless:" + action,
                                         .resource = "*"},
                               .method = "POST",
                               .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                                           {"X-Amz-Target", "RedshiftServerless." + action}},
                               .body = std::move(body),
                               .body_bytes_max = 1 << 20};
  client.Send(request, credentials_, call, [&](const http::Response& response) {
    if (!response.ok()) return false;
    if (!JsonText::Parse(response.body)) throw client.Unreadable(request, response);
    reply = response.body;
    return true;
  });
  return reply;
}

DbCredentials RedshiftServerless::GetCredentialsOnce(const DbCredentialsRequest& request,
                                                     const base::Call& call) {
  const std::string action = "GetCredentials";
  std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>> members = {
      {"workgroupName", request.workgroup}};
  if (!request.database.empty()) members.emplace_back("dbName", request.database);
  members.emplace_back("durationSeconds", static_cast<std::int64_t>(request.duration.count()));
  const std::string subject = "workgroup " + request.workgroup;
  const std::string reply = Send(action, subject, MakeJsonObject(members), call);

  const auto json = JsonText::Parse(reply);
  const auto user = json->String("dbUser");
  const auto password = json->String("dbPassword");
  const auto expiration = json->Number("expiration");
  if (!user || user->empty() || !password || password->empty() || !expiration) {
    throw BadCredentialsReply(action, subject);
  }
  DbCredentials credentials{*user, base::Secret(*password), FromEpochSeconds(*expiration)};
  if (const auto next = json->Number("nextRefreshTime")) {
    credentials.next_refresh = FromEpochSeconds(*next);
  }
  credentials.named_database = !request.database.empty();
  return credentials;
}

DbCredentials RedshiftServerless::GetCredentials(const DbCredentialsRequest& request,
                                                 const base::Call& call) {
  try {
    return GetCredentialsOnce(request, call);
  } catch (const base::Error& error) {
    if (request.database.empty() || !RefusesDatabaseName(error)) throw;
  }
  DbCredentialsRequest without = request;
  without.database.clear();
  return GetCredentialsOnce(without, call);
}

Workgroup RedshiftServerless::GetWorkgroup(const std::string& workgroup, const base::Call& call) {
  const std::string action = "GetWorkgroup";
  const std::string subject = "workgroup " + workgroup;
  const std::string reply =
      Send(action, subject, MakeJsonObject({{"workgroupName", workgroup}}), call);
  const auto json = JsonText::Parse(reply);
  const auto text = [&](const char* path) {
    return json->String(std::string("workgroup/") + path).value_or("");
  };
  Workgroup found{.name = text("workgroupName"),
                  .id = text("workgroupId"),
                  .arn = text("workgroupArn"),
                  .status = text("status"),
                  .namespace_name = text("namespaceName"),
                  .host = text("endpoint/address"),
                  .port = static_cast<int>(json->Number("workgroup/endpoint/port").value_or(0)),
                  .publicly_accessible = json->Bool("workgroup/publiclyAccessible"),
                  .patch_version = text("patchVersion")};
  if (found.name.empty()) throw BadCredentialsReply(action, subject);
  return found;
}

Namespace RedshiftServerless::GetNamespace(const std::string& name, const base::Call& call) {
  const std::string action = "GetNamespace";
  const std::string subject = "namespace " + name;
  const std::string reply = Send(action, subject, MakeJsonObject({{"namespaceName", name}}), call);
  const auto json = JsonText::Parse(reply);
  const auto text = [&](const char* path) {
    return json->String(std::string("namespace/") + path).value_or("");
  };
  Namespace found{.name = text("namespaceName"),
                  .id = text("namespaceId"),
                  .arn = text("namespaceArn"),
                  .status = text("status"),
                  .database = text("dbName"),
                  .admin_user = text("adminUsername"),
                  .default_iam_role_arn = text("defaultIamRoleArn")};
  for (const std::string& role :
       json->Strings("namespace/iamRoles").value_or(std::vector<std::string>())) {
    found.iam_roles.push_back(RoleArnIn(role));
  }
  if (found.name.empty()) throw BadCredentialsReply(action, subject);
  return found;
}

}  // namespace sluice::aws
