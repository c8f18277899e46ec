// Goal: the keys a person configured are the keys that are used, and if none can be, one error says
// why for each place that was looked at.
#include "aws/keys/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "aws/fake_keys.h"
#include "aws/keys/unload_keys.h"
#include "aws/redshift_serverless.h"
#include "aws/shared_files.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using std::chrono::seconds;
using test::ThrowsError;
using test::ThrowsErrorWith;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const SessionKeys kUserKeys{"AKIAUSERUSERUSERUSER", base::Secret("user-secret"), {}, std::nullopt};
const std::string kRole = "arn:aws:iam::123456789012:role/sluice-reader";

std::string Keys(const std::string& action, const std::string& id, const std::string& expiration) {
  return "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + id +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</"
         "SessionToken><Expiration>" +
         expiration +
         "</Expiration></Credentials><AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser></" +
         action + "Result></" + action + "Response>";
}

std::string StsErrorAnswer(const std::string& code, const std::string& message) {
  return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></ErrorResponse>";
}

class KeysTest : public testing::Test {
 protected:
  base::Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto it = variables_.find(name);
      return it == variables_.end() ? std::nullopt : std::optional(it->second);
    };
  }
  void WriteFiles(const std::string& credentials, const std::string& config = "") {
    std::ofstream(dir_.path() / "credentials") << credentials;
    std::ofstream(dir_.path() / "config") << config;
  }
  std::unique_ptr<CredentialProvider> Default(const std::string& profile = "") {
    return MakeDefaultChain({.profile = profile}, {environment(), sts_, transport_, clock_});
  }
  std::shared_ptr<CredentialProvider> User(SessionKeys keys = kUserKeys) {
    std::vector<std::unique_ptr<KeySource>> sources;
    sources.push_back(MakeFixedKeys(std::move(keys), "configuration"));
    return MakeChain(std::move(sources), clock_);
  }
  std::string Body(std::size_t i) { return transport_.seen().at(i).body; }

  test::TempDir dir_;
  std::map<std::string, std::string, std::less<>> variables_ = {
      {"AWS_SHARED_CREDENTIALS_FILE", (dir_.path() / "credentials").string()},
      {"AWS_CONFIG_FILE", (dir_.path() / "config").string()},
      {"AWS_EC2_METADATA_DISABLED", "true"}};
  test::FakeClock clock_;  // 2026-01-01T00:00:00Z
  test::FakeTransport transport_;
  Sts sts_{StsEndpoint("us-east-1"), transport_, clock_, {.attempts_max = 2}};
  base::Call call_;
};

TEST_F(KeysTest, EnvironmentComesBeforeTheProfile) {
  WriteFiles("[default]\naws_access_key_id=AKIAFILEFILEFILEFILE\naws_secret_access_key=f\n");
  const auto files = Default();
  EXPECT_EQ(files->Get(seconds(0), call_).access_key_id, "AKIAFILEFILEFILEFILE");
  EXPECT_EQ(files->Describe(), "keys AKIA...FILE (profile default)");
  variables_["AWS_ACCESS_KEY_ID"] = "AKIAENVENVENVENVENVE";
  variables_["AWS_SECRET_ACCESS_KEY"] = "e";
  variables_["AWS_SESSION_TOKEN"] = "tok";
  const auto both = Default();
  const SessionKeys keys = both->Get(seconds(0), call_);
  EXPECT_EQ(keys.access_key_id, "AKIAENVENVENVENVENVE");
  EXPECT_EQ(keys.session_token.Reveal(), "tok");
  EXPECT_EQ(both->Describe(), "keys AKIA...ENVE (environment)");
  // A profile that is asked for wins over the environment.
  EXPECT_EQ(Default("default")->Get(seconds(0), call_).access_key_id, "AKIAFILEFILEFILEFILE");
}

TEST_F(KeysTest, TellsWhyNoPlaceHadKeys) {
  EXPECT_THAT(
      [&] { Default()->Get(seconds(0), call_); },
      ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::message,
                      AllOf(HasSubstr("AWS_ACCESS_KEY_ID is not set"), HasSubstr("profile default"),
                            HasSubstr(dir_.path().string()))));
}

TEST_F(KeysTest, RefusesHalfAConfiguration) {
  variables_["AWS_ACCESS_KEY_ID"] = "AKIA";
  EXPECT_THAT([&] { Default()->Get(seconds(0), call_); },
              ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::message,
                              HasSubstr("AWS_SECRET_ACCESS_KEY is not set")));
  EXPECT_THAT(
      [&] {
        User({"AKIA", {}, {}, {}})->Get(seconds(0), call_);
      },
      ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT(
      [&] { Default("none")->Get(seconds(0), call_); },
      ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject, "profile none"));
}

TEST_F(KeysTest, ProfileAssumesItsRoleWithItsSource) {
  WriteFiles("[base]\naws_access_key_id = AKIABASEBASEBASEBASE\naws_secret_access_key = b\n",
             "[profile acme]\nrole_arn = " + kRole +
                 " # the reader\nsource_profile = base\nexternal_id = ext\nduration_seconds = "
                 "1800\nregion = eu-west-1\n");
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z"));
  const auto provider = Default("acme");
  EXPECT_EQ(provider->Get(seconds(0), call_).access_key_id, "ASIA1");
  EXPECT_EQ(provider->Describe(),
            "role " + kRole + " assumed with keys AKIA...BASE (profile acme)");
  EXPECT_THAT(Body(0), AllOf(HasSubstr("ExternalId=ext"), HasSubstr("DurationSeconds=1800")));
  EXPECT_EQ(DefaultRegion(environment(), "acme"), "eu-west-1");
  EXPECT_EQ(DefaultRegion(environment()), std::nullopt);
  variables_["AWS_REGION"] = "sa-east-1";
  EXPECT_EQ(DefaultRegion(environment(), "acme"), "sa-east-1");
}

TEST_F(KeysTest, ProfileErrorsNameTheProfileAndTheWayOut) {
  WriteFiles(
      "",
      "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n"
      "[sso-session s]\nsso_region=x\n[profile sso]\nsso_session=s\n[profile "
      "typo]\nsso_session=t\n[profile none]\nregion=x\n[profile lone]\nrole_arn=x\n"
      "[profile gone]\nrole_arn=x\nsource_profile=nowhere\n[profile "
      "long]\nrole_arn=x\nsource_profile=b\nduration_seconds=1h\n");
  for (const auto& [name, code] :
       std::map<std::string, ErrorCode>{{"a", ErrorCode::kInvalidConfig},
                                        {"sso", ErrorCode::kUnsupported},
                                        {"typo", ErrorCode::kInvalidConfig},
                                        {"none", ErrorCode::kInvalidConfig},
                                        {"lone", ErrorCode::kInvalidConfig},
                                        {"gone", ErrorCode::kInvalidConfig},
                                        {"long", ErrorCode::kInvalidConfig}}) {
    SCOPED_TRACE(name);
    const auto provider = Default(name);
    EXPECT_THAT([&] { provider->Get(seconds(0), call_); }, ThrowsError(code));
  }
  EXPECT_TRUE(transport_.seen().empty());
}

TEST_F(KeysTest, ProfilesThatNeedMoreAreToldWithTheRightForm) {
  WriteFiles("[half]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
             "[profile mfa]\nrole_arn = " + kRole +
                 "\nsource_profile = half\nmfa_serial = arn:aws:iam::1:mfa/ann\n"
                 "[profile alone]\nrole_arn = " +
                 kRole + "\n[profile case]\nrole_arn = " + kRole +
                 "\ncredential_source = environment\n[profile typo]\nsso_session = corp\n");
  for (const auto& [name, message, remedy] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"mfa", "mfa_serial", "export-credentials --profile mfa"},
           {"alone", "needs source_profile", "credential_source = Environment"},
           {"case", "no credential_source environment", "Ec2InstanceMetadata"},
           {"typo", "sso_session corp does not exist", "[sso-session corp]"},
           {"half", "no aws_secret_access_key", "aws configure --profile half"}}) {
    SCOPED_TRACE(name);
    const auto provider = Default(name);
    try {
      provider->Get(seconds(0), call_);
      ADD_FAILURE() << "no error";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.info().subject, "profile " + name);
      EXPECT_THAT(error.info().message, testing::HasSubstr(message));
      EXPECT_THAT(error.info().remedy, testing::HasSubstr(remedy));
    }
  }
  EXPECT_TRUE(transport_.seen().empty());
}

TEST(ParseIni, ReadsSectionsCommentsAndContinuations) {
  const auto sections = ParseIni(
      "# c\n[a]\r\nKEY = v=1 # c\r\n  nested = x\n; c\n[ profile b "
      "]\nk=#1\nbroken\n[open\nlost=1\n");
  EXPECT_EQ(sections.at("a").at("key"), "v=1");
  EXPECT_FALSE(sections.at("a").contains("nested"));
  EXPECT_EQ(sections.at("profile b").at("k"), "#1");
  EXPECT_EQ(sections.size(), 2u);
}

TEST_F(KeysTest, RoleKeysAreSharedAndRenewedBeforeTheyExpire) {
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z"));
  transport_.Add(200, Keys("AssumeRole", "ASIA2", "2026-01-01T02:00:00Z"));
  const auto provider =
      MakeAssumeRole({.role_arn = kRole, .session_name = "sluice-acme", .external_id = "e x"},
                     User(), sts_, clock_);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(provider->Get(seconds(600), call_).access_key_id, "ASIA1"); });
  }
  threads.clear();
  EXPECT_EQ(transport_.seen().size(), 1u);
  EXPECT_THAT(Body(0),
              AllOf(HasSubstr("Action=AssumeRole&Version=2011-06-15"),
                    HasSubstr("ExternalId=e%20x"), HasSubstr("RoleSessionName=sluice-acme"),
                    HasSubstr("DurationSeconds=3600"), Not(HasSubstr("Policy"))));
  clock_.Advance(std::chrono::minutes(51));
  EXPECT_EQ(provider->Get(seconds(600), call_).access_key_id, "ASIA2");
}

TEST_F(KeysTest, RejectedRoleKeysAreForgottenButFixedOnesAreNot) {
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z"));
  transport_.Add(200, Keys("AssumeRole", "ASIA2", "2026-01-01T01:00:00Z"));
  const auto role = MakeAssumeRole({.role_arn = kRole}, User(), sts_, clock_);
  EXPECT_TRUE(role->Reject(role->Get(seconds(0), call_)));
  EXPECT_EQ(role->Get(seconds(0), call_).access_key_id, "ASIA2");
  EXPECT_FALSE(User()->Reject(kUserKeys));
}

TEST_F(KeysTest, RefusesALifeThatNoKeysHave) {
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T00:15:00Z"));
  const auto role = MakeAssumeRole({.role_arn = kRole}, User(), sts_, clock_);
  EXPECT_THAT([&] { role->Get(seconds(3000), call_); }, ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(KeysTest, StsErrorsKeepTheirCodes) {
  const auto role = MakeAssumeRole({.role_arn = kRole}, User(), sts_, clock_);
  transport_.Add(
      403,
      StsErrorAnswer("AccessDenied",
                     "User: arn:u is not authorized to perform: sts:AssumeRole on resource: r"));
  EXPECT_THAT([&] { role->Get(seconds(0), call_); }, ThrowsError(ErrorCode::kPermission));
  transport_.Add(403, StsErrorAnswer("SignatureDoesNotMatch", "m"));
  EXPECT_THAT([&] { role->Get(seconds(0), call_); }, ThrowsError(ErrorCode::kAuthentication));
  transport_.Add(400, StsErrorAnswer("ValidationError", "m"));
  EXPECT_THAT([&] { role->Get(seconds(0), call_); }, ThrowsError(ErrorCode::kInvalidConfig));
  // A reply without keys is no answer; one that was cut is asked for again.
  const std::string good = Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z");
  transport_.Add(200, good.substr(0, good.size() / 2));
  transport_.Add(200, good);
  EXPECT_EQ(role->Get(seconds(0), call_).access_key_id, "ASIA1");
}

TEST_F(KeysTest, KeysThatAwsCallsExpiredAreReplacedOnce) {
  // The base's keys claim an hour, but are refused for their age; others are to be had.
  test::FakeKeys base(kUserKeys);
  const auto shared = std::shared_ptr<CredentialProvider>(&base, [](CredentialProvider*) {});
  transport_.Add(403, StsErrorAnswer("ExpiredToken", "m"));
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z"));
  const auto role = MakeAssumeRole({.role_arn = kRole}, shared, sts_, clock_);
  EXPECT_EQ(role->Get(seconds(0), call_).access_key_id, "ASIA1");
  EXPECT_EQ(base.rejects, 1);
  for (int i = 0; i < 2; ++i) transport_.Add(403, StsErrorAnswer("ExpiredToken", "m"));
  const auto again = MakeAssumeRole({.role_arn = kRole}, shared, sts_, clock_);
  EXPECT_THAT([&] { again->Get(seconds(0), call_); }, ThrowsError(ErrorCode::kAuthentication));
  base.renewable = false;
  transport_.Add(403, StsErrorAnswer("ExpiredToken", "m"));
  EXPECT_THAT([&] { again->Get(seconds(0), call_); }, ThrowsError(ErrorCode::kAuthentication));
  EXPECT_EQ(transport_.seen().size(), 5u);
}

TEST_F(KeysTest, StsSendsTagsAndReadsTheCaller) {
  transport_.Add(200, Keys("AssumeRole", "A", "2026-01-01T01:00:00Z"));
  EXPECT_EQ(
      sts_.AssumeRole(kUserKeys,
                      {.role_arn = kRole, .tags = {{"RedshiftDbUser", "a/b"}, {"k", "v"}}}, call_)
          .arn,
      "arn:x");
  EXPECT_THAT(
      Body(0),
      HasSubstr("Tags.member.1.Key=RedshiftDbUser&Tags.member.1.Value=a%2Fb&Tags.member.2.Key=k"));
  transport_.Add(
      200,
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:u</Arn><UserId>U</"
      "UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  const CallerIdentity who = sts_.GetCallerIdentity(kUserKeys, call_);
  EXPECT_EQ(who.arn, "arn:u");
  EXPECT_EQ(who.account, "1");
  EXPECT_EQ(who.clock_ahead, std::nullopt);
  transport_.Add(200, "<GetCallerIdentityResponse/>");
  EXPECT_THAT([&] { sts_.GetCallerIdentity(kUserKeys, call_); },
              ThrowsError(ErrorCode::kUnavailable));
  EXPECT_EQ(RoleSessionName("acme prod/é"), "sluice-acme-prod---");
  EXPECT_EQ(RoleSessionName(std::string(99, 'x')).size(), 64u);
}

TEST_F(KeysTest, StsTellsHowFarTheClockIsOff) {
  const std::string reply =
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:u</Arn><UserId>U</"
      "UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
  const std::vector<std::pair<std::string, std::optional<seconds>>> rows = {
      {"Thu, 01 Jan 2026 00:02:05 GMT", seconds(-125)},
      {"Wed, 31 Dec 2025 23:59:00 GMT", seconds(60)},
      {"yesterday", std::nullopt}};
  for (const auto& [date, expected] : rows) {
    transport_.Add(200, reply, {{"Date", date}});
    EXPECT_EQ(sts_.GetCallerIdentity(kUserKeys, call_).clock_ahead, expected) << date;
  }
}

TEST(UnloadPolicy, NamesBucketAndPrefixAndNoDelete) {
  EXPECT_EQ(
      UnloadPolicy({.bucket = "acme", .prefix = "sluice/r1/"}),
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket","s3:GetBucketLocation","s3:ListBucketMultipartUploads"],"Resource":"arn:aws:s3:::acme"},{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":"arn:aws:s3:::acme/sluice/r1/*"}]})");
  EXPECT_THAT(
      UnloadPolicy(
          {.bucket = "a", .prefix = "p/", .partition = "aws-cn", .kms_key = "arn:aws-cn:kms:k"}),
      AllOf(HasSubstr("arn:aws-cn:s3:::a/p/*"), HasSubstr(R"("Resource":"arn:aws-cn:kms:k")")));
}

TEST(UnloadPolicy, AllowsAnyKeyOfTheRegionWhereTheBucketChooses) {
  EXPECT_THAT(UnloadPolicy({.bucket = "a",
                            .prefix = "p/",
                            .partition = "aws-us-gov",
                            .kms_key = "auto",
                            .region = "us-gov-west-1"}),
              HasSubstr(R"("Resource":"arn:aws-us-gov:kms:us-gov-west-1:*:key/*")"));
  EXPECT_THAT(
      [&] { UnloadPolicy({.bucket = "a", .prefix = "p/", .kms_key = "auto", .region = "*"}); },
      ThrowsError(ErrorCode::kInvalidConfig));
}

TEST(UnloadPolicy, RefusesWhatWouldWidenItOrPassTheLimit) {
  for (const std::string bad :
       {"", "no-slash", "/", "/lead/", "a*/", "a?/", "a b/", "a\"/", "${aws:x}/"}) {
    EXPECT_THAT([&] { UnloadPolicy({.bucket = "acme", .prefix = bad}); },
                ThrowsError(ErrorCode::kInvalidConfig))
        << bad;
  }
  for (const std::string bad : {"", "*", "a/b", "a\""}) {
    EXPECT_THAT([&] { UnloadPolicy({.bucket = bad, .prefix = "p/"}); },
                ThrowsError(ErrorCode::kInvalidConfig))
        << bad;
  }
  EXPECT_THAT([&] { UnloadPolicy({.bucket = "a", .prefix = "p/", .kms_key = "*"}); },
              ThrowsError(ErrorCode::kInvalidConfig));
  const std::string longest(1024 - 1, 'x');  // S3's own limit of a key.
  EXPECT_LE(UnloadPolicy({.bucket = std::string(63, 'b'), .prefix = longest + "/"}).size(), 2048u);
  EXPECT_THAT([&] { UnloadPolicy({.bucket = "a", .prefix = std::string(2000, 'x') + "/"}); },
              ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(KeysTest, UnloadKeysOfARoleAreNarrowed) {
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T01:00:00Z"));
  UnloadKeys keys({.bucket = "acme",
                   .connection = "c",
                   .role = AssumeRoleRequest{.role_arn = kRole, .external_id = "e"}},
                  User(), sts_, clock_);
  EXPECT_EQ(keys.Get("sluice/r1/", seconds(3000), call_).access_key_id, "ASIA1");
  EXPECT_THAT(Body(0), AllOf(HasSubstr("Policy=%7B"), HasSubstr("acme%2Fsluice%2Fr1%2F%2A"),
                             HasSubstr("ExternalId=e")));
  transport_.Add(200, Keys("AssumeRole", "ASIA1", "2026-01-01T00:30:00Z"));
  EXPECT_THAT([&] { keys.Get("sluice/r1/", seconds(3000), call_); },
              ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(KeysTest, UnloadKeysOfAUserAreFederatedOrRefused) {
  UnloadKeys strict({.bucket = "acme", .connection = "c"}, User(), sts_, clock_);
  transport_.Add(200, Keys("GetFederationToken", "ASIA1", "2026-01-01T01:00:00Z"));
  EXPECT_EQ(strict.Get("p/", seconds(3000), call_).access_key_id, "ASIA1");
  EXPECT_THAT(Body(0), AllOf(HasSubstr("Action=GetFederationToken"), HasSubstr("Name=sluice-c"),
                             HasSubstr("Policy=%7B")));
  const std::string denied = StsErrorAnswer(
      "AccessDenied",
      "User: arn:u is not authorized to perform: sts:GetFederationToken on resource: r");
  for (int i = 0; i < 2; ++i) transport_.Add(403, denied);
  EXPECT_THAT([&] { strict.Get("p/", seconds(3000), call_); },
              ThrowsErrorWith(ErrorCode::kPermission, &base::ErrorInfo::remedy,
                              HasSubstr("sts:GetFederationToken")));
  std::vector<std::string> warnings;
  UnloadKeys lax({.bucket = "acme", .connection = "c", .allow_own_keys = true}, User(), sts_,
                 clock_, [&](const std::string& warning) { warnings.push_back(warning); });
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) transport_.Add(403, denied);
    EXPECT_EQ(lax.Get("p/", seconds(3000), call_).access_key_id, kUserKeys.access_key_id);
  }
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("AKIA...USER"), Not(HasSubstr("user-secret"))));
}

TEST_F(KeysTest, UnloadKeysOfAUserFallBackToAWarnedSession) {
  std::vector<std::string> warnings;
  UnloadKeys keys({.bucket = "acme", .connection = "c"}, User(), sts_, clock_,
                  [&](const std::string& warning) { warnings.push_back(warning); });
  for (int i = 0; i < 2; ++i) {
    transport_.Add(403, StsErrorAnswer("AccessDenied", "m"));
    transport_.Add(200, Keys("GetSessionToken", "ASIA1", "2026-01-01T01:00:00Z"));
    EXPECT_EQ(keys.Get("p/", seconds(3000), call_).access_key_id, "ASIA1");
  }
  EXPECT_EQ(Body(1), "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=3600");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("AKIA...USER"), HasSubstr("sts:GetFederationToken"),
                                 Not(HasSubstr("user-secret"))));
  transport_.Add(403, StsErrorAnswer("AccessDenied", "m"));
  transport_.Add(200, Keys("GetSessionToken", "ASIA1", "2026-01-01T00:15:00Z"));
  EXPECT_THAT([&] { keys.Get("p/", seconds(3000), call_); },
              ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(KeysTest, UnloadKeysNeverFederateSessionKeysAndKeepOtherErrors) {
  UnloadKeys session({.bucket = "acme", .connection = "c"},
                     User({"ASIA", base::Secret("s"), base::Secret("t"), {}}), sts_, clock_);
  EXPECT_THAT([&] { session.Get("p/", seconds(60), call_); }, ThrowsError(ErrorCode::kPermission));
  EXPECT_TRUE(transport_.seen().empty());
  UnloadKeys lax({.bucket = "acme", .connection = "c", .allow_own_keys = true}, User(), sts_,
                 clock_);
  transport_.Add(403, StsErrorAnswer("SignatureDoesNotMatch", "m"));
  EXPECT_THAT([&] { lax.Get("p/", seconds(60), call_); }, ThrowsError(ErrorCode::kAuthentication));
}

class RedshiftServerlessTest : public KeysTest {
 protected:
  static std::string JsonError(const std::string& code, const std::string& message) {
    return R"({"__type":"com.amazonaws.redshiftserverless#)" + code + R"(","message":")" + message +
           "\"}";
  }
  test::FakeKeys keys_{kUserKeys};
  RedshiftServerless client_{
      RedshiftServerlessEndpoint("us-east-1"), keys_, transport_, clock_, {.attempts_max = 2}};
  const DbCredentialsRequest request_{.workgroup = "analytics", .database = "dev"};
};

constexpr const char* kLogin =
    R"({"dbUser":"IAMR:r","dbPassword":"p+/=","expiration":1767229200.5,"nextRefreshTime":1767229200.0})";

TEST_F(RedshiftServerlessTest, GetsALogin) {
  transport_.Add(200, kLogin);
  const DbCredentials login = client_.GetCredentials(request_, call_);
  EXPECT_EQ(login.user, "IAMR:r");
  EXPECT_EQ(login.password.Reveal(), "p+/=");
  EXPECT_EQ(login.expiration, clock_.Utc() + std::chrono::milliseconds(3600500));
  EXPECT_TRUE(login.next_refresh);
  EXPECT_TRUE(login.named_database);
  EXPECT_EQ(Body(0), R"({"workgroupName":"analytics","dbName":"dev","durationSeconds":3600})");
  EXPECT_EQ(transport_.seen()[0].url, "https://redshift-serverless.us-east-1.amazonaws.com/");
}

TEST_F(RedshiftServerlessTest, AsksOnceWithoutTheDatabaseIfThatIsRefused) {
  transport_.Add(400,
                 JsonError("AccessDeniedException", "not authorized on the resource dbname dev"));
  transport_.Add(200, kLogin);
  EXPECT_FALSE(client_.GetCredentials(request_, call_).named_database);
  EXPECT_EQ(Body(1), R"({"workgroupName":"analytics","durationSeconds":3600})");
  transport_.Add(400, JsonError("AccessDeniedException",
                                "User: u is not authorized to perform: "
                                "redshift-serverless:GetCredentials on resource: arn:w"));
  EXPECT_THAT(
      [&] { client_.GetCredentials(request_, call_); },
      ThrowsErrorWith(ErrorCode::kPermission, &base::ErrorInfo::remedy, HasSubstr("arn:w")));
}

TEST_F(RedshiftServerlessTest, ErrorsKeepTheirCodes) {
  const std::vector<std::pair<std::string, ErrorCode>> rows = {
      {"ResourceNotFoundException", ErrorCode::kNotFound},
      {"ValidationException", ErrorCode::kInvalidConfig},
      {"InvalidSignatureException", ErrorCode::kAuthentication}};
  for (const auto& [code, expected] : rows) {
    transport_.Add(400, JsonError(code, "m"));
    EXPECT_THAT([&] { client_.GetCredentials(request_, call_); }, ThrowsError(expected)) << code;
  }
  for (int i = 0; i < 2; ++i) transport_.Add(400, JsonError("X", "Rate exceeded"));
  EXPECT_THAT([&] { client_.GetCredentials(request_, call_); }, ThrowsError(ErrorCode::kThrottled));
  transport_.Add(500, JsonError("InternalServerException", "m"));
  transport_.Add(200, kLogin);
  EXPECT_EQ(client_.GetCredentials(request_, call_).user, "IAMR:r");
}

TEST_F(RedshiftServerlessTest, RefusesRepliesCutAtEveryLength) {
  const std::string good = R"({"dbUser":"u","dbPassword":"p","expiration":1.0})";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int j = 0; j < 2; ++j) transport_.Add(200, good.substr(0, i));
    EXPECT_THAT([&] { client_.GetCredentials(request_, call_); },
                ThrowsError(ErrorCode::kUnavailable))
        << i;
  }
  transport_.Add(200, R"({"dbUser":"u","expiration":"soon"})");
  EXPECT_THAT([&] { client_.GetCredentials(request_, call_); },
              ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(RedshiftServerlessTest, ReadsAWorkgroup) {
  transport_.Add(
      200,
      R"({"workgroup":{"workgroupName":"analytics","workgroupId":"id","workgroupArn":"arn","status":"AVAILABLE","namespaceName":"n","publiclyAccessible":false,"endpoint":{"address":"h","port":5439}}})");
  const Workgroup found = client_.GetWorkgroup("analytics", call_);
  EXPECT_EQ(found.status, "AVAILABLE");
  EXPECT_EQ(found.host, "h");
  EXPECT_EQ(found.port, 5439);
  EXPECT_EQ(found.publicly_accessible, false);
}

}  // namespace
}  // namespace sluice::aws
