// What may pass by itself and is asked again, apart from what stays: throttling, a service that
// failed, a line that broke. The codes are those that AWS's own SDKs repeat:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
#include <array>

#include "aws/error_table.h"

namespace sluice::aws {
namespace {

using enum base::ErrorCode;

constexpr ErrorRow Throttled(std::string_view code) {
  return {.code = code,
          .error = kThrottled,
          .retryable = true,
          .remedy = kThrottleRemedy,
          .reason = "throttled"};
}

constexpr ErrorRow Failed(std::string_view code, base::ErrorCode error = kUnavailable) {
  return {.code = code, .error = error, .retryable = true, .remedy = kServiceRemedy};
}

constexpr ErrorRow Damaged(std::string_view code) {
  return {.code = code,
          .error = kCorrupt,
          .retryable = true,
          .remedy = "The bytes changed on the way: look for a proxy that rewrites requests."};
}

constexpr auto kPassingRows = std::to_array<ErrorRow>({
    // Slower, please.
    {.text = "Rate exceeded",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    Throttled("Throttling"),
    Throttled("ThrottlingException"),
    Throttled("ThrottledException"),
    Throttled("RequestThrottled"),
    Throttled("RequestThrottledException"),
    Throttled("TooManyRequestsException"),
    Throttled("TooManyRequests"),
    Throttled("RequestLimitExceeded"),
    Throttled("BandwidthLimitExceeded"),
    Throttled("ProvisionedThroughputExceededException"),
    Throttled("PriorRequestNotComplete"),
    Throttled("SlowDown"),
    {.status = 429,
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},

    // The service failed, or the line did.
    Failed("RequestTimeout"),
    Failed("RequestTimeoutException"),
    Failed("InternalError"),
    Failed("InternalFailure"),
    Failed("InternalServerException"),
    Failed("ServiceUnavailable"),
    Failed("ServiceUnavailableException"),
    Failed("IDPCommunicationError"),
    Failed("OperationAborted", kConflict),
    Failed("ConditionalRequestConflict", kConflict),
    Damaged("BadDigest"),
    Damaged("XAmzContentSHA256Mismatch"),
    Failed("IncompleteBody"),
    {.service = Service::kRedshift,
     .code = "UnsupportedOperation",
     .error = kUnsupported,
     .remedy = "This workgroup does not take GetClusterCredentials: set redshift.login_api: "
               "GetCredentials, and create the database user under the name AWS derives from the "
               "role or user (sluice setup sql)."},
    {.status = 501,
     .error = kUnsupported,
     .remedy = "This endpoint does not offer the operation: is AWS_ENDPOINT_URL a service that is "
               "compatible with it?"},
    {.status_class = 5, .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
    {.status = 408, .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
});

}  // namespace

std::span<const ErrorRow> PassingRows() { return kPassingRows; }

}  // namespace sluice::aws
