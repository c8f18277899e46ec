#include "aws/redshift_serverless.h"

#include <utility>

#include "aws/json_text.h"
#include "aws/service.h"
#include "aws/time_text.h"

namespace sluice::aws {
namespace {

base::Error BadReply(const std::string& action, const std::string& workgroup) {
  return ServiceClient::Unreadable(
      {.asked = {.operation = action, .subject = "workgroup " + workgroup}});
}

// The policy may ask for a "dbname" resource that no policy can name (REF: the API's text against
// the authorization reference).
bool RefusesDatabaseName(const base::Error& error) {
  return error.code() == base::ErrorCode::kPermission &&
         error.info().message.find("dbname") != std::string::npos;
}

}  // namespace

RedshiftServerless::RedshiftServerless(Endpoint endpoint, CredentialProvider& credentials,
                                       HttpTransport& transport, const base::Clock& clock,
                                       base::RetryOptions retry)
    : endpoint_(std::move(endpoint)),
      credentials_(credentials),
      transport_(transport),
      clock_(clock),
      retry_(retry) {}

std::string RedshiftServerless::Send(const std::string& action, const std::string& workgroup,
                                     std::string body, const base::Call& call) {
  const ServiceClient client(Service::kRedshiftServerless, endpoint_, transport_, clock_, retry_);
  std::string reply;
  client.Send({.asked = {.operation = action,
                         .subject = "workgroup " + workgroup,
                         .action = "redshift-serverless:" + action,
                         .resource = "*"},
               .method = "POST",
               .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                           {"X-Amz-Target", "RedshiftServerless." + action}},
               .body = std::move(body),
               .body_bytes_max = 1 << 20},
              credentials_, call, [&](const HttpResponse& response) {
                if (!response.ok()) return false;
                if (!JsonText::Parse(response.body)) throw BadReply(action, workgroup);
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
  const std::string reply = Send(action, request.workgroup, MakeJsonObject(members), call);

  const auto json = JsonText::Parse(reply);
  const auto user = json->String("dbUser");
  const auto password = json->String("dbPassword");
  const auto expiration = json->Number("expiration");
  if (!user || user->empty() || !password || password->empty() || !expiration) {
    throw BadReply(action, request.workgroup);
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
  const std::string reply =
      Send(action, workgroup, MakeJsonObject({{"workgroupName", workgroup}}), call);
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
  if (found.name.empty()) throw BadReply(action, workgroup);
  return found;
}

}  // namespace sluice::aws
