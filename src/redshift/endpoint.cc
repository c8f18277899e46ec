#include "redshift/endpoint.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace sluice::redshift {
namespace {

// The form of an endpoint, with what is known of it filled in.
[[noreturn]] void RefuseHost(std::string message, const std::string& region = "us-east-1",
                             const std::string& workgroup = "analytics",
                             const std::string& account = "123456789012") {
  throw base::Error(
      {.code = base::ErrorCode::kInvalidConfig,
       .operation = "read endpoint",
       .subject = "redshift.host",
       .message = std::move(message),
       .remedy = "Paste the endpoint of the workgroup from the Redshift Serverless console, for "
                 "example\n" +
                 workgroup + "." + account + "." + region + ".redshift-serverless.amazonaws.com"});
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\n\"'`<>";
  const auto first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

std::string_view WithoutScheme(std::string_view text) {
  if (text.starts_with("arn:")) {
    RefuseHost("it is an ARN; the host of the workgroup's endpoint is needed");
  }
  const auto mark = text.find("://");
  if (mark == std::string_view::npos) return text;
  const std::string scheme = base::Lower(text.substr(0, mark));
  constexpr std::array<std::string_view, 7> kKnown = {
      "jdbc:redshift", "jdbc:redshift:iam", "redshift",       "redshift+psycopg2",
      "postgres",      "postgresql",        "jdbc:postgresql"};
  if (std::find(kKnown.begin(), kKnown.end(), scheme) == kKnown.end()) {
    const bool console = text.find("console.aws.") != std::string_view::npos ||
                         text.find("console.amazonaws.") != std::string_view::npos;
    RefuseHost(console ? "it is the address of a page of the AWS console, not of the workgroup"
                       : "the address is not one of a Redshift endpoint");
  }
  return text.substr(mark + 3);
}

// Cuts `text` at the first of `marks` and returns what follows the mark.
std::string_view CutAt(std::string_view& text, std::string_view marks) {
  const auto at = text.find_first_of(marks);
  if (at == std::string_view::npos) return {};
  const auto rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

int ParsePort(std::string_view text) {
  const auto port = base::ParseNumber<int>(text);
  if (!port || *port < 1 || *port > 65535) RefuseHost("the port is not a number from 1 to 65535");
  return *port;
}

// "[::1]:5439", "host:5439", "host": cuts the port off.
std::optional<int> CutPort(std::string_view& text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) RefuseHost("the address has no closing bracket");
    const auto rest = text.substr(close + 1);
    text = text.substr(1, close - 1);
    if (rest.empty()) return std::nullopt;
    if (!rest.starts_with(':')) RefuseHost("the address is followed by something else than a port");
    port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    port = CutAt(text, ":");
  } else {
    return std::nullopt;  // no port, or a bare IPv6 address
  }
  if (port.empty()) return std::nullopt;
  return ParsePort(port);
}

void CheckHost(std::string_view host) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789.-_:%";
  if (host.empty()) RefuseHost("there is no host in it");
  if (host.find_first_not_of(kAllowed) != std::string_view::npos) {
    RefuseHost("the host holds characters that no host name has");
  }
  if (host.starts_with('.') || host.find("..") != std::string_view::npos) {
    RefuseHost("the host has an empty part between its dots");
  }
}

std::vector<std::string> Labels(const std::string& host) {
  std::vector<std::string> labels(1);
  for (const char c : host) {
    if (c == '.') {
      labels.emplace_back();
    } else {
      labels.back() += c;
    }
  }
  return labels;
}

void ReadLabels(Endpoint& endpoint) {
  const auto labels = Labels(endpoint.host);
  // The rule of AWS's own drivers: label 3 tells.
  if (labels.size() < 6 || labels[3] != "redshift-serverless") return;
  endpoint.workgroup = labels[0];
  endpoint.account = labels[1];
  endpoint.region = labels[2];
  if (endpoint.host.ends_with(".amazonaws.com.cn")) endpoint.partition = "aws-cn";
  if (labels[2].starts_with("us-gov-")) endpoint.partition = "aws-us-gov";
  const auto mark = labels[0].find("-endpoint-");
  endpoint.vpc_endpoint_suspected = mark != std::string::npos && mark > 0;
}

bool IsOneOf(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsRegion(std::string_view label) {
  return std::count(label.begin(), label.end(), '-') >= 2 && label.back() >= '0' &&
         label.back() <= '9' && !IsOneOf({"redshift-serverless"}, label);
}

// Hosts of AWS that are near a workgroup's endpoint on the page or in the mind, and are none.
// Other hosts of AWS may be right: load balancers, machines that forward, private links.
void RefuseOtherHosts(const Endpoint& endpoint) {
  const std::string& host = endpoint.host;
  const bool aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") ||
                   host.ends_with(".api.aws") || host.ends_with(".amazonaws.eu");
  if (!aws || endpoint.workgroup) return;
  const auto labels = Labels(host);
  const auto region_at =
      std::find_if(labels.begin(), labels.end(), [](const auto& label) { return IsRegion(label); });
  const std::string region = region_at == labels.end() ? "us-east-1" : *region_at;
  const auto has = [&](std::string_view label) {
    return std::find(labels.begin() + 1, labels.end(), label) != labels.end();
  };
  std::string service = labels.front();
  if (const auto fips = service.find("-fips"); fips != std::string::npos) service.erase(fips);
  if (IsOneOf({"redshift", "redshift-serverless", "redshift-data", "sts", "s3", "glue", "kms",
               "iam", "console"},
              service)) {
    RefuseHost("it is the address of an AWS service's API (" + service + "), not of a workgroup",
               region);
  }
  if (has("redshift")) {
    RefuseHost(
        "it is the host of a provisioned cluster; Sluice reads workgroups of Redshift Serverless",
        region);
  }
  if (has("redshift-serverless")) {
    RefuseHost("parts of the workgroup's endpoint are missing", region, labels.front());
  }
  if (has("rds")) RefuseHost("it is the host of an RDS database, not of a workgroup", region);
  if (has("s3")) RefuseHost("it is the host of an S3 bucket, not of a workgroup", region);
}

}  // namespace

Endpoint ParseEndpoint(std::string_view text) {
  Endpoint endpoint;
  std::string_view rest = WithoutScheme(Trim(text));
  CutAt(rest, "?;");
  const std::string_view database = Trim(CutAt(rest, "/"));
  if (rest.find('@') != std::string_view::npos) {
    RefuseHost("a user or password stands in it; Sluice gets its own, so leave them out");
  }
  rest = Trim(rest);
  endpoint.port = CutPort(rest);
  endpoint.host = base::Lower(Trim(rest));
  if (endpoint.host.ends_with('.')) endpoint.host.pop_back();
  CheckHost(endpoint.host);
  if (!database.empty()) {
    if (database.find('/') != std::string_view::npos)
      RefuseHost("there is a path behind the database");
    endpoint.database = std::string(database);
  }
  ReadLabels(endpoint);
  RefuseOtherHosts(endpoint);
  return endpoint;
}

bool IsServerlessPort(int port) {
  return (port >= 5431 && port <= 5455) || (port >= 8191 && port <= 8215);
}

}  // namespace sluice::redshift
