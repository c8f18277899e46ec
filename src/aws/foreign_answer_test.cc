// Goal: what a proxy, a portal or another service answers is never taken for AWS's word on regions,
// rights or keys.
#include "aws/foreign_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/redshift_serverless.h"
#include "aws/sts.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

const SessionKeys kForeignKeys{"AKIAIOSFODNN7EXAMPLE", base::Secret("hush+/="), base::Secret(),
                               std::nullopt};
constexpr char kPage[] = "<!DOCTYPE html><html><head><title>Log in</title></head></html>";

struct ForeignRow {
  int status;
  std::string body;
  std::vector<http::Header> headers;
  ErrorCode code;
  bool retryable;
  std::string message;
};

const std::vector<ForeignRow> kForeignRows = {
    {302,
     "",
     {{"Location", "http://portal.example/login?token=abc"}},
     ErrorCode::kUnreachable,
     false,
     "http://portal.example"},
    {301, kPage, {}, ErrorCode::kUnreachable, false, "another place"},
    {307, "", {}, ErrorCode::kUnreachable, false, "not followed"},
    {403,
     kPage,
     {{"Server", "squid/5.7"}},
     ErrorCode::kUnreachable,
     false,
     "a web page (HTML) of squid/5.7"},
    {404, kPage, {}, ErrorCode::kUnreachable, false, "a web page"},
    {401, "<html>", {}, ErrorCode::kUnreachable, false, "a web page"},
    {407, kPage, {}, ErrorCode::kUnreachable, false, "407"},
    {503, kPage, {}, ErrorCode::kUnavailable, true, "a web page"},
    {502,
     "<html><h1>502 Bad Gateway</h1></html>",
     {{"Server", "nginx"}},
     ErrorCode::kUnavailable,
     true,
     "of nginx"},
    {429, kPage, {}, ErrorCode::kThrottled, true, "a web page"},
    {403, "", {}, ErrorCode::kUnreachable, false, "an empty answer"},
    {400, "{\"message\":\"no\"}", {}, ErrorCode::kUnreachable, false, "another service's JSON"},
    {403, "denied", {}, ErrorCode::kUnreachable, false, "text"},
    {200, kPage, {}, ErrorCode::kUnreachable, false, "a web page"},
    {200, "{\"a\":1}", {}, ErrorCode::kUnreachable, false, "another service's JSON"},
    {200,
     "<ListAllMyBucketsResult></ListAllMyBucketsResult>",
     {},
     ErrorCode::kUnreachable,
     false,
     "<ListAllMyBucketsResult>"},
    {200, "OK", {}, ErrorCode::kUnreachable, false, "text"},
    {200, "", {}, ErrorCode::kUnavailable, true, "empty"},
    {200, "<GetCallerIdentityResponse><Get", {}, ErrorCode::kUnavailable, true, "cut"},
};

TEST(ForeignAnswer, IsNeverTakenForSts) {
  for (const ForeignRow& row : kForeignRows) {
    SCOPED_TRACE(std::to_string(row.status) + " " + row.body);
    test::FakeTransport transport;
    test::FakeClock clock;
    transport.Add(row.status, row.body, row.headers);
    Sts sts(StsEndpoint("us-east-1"), transport, clock, {.attempts_max = 1});
    try {
      sts.GetCallerIdentity(kForeignKeys, {});
      ADD_FAILURE() << "no error";
    } catch (const base::Error& error) {
      EXPECT_EQ(base::ErrorCodeName(error.code()), base::ErrorCodeName(row.code));
      EXPECT_EQ(error.info().retryable, row.retryable);
      EXPECT_THAT(error.info().message, HasSubstr(row.message));
      const std::string all = error.info().message + error.info().remedy;
      EXPECT_THAT(all, Not(HasSubstr("staging.region")));
      EXPECT_THAT(all, Not(HasSubstr("another region")));
      EXPECT_THAT(all, Not(HasSubstr("token=abc")));
    }
  }
}

TEST(ForeignAnswer, WhatAwsSaysIsAwss) {
  const std::string error = "<ErrorResponse><Error><Code>C</Code></Error></ErrorResponse>";
  EXPECT_FALSE(ReadFailure(Service::kSts, {403, {}, error}).foreign);
  EXPECT_FALSE(ReadFailure(Service::kS3, {403, {}, ""}).foreign) << "HEAD has no body";
  EXPECT_FALSE(
      ReadFailure(Service::kS3, {301, {{"x-amz-bucket-region", "eu-west-1"}}, ""}).foreign);
  EXPECT_FALSE(ReadFailure(Service::kS3, {503, {{"x-amz-request-id", "R"}}, "busy"}).foreign);
  EXPECT_FALSE(
      ReadFailure(Service::kRedshiftServerless, {400, {{"x-amzn-ErrorType", "C"}}, "{}"}).foreign);
  EXPECT_TRUE(ReadFailure(Service::kRedshiftServerless, {400, {}, error.substr(5)}).foreign);
  EXPECT_TRUE(ReadFailure(Service::kS3, {403, {}, kPage}).foreign);
}

TEST(ForeignAnswer, NamesNothingThatCouldShapeTheScreen) {
  EXPECT_EQ(WhatAnswered({200, {{"Server", "a\x1b[31m"}}, "x"}), "text");
  EXPECT_EQ(RedirectTarget({302, {{"Location", "http://a@b/"}}, ""}), "");
  EXPECT_EQ(RedirectTarget({302, {{"Location", "https://h:1/x?y"}}, ""}), "https://h:1");
  EXPECT_EQ(RedirectTarget({302, {{"Location", "/relative"}}, ""}), "");
}

TEST(ForeignAnswer, NamesTheAddressThatWasConfigured) {
  test::FakeTransport transport;
  test::FakeClock clock;
  EndpointOverrides overrides;
  overrides.sts = OtherAddress("https://localhost:1", "AWS_ENDPOINT_URL_STS");
  for (const int status : {200, 302, 403}) {
    transport.Add(status, kPage);
    Sts sts(StsEndpoint("us-east-1", overrides), transport, clock, {.attempts_max = 1});
    try {
      sts.GetCallerIdentity(kForeignKeys, {});
      ADD_FAILURE() << "no error";
    } catch (const base::Error& error) {
      EXPECT_THAT(error.info().message, HasSubstr("AWS_ENDPOINT_URL_STS"));
      EXPECT_THAT(error.info().message, HasSubstr("localhost:1"));
    }
  }
}

}  // namespace
}  // namespace sluice::aws
