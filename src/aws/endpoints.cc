#include "aws/endpoints.h"

#include <algorithm>
#include <utility>

#include "aws/shared_files.h"
#include "base/error.h"
#include "http/url.h"

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

// localhost, 127.x.y.z as digits and dots only ("127.evil.example" is another host), ::1.
bool IsThisMachine(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

void CheckHttp(const OtherAddress& address, bool allow_http) {
  if (allow_http || IsThisMachine(http::HostOf(address.url))) return;
  Refuse(address.from,
         "it is an http:// address of another machine: keys, session tokens and rows would travel "
         "in the clear",
         "Write https://. If that store offers no TLS and you trust the network between, say so: "
         "aws: { allow_http: true }");
}

Endpoint ParseOverride(const OtherAddress& address, std::string_view region, bool allow_http) {
  const std::string& url = address.url;
  Endpoint endpoint{.region = std::string(region), .address_from = address.from};
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
    // The address is not shown: one with user and password is refused here.
    Refuse(address.from, "this is not an address",
           "Write AWS_ENDPOINT_URL (or the service's own) as https://host:port.");
  }
  if (endpoint.scheme == "http") CheckHttp(address, allow_http);
  return endpoint;
}

struct Partition {
  std::string_view region_start;
  std::string_view name;
  std::string_view suffix;
  std::string_view dualstack_suffix;  // S3 has its own way
};
// The first whose start matches; botocore's partitions.json.
constexpr Partition kPartitions[] = {
    {"cn-", "aws-cn", ".amazonaws.com.cn", ".api.amazonwebservices.com.cn"},
    {"us-gov-", "aws-us-gov", ".amazonaws.com", ".api.aws"},
    {"eusc-", "aws-eusc", ".amazonaws.eu", ".api.amazonwebservices.eu"},
    {"us-isob-", "aws-iso-b", ".sc2s.sgov.gov", ".api.aws.scloud"},
    {"us-isof-", "aws-iso-f", ".csp.hci.ic.gov", ".api.aws.hci.ic.gov"},
    {"us-iso-", "aws-iso", ".c2s.ic.gov", ".api.aws.ic.gov"},
    {"eu-isoe-", "aws-iso-e", ".cloud.adc-e.uk", ".api.cloud-aws.adc-e.uk"},
    {"", "aws", ".amazonaws.com", ".api.aws"},
};

const Partition& PartitionAt(std::string_view region) {
  return *std::find_if(std::begin(kPartitions), std::end(kPartitions),
                       [&](const Partition& p) { return region.starts_with(p.region_start); });
}

// GovCloud's usual hosts of these are FIPS hosts.
bool UsualHostIsFips(std::string_view service, std::string_view region) {
  return region.starts_with("us-gov-") && (service == "sts" || service == "redshift");
}

std::string Host(std::string_view service, std::string_view region,
                 const EndpointOverrides& overrides) {
  const Partition& partition = PartitionAt(region);
  const bool s3 = service == "s3";
  std::string host(service);
  if (overrides.fips && (overrides.dualstack || !UsualHostIsFips(service, region))) host += "-fips";
  if (s3 && overrides.dualstack) host += ".dualstack";
  host += "." + std::string(region);
  host += !s3 && overrides.dualstack ? partition.dualstack_suffix : partition.suffix;
  return host;
}

Endpoint Make(std::string_view service, std::string_view region,
              const std::optional<OtherAddress>& own, const EndpointOverrides& overrides) {
  CheckRegion(region);
  const auto& given = own ? own : overrides.all;
  if (!given) return {.host = Host(service, region, overrides), .region = std::string(region)};
  if (overrides.fips || overrides.dualstack) {
    Refuse(given->from,
           std::string(overrides.fips ? "use_fips" : "use_dualstack") +
               " asks for an address of AWS, but this one is configured in its stead",
           "Remove the address (aws.endpoint_url..., AWS_ENDPOINT_URL...), or aws.use_fips and "
           "aws.use_dualstack (AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT).");
  }
  return ParseOverride(*given, region, overrides.allow_http);
}

bool IsTrue(const base::Environment& environment, const std::string& profile,
            std::string_view variable, std::string_view setting) {
  auto value = base::Lookup(environment, variable);
  if (!value) value = ProfileSetting(environment, profile, setting);
  if (!value) return false;
  std::transform(value->begin(), value->end(), value->begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (*value != "true" && *value != "false") {
    Refuse(std::string(variable) + " or " + std::string(setting), "it is neither true nor false",
           "Write true or false, or remove it.");
  }
  return *value == "true";
}

}  // namespace

EndpointOverrides EndpointOverridesFrom(const base::Environment& environment,
                                        const std::string& profile) {
  const auto address = [&](const char* variable) -> std::optional<OtherAddress> {
    auto url = base::Lookup(environment, variable);
    if (!url) return std::nullopt;
    return OtherAddress(std::move(*url), variable);
  };
  return {.all = address("AWS_ENDPOINT_URL"),
          .s3 = address("AWS_ENDPOINT_URL_S3"),
          .sts = address("AWS_ENDPOINT_URL_STS"),
          .redshift_serverless = address("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"),
          .redshift = address("AWS_ENDPOINT_URL_REDSHIFT"),
          .fips = IsTrue(environment, profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
          .dualstack =
              IsTrue(environment, profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")};
}

std::string_view PartitionOf(std::string_view region) { return PartitionAt(region).name; }

Endpoint StsEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("sts", region, overrides.sts, overrides);
}

Endpoint RedshiftServerlessEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("redshift-serverless", region, overrides.redshift_serverless, overrides);
}

Endpoint RedshiftEndpoint(std::string_view region, const EndpointOverrides& overrides) {
  return Make("redshift", region, overrides.redshift, overrides);
}

Endpoint S3Endpoint(std::string_view region, std::string_view bucket,
                    const EndpointOverrides& overrides) {
  CheckBucket(bucket);
  Endpoint endpoint = Make("s3", region, overrides.s3, overrides);
  if (overrides.fips && PartitionOf(region) == "aws-cn") {
    throw base::Error({.code = base::ErrorCode::kUnsupported,
                       .operation = "find the AWS address",
                       .subject = "region " + std::string(region),
                       .message = "S3 has no FIPS hosts in China",
                       .remedy = "Remove aws.use_fips and AWS_USE_FIPS_ENDPOINT."});
  }
  endpoint.path_style = overrides.s3 || overrides.all || bucket.find('.') != std::string_view::npos;
  if (endpoint.path_style) {
    endpoint.base_path += "/" + std::string(bucket);
  } else {
    endpoint.host = std::string(bucket) + "." + endpoint.host;
  }
  return endpoint;
}

}  // namespace sluice::aws
