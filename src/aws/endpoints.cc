#include "aws/endpoints.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace sluice::aws {
namespace {

[[noreturn]] void Refuse(std::string subject, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "find the AWS address",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// A region becomes part of a host name; "evil.example/#" must not.
void CheckRegion(std::string_view region) {
  const bool fine = !region.empty() && region.size() <= 40 &&
                    std::all_of(region.begin(), region.end(),
                                [](char c) { return IsLowerOrDigit(c) || c == '-'; });
  if (!fine) {
    Refuse("region " + std::string(region), "this is not the name of an AWS region",
           "Write the region as AWS does, for example us-east-1.");
  }
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
void CheckBucket(std::string_view bucket) {
  const bool fine = bucket.size() >= 3 && bucket.size() <= 63 && IsLowerOrDigit(bucket.front()) &&
                    IsLowerOrDigit(bucket.back()) && bucket.find("..") == std::string_view::npos &&
                    std::all_of(bucket.begin(), bucket.end(),
                                [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '.'; });
  if (!fine) {
    Refuse("bucket " + std::string(bucket), "this is not the name of a bucket",
           "Give the name alone, without s3:// and without a path: 3 to 63 of a-z, 0-9, '-', '.'.");
  }
}

bool IsHostAndPort(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == ':' ||
           c == '[' || c == ']' || c == '_';
  });
}

Endpoint ParseOverride(const std::string& url, std::string_view region) {
  Endpoint endpoint{.region = std::string(region)};
  std::string_view rest = url;
  for (const std::string_view scheme : {"https", "http"}) {
    if (rest.starts_with(std::string(scheme) + "://")) {
      endpoint.scheme = scheme;
      rest.remove_prefix(scheme.size() + 3);
      break;
    }
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  endpoint.host = rest.substr(0, slash);
  endpoint.base_path = rest.substr(slash);
  while (endpoint.base_path.ends_with('/')) endpoint.base_path.pop_back();
  if (rest.size() == url.size() || !IsHostAndPort(endpoint.host) ||
      endpoint.base_path.find_first_of("?#% ") != std::string::npos) {
    Refuse("endpoint " + url, "this is not an address",
           "Write AWS_ENDPOINT_URL (or the service's own) as https://host:port.");
  }
  return endpoint;
}

std::string_view Suffix(std::string_view region) {
  return PartitionOf(region) == "aws-cn" ? ".amazonaws.com.cn" : ".amazonaws.com";
}

Endpoint Make(std::string_view host_start, std::string_view region,
              const std::optional<std::string>& own, const std::optional<std::string>& all) {
  CheckRegion(region);
  if (own) return ParseOverride(*own, region);
  if (all) return ParseOverride(*all, region);
  return {.host = std::string(host_start) + "." + std::string(region) + std::string(Suffix(region)),
          .region = std::string(region)};
}

}  // namespace

EndpointOverrides EndpointOverridesFrom(const Environment& environment) {
  return {.all = Lookup(environment, "AWS_ENDPOINT_URL"),
          .s3 = Lookup(environment, "AWS_ENDPOINT_URL_S3"),
          .sts = Lookup(environment, "AWS_ENDPOINT_URL_STS"),
          .redshift_serverless = Lookup(environment, "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"),
          .redshift = Lookup(environment, "AWS_ENDPOINT_URL_REDSHIFT")};
}

std::string_view PartitionOf(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

Endpoint StsEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("sts", region, overrides.sts, overrides.all);
}

Endpoint RedshiftServerlessEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("redshift-serverless", region, overrides.redshift_serverless, overrides.all);
}

Endpoint RedshiftEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("redshift", region, overrides.redshift, overrides.all);
}

Endpoint S3Endpoint(std::string_view region, std::string_view bucket,
                    const EndpointOverrides& overrides) {
  CheckBucket(bucket);
  Endpoint endpoint = Make("s3", region, overrides.s3, overrides.all);
  endpoint.path_style = overrides.s3 || overrides.all || bucket.find('.') != std::string_view::npos;
  if (endpoint.path_style) {
    endpoint.base_path += "/" + std::string(bucket);
  } else {
    endpoint.host = std::string(bucket) + "." + endpoint.host;
  }
  return endpoint;
}

}  // namespace sluice::aws
