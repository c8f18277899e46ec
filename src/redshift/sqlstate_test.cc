// Goal: every failure that is known has one meaning and one remedy that can be pasted, and no text
// of the server brings a value, a statement or a key along.
#include "redshift/sqlstate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

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

struct Row {
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

const Row kRows[] = {
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
     ErrorCode::kUnreachable, true, "closed the connection", "endpoint"},
    {kLogin, "", "server closed the connection unexpectedly", ErrorCode::kUnreachable, true,
     "closed the connection", "endpoint"},
    {kLogin, "", "could not receive data from server: Connection reset by peer",
     ErrorCode::kUnreachable, true, "closed the connection", "endpoint"},
    {kLogin, "", "SSL error: tlsv1 alert protocol version", ErrorCode::kUnreachable, false,
     "TLS with wg.example.com:5440 failed", "proxy"},
    {kLogin, "", "SSL SYSCALL error: EOF detected", ErrorCode::kUnreachable, true,
     "TLS with wg.example.com:5440 failed", "proxy"},
    {kLogin, "", "FATAL:  the database \"x\" rejects user \"y\"", ErrorCode::kUnreachable, false,
     "rejects user", "endpoint"},
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
     "does not understand the query", "query editor"},
    {kQuery, "42883", "function f(integer) does not exist", ErrorCode::kSource, false,
     "function f(integer)", "query editor"},
    {kQuery, "22P02", "invalid input syntax", ErrorCode::kSource, false, "22P02", "query editor"},
    {kUnload, "42501", "permission denied for relation orders", ErrorCode::kPermission, false,
     "may not read table orders", kGrants},

    {kUnload, "42601", "Limit clause is not supported", ErrorCode::kUnsupported, false, "LIMIT",
     "SELECT * FROM (SELECT"},
    {kUnload, "XX000", "UNLOAD varbyte column \"raw\" is only supported for TEXT/CSV.",
     ErrorCode::kUnsupported, false, "column raw", "CAST(\"raw\" AS VARCHAR)"},
    {kUnload, "XX000",
     "Specified unload destination on S3 is not empty. Consider using a different bucket",
     ErrorCode::kConflict, false, "beneath the staging prefix", "Run again"},
    {kUnload, "XX000", "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "S3 status 403, AccessDenied, request id R1",
     "arn:aws:s3:::acme-staging/*"},
    {kUnload, "XX000",
     "S3ServiceException:User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: "
     "s3:PutObject on resource: x,Status 403,Error AccessDenied,Rid R1",
     ErrorCode::kPermission, false, "bucket acme-staging refused", "KMS"},
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
     ErrorCode::kThrottled, true, "slow down", "Run again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 500,Error InternalError,Rid R1",
     ErrorCode::kUnavailable, true, "S3 failed", "Run again"},
    {kUnload, "XX000", "S3ServiceException:x,Status 503,Error ServiceUnavailable,Rid R1",
     ErrorCode::kUnavailable, true, "S3 failed", "Run again"},
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
    {kUnload, "XX000", "something new", ErrorCode::kSource, false, "something new", "query"},
};

TEST(Classify, KnowsEveryRow) {
  for (const Row& row : kRows) {
    const auto info = Classify(row.phase, {row.sqlstate, row.text, ""}, kContext);
    EXPECT_EQ(base::ErrorCodeName(info.code), base::ErrorCodeName(row.code)) << row.text;
    EXPECT_EQ(info.retryable, row.retryable) << row.text;
    EXPECT_THAT(info.message, HasSubstr(row.message)) << row.text;
    EXPECT_THAT(info.remedy, HasSubstr(row.remedy)) << row.text;
    EXPECT_THAT(info.message + info.remedy, Not(testing::ContainsRegex("[{}]"))) << row.text;
  }
}

TEST(Classify, IsInDoubtOnlyWhenTheServerWentAway) {
  for (const Row& row : kRows) {
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
