#include "aws/error_table.h"

#include <array>
#include <vector>

namespace sluice::aws {
namespace {

using enum base::ErrorCode;
using enum When;

constexpr std::string_view kClockRemedy =
    "Set the clock (timedatectl set-ntp true): AWS refuses signatures that are minutes away from "
    "its own time.";
constexpr std::string_view kClockSeen = "this machine's clock is {skew}";
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
constexpr std::string_view kTagRemedy =
    "Add sts:TagSession beside sts:AssumeRole in the role's trust policy, or stop sending session "
    "tags.";
constexpr std::string_view kTokenRemedy =
    "Get a new identity token: its claims, age or signature were refused. Its issuer must be an "
    "identity provider in IAM, with the token's audience (aud) among its own.";
constexpr std::string_view kWebTrustRemedy =
    "The role's trust policy must allow sts:AssumeRoleWithWebIdentity to "
    "\"Principal\":{\"Federated\":\"<the token's issuer in IAM>\"}, and its conditions on aud and "
    "sub must meet the token's claims.";
constexpr std::string_view kAccountRemedy =
    "The AWS account may not use this service yet: its owner must enable it or settle the account.";
constexpr std::string_view kMfaRemedy =
    "The role or call demands a code of a device (MFA), which Sluice cannot ask for. Get session "
    "keys with it and put them into the environment (aws sts get-session-token --serial-number "
    "ARN --token-code CODE), or let Sluice assume a role whose trust policy asks for none.";
constexpr std::string_view kKmsMissingRemedy =
    "Compare the key with staging.kms_key and with the bucket's default encryption: it must exist, "
    "be a symmetric key for encryption, in the bucket's own region ({asked_region}), and be given "
    "as its full ARN if it is of another account. To see the bucket's: aws s3api "
    "get-bucket-encryption --bucket {bucket}";
constexpr std::string_view kKmsOffRemedy =
    "The key is disabled or waits to be deleted: enable it (aws kms enable-key, or aws kms "
    "cancel-key-deletion and then enable-key), or give the bucket another default key (aws s3api "
    "get-bucket-encryption --bucket {bucket}).";
constexpr std::string_view kForeignSeen = "what answered is {answer}, not AWS";
constexpr std::string_view kProxyPassword =
    "The proxy of HTTPS_PROXY asks for a password: put it there "
    "(http://user:password@host:port), or let AWS's hosts pass it (NO_PROXY).";
constexpr std::string_view kGatewayRemedy =
    "Run again. If it lasts, a proxy, gateway or load balancer on the way to {host} fails: check "
    "HTTPS_PROXY, NO_PROXY and AWS_ENDPOINT_URL.";
constexpr std::string_view kForeignRemedy =
    "Something else than AWS answers at {host}: a proxy, the log-in page of a network (captive "
    "portal), or a wrong address. Check HTTPS_PROXY and NO_PROXY, log in to the network, and "
    "compare aws.endpoint_url and AWS_ENDPOINT_URL, if set.";

constexpr auto kRows = std::to_array<ErrorRow>({
    // Not AWS at all. Pages of 5xx may be AWS's own: S3's front answers so when it is overloaded.
    {.status = 407, .error = kUnreachable, .remedy = kProxyPassword, .reason = "proxy"},
    {.status_class = 5,
     .when = kForeign,
     .error = kUnavailable,
     .retryable = true,
     .seen = kForeignSeen,
     .remedy = kGatewayRemedy,
     .reason = "foreign_answer"},
    {.status = 429,
     .when = kForeign,
     .error = kThrottled,
     .retryable = true,
     .seen = kForeignSeen,
     .remedy = kGatewayRemedy,
     .reason = "foreign_answer"},
    {.status_class = 3,
     .when = kForeign,
     .error = kUnreachable,
     .seen =
         "the answer wants to send us to {location}, which is not followed: requests carry keys",
     .remedy = kForeignRemedy,
     .reason = "foreign_answer"},
    {.when = kForeign,
     .error = kUnreachable,
     .seen = kForeignSeen,
     .remedy = kForeignRemedy,
     .reason = "foreign_answer"},

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
    {.service = Service::kS3,
     .status_class = 3,
     .error = kInvalidConfig,
     .remedy =
         "The bucket is in another region than {asked_region}: write its own as staging.region."},
    {.code = "RegionDisabledException",
     .error = kInvalidConfig,
     .remedy = "STS is switched off in {asked_region} for this account: activate it (IAM, Account "
               "settings), or use another region.",
     .reason = "region_disabled"},

    // May we. Of a refusal that tells its policy, AWS's own words outrank these (denial.h).
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
    {.text = "MultiFactorAuthentication",
     .status = 403,
     .error = kAuthentication,
     .remedy = kMfaRemedy,
     .reason = "mfa"},
    {.code = "AccessDenied", .error = kPermission, .advise = true},
    {.code = "AccessDeniedException", .error = kPermission, .advise = true},
    {.code = "AuthorizationError", .error = kPermission, .advise = true},
    {.code = "UnauthorizedOperation", .error = kPermission, .advise = true},
    {.code = "UnauthorizedAccess", .error = kPermission, .advise = true},
    {.code = "KMS.AccessDeniedException", .error = kPermission, .advise = true},
    {.code = "AllAccessDisabled", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "AccountProblem", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "NotSignedUp", .error = kPermission, .remedy = kAccountRemedy},
    {.code = "OptInRequired", .error = kPermission, .remedy = kAccountRemedy},

    // The bucket's key.
    {.code = "KMS.ThrottlingException",
     .error = kThrottled,
     .retryable = true,
     .remedy = kThrottleRemedy,
     .reason = "throttled"},
    {.code = "KMS.DependencyTimeoutException",
     .error = kUnavailable,
     .retryable = true,
     .remedy = kServiceRemedy},
    {.code = "KMS.InternalException",
     .error = kUnavailable,
     .retryable = true,
     .remedy = kServiceRemedy},
    {.code = "KMS.NotFoundException",
     .error = kNotFound,
     .remedy = kKmsMissingRemedy,
     .reason = "kms_key"},
    {.code = "KMS.DisabledException",
     .error = kInvalidConfig,
     .remedy = kKmsOffRemedy,
     .reason = "kms_key"},
    {.code = "KMS.KMSInvalidStateException",
     .error = kInvalidConfig,
     .remedy = kKmsOffRemedy,
     .reason = "kms_key"},
    {.code = "KMS.*", .error = kInvalidConfig, .remedy = kKmsMissingRemedy, .reason = "kms_key"},
    {.code = "InvalidArgument",
     .text = "KMS",
     .error = kInvalidConfig,
     .remedy = kKmsMissingRemedy,
     .reason = "kms_key"},

    // Is it there.
    {.code = "NoSuchBucket",
     .error = kNotFound,
     .remedy = "Check staging.bucket, or create the bucket in {asked_region}.",
     .reason = "no_such_bucket"},
    {.code = "NoSuchKey",
     .error = kNotFound,
     .remedy = "The object is gone: another run, a lifecycle rule or a person deleted it. Nothing "
               "else may "
               "delete beneath the staging root."},
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
               "the staging prefix."},
    {.code = "InvalidRange",
     .error = kCorrupt,
     .remedy = "The object is shorter than its manifest says: nothing else may write beneath the "
               "staging prefix."},
});

}  // namespace

std::span<const ErrorRow> ErrorTable() {
  static const auto rows = [] {
    std::vector<ErrorRow> all(kRows.begin(), kRows.end());
    for (const auto more : {PassingRows(), FormRows()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return rows;
}

}  // namespace sluice::aws
