// The endpoint as people paste it -> its pieces. Pure; any thread.
// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-connecting.html
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sluice::redshift {

constexpr int kDefaultPort = 5439;

struct Endpoint {
  std::string host;                     // lower case, no trailing dot
  std::optional<int> port;              // as pasted
  std::optional<std::string> database;  // as pasted, its case kept
  // From <workgroup>.<account>.<region>.redshift-serverless.amazonaws.com; nullopt for custom
  // domain names, load balancers and addresses, where they must be configured.
  std::optional<std::string> workgroup;
  std::optional<std::string> account;
  std::optional<std::string> region;
  std::string partition = "aws";  // "aws-cn", "aws-us-gov"
  // Label 0 looks like a managed VPC endpoint, "<name>-endpoint-<random>": then it is not the
  // workgroup, and GetCredentials answers "not found" for it.
  // https://github.com/aws/amazon-redshift-jdbc-driver/issues/137
  bool vpc_endpoint_suspected = false;
};

// Accepts host, host:port, host:port/db, jdbc:redshift://..., jdbc:redshift:iam://..., redshift://,
// postgres://, a trailing dot, surrounding blanks or quotes, a query after `?` or `;`, [IPv6].
// Throws kInvalidConfig, subject "redshift.host", if there is no usable host, the port is not 1 to
// 65535, a user or password was pasted along (which the error does not repeat), or it is a host of
// AWS that is no workgroup's: of a provisioned cluster, of an API, of another service, or one with
// parts missing. The remedy shows the right form.
Endpoint ParseEndpoint(std::string_view text);

// Ports that a serverless workgroup can have: 5431-5455 and 8191-8215.
bool IsServerlessPort(int port);

}  // namespace sluice::redshift
