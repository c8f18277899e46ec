// Goal: a report tells what was answered, to the last type and code, and nothing that is anybody's.
#include "report/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/fake_clock.h"

namespace sluice::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::ordered_json;

class RecorderTest : public testing::Test {
 protected:
  Json Statement(const redshift::StatementSeen& seen, Names names = Names::kHidden) {
    Recorder recorder(clock_, names);
    clock_.Advance(std::chrono::milliseconds(1500));
    recorder.OnStatementEnded(seen);
    return recorder.Written()["statements"].at(0);
  }
  Json Call(const http::Response& response, const std::string& operation, const std::string& url,
            std::exception_ptr error = {}, Names names = Names::kHidden) {
    Recorder recorder(clock_, names);
    recorder.OnExchange({.method = "GET",
                         .url = url,
                         .operation = operation,
                         .bytes_sent = 1,
                         .response = response,
                         .bytes_received = 2,
                         .error = error,
                         .began = clock_.Utc(),
                         .duration = std::chrono::milliseconds(20)});
    return recorder.Written()["calls"].at(0);
  }
  test::FakeClock clock_;
};

TEST_F(RecorderTest, TellsTypesOfAResultAndNamesOfTheCatalogsColumnsAlone) {
  const auto catalog = Statement({.sql = "SELECT table_name FROM svv_all_tables",
                                  .duration = std::chrono::microseconds(1234),
                                  .columns = {{"table_name", 1043, 132}},
                                  .rows = 7,
                                  .tag = "SELECT"});
  EXPECT_EQ(catalog["ms"], 1.234);
  EXPECT_EQ(catalog["rows"], 7);
  EXPECT_EQ(catalog["error"], nullptr);
  EXPECT_EQ(catalog["columns"].dump(),
            R"([{"type_oid":1043,"type_modifier":132,"name":"table_name"}])");
  const redshift::StatementSeen own{.sql = "SELECT \"salary\" FROM \"s\".\"t\" LIMIT 0",
                                    .columns = {{"salary", 1700, 1179654}}};
  EXPECT_EQ(Statement(own)["columns"].dump(), R"([{"type_oid":1700,"type_modifier":1179654}])");
  EXPECT_THAT(Statement(own, Names::kShown).dump(), HasSubstr("\"name\":\"salary\""));
}

TEST_F(RecorderTest, TellsAFailureToItsCodes) {
  const auto failed = Statement(
      {.sql = "UNLOAD ('x') TO 's3://b/p'",
       .sqlstate = "XX000",
       .message =
           "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid ABC123,ExtRid Q",
       .detail = "\n  -----\n  error:  S3ServiceException:Access Denied,Status 403,Error "
                 "AccessDenied,Rid ABC123,ExtRid Q,CanRetry 1\n  code:      8001\n  context:   "
                 "acme-bucket\n  query:     4711\n  location:  s3_utility.cpp:343\n  -----\n"});
  EXPECT_EQ(failed["error"]["sqlstate"], "XX000");
  EXPECT_EQ(failed["error"]["code"], "8001");
  EXPECT_EQ(failed["error"]["s3"].dump(),
            R"({"status":403,"error":"AccessDenied","request_id":"ABC123"})");
  EXPECT_THAT(failed.dump(), Not(HasSubstr("acme")));
}

TEST_F(RecorderTest, TellsTheVersionAndWhatTheServerIsSetTo) {
  Recorder recorder(clock_, Names::kHidden);
  recorder.OnParameter("TimeZone", "UTC");
  recorder.OnStatementEnded(
      {.sql = "SELECT version()", .version = "PostgreSQL 8.0.2 on i686, Redshift 1.0.436211"});
  EXPECT_EQ(recorder.Written()["server"].dump(),
            R"({"TimeZone":"UTC","version":"PostgreSQL 8.0.2 on i686, Redshift 1.0.436211"})");
}

TEST_F(RecorderTest, TellsACallByServiceStatusAndCodeWithoutItsAddress) {
  const auto call = Call(
      {.status = 403,
       .headers = {{"x-amz-request-id", "R1"}, {"x-secret", "shh"}},
       .body = "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/acme "
               "is not authorized</Message></Error>"},
      "ListObjectsV2",
      "https://acme-bucket.s3.us-east-1.amazonaws.com/sluice/key?list-type=2&prefix=acme");
  EXPECT_EQ(call["service"], "s3");
  EXPECT_EQ(call["status"], 403);
  EXPECT_EQ(call["error_code"], "AccessDenied");
  EXPECT_EQ(call["request_id"], "R1");
  EXPECT_EQ(call["parameters"].dump(), R"(["list-type","prefix"])");
  EXPECT_EQ(call["headers"].dump(), R"(["x-amz-request-id","x-secret"])");
  for (const char* own : {"acme", "123456789012", "shh", "us-east-1"}) {
    EXPECT_THAT(call.dump(), Not(HasSubstr(own)));
  }
  EXPECT_THAT(call["error_message"].get<std::string>(), HasSubstr("is not authorized"));
}

TEST_F(RecorderTest, TellsJsonErrorsAndWhatNobodyAnswered) {
  const auto refused = Call(
      {.status = 400,
       .body = R"({"__type":"com.amazonaws.x#ValidationException","message":"workgroup acme"})"},
      "GetCredentials", "https://redshift-serverless.us-east-1.amazonaws.com/");
  EXPECT_EQ(refused["service"], "redshift-serverless");
  EXPECT_EQ(refused["error_code"], "ValidationException");
  EXPECT_EQ(refused["error_message"], "workgroup …");
  const auto silent =
      Call({}, "AssumeRole", "https://sts.us-east-1.amazonaws.com/",
           std::make_exception_ptr(base::Error(
               {.code = base::ErrorCode::kUnreachable, .message = "shh", .reason = "proxy"})));
  EXPECT_EQ(silent["failure"].dump(), R"({"code":"unreachable","reason":"proxy"})");
  EXPECT_THAT(silent.dump(), Not(HasSubstr("shh")));
}

}  // namespace
}  // namespace sluice::report
