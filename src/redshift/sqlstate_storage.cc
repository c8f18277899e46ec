// What UNLOAD can answer of the bucket, its key and the way there. Redshift answers XX000 to most
// of it, so the text tells. A refusal in AWS's own words is read before these (aws/denial.h).
// https://docs.aws.amazon.com/redshift/latest/dg/s3serviceexception-error.html
#include <array>

#include "redshift/sqlstate_table.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

constexpr std::string_view kBucketRights =
    "The keys of the UNLOAD need s3:PutObject, s3:GetObject and s3:AbortMultipartUpload on "
    "arn:aws:s3:::{bucket}/*, and s3:ListBucket on arn:aws:s3:::{bucket}. Check the policy of the "
    "role or user, and the bucket's own policy. If the bucket is of another account, its own "
    "policy must allow the role or user, too: sluice setup bucket --bucket-account ID";

constexpr std::string_view kRegion =
    "Set staging.region to the bucket's region:\n"
    "aws s3api get-bucket-location --bucket {bucket}";

constexpr std::string_view kKmsKey =
    "Compare the key with the bucket's default encryption and staging.kms_key: it must be a "
    "symmetric key of the bucket's own region ({region}), given as its full ARN if it is of "
    "another account.\n"
    "aws s3api get-bucket-encryption --bucket {bucket}";

constexpr std::string_view kPasses =
    "Sluice tries again by itself. If it lasts, see https://health.aws.amazon.com/health/status";

constexpr std::string_view kWayToS3 =
    "The workgroup itself must reach S3 in {region}. With enhanced VPC routing its traffic takes "
    "the VPC's own routes: give the VPC a gateway endpoint for S3 (and its route tables the "
    "route), "
    "or a NAT gateway, and let security group and network ACL pass TCP 443 to S3:\n"
    "aws ec2 create-vpc-endpoint --vpc-id <vpc> --service-name com.amazonaws.{region}.s3 "
    "--route-table-ids <route tables>";

constexpr std::array kStorageRows = {
    ServerErrorRow{kUnload, "", "limit clause is not supported", ErrorCode::kUnsupported, kFinal,
                   kKnown, "", "UNLOAD does not take an outer LIMIT",
                   "Wrap it: SELECT * FROM (SELECT ... LIMIT n) AS t"},
    ServerErrorRow{
        kUnload, "", "only supported for text/csv", ErrorCode::kUnsupported, kFinal, kKnown,
        "column ", "column {object} is of a type that cannot be unloaded to Parquet",
        "Leave the column out: list the others under `columns` of the stream; in a query, write "
        "CAST({object_ident} AS VARCHAR) instead of it."},
    ServerErrorRow{
        kUnload, "", "unload destination on s3 is not empty", ErrorCode::kConflict, kFinal, kKnown,
        "", "there are objects below the staging prefix already",
        "Run again: each attempt takes a prefix of its own. If it stays, another program writes "
        "beneath staging.root in bucket {bucket}.",
        "not_empty"},
    ServerErrorRow{kUnload, "", "assumerole", ErrorCode::kPermission, kFinal, kKnown, "iam role ",
                   "database user {user} may not use role {object}",
                   "GRANT ASSUMEROLE ON '{object}' TO {user_ident} FOR UNLOAD;", "no_assumerole"},
    ServerErrorRow{kUnload, "", "not authorized to get credentials of role", ErrorCode::kPermission,
                   kFinal, kKnown, "of role ", "the workgroup may not use role {object}",
                   "Attach the role to the workgroup's namespace, and let its trust policy name "
                   "redshift.amazonaws.com and redshift-serverless.amazonaws.com.",
                   "role_not_attached"},
    ServerErrorRow{kUnload, "", "different region", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
                   "bucket {bucket} is not in region {region} {s3}",
                   "Set staging.region to the bucket's region:\n"
                   "aws s3api get-bucket-location --bucket {bucket}",
                   "wrong_region"},
    ServerErrorRow{kUnload, "", "permanentredirect", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
                   "bucket {bucket} is not in region {region} {s3}",
                   "Set staging.region to the bucket's region:\n"
                   "aws s3api get-bucket-location --bucket {bucket}",
                   "wrong_region"},
    ServerErrorRow{kUnload, "", "invalidaccesskeyid", ErrorCode::kAuthentication, kFinal, kKnown,
                   "", "S3 does not know the keys of the UNLOAD {s3}",
                   "Check the access keys of `auth`; temporary ones need their session token.",
                   "key_unknown"},
    ServerErrorRow{
        kUnload, "", "expiredtoken", ErrorCode::kAuthentication, kRetry, kKnown, "",
        "the keys of the UNLOAD expired while it ran {s3}",
        "Run again. If the table is too large for one hour, raise the role's maximum session "
        "duration, or split the stream with a query.",
        "keys_expired"},
    ServerErrorRow{
        kUnload, "", "token has expired", ErrorCode::kAuthentication, kRetry, kKnown, "",
        "the keys of the UNLOAD expired while it ran {s3}",
        "Run again. If the table is too large for one hour, raise the role's maximum session "
        "duration, or split the stream with a query.",
        "keys_expired"},
    ServerErrorRow{kUnload, "", "signaturedoesnotmatch", ErrorCode::kAuthentication, kFinal, kKnown,
                   "", "S3 refused the signature made with the keys of the UNLOAD {s3}",
                   "Check the secret access key of `auth`."},
    ServerErrorRow{kUnload, "", "nosuchbucket", ErrorCode::kNotFound, kFinal, kKnown, "",
                   "bucket {bucket} does not exist {s3}",
                   "Set staging.bucket, or create the bucket.", "no_such_bucket"},
    ServerErrorRow{kUnload, "", "error accessdenied", ErrorCode::kPermission, kFinal, kKnown, "",
                   "bucket {bucket} refused the server's request {s3}", kBucketRights,
                   "not_allowed"},
    ServerErrorRow{kUnload, "", "access denied", ErrorCode::kPermission, kFinal, kKnown, "",
                   "bucket {bucket} refused the server's request {s3}", kBucketRights,
                   "not_allowed"},

    // KMS: S3 asks it in our name.
    ServerErrorRow{kUnload, "", "kms.notfoundexception|kms*invalid*key*arn|kms*does not exist",
                   ErrorCode::kNotFound, kFinal, kKnown, "",
                   "the KMS key of bucket {bucket} does not exist, or not in its region {s3}",
                   kKmsKey, "kms_key"},
    ServerErrorRow{kUnload, "",
                   "kms.disabledexception|kms.kmsinvalidstate|kms.invalidstate|kms*is disabled|kms*"
                   "pending deletion|kms*pending import",
                   ErrorCode::kInvalidConfig, kFinal, kKnown, "",
                   "the KMS key of bucket {bucket} is disabled or waits to be deleted {s3}",
                   "Enable the key (aws kms enable-key; aws kms cancel-key-deletion first, if it "
                   "was to be deleted), or give the bucket another default key.",
                   "kms_key"},
    ServerErrorRow{kUnload, "",
                   "kms.throttling|kms.dependencytimeout|kms.internal|kms.keyunavailable",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "KMS did not answer in time while the server wrote {s3}", kPasses},
    ServerErrorRow{kUnload, "", "kms.|aws kms|kms key|kms master key|kmskey|kms-managed",
                   ErrorCode::kInvalidConfig, kFinal, kKnown, "",
                   "the KMS key of bucket {bucket} cannot be used: {text} {s3}", kKmsKey,
                   "kms_key"},

    // S3's answers, by code and status.
    ServerErrorRow{kUnload, "", "slowdown|[status 429]|reduce your request rate|toomanyrequests",
                   ErrorCode::kThrottled, kRetry, kKnown, "",
                   "S3 asked the server to slow down {s3}", kPasses},
    ServerErrorRow{kUnload, "",
                   "[s3 internalerror]|[s3 serviceunavailable]|[s3 requesttimeout]|[s3 "
                   "operationaborted]|[status 500]|[status 502]|[status 503]|[status 504]|[status "
                   "408]|[status 409]",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "S3 failed while the server wrote {s3}", kPasses},
    ServerErrorRow{kUnload, "", "requesttimetooskewed", ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "S3 finds the workgroup's clock wrong {s3}", kPasses},
    ServerErrorRow{kUnload, "", "invalidtoken|invalidclienttoken|unrecognizedclient",
                   ErrorCode::kAuthentication, kFinal, kKnown, "",
                   "S3 does not know the keys of the UNLOAD {s3}",
                   "Check the access keys of `auth`; temporary ones need their session token.",
                   "key_unknown"},
    ServerErrorRow{kUnload, "", "authorizationheadermalformed", ErrorCode::kInvalidConfig, kFinal,
                   kKnown, "", "bucket {bucket} is not in region {region} {s3}", kRegion,
                   "wrong_region"},
    ServerErrorRow{kUnload, "", "[status 301]|[status 307]|[status 302]", ErrorCode::kInvalidConfig,
                   kFinal, kKnown, "", "bucket {bucket} is not in region {region} {s3}", kRegion,
                   "wrong_region"},
    ServerErrorRow{kUnload, "", "[status 403]", ErrorCode::kPermission, kFinal, kKnown, "",
                   "bucket {bucket} refused the server's request {s3}", kBucketRights,
                   "not_allowed"},
    ServerErrorRow{kUnload, "", "[status 404]", ErrorCode::kNotFound, kFinal, kKnown, "",
                   "bucket {bucket}, or an object in it, was not there {s3}",
                   "Check staging.bucket, and that no lifecycle rule or other program deletes "
                   "beneath staging.root while a sync runs."},
    ServerErrorRow{kUnload, "", "s3serviceexception", ErrorCode::kSource, kFinal, kKnown, "",
                   "the server could not write to bucket {bucket} {s3}: {text}", kBucketRights},

    // The way from the workgroup to S3. libcurl's numbers:
    // https://curl.se/libcurl/c/libcurl-errors.html
    ServerErrorRow{
        kStatement, "",
        "[curl 35]|[curl 51]|[curl 58]|[curl 59]|[curl 60]|[curl 77]|[curl 83]|[curl 91]",
        ErrorCode::kUnreachable, kFinal, kKnown, "",
        "TLS between the workgroup and S3 failed: {text}",
        "Something in the workgroup's VPC inspects TLS (a firewall or proxy on its "
        "route): let S3 pass it, or give the VPC a gateway endpoint for S3.",
        "no_way_to_s3"},
    ServerErrorRow{kStatement, "",
                   "[curl 5]|[curl 6]|[curl 7]|[curl 28]|s3curlexception*timed out|s3curlexception*"
                   "could not connect|s3curlexception*couldn't connect|s3curlexception*resolve",
                   ErrorCode::kUnreachable, kRetry, kKnown, "",
                   "the workgroup finds no way to S3: {text}", kWayToS3, "no_way_to_s3"},
    ServerErrorRow{kStatement, "", "[curl |s3curlexception", ErrorCode::kUnavailable, kRetry,
                   kKnown, "", "the connection between the workgroup and S3 broke: {text}",
                   "Sluice tries again by itself. If it comes back: the network of the workgroup's "
                   "VPC (NAT gateway, firewall, S3 gateway endpoint) cuts connections to S3."},
    ServerErrorRow{kUnload, "", "manifest", ErrorCode::kSource, kFinal, kKnown, "",
                   "the server could not write the UNLOAD's manifest: {text}",
                   "Nothing else may write beneath staging.root of bucket {bucket}. {look}"},
    ServerErrorRow{kUnload, "", "file size|maxfilesize|row is too large|exceeds*maximum*parquet",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "a row or file is too large for UNLOAD: {text}",
                   "Leave wide columns out: list the others under `columns` of the stream."},
};

}  // namespace

std::span<const ServerErrorRow> StorageRows() { return kStorageRows; }

}  // namespace sluice::redshift
