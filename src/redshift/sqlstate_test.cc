// Goal: every failure that is known has one meaning and one remedy that can be pasted, and no text
// of the server brings a value, a statement or a key along.
#include "redshift/sqlstate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::Not;

const FailureContext kContext{.user = "IAMR:sluice-reader",
                              .host = "wg.example.com",
                              .port = 5440,
                              .database = "dev",
                              .workgroup = "analytics",
                              .schema = "sales",
                              .table = "orders",
                              .bucket = "acme-staging",
                              .bucket_region = "eu-west-1"};

constexpr char kGrants[] =
    "GRANT USAGE ON SCHEMA \"sales\" TO \"IAMR:sluice-reader\";\n"
    "GRANT SELECT ON TABLE \"sales\".\"orders\" TO \"IAMR:sluice-reader\";";

struct StateRow {
  Phase phase;
  const char* sqlstate;
  const char* text;
  ErrorCode code;
  bool retryable;
  const char* message;  // pieces
  const char* remedy;
};

constexpr Phase kLogin = Phase::kLogin;
constexpr Phase kQuery = Phase::kQuery;
constexpr Phase kUnload = Phase::kUnload;

const StateRow kRows[] = {
    {kLogin, "", "FATAL:  IAM Authentication token has expired", ErrorCode::kAuthentication, true,
     "password has expired", "clock"},
    {kQuery, "28000", "IAM Authentication token has expired", ErrorCode::kAuthentication, true,
     "password has expired", "Run again"},
    {kLogin, "", "FATAL:  IAM authentication failed for user \"IAMR:sluice-reader\"",
     ErrorCode::kAuthentication, false, "IAMR:sluice-reader", "redshift.workgroup"},
    {kLogin, "", "FATAL:  password authentication failed for user \"IAMR:sluice-reader\"",
     ErrorCode::kAuthentication, false, "refused the password", "not encrypted"},
    {kLogin, "", "FATAL:  no pg_hba.conf entry for host \"1.2.3.4\", SSL off",
     ErrorCode::kAuthentication, false, "no rule", "wg.example.com:5440"},
    {kLogin, "", "FATAL:  unrecognized configuration parameter \"geqo\"", ErrorCode::kInvalidConfig,
     false, "does not know a parameter", "PGGEQO"},
    {kLogin, "", "FATAL:  permission denied to set parameter \"lc_monetary\" to \"C\"",
     ErrorCode::kInvalidConfig, false, "refuses a parameter", "Unset"},
    {kLogin, "", "authentication method 13 not supported", ErrorCode::kUnsupported, false,
     "stored password", "ALTER USER \"IAMR:sluice-reader\" PASSWORD DISABLE;"},
    {kLogin, "", "FATAL:  connection limit \"500\" exceeded for non-bootstrap users",
     ErrorCode::kThrottled, true, "no connection left", "parallel"},
    {kLogin, "", "FATAL:  sorry, too many connections", ErrorCode::kThrottled, true,
     "no connection left", "parallel"},
    {kLogin, "", "could not translate host name \"x\" to address: Name or service not known",
     ErrorCode::kUnreachable, false, "wg.example.com does not exist", "endpoint"},
    {kLogin, "", "connection to server at \"h\" (1.2.3.4), port 1 failed: Connection refused",
     ErrorCode::kUnreachable, false, "wg.example.com:5440 refuses", "port 5440"},
    {kLogin, "", "connection to server at \"h\", port 1 failed: No route to host",
     ErrorCode::kUnreachable, false, "no network path", "security group"},
    {kLogin, "", "failed: Network is unreachable", ErrorCode::kUnreachable, false,
     "no network path", "security group"},
    {kLogin, "", "SSL error: certificate verify failed", ErrorCode::kUnreachable, false,
     "certificate of wg.example.com", "amazon-trust-ca-bundle.crt"},
    {kLogin, "", "server certificate for \"a\" does not match host name \"b\"",
     ErrorCode::kUnreachable, false, "not for wg.example.com", "alias"},
    {kLogin, "", "could not get server's host name from server certificate",
     ErrorCode::kUnreachable, false, "names no host", "endpoint"},
    {kLogin, "", "server does not support SSL, but SSL was required", ErrorCode::kUnreachable,
     false, "does not offer TLS", "proxy"},
    {kLogin, "", "root certificate file \"/x\" does not exist", ErrorCode::kInvalidConfig, false,
     "trusted certificates", "redshift.sslrootcert"},
    {kLogin, "", "received invalid response to SSL negotiation: H", ErrorCode::kInvalidConfig,
     false, "not a Redshift", "wg.example.com:5440"},
    {kLogin, "", "expected authentication request from server, but received H",
     ErrorCode::kInvalidConfig, false, "not a Redshift", "wg.example.com:5440"},
    {kLogin, "", "SSL error: wrong version number", ErrorCode::kInvalidConfig, false,
     "not a Redshift", "5439"},
    {kLogin, "", "timed out: the port did not answer", ErrorCode::kUnreachable, true,
     "stays silent", "publicly accessible"},
    {kLogin, "", "failed: Connection timed out", ErrorCode::kUnreachable, true, "stays silent",
     "inbound rule: TCP, port 5440"},
    {kLogin, "", "timeout expired", ErrorCode::kUnreachable, true, "stays silent", "inbound rule"},
    {kLogin, "", "FATAL:  user \"IAM:etl\" does not exist", ErrorCode::kNotFound, false,
     "user IAM:etl does not exist", "CREATE USER \"IAM:etl\" PASSWORD DISABLE;"},
    {kLogin, "", "FATAL:  database \"prod\" does not exist", ErrorCode::kNotFound, false,
     "database prod does not exist", "redshift.database"},
    {kLogin, "", "FATAL:  terminating connection due to administrator command",
     ErrorCode::kUnavailable, true, "terminating connection", "must be Available"},
    {kLogin, "", "server closed the connection unexpectedly", ErrorCode::kUnreachable, true,
     "closed the connection", "endpoint"},
    {kLogin, "", "could not receive data from server: Connection reset by peer",
     ErrorCode::kUnreachable, true, "closed the connection", "endpoint"},
    {kLogin, "", "SSL error: tlsv1 alert protocol version", ErrorCode::kUnreachable, false,
     "TLS with wg.example.com:5440 failed", "proxy"},
    {kLogin, "", "SSL SYSCALL error: EOF detected", ErrorCode::kUnreachable, true,
     "TLS with wg.example.com:5440 failed", "proxy"},
    {kLogin, "", "FATAL:  the database \"x\" rejects user \"y\"", ErrorCode::kPermission, false,
     "rejects user \"y\"", "was reached"},
    {kLogin, "",
     "connection to server at \"127.0.0.1\", port 5440 failed: FATAL:  Cannot connect to shared "
     "database \"sales_share\" created from Data Catalog ARN. Connect to a local database.",
     ErrorCode::kUnsupported, false, "database sales_share is shared",
     "SELECT * FROM sales_share.<schema>.<table>"},
    {kLogin, "", "FATAL:  User does not have permissions to connect to database \"dev\"",
     ErrorCode::kPermission, false, "may not connect to database dev",
     "GRANT USAGE ON DATABASE \"dev\" TO \"IAMR:sluice-reader\";"},
    {kLogin, "", "FATAL:  permission denied for database \"dev\"", ErrorCode::kPermission, false,
     "may not connect to database dev", "GRANT USAGE"},
    {kLogin, "", "FATAL:  Query reached usage limit for this workgroup", ErrorCode::kUnavailable,
     false, "usage limit is reached", "Manage usage limits"},
    {kLogin, "", "FATAL:  remaining connection slots are reserved", ErrorCode::kThrottled, true,
     "no connection left", "parallel"},
    {kLogin, "", "FATAL:  the database system is starting up", ErrorCode::kUnavailable, true,
     "starting up", "must be Available"},
    {kLogin, "", "FATAL:  database \"dev\" is not currently accepting connections",
     ErrorCode::kUnavailable, true, "not currently accepting", "must be Available"},
    {kLogin, "", "FATAL:  role \"x\" is not permitted to log in", ErrorCode::kAuthentication, false,
     "not permitted to log in", "VALID UNTIL"},
    {kLogin, "", "FATAL:  User account is locked", ErrorCode::kAuthentication, false, "locked",
     "svv_user_info"},
    {kLogin, "", "FATAL:  identity provider \"azure\" refused the token",
     ErrorCode::kAuthentication, false, "refuses the way to log in", "sluice setup sql"},
    {kLogin, "", "FATAL:  SSL is required by require_ssl", ErrorCode::kAuthentication, false,
     "not encrypted", "takes TLS away"},
    {kLogin, "", "FATAL:  out of memory", ErrorCode::kUnavailable, true, "no room", "capacity"},
    {kLogin, "", "FATAL:  unsupported frontend protocol 3.0: server supports 1.0 to 2.0",
     ErrorCode::kInvalidConfig, false, "not a Redshift", "wg.example.com:5440"},
    {kLogin, "", "connection to server at \"h\", port 1 failed: FATAL:  something new \"x\"",
     ErrorCode::kSource, false, "refuses the log-in: something new \"...\"", "was reached"},
    {kLogin, "", "something new", ErrorCode::kUnreachable, false, "something new", "endpoint"},

    {kQuery, "42501", "permission denied for relation orders", ErrorCode::kPermission, false,
     "IAMR:sluice-reader may not read table orders", kGrants},
    {kQuery, "42501", "permission denied for schema hr", ErrorCode::kPermission, false,
     "may not use schema hr",
     "GRANT USAGE ON SCHEMA \"hr\" TO \"IAMR:sluice-reader\";\n"
     "GRANT SELECT ON ALL TABLES IN SCHEMA \"hr\" TO \"IAMR:sluice-reader\";"},
    {kQuery, "42501", "permission denied for schema sales", ErrorCode::kPermission, false,
     "may not use schema sales", kGrants},
    {kQuery, "42501", "must be owner", ErrorCode::kPermission, false, "may not do this", kGrants},
    {kQuery, "XX000", "Permission denied for column x", ErrorCode::kPermission, false,
     "may not do this", kGrants},
    {kQuery, "42P01", "relation \"sales.ordrs\" does not exist", ErrorCode::kNotFound, false,
     "table sales.ordrs does not exist", "sluice discover"},
    {kQuery, "XX000", "Relation ordrs does not exist in the database.", ErrorCode::kNotFound, false,
     "table ordrs does not exist", kGrants},
    {kQuery, "3F000", "schema \"sals\" does not exist", ErrorCode::kNotFound, false,
     "schema sals does not exist", "sluice discover"},
    {kQuery, "42703", "column \"totl\" does not exist in orders", ErrorCode::kNotFound, false,
     "column totl does not exist", "sluice discover"},
    {kQuery, "XX000", "ERROR: 1018 DETAIL: Relation does not exist.", ErrorCode::kConflict, true,
     "replaced while it was read", "Run again"},
    {kQuery, "XX000", "1023 Serializable isolation violation on table - 1234", ErrorCode::kConflict,
     true, "another one that wrote", "Run again"},
    {kQuery, "40001", "could not serialize access", ErrorCode::kConflict, true,
     "another one that wrote", "Run again"},
    {kQuery, "XX000", "Error Code 34510: Concurrent DDL committed on t between Prepare and Execute",
     ErrorCode::kConflict, true, "changed while it was read", "Run again"},
    {kQuery, "XX000",
     "Query (1) canceled by WLM abort action of Query Monitoring Rule \"long_unload\"",
     ErrorCode::kTimeout, false, "rule long_unload", "Query limits"},
    {kQuery, "57014",
     "Query (1) cancelled by WLM abort action of Query Monitoring Rule \"max rows\".",
     ErrorCode::kTimeout, false, "rule max rows", "exempt database user IAMR:sluice-reader"},
    {kQuery, "XX000", "Query cancelled by WLM", ErrorCode::kTimeout, false, "query limit",
     "max_query_execution_time"},
    {kQuery, "XX000", "Query (4) reached usage limit", ErrorCode::kUnavailable, false,
     "usage limit is reached", "Manage usage limits"},
    {kUnload, "XX000", "abort query", ErrorCode::kUnavailable, true, "ended the statement",
     "tries again"},
    {kQuery, "XX000", "Query (7) cancelled on user's request", ErrorCode::kTimeout, false,
     "time limit passed", "statement_timeout"},
    {kQuery, "XX000", "could not complete because of conflict with concurrent transaction",
     ErrorCode::kConflict, true, "another one that wrote", "Run again"},
    {kQuery, "40P01", "deadlock detected", ErrorCode::kConflict, true, "another one that wrote",
     "Run again"},
    {kQuery, "XX000", "Leader node was restarted", ErrorCode::kUnavailable, true, "restarted",
     "must be Available"},
    {kUnload, "XX000", "Disk Full", ErrorCode::kUnavailable, true, "disk is full", "base capacity"},
    {kUnload, "XX000", "Insufficient memory to run query. See troubleshooting",
     ErrorCode::kUnavailable, true, "not enough memory", "base capacity"},
    {kQuery, "XX000", "Spectrum Scan Error: Forbidden: HTTP response error code: 403 AccessDenied",
     ErrorCode::kPermission, false, "external table may not be read", "svv_external_schemas"},
    {kQuery, "XX000", "S3Query Exception Connection failed, retries exceeded.",
     ErrorCode::kUnavailable, true, "external table failed", "tries again"},
    {kQuery, "XX000", "Spectrum Scan Error: incompatible Parquet schema", ErrorCode::kSource, false,
     "not what the table says", "Column types"},
    {kQuery, "XX000", "Spectrum Scan Error. NoSuchKey", ErrorCode::kNotFound, false, "is gone",
     "MSCK"},
    {kQuery, "XX000", "Spectrum Scan Error", ErrorCode::kSource, false, "external table failed",
     "sys_external_query_error"},
    {kQuery, "XX000", "Insufficient Lake Formation permission(s) on orders", ErrorCode::kPermission,
     false, "Lake Formation", "SELECT on the table"},
    {kQuery, "XX000", "External Catalog Error. Rate exceeded", ErrorCode::kUnavailable, true,
     "did not answer", "tries again"},
    {kQuery, "XX000", "Failed to incorporate external table \"x\" into local catalog.",
     ErrorCode::kSource, false, "external table \"x\"", "svv_external_schemas"},
    {kQuery, "XX000", "Federated query failed: remote server closed", ErrorCode::kSource, false,
     "behind the external schema", "VPC"},
    {kQuery, "XX000", "Datashare \"sales\" is not accessible", ErrorCode::kPermission, false,
     "Datashare \"sales\"", "ALTER DATASHARE"},
    {kQuery, "XX000", "Datashare producer is paused", ErrorCode::kSource, false, "of a datashare",
     "svv_datashares"},
    {kQuery, "42501", "permission denied to RLS-protected relation \"orders\"",
     ErrorCode::kPermission, false, "relation \"orders\"", "ATTACH RLS POLICY"},
    {kQuery, "XX000", "masking policy \"mask\" returns another type", ErrorCode::kPermission, false,
     "policy \"mask\"", "MASKING POLICY"},
    {kQuery, "XX000", "Numeric data overflow", ErrorCode::kSource, false, "cannot be converted",
     "TRY_CAST"},
    {kQuery, "XX000", "Assert", ErrorCode::kSource, false, "failed inside itself", "AWS Support"},
    {kQuery, "57014", "Query (12) canceled on user's request", ErrorCode::kTimeout, false,
     "time limit passed", "statement_timeout"},
    {kQuery, "25P02", "current transaction is aborted", ErrorCode::kInternal, false,
     "a transaction that had failed", "report"},
    {kQuery, "57P01", "terminating connection", ErrorCode::kUnavailable, true, "shutting down",
     "Run again"},
    {kQuery, "08006", "connection failure", ErrorCode::kUnreachable, true, "08006", "Run again"},
    {kQuery, "53300", "too many", ErrorCode::kThrottled, true, "no connection left", "parallel"},
    {kQuery, "53200", "out of memory", ErrorCode::kUnavailable, true, "53200", "capacity"},
    {kQuery, "42601", "syntax error at or near \"FORM\"", ErrorCode::kSource, false,
     "does not understand the query: syntax error at or near \"FORM\"", "console"},
    {kQuery, "42883", "function f(integer) does not exist", ErrorCode::kSource, false,
     "function f(integer)", "console"},
    {kQuery, "22P02", "invalid input syntax", ErrorCode::kSource, false, "22P02", "TRY_CAST"},
    {kUnload, "42501", "permission denied for relation orders", ErrorCode::kPermission, false,
     "may not read table orders", kGrants},

    {kUnload, "42601", "Limit clause is not supported", ErrorCode::kUnsupported, false, "LIMIT",
     "SELECT * FROM (SELECT"},
    {kUnload, "XX000", "UNLOAD varbyte column \"raw\" is only supported for TEXT/CSV.",
     ErrorCode::kUnsupported, false, "column raw", "CAST(\"raw\" AS VARCHAR)"},
    {kUnload, "XX000",
     "Specified unload destination on S3 is not empty. Consider using a different bucket",
     ErrorCode::kConflict, false, "below the staging prefix", "Run again"},
    {kUnload, "XX000", "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "S3 status 403, AccessDenied, request id R1",
     "arn:aws:s3:::acme-staging/*"},
    {kUnload, "XX000",
     "S3ServiceException:User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: "
     "s3:PutObject on resource: x,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "bucket acme-staging refused",
     "sluice setup bucket --bucket-account ID"},
    {kUnload, "XX000",
     "S3ServiceException:User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: "
     "s3:PutObject on resource: \"arn:aws:s3:::acme-staging/k\" with an explicit deny in a "
     "resource-based policy,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "policy of bucket acme-staging denies s3:PutObject",
     "staging.kms_key"},
    {kUnload, "XX000",
     "S3ServiceException:User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: "
     "s3:PutObject on resource: \"arn:aws:s3:::acme-staging/k\" because no VPC endpoint policy "
     "allows the s3:PutObject action,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "VPC endpoint between the workgroup and S3",
     "describe-vpc-endpoints"},
    {kUnload, "XX000",
     "S3ServiceException:User: arn:aws:iam::1:user/ann is not authorized to perform: "
     "kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:key/1 because no identity-based "
     "policy allows the kms:GenerateDataKey action,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "KMS key arn:aws:kms:us-east-1:1:key/1 may not be used",
     "[\"kms:GenerateDataKey\",\"kms:Decrypt\"],\"Resource\":\"arn:aws:kms:us-east-1:1:key/1\""},
    {kUnload, "XX000",
     "S3ServiceException:Key 'arn:x' does not exist,Status 400,Error "
     "KMS.NotFoundException,Rid R1",
     ErrorCode::kNotFound, false, "KMS key of bucket acme-staging does not exist",
     "get-bucket-encryption"},
    {kUnload, "XX000", "S3ServiceException:x,Status 400,Error KMS.DisabledException,Rid R1",
     ErrorCode::kInvalidConfig, false, "disabled", "enable-key"},
    {kUnload, "XX000", "S3ServiceException:x,Status 400,Error KMS.KMSInvalidStateException,Rid R1",
     ErrorCode::kInvalidConfig, false, "to be deleted", "cancel-key-deletion"},
    {kUnload, "XX000", "S3ServiceException:x,Status 503,Error KMS.ThrottlingException,Rid R1",
     ErrorCode::kUnavailable, true, "KMS did not answer", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 400,Error KMS.InvalidKeyUsageException,Rid R1",
     ErrorCode::kInvalidConfig, false, "cannot be used", "symmetric"},
    {kUnload, "XX000",
     "S3ServiceException:The S3 bucket addressed by the query is in a different region from this "
     "cluster.,Status 301,Error PermanentRedirect,Rid R1",
     ErrorCode::kInvalidConfig, false, "not in region eu-west-1",
     "get-bucket-location --bucket acme-staging"},
    {kUnload, "XX000", "S3ServiceException:x,Status 301,Error PermanentRedirect,Rid R1",
     ErrorCode::kInvalidConfig, false, "S3 status 301", "staging.region"},
    {kUnload, "XX000",
     "S3ServiceException:The AWS Access Key Id you provided does not exist in our records.,Status "
     "403,Error InvalidAccessKeyId,Rid R1",
     ErrorCode::kAuthentication, false, "does not know the keys", "session token"},
    {kUnload, "XX000",
     "S3ServiceException:The provided token has expired.,Status 400,Error ExpiredToken,Rid R1",
     ErrorCode::kAuthentication, true, "expired while it ran", "maximum session duration"},
    {kUnload, "XX000", "The provided token has expired.", ErrorCode::kAuthentication, true,
     "expired while it ran", "Run again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 403,Error SignatureDoesNotMatch,Rid R1",
     ErrorCode::kAuthentication, false, "signature", "secret access key"},
    {kUnload, "XX000", "S3ServiceException:x,Status 404,Error NoSuchBucket,Rid R1",
     ErrorCode::kNotFound, false, "bucket acme-staging does not exist", "staging.bucket"},
    {kUnload, "XX000", "S3ServiceException:x,Status 503,Error SlowDown,Rid R1",
     ErrorCode::kThrottled, true, "slow down", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 500,Error InternalError,Rid R1",
     ErrorCode::kUnavailable, true, "S3 failed", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 503,Error ServiceUnavailable,Rid R1",
     ErrorCode::kUnavailable, true, "S3 failed", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 504,Error Timeout,Rid R1",
     ErrorCode::kUnavailable, true, "S3 failed", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 400,Error InvalidToken,Rid R1",
     ErrorCode::kAuthentication, false, "does not know the keys", "session token"},
    {kUnload, "XX000", "S3ServiceException:x,Status 403,Error RequestTimeTooSkewed,Rid R1",
     ErrorCode::kUnavailable, true, "clock", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 307,Error TemporaryRedirect,Rid R1",
     ErrorCode::kInvalidConfig, false, "not in region", "staging.region"},
    {kUnload, "XX000", "S3ServiceException:x,Status 403,Error Strange,Rid R1",
     ErrorCode::kPermission, false, "403, Strange", "s3:PutObject"},
    {kUnload, "XX000", "S3ServiceException:x,Status 404,Error NoSuchKey,Rid R1",
     ErrorCode::kNotFound, false, "not there", "lifecycle"},
    {kUnload, "XX000", "Failed writing manifest", ErrorCode::kSource, false, "manifest",
     "staging.root"},
    {kUnload, "XX000", "S3CurlException: Could not resolve host,CurlError 6,CanRetry 1",
     ErrorCode::kUnreachable, true, "no way to S3", "gateway endpoint"},
    {kUnload, "XX000", "S3CurlException: Failed to connect,CurlError 7,CanRetry 1",
     ErrorCode::kUnreachable, true, "no way to S3", "com.amazonaws.eu-west-1.s3"},
    {kUnload, "XX000", "S3CurlException: SSL connect error,CurlError 35,CanRetry 1",
     ErrorCode::kUnreachable, false, "TLS between the workgroup and S3", "inspects TLS"},
    {kUnload, "XX000", "S3CurlException: certificate problem,CurlError 60,CanRetry 0",
     ErrorCode::kUnreachable, false, "TLS between the workgroup and S3", "inspects TLS"},
    {kUnload, "XX000", "S3CurlException: Connection was reset by peer,CurlError 56,CanRetry 1",
     ErrorCode::kUnavailable, true, "and S3 broke", "tries again"},
    {kUnload, "XX000", "S3CurlException: Empty reply,curlCode: 52", ErrorCode::kUnavailable, true,
     "and S3 broke", "tries again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 418,Error Teapot,Rid R1", ErrorCode::kSource,
     false, "418, Teapot", "s3:PutObject"},
    {kUnload, "XX000", "Not authorized to get credentials of role arn:aws:iam::1:role/u",
     ErrorCode::kPermission, false, "role arn:aws:iam::1:role/u", "Attach the role"},
    {kUnload, "42501",
     "User x does not have ASSUMEROLE permission on IAM role \"arn:aws:iam::1:role/u\" for UNLOAD",
     ErrorCode::kPermission, false, "arn:aws:iam::1:role/u",
     "GRANT ASSUMEROLE ON 'arn:aws:iam::1:role/u' TO \"IAMR:sluice-reader\" FOR UNLOAD;"},
    {kUnload, "25006", "transaction is read-only", ErrorCode::kSource, false, "read-only",
     "ALTER USER \"IAMR:sluice-reader\""},
    {kUnload, "XX000", "something new", ErrorCode::kSource, false, "something new", "console"},
};

TEST(Classify, KnowsEveryRow) {
  for (const StateRow& row : kRows) {
    const auto info = Classify(row.phase, {row.sqlstate, row.text, ""}, kContext);
    EXPECT_EQ(base::ErrorCodeName(info.code), base::ErrorCodeName(row.code)) << row.text;
    EXPECT_EQ(info.retryable, row.retryable) << row.text;
    EXPECT_THAT(info.message, HasSubstr(row.message)) << row.text;
    EXPECT_THAT(info.remedy, HasSubstr(row.remedy)) << row.text;
    EXPECT_THAT(info.message + info.remedy, Not(::testing::ContainsRegex("[{][a-z_0-9]+[}]")))
        << row.text;
  }
}

TEST(Classify, IsInDoubtOnlyWhenTheServerWentAway) {
  for (const StateRow& row : kRows) {
    const std::string state = row.sqlstate;
    const bool gone = state.starts_with("57P") || state.starts_with("08");
    EXPECT_EQ(Classify(row.phase, {row.sqlstate, row.text, ""}, kContext).in_doubt, gone)
        << row.text;
  }
}

TEST(Classify, TellsOperationAndSubject) {
  const ServerFailure failure{"42501", "permission denied for relation orders", ""};
  EXPECT_EQ(Classify(kQuery, failure, kContext).operation, "query");
  EXPECT_EQ(Classify(kQuery, failure, kContext).subject, "table sales.orders");
  FailureContext context = kContext;
  context.table.clear();
  EXPECT_EQ(Classify(kUnload, failure, context).operation, "UNLOAD");
  EXPECT_EQ(Classify(kUnload, failure, context).subject, "workgroup analytics");
  context.operation = "set up";
  context.subject = "stream x";
  EXPECT_EQ(Classify(kLogin, failure, context).operation, "set up");
  EXPECT_EQ(Classify(kLogin, failure, context).subject, "stream x");
}

TEST(Classify, WritesNoPlaceholderOfASchemaThatIsNotKnown) {
  const auto info = Classify(kQuery, {"42501", "permission denied for relation t", ""}, {});
  EXPECT_THAT(info.remedy, Not(HasSubstr("<schema>")));
  EXPECT_THAT(info.remedy, HasSubstr("GRANT SELECT on the table \"t\""));
}

TEST(Classify, NamesTheCatalogsViewThatIsDenied) {
  for (const std::string view : {"svv_all_columns", "svv_all_tables", "svv_all_schemas"}) {
    FailureContext context = kContext;
    context.schema.clear();
    context.table.clear();
    const auto info =
        Classify(kQuery, {"42501", "permission denied for relation " + view, ""}, context);
    EXPECT_EQ(info.code, ErrorCode::kPermission);
    EXPECT_THAT(info.remedy,
                HasSubstr("GRANT SELECT ON pg_catalog." + view + " TO \"IAMR:sluice-reader\";"));
  }
}

TEST(Classify, ShowsTheWordAtWhichASyntaxErrorStands) {
  const auto message = [](const std::string& text) {
    return Classify(kQuery, {"42601", text, ""}, kContext).message;
  };
  EXPECT_THAT(message("syntax error at or near \"FORM\""), HasSubstr("at or near \"FORM\""));
  EXPECT_THAT(message("syntax error at or near \")\""), HasSubstr("at or near \")\""));
  EXPECT_THAT(message("syntax error at or near \"group_\" x"), HasSubstr("\"group_\" x"));
  for (const auto* text :
       {"syntax error at or near \"'hunter'\"", "syntax error at or near \"4711\"",
        "syntax error at or near \"$$hunter$$\"", "syntax error at or near \"AKIA12hunter\""}) {
    EXPECT_THAT(message(text), HasSubstr("at or near \"...\"")) << text;
    EXPECT_THAT(message(text), Not(HasSubstr("hunter"))) << text;
  }
  EXPECT_THAT(message("syntax error at end of input"), HasSubstr("at end of input"));
}

TEST(Classify, QuotesNamesInRemedies) {
  FailureContext context = kContext;
  context.user = "IAMR:a\"b";
  const auto info =
      Classify(kQuery, {"42501", "permission denied for relation orders", ""}, context);
  EXPECT_THAT(info.remedy, HasSubstr("TO \"IAMR:a\"\"b\";"));
}

TEST(Classify, TakesTheReasonFromTheDetailBlock) {
  const ServerFailure failure{
      "XX000", "S3ServiceException",
      "-----------------------------------------------\n"
      "  error:  S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid 4H2,ExtRid "
      "abc=,CanRetry 1\n  code:      8001\n  context:   S3\n  query:     4711\n"
      "  location:  s3_unloader.cpp:220\n  process:   padbmaster [pid=12]\n"
      "-----------------------------------------------\n"};
  const auto info = Classify(kUnload, failure, kContext);
  EXPECT_EQ(info.code, ErrorCode::kPermission);
  EXPECT_THAT(info.message, HasSubstr("(S3 status 403, AccessDenied, request id 4H2, query 4711)"));
}

std::string Block(const std::string& error, const std::string& code, const std::string& context) {
  return "\n  -----------------------------------------------\n  error:  " + error +
         "\n  code:      " + code + "\n  context:   " + context +
         "\n  query:     123456\n  location:  x.cpp:1\n  process:   padbmaster [pid=1]\n"
         "  -----------------------------------------------\n";
}

// What the DETAIL tells decides as much as the message.
TEST(Classify, ReadsCodeAndContextOfTheDetail) {
  const auto of = [](const std::string& message, const std::string& detail) {
    return Classify(kUnload, {"XX000", message, detail}, kContext);
  };
  const auto aborted = of("abort query", Block("abort query", "1020", "system requested abort"));
  EXPECT_EQ(aborted.code, ErrorCode::kUnavailable);
  EXPECT_TRUE(aborted.retryable);
  EXPECT_EQ(aborted.reason, "system_abort");
  EXPECT_THAT(aborted.message, HasSubstr("context: system requested abort"));
  EXPECT_THAT(aborted.message, HasSubstr("query 123456"));

  const auto away =
      of("connection timed out after 50000 ms",
         Block("S3CurlException: Connection timed out, CurlError 28, multiCurlError 0", "9001",
               "Listing bucket=acme-staging prefix=x"));
  EXPECT_EQ(away.code, ErrorCode::kUnreachable);
  EXPECT_EQ(away.reason, "no_way_to_s3");
  EXPECT_THAT(away.message, HasSubstr("timed out after 50000 ms"));
  EXPECT_THAT(away.remedy, HasSubstr("gateway endpoint for S3"));

  EXPECT_EQ(of("Error", Block("Disk Full", "1016", "node: 0")).reason, "capacity");
  EXPECT_EQ(
      of("1023", "Serializable isolation violation on table - 100123, transactions forming").code,
      ErrorCode::kConflict);
  EXPECT_EQ(of("1018", "Relation does not exist").code, ErrorCode::kConflict);
  EXPECT_EQ(of("Error", Block("Spectrum Scan Error", "15007",
                              "Forbidden: HTTP response error code: "
                              "403 Message: AccessDenied"))
                .reason,
            "external_denied");
  EXPECT_THAT(of("Assert", Block("Assert", "1000", "thread_id != 0 - inside")).message,
              HasSubstr("thread_id != 0 - inside"));
  EXPECT_EQ(Classify(kQuery, {"XX000", "x", "", "masking policy applies"}, kContext).reason,
            "masking");
}

TEST(Classify, SpeaksOfTheQueryOnlyWhereThereIsOne) {
  FailureContext context = kContext;
  const ServerFailure failure{"XX000", "something new", Block("something new", "1", "x")};
  EXPECT_THAT(Classify(kUnload, failure, context).remedy, Not(HasSubstr("query editor")));
  EXPECT_THAT(Classify(kUnload, failure, context).remedy, HasSubstr("query 123456"));
  context.has_query = true;
  EXPECT_EQ(Classify(kUnload, failure, context).remedy,
            "Try the stream's query in the query editor.");
}

// "Again" is promised of what can pass alone.
TEST(Classify, SpeaksOfTryingAgainOnlyIfItCanPass) {
  for (const StateRow& row : kRows) {
    const auto info = Classify(row.phase, {row.sqlstate, row.text, ""}, kContext);
    if (info.retryable || info.reason == "not_empty") continue;
    for (const char* promise : {"Run again", "tries again"}) {
      EXPECT_THAT(info.remedy, Not(HasSubstr(promise))) << row.text;
    }
  }
}

// A server that answered has been reached.
TEST(Classify, CallsNoAnsweredLogInUnreachable) {
  for (const char* text : {"FATAL:  x", "FATAL:  password y", "FATAL:  terminating connection",
                           "FATAL:  role \"x\" is unknown", "FATAL:  timed out waiting"}) {
    const auto info = Classify(kLogin, {"", text, ""}, kContext);
    EXPECT_NE(base::ErrorCodeName(info.code), base::ErrorCodeName(ErrorCode::kUnreachable)) << text;
    EXPECT_THAT(info.remedy, Not(HasSubstr("inbound rule"))) << text;
  }
}

TEST(Classify, AsksTheNoticesWhereTheErrorSaysNothing) {
  ServerFailure failure{"XX000", "failed", ""};
  failure.notices = "WARNING: usage limit of the workgroup is near\n";
  EXPECT_EQ(Classify(kQuery, failure, kContext).reason, "usage_limit");
  failure.message = "Disk Full";
  EXPECT_EQ(Classify(kQuery, failure, kContext).reason, "capacity");
}

TEST(Classify, ShowsNoValueOfADetail) {
  for (const auto& [message, detail] :
       {std::pair<std::string, std::string>{"Invalid digit, Value 'h', Pos 0",
                                            Block("Invalid digit", "1207", "hunter2")},
        {"cannot cast", Block("cast", "1", "hunter2")},
        {"x", "Key (name)=('hunter2') already exists; row contains hunter2"},
        {"x", "relation 'hunter2'"}}) {
    const auto info = Classify(kQuery, {"XX000", message, detail}, kContext);
    EXPECT_THAT(info.message + info.remedy, Not(HasSubstr("hunter2"))) << message;
  }
}

TEST(Classify, NeverShowsValuesStatementsOrKeys) {
  for (const char* text : {"invalid input syntax for integer: \"hunter2\"",
                           "syntax error in 'SECRET_ACCESS_KEY hunter2'",
                           "value 4111111111111111 out of range near hunter2hunter2hunter2",
                           "bad 'hunter2", "bad \"hunter2"}) {
    for (const Phase phase : {kLogin, kQuery, kUnload}) {
      const auto info = Classify(phase, {"22000", text, "DETAIL hunter2"}, kContext);
      EXPECT_THAT(info.message + info.remedy + info.cause, Not(HasSubstr("hunter2"))) << text;
      EXPECT_THAT(info.message, Not(HasSubstr("4111"))) << text;
    }
  }
}

}  // namespace
}  // namespace sluice::redshift
