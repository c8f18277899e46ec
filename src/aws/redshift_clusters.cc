#include "aws/redshift_clusters.h"

#include <utility>

#include "aws/query_protocol.h"
#include "aws/service.h"
#include "aws/time_text.h"
#include "aws/xml.h"

namespace sluice::aws {
namespace {

constexpr std::string_view kAction = "GetClusterCredentials";
constexpr std::string_view kClustersVersion = "2012-12-01";
// How the service knows a workgroup:
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-migration.html
constexpr std::string_view kClusterPrefix = "redshift-serverless-";

ServiceCall CallOf(const ClusterCredentialsRequest& request) {
  QueryMembers members = {{"ClusterIdentifier", std::string(kClusterPrefix) + request.workgroup},
                          {"DbUser", request.user},
                          {"AutoCreate", "false"},
                          {"DurationSeconds", std::to_string(request.duration.count())}};
  if (!request.database.empty()) members.emplace_back("DbName", request.database);
  return {.asked = {.operation = std::string(kAction),
                    .subject = "workgroup " + request.workgroup + ", user " + request.user,
                    .action = "redshift:" + std::string(kAction),
                    .resource = "*"},
          .method = "POST",
          .headers = {{"Content-Type", std::string(kFormType)}},
          .body = QueryForm(kAction, kClustersVersion, members),
          .body_bytes_max = 1 << 20};
}

std::optional<DbCredentials> ReadCredentials(const std::string& body) {
  const auto root = ParseXml(body);
  if (!root || root->name != "GetClusterCredentialsResponse") return std::nullopt;
  const XmlNode* result = root->Child("GetClusterCredentialsResult");
  if (result == nullptr) return std::nullopt;
  const auto expiration = ParseIsoTime(result->Text("Expiration"));
  DbCredentials credentials{.user = std::string(result->Text("DbUser")),
                            .password = base::Secret(std::string(result->Text("DbPassword"))),
                            .expiration = expiration.value_or(base::UtcTime()),
                            .next_refresh = std::nullopt};
  if (credentials.user.empty() || credentials.password.empty() || !expiration) return std::nullopt;
  return credentials;
}

}  // namespace

RedshiftClusters::RedshiftClusters(Endpoint endpoint, CredentialProvider& credentials,
                                   http::Transport& transport, const base::Clock& clock,
                                   base::RetryOptions retry)
    : endpoint_(std::move(endpoint)),
      credentials_(credentials),
      transport_(transport),
      clock_(clock),
      retry_(retry) {}

DbCredentials RedshiftClusters::GetClusterCredentials(const ClusterCredentialsRequest& request,
                                                      const base::Call& call) {
  const ServiceClient client(Service::kRedshift, endpoint_, transport_, clock_, retry_);
  const ServiceCall asked = CallOf(request);
  std::optional<DbCredentials> credentials;
  client.Send(asked, credentials_, call, [&](const http::Response& response) {
    if (!response.ok()) return false;
    credentials = ReadCredentials(response.body);
    if (!credentials) throw client.Unreadable(asked, response);
    return true;
  });
  credentials->named_database = !request.database.empty();
  return std::move(*credentials);
}

}  // namespace sluice::aws
