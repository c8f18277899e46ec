#include "aws/error_table.h"

#include <array>

namespace sluice::aws {
namespace {

using enum base::ErrorCode;
using enum When;

constexpr std::string_view kClockRemedy =
    "Set the clock (timedatectl set-ntp true): AWS refuses signatures that are minutes away from "
    "its own time.";
constexpr std::string_view kClockSeen = "this machine's clock is {skew}";
constexpr std::string_view kKeyRemedy =
    "Check the access key id: no character missing, still active (IAM, Users, Security "
    "credentials), and with the session "
    "token that belongs to it. Keys of China or GovCloud work only there.";
constexpr std::string_view kSecretRemedy =
    "The secret access key does not belong to the access key id. Copy both again; a lost '+', '/' "
    "or '=' is the usual cause.";
constexpr std::string_view kExpiredRemedy =
    "The session token has expired. Log in again (aws sso login, or new keys in the environment), "
    "or let Sluice assume a role, "
    "which it renews by itself.";
constexpr std::string_view kUnsignedRemedy =
    "A proxy between here and AWS may have removed the Authorization header: let AWS's hosts pass "
    "it (NO_PROXY).";
constexpr std::string_view kRegionSeen = "the bucket is in {region}, not in {asked_region}";
constexpr std::string_view kRegionRemedy = "Write staging.region: {region}";
constexpr std::string_view kPolicyRemedy =
    "Add to the policy of "
    "{holder}:\n{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}";
constexpr std::string_view kDenyRemedy =
    "A statement denies {action} on {resource} outright: look for \"Effect\":\"Deny\" in the "
    "bucket policy, the organization's "
    "policies and the permissions boundary of {holder}.";
constexpr std::string_view kTrustRemedy =
    "The role's trust policy must allow {principal} to call sts:AssumeRole, and its sts:ExternalId "
    "must be the auth.external_id configured here.";
constexpr std::string_view kTagRemedy =
    "Add sts:TagSession beside sts:AssumeRole in the role's trust policy, or stop sending session "
    "tags.";
constexpr std::string_view kThrottleRemedy =
    "AWS asks to slow down. Run again later, or with fewer streams at a time.";
constexpr std::string_view kServiceRemedy =
    "The AWS service failed; run again. If it lasts: https://health.aws.amazon.com/health/status";
constexpr std::string_view kBugRemedy =
    "AWS refused the request's form. This is a defect in Sluice; please report it with the request "
    "id.";
constexpr std::string_view kTokenRemedy =
    "Get a new identity token: its claims, age or signature were refused. Its issuer must be an "
    "identity provider in IAM, with the token's audience (aud) among its own.";
constexpr std::string_view kWebTrustRemedy =
    "The role's trust policy must allow sts:AssumeRoleWithWebIdentity to "
    "\"Principal\":{\"Federated\":\"<the token's issuer in IAM>\"}, and its conditions on aud and "
    "sub must meet the token's claims.";
constexpr std::string_view kAccountRemedy =
    "The AWS account may not use this service yet: its owner must enable it or settle the account.";

// S3 speaks of what it denied only to callers of its own account; the others always do.
constexpr auto kRows = std::to_array<ErrorRow>({
    // Who are we.
    {.code = "RequestTimeTooSkewed",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "RequestExpired",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "SignatureDoesNotMatch",
     .text = "Signature expired",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "SignatureDoesNotMatch",
     .text = "Signature not yet current",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "SignatureDoesNotMatch",
     .when = kClockIsOff,
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "SignatureDoesNotMatch",
     .error = kAuthentication,
     .remedy = kSecretRemedy,
     .reason = "secret_wrong"},
    {.code = "InvalidSignatureException",
     .text = "Signature expired",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "InvalidSignatureException",
     .text = "Signature not yet current",
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "InvalidSignatureException",
     .when = kClockIsOff,
     .error = kAuthentication,
     .seen = kClockSeen,
     .remedy = kClockRemedy,
     .reason = "clock_skew"},
    {.code = "InvalidSignatureException",
     .error = kAuthentication,
     .remedy = kSecretRemedy,
     .reason = "secret_wrong"},
    {.code = "InvalidAccessKeyId",
     .error = kAuthentication,
     .remedy = kKeyRemedy,
     .reason = "key_unknown"},
    {.code = "InvalidClientTokenId",
     .error = kAuthentication,
     .remedy = kKeyRemedy,
     .reason = "key_unknown"},
    {.code = "UnrecognizedClientException",
     .error = kAuthentication,
     .remedy = kKeyRemedy,
     .reason = "key_unknown"},
    {.code = "InvalidToken",
     .error = kAuthentication,
     .remedy = kKeyRemedy,
     .reason = "key_unknown"},
    {.code = "ExpiredToken",
     .error = kAuthentication,
     .remedy = kExpiredRemedy,
     .reason = "token_expired"},
    {.service = Service::kSts,
     .code = "ExpiredTokenException",
     .error = kAuthentication,
     .remedy = kTokenRemedy,
     .reason = "token_expired"},
    {.code = "ExpiredTokenException",
     .error = kAuthentication,
     .remedy = kExpiredRemedy,
     .reason = "token_expired"},
    {.code = "TokenRefreshRequired",
     .error = kAuthentication,
     .remedy = kExpiredRemedy,
     .reason = "token_expired"},
    {.code = "MissingAuthenticationToken", .error = kAuthentication, .remedy = kUnsignedRemedy},
    {.code = "MissingAuthenticationTokenException",
     .error = kAuthentication,
     .remedy = kUnsignedRemedy},
    {.code = "MissingSecurityHeader", .error = kAuthentication, .remedy = kUnsignedRemedy},
    {.code = "IncompleteSignature", .error = kAuthentication, .remedy = kUnsignedRemedy},
    {.code = "InvalidIdentityToken",
     .error = kAuthentication,
     .remedy = kTokenRemedy,
     .reason = "identity_token_refused"},
    {.code = "IDPRejectedClaim",
     .error = kAuthentication,
     .remedy = kTokenRemedy,
     .reason = "identity_token_refused"},
    {.code = "IDPCommunicationError",
     .error = kUnavailable,
     .retryable = true,
     .remedy = kServiceRemedy},

    // Where is it.
    {.code = "AuthorizationHeaderMalformed",
     .when = kNamesRegion,
     .error = kInvalidConfig,
     .seen = kRegionSeen,
     .remedy = kRegionRemedy,
     .reason = "wrong_region"},
    {.code = "AuthorizationHeaderMalformed",
     .error = kAuthentication,
     .remedy = kKeyRemedy,
     .reason = "key_unknown"},
    {.status_class = 3,
     .when = kNamesRegion,
     .error = kInvalidConfig,
     .seen = kRegionSeen,
     .remedy = kRegionRemedy,
     .reason = "wrong_region"},
    {.service = Service::kS3,
     .status = 400,
     .when = kNamesRegion,
     .error = kInvalidConfig,
     .seen = kRegionSeen,
     .remedy = kRegionRemedy,
     .reason = "wrong_region"},
    {.status_class = 3,
     .error = kInvalidConfig,
     .remedy =
         "The bucket is in another region than {asked_region}: write its own as staging.region."},
    {.code = "RegionDisabledException",
     .error = kInvalidConfig,
     .remedy = "STS is switched off in {asked_region} for this account: activate it (IAM, Account "
               "settings), or use another region.",
     .reason = "region_disabled"},

    // May we.
    {.code = "AccessDenied",
     .text = "explicit deny",
     .error = kPermission,
     .remedy = kDenyRemedy,
     .reason = "explicit_deny"},
    {.code = "AccessDeniedException",
     .text = "explicit deny",
     .error = kPermission,
     .remedy = kDenyRemedy,
     .reason = "explicit_deny"},
    {.text = "sts:TagSession",
     .status = 403,
     .error = kPermission,
     .remedy = kTagRemedy,
     .reason = "tag_session"},
    {.text = "sts:AssumeRoleWithWebIdentity",
     .status = 403,
     .error = kPermission,
     .remedy = kWebTrustRemedy,
     .reason = "web_identity_trust"},
    {.text = "perform: sts:AssumeRole",
     .status = 403,
     .error = kPermission,
     .remedy = kTrustRemedy,
     .reason = "trust_refused"},
    {.code = "AccessDenied",
     .error = kPermission,
     .remedy = kPolicyRemedy,
     .reason = "not_allowed"},
    {.code = "AccessDeniedException",
     .error = kPermission,
     .remedy = kPolicyRemedy,
     .reason = "not_allowed"},
    {.code = "AllAccessDisabled", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "AccountProblem", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "NotSignedUp", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "OptInRequired", .error = kPermission, .remedy = kAccountRemedy},

    // Is it there.
    {.code = "NoSuchBucket",
     .error = kNotFound,
     .remedy = "Check staging.bucket, or create the bucket in {asked_region}.",
     .reason = "no_such_bucket"},
    {.code = "NoSuchKey",
     .error = kNotFound,
     .remedy =
         "The object is gone: another run, a lifecycle rule or a person deleted it. Run again."},
    {.code = "NoSuchUpload", .error = kNotFound, .remedy = "The upload is gone already."},
    {.code = "ResourceNotFoundException",
     .error = kNotFound,
     .remedy = "Check redshift.workgroup and the region ({asked_region}). The name is the "
               "workgroup's, not the namespace's and not "
               "the first label of a managed VPC endpoint's host.",
     .reason = "no_such_resource"},
    {.service = Service::kRedshift,
     .code = "ClusterNotFound",
     .error = kNotFound,
     .remedy = "Check redshift.workgroup and the region ({asked_region}). The name is the "
               "workgroup's, not the namespace's and not the first label of a managed VPC "
               "endpoint's host."},
    {.code = "InvalidBucketName",
     .error = kInvalidConfig,
     .remedy = "Give staging.bucket as the name alone, without s3:// and without a path.",
     .reason = "bad_bucket_name"},
    {.code = "InvalidObjectState",
     .error = kUnsupported,
     .remedy = "A lifecycle rule moved the object to an archive class: exempt the staging prefix "
               "from it."},
    {.code = "PreconditionFailed",
     .error = kConflict,
     .remedy = "The object was replaced while it was being read: nothing else may write beneath "
               "the staging prefix. Run again."},
    {.code = "InvalidRange",
     .error = kCorrupt,
     .remedy = "The object is shorter than its manifest says: nothing else may write beneath the "
               "staging prefix. Run again."},

    // Slower, please.
    {.text = "Rate exceeded",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "Throttling",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "ThrottlingException",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "TooManyRequestsException",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "RequestLimitExceeded",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "SlowDown",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.status = 429,
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},

    // The service failed, or the line did.
    {.code = "RequestTimeout", .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
    {.code = "InternalError", .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
    {.code = "OperationAborted", .error = kConflict, .retryable = true, .remedy = kServiceRemedy},
    {.code = "BadDigest",
     .error = kCorrupt,
     .retryable = true,
     .remedy = "The bytes changed on the way: look for a proxy that rewrites requests."},
    {.code = "XAmzContentSHA256Mismatch",
     .error = kCorrupt,
     .retryable = true,
     .remedy = "The bytes changed on the way: look for a proxy that rewrites requests."},
    {.code = "IncompleteBody", .error = kUnavailable, .retryable = true, .remedy = kServiceRemedy},
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

    // Did we ask rightly.
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
    {.status = 403, .error = kPermission, .remedy = kPolicyRemedy, .reason = "not_allowed"},
    {.status = 404, .error = kNotFound, .remedy = "Check the name, the region and the endpoint."},
    {.status = 407,
     .error = kUnreachable,
     .remedy = "The proxy of HTTPS_PROXY asks for a password: put it there, or let AWS's hosts "
               "pass it (NO_PROXY)."},
    {.status = 405,
     .error = kUnsupported,
     .remedy = "This endpoint does not offer the operation: is AWS_ENDPOINT_URL a service that is "
               "compatible with it?"},
    {.status = 409, .error = kConflict, .retryable = true, .remedy = kServiceRemedy},
    {.status = 412,
     .error = kConflict,
     .remedy = "The object was replaced while it was being read: nothing else may write beneath "
               "the staging prefix. Run again."},
    {.status = 416,
     .error = kCorrupt,
     .remedy = "The object is shorter than its manifest says: nothing else may write beneath the "
               "staging prefix. Run again."},
    {.code = "",
     .text = "",
     .status = 400,
     .error = kAuthentication,
     .seen = "without a reason Sluice knows",
     .remedy = "An expired session token is the usual cause where AWS gives no reason; renew the "
               "keys and run \"sluice check\"."},
    {.error = kSource, .remedy = "Run again; if it lasts, please report it with the request id."},
});

constexpr std::string_view kNetRemedy =
    "Check DNS, firewall and proxy between this machine and {host}, and the region in its name.";
constexpr std::string_view kCaRemedy =
    "If a proxy or a private endpoint presents its own certificate, name its authority in "
    "AWS_CA_BUNDLE (a PEM file). "
    "Verification cannot be switched off.";

constexpr auto kTransportRows = std::to_array<TransportRow>({
    {kUnreachable, true, "there is no address for {host}", kNetRemedy},
    {kUnreachable, true, "{host} did not accept the connection", kNetRemedy},
    {kUnreachable, true, "{host} did not answer within the connect timeout", kNetRemedy},
    {kUnreachable, false, "the certificate of {host} is not trusted or is for another name",
     kCaRemedy},
    {kUnreachable, true, "TLS with {host} failed", kCaRemedy},
    {kInvalidConfig, false, "the CA file cannot be read",
     "Check that AWS_CA_BUNDLE names a readable PEM file with at least one certificate."},
    {kTimeout, true, "{host} sent nothing for too long", kNetRemedy},
    {kUnreachable, true, "the connection to {host} broke", kNetRemedy},
    {kUnreachable, false, "{host} does not speak HTTP as expected",
     "Check AWS_ENDPOINT_URL: scheme, host and port."},
    {kUnreachable, true, "the proxy on the way to {host} failed",
     "Check HTTPS_PROXY and NO_PROXY."},
    {kInternal, false, "no memory for another connection", "Lower the number of parallel streams."},
});

}  // namespace

std::span<const ErrorRow> ErrorTable() { return kRows; }
std::span<const TransportRow> TransportTable() { return kTransportRows; }

}  // namespace sluice::aws
