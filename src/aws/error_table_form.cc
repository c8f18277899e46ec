// Requests that AWS refuses for their form, and answers that tell a status alone.
#include <array>

#include "aws/error_table.h"

namespace sluice::aws {
namespace {

using enum base::ErrorCode;

constexpr std::string_view kBugRemedy =
    "AWS refused the request's form. This is a defect in Sluice; please report it with the request "
    "id.";

constexpr auto kFormRows = std::to_array<ErrorRow>({
    // Requests that AWS cannot accept as they are.
    {.text = "exceeds the MaxSessionDuration",
     .error = kInvalidConfig,
     .remedy = "Ask for a shorter session (3600 s always passes), or raise the role's maximum "
               "session duration in IAM.",
     .reason = "duration_max"},
    {.text = "session limit for roles assumed by role chaining",
     .error = kInvalidConfig,
     .remedy = "A role that assumes another role gets one hour: ask for 3600 s.",
     .reason = "duration_chained"},
    {.code = "PackedPolicyTooLarge",
     .error = kInvalidConfig,
     .remedy = "Session policy and tags are too long together: shorten staging.root and the tags.",
     .reason = "policy_too_large"},
    {.code = "MalformedPolicyDocument",
     .error = kInvalidConfig,
     .remedy = "AWS could not read the session policy: check staging.bucket and staging.root for "
               "unusual characters."},
    {.code = "ValidationException",
     .error = kInvalidConfig,
     .remedy = "A configured name breaks AWS's rule for it; the message names the member.",
     .reason = "invalid_value"},
    {.code = "ValidationError",
     .error = kInvalidConfig,
     .remedy = "A configured name breaks AWS's rule for it; the message names the member.",
     .reason = "invalid_value"},
    {.code = "InvalidArgument", .error = kInternal, .remedy = kBugRemedy},
    {.code = "InvalidRequest", .error = kInternal, .remedy = kBugRemedy},
    {.code = "MalformedXML", .error = kInternal, .remedy = kBugRemedy},
    {.code = "InvalidDigest", .error = kInternal, .remedy = kBugRemedy},

    // Only a status: HEAD replies have no body, and proxies answer with pages.
    {.status = 401, .error = kAuthentication, .remedy = kKeyRemedy, .reason = "key_unknown"},
    {.status = 403, .error = kPermission, .advise = true},
    {.status = 404, .error = kNotFound, .remedy = "Check the name, the region and the endpoint."},
    {.status = 405,
     .error = kUnsupported,
     .remedy = "This endpoint does not offer the operation: is AWS_ENDPOINT_URL a service that is "
               "compatible with it?"},
    {.status = 409, .error = kConflict, .retryable = true, .remedy = kServiceRemedy},
    {.status = 412,
     .error = kConflict,
     .remedy = "The object was replaced while it was being read: nothing else may write beneath "
               "the staging prefix."},
    {.status = 416,
     .error = kCorrupt,
     .remedy = "The object is shorter than its manifest says: nothing else may write beneath the "
               "staging prefix."},
    {.code = "",
     .text = "",
     .status = 400,
     .error = kAuthentication,
     .seen = "without a reason Sluice knows",
     .remedy = "An expired session token is the usual cause where AWS gives no reason; renew the "
               "keys and run \"sluice check\"."},
    {.error = kSource,
     .remedy = "Please report it with the request id; sluice check looks at everything around it."},
});

}  // namespace

std::span<const ErrorRow> FormRows() { return kFormRows; }

}  // namespace sluice::aws
