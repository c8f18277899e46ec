// Goal: each answer of AWS becomes the code a caller can act on and a remedy a person can follow;
// and whatever AWS echoes, no key leaves in an error.
#include "aws/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "aws/error_table.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

constexpr base::UtcTime kNow{std::chrono::seconds(1767225600)};
const SessionKeys kErrorKeys{"AKIAIOSFODNN7EXAMPLE", base::Secret("sEcReT+/=key"),
                             base::Secret("FQoGZXIvYXdz-token"), std::nullopt};

struct Row {
  Service service;
  int status;
  std::string code;
  std::string message;
  ErrorCode error;
  bool retryable;
  std::string remedy;  // contained in it
};

base::Error ErrorOf(const Row& row) {
  return ToError(
      {.status = row.status, .code = row.code, .message = row.message, .server_time = kNow},
      {.service = row.service,
       .operation = "Do",
       .subject = "thing",
       .action = "s3:Do",
       .resource = "arn:thing",
       .region = "us-east-1"},
      kNow, kErrorKeys);
}

const auto kS3 = Service::kS3;
const auto kSts = Service::kSts;
const auto kRs = Service::kRedshiftServerless;

// One row per entry of the table, in its order.
const std::vector<Row> kRows = {
    {kS3, 403, "RequestTimeTooSkewed", "", ErrorCode::kAuthentication, false, "Set the clock"},
    {kS3, 400, "RequestExpired", "", ErrorCode::kAuthentication, false, "Set the clock"},
    {kSts, 403, "SignatureDoesNotMatch", "Signature expired: 2026 is now earlier",
     ErrorCode::kAuthentication, false, "Set the clock"},
    {kSts, 403, "SignatureDoesNotMatch", "Signature not yet current", ErrorCode::kAuthentication,
     false, "Set the clock"},
    {kS3, 403, "SignatureDoesNotMatch", "", ErrorCode::kAuthentication, false, "secret access key"},
    {kRs, 400, "InvalidSignatureException", "Signature expired: x", ErrorCode::kAuthentication,
     false, "Set the clock"},
    {kRs, 400, "InvalidSignatureException", "Signature not yet current", ErrorCode::kAuthentication,
     false, "Set the clock"},
    {kRs, 400, "InvalidSignatureException", "", ErrorCode::kAuthentication, false,
     "secret access key"},
    {kS3, 403, "InvalidAccessKeyId", "", ErrorCode::kAuthentication, false, "access key id"},
    {kSts, 403, "InvalidClientTokenId", "", ErrorCode::kAuthentication, false, "access key id"},
    {kRs, 400, "UnrecognizedClientException", "", ErrorCode::kAuthentication, false,
     "access key id"},
    {kS3, 400, "InvalidToken", "", ErrorCode::kAuthentication, false, "session token"},
    {kS3, 400, "ExpiredToken", "", ErrorCode::kAuthentication, false, "expired"},
    {kRs, 400, "ExpiredTokenException", "", ErrorCode::kAuthentication, false, "expired"},
    {kS3, 400, "TokenRefreshRequired", "", ErrorCode::kAuthentication, false, "expired"},
    {kSts, 403, "MissingAuthenticationToken", "", ErrorCode::kAuthentication, false, "proxy"},
    {kRs, 400, "MissingAuthenticationTokenException", "", ErrorCode::kAuthentication, false,
     "proxy"},
    {kS3, 400, "MissingSecurityHeader", "", ErrorCode::kAuthentication, false, "proxy"},
    {kSts, 400, "IncompleteSignature", "", ErrorCode::kAuthentication, false, "proxy"},
    {kSts, 400, "InvalidIdentityToken", "", ErrorCode::kAuthentication, false, "identity token"},
    {kSts, 403, "IDPRejectedClaim", "", ErrorCode::kAuthentication, false, "identity token"},
    {kSts, 400, "ExpiredTokenException", "Token expired: current date/time",  //
     ErrorCode::kAuthentication, false, "identity token"},
    {kSts, 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity",
     ErrorCode::kPermission, false, "Federated"},
    {kSts, 400, "IDPCommunicationError", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 400, "AuthorizationHeaderMalformed",
     "the region 'us-east-1' is wrong; expecting 'eu-west-1'", ErrorCode::kInvalidConfig, false,
     "staging.region: eu-west-1"},
    {kS3, 400, "AuthorizationHeaderMalformed", "a component is missing", ErrorCode::kAuthentication,
     false, "access key id"},
    {kS3, 301, "PermanentRedirect", "", ErrorCode::kInvalidConfig, false,
     "another region than us-east-1"},
    {kSts, 403, "RegionDisabledException", "", ErrorCode::kInvalidConfig, false, "us-east-1"},
    {kS3, 403, "AccessDenied", "x with an explicit deny in y", ErrorCode::kPermission, false,
     "outright"},
    {kRs, 400, "AccessDeniedException", "x with an explicit deny in y", ErrorCode::kPermission,
     false, "outright"},
    {kSts, 403, "AccessDenied",
     "User: arn:u is not authorized to perform: sts:TagSession on resource: arn:r",
     ErrorCode::kPermission, false, "sts:TagSession"},
    {kSts, 403, "AccessDenied",
     "User: arn:u is not authorized to perform: sts:AssumeRole on resource: arn:r",
     ErrorCode::kPermission, false, "arn:u to call sts:AssumeRole"},
    {kS3, 403, "AccessDenied", "Access Denied", ErrorCode::kPermission, false,
     R"("Action":"s3:Do","Resource":"arn:thing")"},
    {kRs, 400, "AccessDeniedException",
     "User: arn:u is not authorized to perform: rs:X on resource: arn:w because no policy",
     ErrorCode::kPermission, false, R"("Action":"rs:X","Resource":"arn:w")"},
    {kSts, 403, "AuthorizationError", "", ErrorCode::kPermission, false, "s3:Do"},
    {kSts, 403, "UnauthorizedOperation", "", ErrorCode::kPermission, false, "s3:Do"},
    {Service::kRedshift, 403, "UnauthorizedAccess", "", ErrorCode::kPermission, false, "s3:Do"},
    {kS3, 400, "KMS.AccessDeniedException", "", ErrorCode::kPermission, false, "s3:Do"},
    {kSts, 403, "AccessDenied",
     "MultiFactorAuthentication failed with invalid MFA one time pass code.",
     ErrorCode::kAuthentication, false, "MFA"},
    {kS3, 400, "KMS.ThrottlingException", "", ErrorCode::kThrottled, true, "slow down"},
    {kS3, 503, "KMS.DependencyTimeoutException", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 500, "KMS.InternalException", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 400, "KMS.NotFoundException", "Key 'arn' does not exist", ErrorCode::kNotFound, false,
     "get-bucket-encryption"},
    {kS3, 400, "KMS.DisabledException", "", ErrorCode::kInvalidConfig, false, "enable-key"},
    {kS3, 400, "KMS.KMSInvalidStateException", "pending deletion", ErrorCode::kInvalidConfig, false,
     "enable-key"},
    {kS3, 400, "KMS.*", "", ErrorCode::kInvalidConfig, false, "staging.kms_key"},
    {kS3, 400, "KMS.InvalidKeyUsageException", "", ErrorCode::kInvalidConfig, false, "symmetric"},
    {kS3, 400, "InvalidArgument", "Invalid KMS keyId", ErrorCode::kInvalidConfig, false,
     "staging.kms_key"},
    {kS3, 403, "AllAccessDisabled", "", ErrorCode::kPermission, false, "account"},
    {kS3, 403, "AccountProblem", "", ErrorCode::kPermission, false, "account"},
    {kS3, 403, "NotSignedUp", "", ErrorCode::kPermission, false, "account"},
    {kSts, 403, "OptInRequired", "", ErrorCode::kPermission, false, "account"},
    {kS3, 404, "NoSuchBucket", "", ErrorCode::kNotFound, false, "staging.bucket"},
    {kS3, 404, "NoSuchKey", "", ErrorCode::kNotFound, false, "gone"},
    {kS3, 404, "NoSuchUpload", "", ErrorCode::kNotFound, false, "gone"},
    {kRs, 400, "ResourceNotFoundException", "Serverless workgroup x not found.",
     ErrorCode::kNotFound, false, "redshift.workgroup"},
    {Service::kRedshift, 404, "ClusterNotFound", "", ErrorCode::kNotFound, false,
     "redshift.workgroup"},
    {Service::kRedshift, 400, "UnsupportedOperation", "", ErrorCode::kUnsupported, false,
     "login_api"},
    {kS3, 400, "InvalidBucketName", "", ErrorCode::kInvalidConfig, false, "staging.bucket"},
    {kS3, 403, "InvalidObjectState", "", ErrorCode::kUnsupported, false, "lifecycle"},
    {kS3, 412, "PreconditionFailed", "", ErrorCode::kConflict, false, "replaced"},
    {kS3, 416, "InvalidRange", "", ErrorCode::kCorrupt, false, "shorter"},
    {kRs, 400, "Any", "Rate exceeded", ErrorCode::kThrottled, true, "slow down"},
    {kSts, 400, "Throttling", "", ErrorCode::kThrottled, true, "slow down"},
    {kSts, 400, "ThrottledException", "", ErrorCode::kThrottled, true, "slow down"},
    {kSts, 400, "RequestThrottled", "", ErrorCode::kThrottled, true, "slow down"},
    {kSts, 400, "RequestThrottledException", "", ErrorCode::kThrottled, true, "slow down"},
    {kRs, 400, "TooManyRequests", "", ErrorCode::kThrottled, true, "slow down"},
    {kS3, 503, "BandwidthLimitExceeded", "", ErrorCode::kThrottled, true, "slow down"},
    {kRs, 400, "ProvisionedThroughputExceededException", "", ErrorCode::kThrottled, true,
     "slow down"},
    {kS3, 400, "PriorRequestNotComplete", "", ErrorCode::kThrottled, true, "slow down"},
    {kRs, 400, "ThrottlingException", "", ErrorCode::kThrottled, true, "slow down"},
    {kRs, 400, "TooManyRequestsException", "", ErrorCode::kThrottled, true, "slow down"},
    {kSts, 503, "RequestLimitExceeded", "", ErrorCode::kThrottled, true, "slow down"},
    {kS3, 503, "SlowDown", "", ErrorCode::kThrottled, true, "slow down"},
    {kS3, 429, "", "", ErrorCode::kThrottled, true, "slow down"},
    {kS3, 400, "RequestTimeout", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 200, "InternalError", "", ErrorCode::kUnavailable, true, "run again"},
    {kRs, 400, "RequestTimeoutException", "", ErrorCode::kUnavailable, true, "run again"},
    {kSts, 500, "InternalFailure", "", ErrorCode::kUnavailable, true, "run again"},
    {kRs, 500, "InternalServerException", "", ErrorCode::kUnavailable, true, "run again"},
    {kSts, 503, "ServiceUnavailable", "", ErrorCode::kUnavailable, true, "run again"},
    {kRs, 503, "ServiceUnavailableException", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 409, "ConditionalRequestConflict", "", ErrorCode::kConflict, true, "run again"},
    {kS3, 408, "", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 409, "OperationAborted", "", ErrorCode::kConflict, true, "run again"},
    {kS3, 400, "BadDigest", "", ErrorCode::kCorrupt, true, "proxy"},
    {kS3, 400, "XAmzContentSHA256Mismatch", "", ErrorCode::kCorrupt, true, "proxy"},
    {kS3, 400, "IncompleteBody", "", ErrorCode::kUnavailable, true, "run again"},
    {kS3, 501, "NotImplemented", "", ErrorCode::kUnsupported, false, "AWS_ENDPOINT_URL"},
    {kRs, 500, "InternalServerException", "", ErrorCode::kUnavailable, true, "run again"},
    {kSts, 400, "ValidationError",
     "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
     ErrorCode::kInvalidConfig, false, "shorter session"},
    {kSts, 400, "ValidationError",
     "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
     "chaining.",
     ErrorCode::kInvalidConfig, false, "3600"},
    {kSts, 400, "PackedPolicyTooLarge", "", ErrorCode::kInvalidConfig, false, "staging.root"},
    {kSts, 400, "MalformedPolicyDocument", "", ErrorCode::kInvalidConfig, false, "policy"},
    {kRs, 400, "ValidationException", "", ErrorCode::kInvalidConfig, false, "rule"},
    {kSts, 400, "ValidationError", "x", ErrorCode::kInvalidConfig, false, "rule"},
    {kS3, 400, "InvalidArgument", "", ErrorCode::kInternal, false, "report"},
    {kS3, 400, "InvalidRequest", "", ErrorCode::kInternal, false, "report"},
    {kS3, 400, "MalformedXML", "", ErrorCode::kInternal, false, "report"},
    {kS3, 400, "InvalidDigest", "", ErrorCode::kInternal, false, "report"},
    {kSts, 401, "", "", ErrorCode::kAuthentication, false, "access key id"},
    {kS3, 403, "", "", ErrorCode::kPermission, false, "arn:thing"},
    {kS3, 404, "", "", ErrorCode::kNotFound, false, "endpoint"},
    {kS3, 407, "", "", ErrorCode::kUnreachable, false, "HTTPS_PROXY"},
    {kS3, 405, "MethodNotAllowed", "", ErrorCode::kUnsupported, false, "AWS_ENDPOINT_URL"},
    {kS3, 409, "", "", ErrorCode::kConflict, true, "run again"},
    {kS3, 412, "", "", ErrorCode::kConflict, false, "replaced"},
    {kS3, 416, "", "", ErrorCode::kCorrupt, false, "shorter"},
    {kS3, 400, "", "", ErrorCode::kAuthentication, false, "renew the keys"},
    {kS3, 418, "Teapot", "", ErrorCode::kSource, false, "report"},
};

TEST(ErrorTable, EveryAnswerHasItsCodeAndRemedy) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.code + " " + std::to_string(row.status) + " " + row.message);
    const base::Error error = ErrorOf(row);
    EXPECT_EQ(base::ErrorCodeName(error.code()), base::ErrorCodeName(row.error));
    EXPECT_EQ(error.info().retryable, row.retryable);
    EXPECT_THAT(error.info().remedy, HasSubstr(row.remedy));
    EXPECT_EQ(error.info().operation, "Do");
    EXPECT_EQ(error.info().subject, "thing");
  }
}

TEST(ErrorTable, NoEntryIsWithoutATestRow) {
  std::set<std::string> tested;
  for (const Row& row : kRows) tested.insert(row.code);
  for (const ErrorRow& row : ErrorTable()) {
    EXPECT_TRUE(row.code.empty() || tested.contains(std::string(row.code))) << row.code;
    EXPECT_TRUE(row.advise || !row.remedy.empty()) << row.code;
  }
}

// "Again" is promised of what can pass alone.
TEST(ErrorTable, SpeaksOfRunningAgainOnlyIfItCanPass) {
  for (const ErrorRow& row : ErrorTable()) {
    const std::string remedy(row.remedy);
    const bool again = remedy.find("un again") != std::string::npos;
    EXPECT_TRUE(!again || row.retryable) << row.code << " " << row.status << ": " << remedy;
  }
}

TEST(ErrorTable, NoRemedyKeepsAnUnfilledWord) {
  for (const Row& row : kRows) {
    const base::Error error = ErrorOf(row);
    for (const std::string word : {"{action}", "{resource}", "{holder}", "{principal}", "{region}",
                                   "{asked_region}", "{skew}"}) {
      EXPECT_THAT(error.info().remedy + error.info().message, Not(HasSubstr(word)));
    }
  }
}

TEST(ToError, TellsTheMeasuredSkewOfTheClock) {
  Failure failure{.status = 403,
                  .code = "SignatureDoesNotMatch",
                  .server_time = kNow + std::chrono::minutes(17)};
  base::Error error = ToError(failure, {.service = kS3}, kNow, kErrorKeys);
  EXPECT_THAT(error.info().message, HasSubstr("0:17:00 behind AWS's"));
  EXPECT_THAT(error.info().remedy, HasSubstr("Set the clock"));
  failure.server_time = kNow - std::chrono::hours(2);
  EXPECT_THAT(ToError(failure, {.service = kS3}, kNow, kErrorKeys).info().message,
              HasSubstr("2:00:00 ahead of AWS's"));
  failure.code = "InvalidSignatureException";
  EXPECT_THAT(ToError(failure, {.service = kRs}, kNow, kErrorKeys).info().remedy,
              HasSubstr("Set the clock"));
}

TEST(ToError, NamesTheRegionOfTheBucketWhereverItStands) {
  for (const int status : {301, 307, 400}) {
    const base::Error error = ToError({.status = status, .bucket_region = "eu-west-1"},
                                      {.service = kS3, .region = "us-east-1"}, kNow, kErrorKeys);
    EXPECT_EQ(error.code(), ErrorCode::kInvalidConfig) << status;
    EXPECT_THAT(error.info().message, HasSubstr("in eu-west-1, not in us-east-1"));
  }
  // The same region in the header is no redirect.
  EXPECT_EQ(ToError({.status = 403, .bucket_region = "us-east-1"},
                    {.service = kS3, .region = "us-east-1"}, kNow, kErrorKeys)
                .code(),
            ErrorCode::kPermission);
}

TEST(ToError, NamesTheRoleWhosePolicyLacksTheAction) {
  const std::string denied =
      " is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::b/k\" because";
  const auto remedy = [&](const std::string& arn) {
    return ToError({.status = 403, .code = "AccessDenied", .message = "User: " + arn + denied},
                   {.service = kS3}, kNow, kErrorKeys)
        .info()
        .remedy;
  };
  EXPECT_THAT(remedy("arn:aws:sts::1:assumed-role/reader/session"),
              HasSubstr("policy of role reader:"));
  EXPECT_THAT(remedy("arn:aws:iam::1:user/path/ann"), HasSubstr("policy of user ann:"));
  EXPECT_THAT(remedy("arn:aws:iam::1:user/ann"), HasSubstr(R"("Resource":"arn:aws:s3:::b/k")"));
}

// Findings are worded with them.
TEST(ToError, HandsOnItsFactsByName) {
  const base::Error error = ToError(
      {.status = 403,
       .code = "AccessDenied",
       .message = "User: arn:aws:iam::1:user/ann is not authorized to perform: s3:PutObject "
                  "on resource: \"arn:aws:s3:::b/k\" because"},
      {.service = kS3}, kNow, kErrorKeys);
  const auto& facts = error.info().facts;
  EXPECT_EQ(facts.at("action"), "s3:PutObject");
  EXPECT_EQ(facts.at("resource"), "arn:aws:s3:::b/k");
  EXPECT_EQ(facts.at("principal"), "arn:aws:iam::1:user/ann");
}

TEST(ToError, NeverShowsAKey) {
  const base::Error error = ToError(
      {.status = 403,
       .code = "InvalidAccessKeyId",
       .message = "AKIAIOSFODNN7EXAMPLE ASIAQWERTYUIOPASDFGH sEcReT+/=key FQoGZXIvYXdz-token AKIA"},
      {.service = kS3, .operation = "o"}, kNow, kErrorKeys);
  const std::string all = error.what() + error.info().remedy + error.info().cause;
  EXPECT_THAT(all, Not(HasSubstr("AKIAIOSFODNN7EXAMPLE")));
  EXPECT_THAT(all, Not(HasSubstr("ASIAQWERTYUIOPASDFGH")));
  EXPECT_THAT(all, Not(HasSubstr("sEcReT")));
  EXPECT_THAT(all, Not(HasSubstr("FQoGZXIvYXdz")));
  EXPECT_THAT(all, HasSubstr("AKIA...MPLE"));
  // Whatever part of the answer echoes it.
  const base::Error echo = ToError({.status = 403,
                                    .code = "sEcReT+/=key",
                                    .message = "no",
                                    .bucket_region = "sEcReT+/=key",
                                    .request_id = "sEcReT+/=key"},
                                   {.service = kS3, .operation = "o"}, kNow, kErrorKeys);
  for (const std::string& text :
       {std::string(echo.what()), echo.info().message, echo.info().remedy, echo.info().cause}) {
    EXPECT_THAT(text, Not(HasSubstr("sEcReT")));
  }
}

TEST(ReadFailure, ReadsTheXmlOfBothServices) {
  const http::Response s3{
      403,
      {{"x-amz-request-id", "R"}, {"Date", "Thu, 01 Jan 2026 00:00:00 GMT"}},
      "<Error><Code>C</Code><Message>M</Message><Region>eu-west-1</Region></Error>"};
  const Failure failure = ReadFailure(kS3, s3);
  EXPECT_EQ(failure.code, "C");
  EXPECT_EQ(failure.message, "M");
  EXPECT_EQ(failure.bucket_region, "eu-west-1");
  EXPECT_EQ(failure.request_id, "R");
  EXPECT_EQ(failure.server_time, kNow);
  const http::Response sts{
      403,
      {},
      "<ErrorResponse xmlns='x'><Error><Code>C</Code><Message>M</Message></Error></ErrorResponse>"};
  EXPECT_EQ(ReadFailure(kSts, sts).code, "C");
}

TEST(ReadFailure, ReadsTheCodeOfJsonWhereverItStands) {
  EXPECT_EQ(ReadFailure(kRs, {400, {}, R"({"__type":"com.x#C","message":"m"})"}).code, "C");
  EXPECT_EQ(ReadFailure(kRs, {400, {}, R"({"__type":"C","Message":"m"})"}).message, "m");
  EXPECT_EQ(
      ReadFailure(kRs, {400, {{"X-Amzn-ErrorType", "D:http://x/"}}, R"({"__type":"C"})"}).code,
      "D");
}

TEST(ReadFailure, SurvivesABodyCutAtEveryLength) {
  const std::string xml = "<Error><Code>C</Code><Message>M</Message></Error>";
  const std::string json = R"({"__type":"com.x#C","message":"m"})";
  for (std::size_t i = 0; i < xml.size(); ++i)
    EXPECT_EQ(ReadFailure(kS3, {403, {}, xml.substr(0, i)}).code, "");
  for (std::size_t i = 0; i < json.size(); ++i)
    EXPECT_EQ(ReadFailure(kRs, {400, {}, json.substr(0, i)}).code, "");
  EXPECT_EQ(ReadFailure(kRs, {400, {}, std::string(100000, '[')}).code, "");
}

}  // namespace
}  // namespace sluice::aws
