// Goal: what the two Redshift services answer about logins and namespaces is read exactly, and
// what they refuse names the way out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/fake_keys.h"
#include "aws/redshift_clusters.h"
#include "aws/redshift_serverless.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const SessionKeys kUserKeys{"AKIAUSERUSERUSERUSER", base::Secret("user-secret"), {}, std::nullopt};

class RedshiftApi : public testing::Test {
 protected:
  test::FakeClock clock_;  // 2026-01-01T00:00:00Z
  test::FakeTransport transport_;
  test::FakeKeys keys_{kUserKeys};
  RedshiftServerless serverless_{
      RedshiftServerlessEndpoint("us-east-1"), keys_, transport_, clock_, {.attempts_max = 2}};
  RedshiftClusters clusters_{
      RedshiftEndpoint("us-east-1"), keys_, transport_, clock_, {.attempts_max = 2}};
  const ClusterCredentialsRequest request_{
      .workgroup = "analytics", .user = "a+b@c", .database = "dev"};
  base::Call call_;
};

TEST_F(RedshiftApi, ReadsANamespaceAndItsRolesInEveryForm) {
  transport_.Add(
      200,
      R"({"namespace":{"namespaceName":"n","namespaceId":"id","namespaceArn":"arn","status":"A",)"
      R"("dbName":"dev","defaultIamRoleArn":"arn:aws:iam::1:role/d","iamRoles":[)"
      R"("arn:aws:iam::1:role/a",)"
      R"j("IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::1:role/b)",)j"
      R"j("IamRole(iamRoleArn=arn:aws:iam::1:role/c, applyStatus=in-sync)",7]}})j");
  const Namespace found = serverless_.GetNamespace("n", call_);
  EXPECT_EQ(found.id, "id");
  EXPECT_EQ(found.database, "dev");
  EXPECT_EQ(found.default_iam_role_arn, "arn:aws:iam::1:role/d");
  EXPECT_THAT(found.iam_roles, ElementsAre("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b",
                                           "arn:aws:iam::1:role/c"));
  EXPECT_EQ(transport_.seen()[0].body, R"({"namespaceName":"n"})");
}

TEST_F(RedshiftApi, NamespaceErrorsNameTheNamespace) {
  transport_.Add(400, R"({"__type":"ResourceNotFoundException","message":"m"})");
  EXPECT_THAT([&] { serverless_.GetNamespace("n", call_); },
              ThrowsErrorWith(ErrorCode::kNotFound, &base::ErrorInfo::subject, "namespace n"));
  transport_.Add(200, R"({"namespace":{}})");
  EXPECT_THAT([&] { serverless_.GetNamespace("n", call_); }, ThrowsError(ErrorCode::kUnavailable));
}

std::string Login(const std::string& user = "IAM:a+b@c") {
  return "<GetClusterCredentialsResponse "
         "xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><GetClusterCredentialsResult>"
         "<DbUser>" +
         user +
         "</DbUser><DbPassword>p+/=</DbPassword><Expiration>2026-01-01T01:00:00Z</Expiration>"
         "</GetClusterCredentialsResult></GetClusterCredentialsResponse>";
}

std::string XmlError(const std::string& code, const std::string& message) {
  return "<ErrorResponse xmlns=\"http://redshift.amazonaws.com/doc/2012-12-01/\"><Error><Type>"
         "Sender</Type><Code>" +
         code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>";
}

TEST_F(RedshiftApi, GetsALoginForANamedUser) {
  transport_.Add(200, Login());
  const DbCredentials login = clusters_.GetClusterCredentials(request_, call_);
  EXPECT_EQ(login.user, "IAM:a+b@c");
  EXPECT_EQ(login.password.Reveal(), "p+/=");
  EXPECT_EQ(login.expiration, clock_.Utc() + std::chrono::hours(1));
  const http::Request sent = transport_.seen()[0];
  EXPECT_EQ(sent.url, "https://redshift.us-east-1.amazonaws.com/");
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.body,
            "Action=GetClusterCredentials&Version=2012-12-01"
            "&ClusterIdentifier=redshift-serverless-analytics&DbUser=a%2Bb%40c&AutoCreate=false"
            "&DurationSeconds=3600&DbName=dev");
  const http::Response headers{.headers = sent.headers};
  EXPECT_THAT(*headers.Find("authorization"), HasSubstr("/us-east-1/redshift/aws4_request"));
}

TEST_F(RedshiftApi, RefusalsOfTheOlderServiceNameTheWayOut) {
  struct Row {
    int status;
    std::string code;
    ErrorCode expected;
    std::string remedy;
  };
  const Row rows[] = {
      {404, "ClusterNotFound", ErrorCode::kNotFound, "redshift.workgroup"},
      {400, "UnsupportedOperation", ErrorCode::kUnsupported, "login_api: GetCredentials"},
      {403, "AccessDenied", ErrorCode::kPermission, R"("Action":"redshift:GetClusterCredentials")"},
      {403, "InvalidClientTokenId", ErrorCode::kAuthentication, "access key id"},
      {400, "ValidationError", ErrorCode::kInvalidConfig, "rule"}};
  for (const Row& row : rows) {
    transport_.Add(row.status, XmlError(row.code, "m user-secret"));
    EXPECT_THAT(
        [&] { clusters_.GetClusterCredentials(request_, call_); },
        AllOf(ThrowsErrorWith(row.expected, &base::ErrorInfo::remedy, HasSubstr(row.remedy))))
        << row.code;
  }
  transport_.Add(403, XmlError("AccessDenied", "m user-secret"));
  EXPECT_THAT([&] { clusters_.GetClusterCredentials(request_, call_); },
              ThrowsErrorWith(ErrorCode::kPermission, &base::ErrorInfo::message,
                              Not(HasSubstr("user-secret"))));
}

TEST_F(RedshiftApi, RefusesALoginCutAtEveryLength) {
  const std::string good = Login();
  for (std::size_t i = 0; i < good.size(); i += 3) {
    for (int j = 0; j < 2; ++j) transport_.Add(200, good.substr(0, i));
    EXPECT_THAT([&] { clusters_.GetClusterCredentials(request_, call_); },
                ThrowsError(ErrorCode::kUnavailable))
        << i;
  }
  for (int j = 0; j < 2; ++j) transport_.Add(200, Login(""));
  EXPECT_THAT([&] { clusters_.GetClusterCredentials(request_, call_); },
              ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(RedshiftApi, AsksAgainWhenTheServiceFailed) {
  transport_.Add(503, "");
  transport_.Add(200, Login());
  EXPECT_EQ(clusters_.GetClusterCredentials(request_, call_).user, "IAM:a+b@c");
}

}  // namespace
}  // namespace sluice::aws
