// Where each AWS service is reached. Pure: no network, any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/environment.h"

namespace sluice::aws {

// A host to talk to and the region its signatures name.
struct Endpoint {
  std::string scheme = "https";
  std::string host;       // with ":port" if it is not the scheme's own, as the Host header sends it
  std::string base_path;  // "" or "/prefix": begins with '/', does not end in it; S3: the bucket,
                          // if it is not in the host
  std::string region;     // of the signature
  bool path_style = false;  // S3: the bucket is the last segment of base_path
  // What gave this address in place of AWS's, for errors: "AWS_ENDPOINT_URL_S3",
  // "aws.endpoint_url"; empty: AWS's own.
  std::string address_from;

  bool tls() const { return scheme == "https"; }
  // "https://host": what messages show.
  std::string Url() const { return scheme + "://" + host + base_path; }
};

struct OtherAddress {
  // NOLINTBEGIN(google-explicit-constructor): an address is its text.
  OtherAddress(const char* url_in) : url(url_in) {}
  OtherAddress(std::string url_in, std::string from_in = "AWS_ENDPOINT_URL")
      : url(std::move(url_in)), from(std::move(from_in)) {}
  // NOLINTEND(google-explicit-constructor)
  std::string url;
  std::string from = "AWS_ENDPOINT_URL";  // who gave it
};

// What changes AWS's usual addresses: others in their stead (a service's own wins over the one for
// all), or AWS's for FIPS 140 cryptography or for IPv6 beside IPv4. An address in their stead
// excludes these two: AWS's rules refuse both together, and silence would break a promise.
struct EndpointOverrides {
  std::optional<OtherAddress> all;                  // AWS_ENDPOINT_URL
  std::optional<OtherAddress> s3;                   // AWS_ENDPOINT_URL_S3
  std::optional<OtherAddress> sts;                  // AWS_ENDPOINT_URL_STS
  std::optional<OtherAddress> redshift_serverless;  // AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS
  std::optional<OtherAddress> redshift;             // AWS_ENDPOINT_URL_REDSHIFT
  // http:// to another machine: signatures, session tokens and rows travel in the clear, and who
  // stands in between may change them. To this machine (loopback) it is always allowed.
  bool allow_http = false;
  bool fips = false;       // AWS_USE_FIPS_ENDPOINT, use_fips_endpoint
  bool dualstack = false;  // AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint
};

// Reads the variables above, then the settings of `profile` (empty: as ProfileName). Throws
// kInvalidConfig if one of the last two is neither true nor false, and as ReadProfiles.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
EndpointOverrides EndpointOverridesFrom(const base::Environment& environment,
                                        const std::string& profile = "");

// "aws", "aws-cn", "aws-us-gov", ..., by the region's name: the second field of every ARN.
std::string_view PartitionOf(std::string_view region);

// All throw kInvalidConfig if `region` is not a region's name (letters, digits, hyphens) or the
// override is not an http or https address without query, is http to another machine without
// allow_http, or stands beside fips or dualstack; the error names where the address came from. The
// hosts are those of AWS's own endpoint rules (tests/vectors/endpoints.json).

// The regional STS: the global host is a legacy, and a role session from it is not valid
// everywhere.
Endpoint StsEndpoint(std::string_view region, const EndpointOverrides& overrides = {});
Endpoint RedshiftServerlessEndpoint(std::string_view region,
                                    const EndpointOverrides& overrides = {});
Endpoint RedshiftEndpoint(std::string_view region, const EndpointOverrides& overrides = {});
// Virtual-hosted style; path style for a bucket with dots in its name (the certificate's wildcard
// covers one label only) and for an overridden address. Throws kInvalidConfig also if `bucket` is
// no bucket's name, so that it can never become part of another host; kUnsupported for fips in
// China, where S3 has no such host.
Endpoint S3Endpoint(std::string_view region, std::string_view bucket,
                    const EndpointOverrides& overrides = {});

}  // namespace sluice::aws
