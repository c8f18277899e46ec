// Goal: keys come from the nearest place that has them and from nowhere else; a place that is
// configured and fails says so, without a secret.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "aws/keys/credentials.h"
#include "aws/keys/unload_keys.h"
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
using testing::SizeIs;
using testing::StartsWith;

const std::string kReaderRole = "arn:aws:iam::123456789012:role/reader";

std::string Json(const std::string& id, const std::string& expiration = "2026-01-01T01:00:00Z") {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"hush","Token":"tok","Expiration":")" + expiration + "\"}";
}

std::string WebReply(const std::string& id,
                     const std::string& expiration = "2026-01-01T01:00:00Z") {
  return "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
         "<AccessKeyId>" +
         id +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>" +
         expiration +
         "</Expiration></Credentials><AssumedRoleUser><Arn>arn:x"
         "</Arn></AssumedRoleUser></AssumeRoleWithWebIdentityResult>"
         "</AssumeRoleWithWebIdentityResponse>";
}

std::string StsError(const std::string& code, const std::string& message) {
  return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></ErrorResponse>";
}

class KeySources : public testing::Test {
 protected:
  KeySources() {
    Set("AWS_SHARED_CREDENTIALS_FILE", Path("credentials"));
    Set("AWS_CONFIG_FILE", Path("config"));
  }
  std::string Path(const std::string& name) { return (dir_.path() / name).string(); }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_.path() / name) << text;
    return Path(name);
  }
  void Set(const std::string& name, const std::string& value) { variables_[name] = value; }
  SourceParts Parts() {
    return {[this](std::string_view name) -> std::optional<std::string> {
              const auto it = variables_.find(name);
              return it == variables_.end() ? std::nullopt : std::optional(it->second);
            },
            sts_, transport_, clock_};
  }
  std::unique_ptr<CredentialProvider> Chain(const std::string& profile = "") {
    return MakeDefaultChain({.profile = profile}, Parts());
  }
  SessionKeys Get(CredentialProvider& provider) { return provider.Get(seconds(0), call_); }
  // The error of a chain, with all its texts.
  base::ErrorInfo ErrorOf(const std::string& profile = "") {
    try {
      Chain(profile)->Get(seconds(0), call_);
    } catch (const base::Error& error) {
      return error.info();
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  http::Request Seen(std::size_t i) { return transport_.seen().at(i); }
  std::string Header(std::size_t i, const std::string& name) {
    const http::Response headers{.headers = Seen(i).headers};
    const std::string* value = headers.Find(name);
    return value == nullptr ? "" : *value;
  }
  void AddInstance(const std::string& id, const std::string& expiration = "2026-01-01T01:00:00Z") {
    transport_.Add(200, "metadata-token");
    transport_.Add(200, "reader\n");
    transport_.Add(200, Json(id, expiration));
  }

  test::TempDir dir_;
  std::map<std::string, std::string, std::less<>> variables_;
  test::FakeClock clock_;  // 2026-01-01T00:00:00Z
  test::FakeTransport transport_;
  Sts sts_{StsEndpoint("eu-west-1"), transport_, clock_, {.attempts_max = 2}};
  base::Call call_;
};

TEST_F(KeySources, InstanceMetadataIsAskedByVersion2Alone) {
  AddInstance("ASIAINSTANCEINSTANCE");
  const auto chain = Chain();
  const SessionKeys keys = Get(*chain);
  EXPECT_EQ(keys.access_key_id, "ASIAINSTANCEINSTANCE");
  EXPECT_EQ(keys.session_token.Reveal(), "tok");
  EXPECT_EQ(Seen(0).method, "PUT");
  EXPECT_EQ(Seen(0).url, "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(Header(0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(Seen(2).url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/reader");
  for (const int i : {1, 2}) EXPECT_EQ(Header(i, "X-aws-ec2-metadata-token"), "metadata-token");
  for (const int i : {0, 1, 2}) EXPECT_TRUE(Seen(i).direct);
  EXPECT_EQ(chain->Describe(), "keys ASIA...ANCE (role reader of this instance)");
}

TEST_F(KeySources, InstanceMetadataTakesItsAddressFromTheSettings) {
  Set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
  AddInstance("ASIA1");
  Get(*Chain());
  EXPECT_THAT(Seen(0).url, StartsWith("http://[fd00:ec2::254]/latest/"));
  Set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:99/");
  AddInstance("ASIA1");
  Get(*Chain());
  EXPECT_THAT(Seen(3).url, StartsWith("http://127.0.0.1:99/latest/"));
  Set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ftp://x");
  EXPECT_EQ(ErrorOf().subject, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  variables_.erase("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  Set("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv5");
  EXPECT_EQ(ErrorOf().subject, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
}

TEST_F(KeySources, WithoutAnInstanceTheChainTellsWhyEachPlaceHadNone) {
  for (int i = 0; i < 2; ++i) transport_.AddError(ErrorCode::kUnreachable, true);
  const base::ErrorInfo error = ErrorOf();
  EXPECT_EQ(error.code, ErrorCode::kInvalidConfig);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID is not set"),
                    HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE is not set"),
                    HasSubstr("profile default: not in"),
                    HasSubstr("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set"),
                    HasSubstr("169.254.169.254 does not answer; this is not an EC2 instance")));
  EXPECT_THAT(transport_.seen(), SizeIs(2));
}

TEST_F(KeySources, InstanceMetadataSaysWhyItHasNoKeys) {
  struct Row {
    std::vector<std::pair<int, std::string>> replies;
    std::string why;
  };
  const Row rows[] = {{{{403, ""}}, "switched off on this instance"},
                      {{{404, ""}}, "no IMDSv2 token (HTTP 404)"},
                      {{{200, "two\nlines"}}, "no IMDSv2 token"},
                      {{{200, "t"}, {404, ""}}, "no role is attached"}};
  for (const Row& row : rows) {
    for (const auto& [status, body] : row.replies) transport_.Add(status, body);
    EXPECT_THAT(ErrorOf().message, HasSubstr(row.why));
  }
  for (int i = 0; i < 2; ++i) transport_.AddError(ErrorCode::kTimeout, true);
  EXPECT_THAT(ErrorOf().message, HasSubstr("hop limit"));
  const std::size_t asked = transport_.seen().size();
  Set("AWS_EC2_METADATA_DISABLED", "True");
  EXPECT_THAT(ErrorOf().message, HasSubstr("AWS_EC2_METADATA_DISABLED is true"));
  EXPECT_THAT(transport_.seen(), SizeIs(asked));
}

TEST_F(KeySources, InstanceMetadataThatFailsIsAnErrorNotAnAbsence) {
  const std::vector<std::vector<std::pair<int, std::string>>> rows = {
      {{500, ""}, {503, ""}},
      {{200, "t"}, {401, ""}},
      {{200, "t"}, {200, ""}},
      {{200, "t"}, {200, "reader"}, {404, ""}},
      {{200, "t"}, {200, "reader"}, {200, R"({"Code":"AssumeRoleUnauthorizedAccess"})"}},
      {{200, "t"}, {200, "reader"}, {200, R"({"Code":"<hush>"})"}},
      {{200, "t"}, {200, "reader"}, {200, Json("ASIA1").substr(0, 70)}},
      {{200, "t"}, {200, "reader"}, {200, Json("ASIA1", "hush")}}};
  for (const auto& replies : rows) {
    for (const auto& [status, body] : replies) transport_.Add(status, body);
    const base::ErrorInfo error = ErrorOf();
    EXPECT_EQ(base::ErrorCodeName(error.code), "unavailable") << error.message;
    EXPECT_THAT(error.subject, HasSubstr("instance metadata of 169.254.169.254"));
    EXPECT_THAT(error.message + error.remedy + error.cause, Not(HasSubstr("hush")));
  }
  AddInstance("ASIA1", "2025-12-31T23:59:59Z");
  EXPECT_EQ(ErrorOf().code, ErrorCode::kAuthentication);
}

TEST_F(KeySources, InstanceKeysAreRenewedBeforeTheyExpireAndOnlyThen) {
  AddInstance("ASIA1");
  const auto chain = Chain();
  Get(*chain);
  clock_.Advance(std::chrono::minutes(58));
  EXPECT_EQ(Get(*chain).access_key_id, "ASIA1");
  EXPECT_THAT(transport_.seen(), SizeIs(3));
  clock_.Advance(seconds(61));
  AddInstance("ASIA2", "2026-01-01T02:00:00Z");
  EXPECT_EQ(Get(*chain).access_key_id, "ASIA2");
  EXPECT_THAT(transport_.seen(), SizeIs(6));
  // Once it has answered, silence is a failure that may pass.
  clock_.Advance(std::chrono::hours(2));
  for (int i = 0; i < 2; ++i) transport_.AddError(ErrorCode::kUnreachable, true);
  EXPECT_THAT([&] { Get(*chain); }, ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(KeySources, ParallelStreamsShareOneFetch) {
  transport_.AddHeld();
  transport_.Add(200, "reader");
  transport_.Add(200, Json("ASIA1"));
  const auto chain = Chain();
  std::vector<std::jthread> streams;
  for (int i = 0; i < 8; ++i) {
    streams.emplace_back([&] { EXPECT_EQ(Get(*chain).access_key_id, "ASIA1"); });
  }
  transport_.AwaitStarted(1);
  transport_.Release({{200, {}, "t"}, nullptr});
  streams.clear();
  EXPECT_THAT(transport_.seen(), SizeIs(3));
}

TEST_F(KeySources, ContainersAreAskedAtTheirAgent) {
  Set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x");
  transport_.Add(200, Json("ASIACONTAINERCONTAIN"));
  const auto chain = Chain();
  EXPECT_EQ(Get(*chain).access_key_id, "ASIACONTAINERCONTAIN");
  EXPECT_EQ(Seen(0).url, "http://169.254.170.2/v2/credentials/x");
  EXPECT_TRUE(Seen(0).direct);
  EXPECT_EQ(Header(0, "Authorization"), "");
  EXPECT_EQ(chain->Describe(), "keys ASIA...TAIN (container credentials of 169.254.170.2)");
}

TEST_F(KeySources, ContainerTokensAreReadEachTimeAndTheFileWins) {
  Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
  Set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc");
  transport_.Add(200, Json("ASIA1"));
  const auto chain = Chain();
  Get(*chain);
  EXPECT_EQ(Header(0, "Authorization"), "Basic abc");
  Set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Write("token", "one\n"));
  clock_.Advance(std::chrono::hours(1));
  transport_.Add(200, Json("ASIA2", "2026-01-01T02:00:00Z"));
  Get(*chain);
  EXPECT_EQ(Header(1, "Authorization"), "one");
  Write("token", "two");
  clock_.Advance(std::chrono::hours(1));
  transport_.Add(200, Json("ASIA3", "2026-01-01T03:00:00Z"));
  Get(*chain);
  EXPECT_EQ(Header(2, "Authorization"), "two");
}

TEST_F(KeySources, ContainerKeysNeverTravelInTheClear) {
  for (const char* fine :
       {"http://localhost:1/x", "http://127.0.0.9/x", "http://[::1]:80/x",
        "http://[fd00:ec2::23]/x", "http://169.254.170.2/x", "https://keys.example/x"}) {
    Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", fine);
    transport_.Add(200, Json("ASIA1"));
    EXPECT_EQ(Get(*Chain()).access_key_id, "ASIA1") << fine;
  }
  const std::size_t asked = transport_.seen().size();
  for (const char* bad :
       {"http://keys.example/x", "http://127.evil.example/x", "http://127.0.0.1:1@evil.example/x",
        "http://127.0.0.evil/x", "http://169.254.169.254/x", "http://localhost.evil.example/",
        "ftp://localhost/", "x", "http:///x", "http://127.0.0.1.5/x"}) {
    Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad);
    const base::ErrorInfo error = ErrorOf();
    EXPECT_EQ(error.subject, "AWS_CONTAINER_CREDENTIALS_FULL_URI") << bad;
    EXPECT_EQ(error.code, ErrorCode::kInvalidConfig);
  }
  Set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/");
  EXPECT_EQ(ErrorOf().subject, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  EXPECT_THAT(transport_.seen(), SizeIs(asked));
}

TEST_F(KeySources, ContainerFailuresAreErrors) {
  Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:1/secret-path");
  Set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush");
  const std::vector<std::pair<std::vector<int>, ErrorCode>> rows = {
      {{400}, ErrorCode::kAuthentication}, {{401}, ErrorCode::kAuthentication},
      {{403}, ErrorCode::kAuthentication}, {{404}, ErrorCode::kAuthentication},
      {{429}, ErrorCode::kUnavailable},    {{500, 500}, ErrorCode::kUnavailable},
      {{200}, ErrorCode::kUnavailable}};
  for (const auto& [statuses, code] : rows) {
    for (const int status : statuses) transport_.Add(status, "hush");
    const base::ErrorInfo error = ErrorOf();
    EXPECT_EQ(base::ErrorCodeName(error.code), base::ErrorCodeName(code)) << statuses[0];
    EXPECT_EQ(error.subject, "container credentials of localhost:1");
    EXPECT_THAT(error.message + error.remedy + error.cause, Not(HasSubstr("hush")));
  }
  transport_.Add(500, "");
  transport_.Add(200, Json("ASIA1"));
  EXPECT_EQ(Get(*Chain()).access_key_id, "ASIA1");
  for (int i = 0; i < 2; ++i) transport_.AddError(ErrorCode::kUnreachable, true);
  EXPECT_EQ(ErrorOf().code, ErrorCode::kUnreachable);
  Set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush\r\nX: y");
  EXPECT_EQ(ErrorOf().subject, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  Set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Path("absent"));
  EXPECT_THAT(ErrorOf().subject, HasSubstr(Path("absent")));
}

TEST_F(KeySources, WebIdentityAssumesTheRoleUnsigned) {
  Set("AWS_WEB_IDENTITY_TOKEN_FILE", Write("token", " eyJ.hush+/=\n"));
  Set("AWS_ROLE_ARN", kReaderRole);
  Set("AWS_ROLE_SESSION_NAME", "pod-7");
  transport_.Add(200, WebReply("ASIA1"));
  const auto chain = Chain();
  EXPECT_EQ(Get(*chain).access_key_id, "ASIA1");
  EXPECT_EQ(Seen(0).url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(Seen(0).body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
            "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freader&RoleSessionName=pod-7"
            "&DurationSeconds=3600&WebIdentityToken=eyJ.hush%2B%2F%3D");
  EXPECT_EQ(Header(0, "Authorization"), "");
  EXPECT_EQ(chain->Describe(), "role " + kReaderRole + " assumed with the web identity token of " +
                                   Path("token") + " (environment)");
}

TEST_F(KeySources, WebIdentityReadsTheTokenBeforeEachCall) {
  Set("AWS_WEB_IDENTITY_TOKEN_FILE", Write("token", "one"));
  Set("AWS_ROLE_ARN", kReaderRole);
  transport_.Add(200, WebReply("ASIA1"));
  const auto chain = Chain();
  Get(*chain);
  Write("token", "two");
  clock_.Advance(std::chrono::hours(1));
  // Refused, and rotated meanwhile: once more, with the new one.
  transport_.Add([&](const http::Request&) {
    Write("token", "three");
    return http::Result{{400, {}, StsError("ExpiredTokenException", "Token expired")}, nullptr};
  });
  transport_.Add(200, WebReply("ASIA2", "2026-01-01T02:00:00Z"));
  EXPECT_EQ(Get(*chain).access_key_id, "ASIA2");
  EXPECT_THAT(Seen(1).body, HasSubstr("WebIdentityToken=two"));
  EXPECT_THAT(Seen(2).body, HasSubstr("WebIdentityToken=three"));
}

TEST_F(KeySources, WebIdentityErrorsAreToldWithoutTheToken) {
  Set("AWS_WEB_IDENTITY_TOKEN_FILE", Write("token", "eyJ.hush"));
  EXPECT_THAT(ErrorOf().message, HasSubstr("AWS_ROLE_ARN is not set"));
  Set("AWS_ROLE_ARN", kReaderRole);
  const std::vector<std::tuple<int, std::string, std::string, ErrorCode, std::string>> rows = {
      {403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity",
       ErrorCode::kPermission, "Federated"},
      {400, "InvalidIdentityToken", "No OpenIDConnect provider found", ErrorCode::kAuthentication,
       "identity provider in IAM"},
      {400, "ExpiredTokenException", "Token expired", ErrorCode::kAuthentication, "new identity"},
      {403, "IDPRejectedClaim", "claim of eyJ.hush", ErrorCode::kAuthentication, "claims"}};
  for (const auto& [status, code, message, expected, remedy] : rows) {
    transport_.Add(status, StsError(code, message));
    const base::ErrorInfo error = ErrorOf();
    EXPECT_EQ(base::ErrorCodeName(error.code), base::ErrorCodeName(expected)) << code;
    EXPECT_THAT(error.remedy, HasSubstr(remedy));
    EXPECT_EQ(error.subject, "role " + kReaderRole);
    EXPECT_THAT(error.message + error.remedy + error.cause, Not(HasSubstr("hush")));
  }
  transport_.Add(503, "");
  transport_.Add(200, WebReply("ASIA1"));
  EXPECT_EQ(Get(*Chain()).access_key_id, "ASIA1");
}

TEST_F(KeySources, WebIdentityTokenFilesMustHoldAToken) {
  Set("AWS_ROLE_ARN", kReaderRole);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {Path("absent"), "cannot be read"},
      {Path(""), "cannot be read"},
      {Write("empty", " \n"), "empty"},
      {Write("long", std::string(20001, 'x')), "longer"}};
  for (const auto& [file, message] : rows) {
    Set("AWS_WEB_IDENTITY_TOKEN_FILE", file);
    const base::ErrorInfo error = ErrorOf();
    EXPECT_EQ(error.code, ErrorCode::kInvalidConfig);
    EXPECT_THAT(error.message, HasSubstr(message));
    EXPECT_THAT(error.subject, HasSubstr(file));
  }
  EXPECT_THAT(transport_.seen(), SizeIs(0));
}

TEST_F(KeySources, TheNearerPlaceWinsAndTheFartherIsNotAsked) {
  // From the farthest to the nearest: each beats all before it.
  AddInstance("ASIAIMDS");
  EXPECT_EQ(Get(*Chain()).access_key_id, "ASIAIMDS");
  Set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
  transport_.Add(200, Json("ASIACONTAINER"));
  EXPECT_EQ(Get(*Chain()).access_key_id, "ASIACONTAINER");
  Write("credentials",
        "[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key=s\n"
        "[named]\naws_access_key_id=AKIANAMED\naws_secret_access_key=s\n");
  EXPECT_EQ(Get(*Chain()).access_key_id, "AKIADEFAULT");
  Set("AWS_WEB_IDENTITY_TOKEN_FILE", Write("token", "t"));
  Set("AWS_ROLE_ARN", kReaderRole);
  transport_.Add(200, WebReply("ASIAWEB"));
  EXPECT_EQ(Get(*Chain()).access_key_id, "ASIAWEB");
  Set("AWS_PROFILE", "named");
  EXPECT_EQ(Get(*Chain()).access_key_id, "AKIANAMED");
  Set("AWS_ACCESS_KEY_ID", "AKIAENV");
  Set("AWS_SECRET_ACCESS_KEY", "s");
  EXPECT_EQ(Get(*Chain()).access_key_id, "AKIAENV");
  EXPECT_EQ(Get(*Chain("named")).access_key_id, "AKIANAMED");
  EXPECT_THAT(transport_.seen(), SizeIs(3 + 1 + 1));
}

TEST_F(KeySources, ProfilesFollowEveryWay) {
  Write("config",
        "[profile process]\ncredential_process = /bin/echo '{\"Version\": 1, "
        "\"AccessKeyId\": \"AKIAPROCESSPROCESSPR\", \"SecretAccessKey\": \"s\"}'\n"
        "[profile web]\nrole_arn = " +
            kReaderRole + "\nweb_identity_token_file = " + Write("token", "tok-web") +
            "\nrole_session_name = me\n"
            "[profile instance]\nrole_arn = " +
            kReaderRole +
            "\ncredential_source = Ec2InstanceMetadata\n"
            "[profile task]\nrole_arn = " +
            kReaderRole +
            "\ncredential_source = EcsContainer\n"
            "[profile odd]\nrole_arn = x\ncredential_source = Moon\n");
  const auto process = Chain("process");
  EXPECT_EQ(Get(*process).access_key_id, "AKIAPROCESSPROCESSPR");
  EXPECT_EQ(process->Describe(), "keys AKIA...SSPR of credential_process (profile process)");
  transport_.Add(200, WebReply("ASIA1"));
  const auto web = Chain("web");
  EXPECT_EQ(Get(*web).access_key_id, "ASIA1");
  EXPECT_THAT(Seen(0).body, AllOf(HasSubstr("RoleSessionName=me"), HasSubstr("=tok-web")));
  EXPECT_THAT(web->Describe(), HasSubstr("web identity token"));
  AddInstance("ASIAINSTANCEINSTANCE");
  transport_.Add(403, StsError("AccessDenied", "perform: sts:AssumeRole"));
  EXPECT_EQ(ErrorOf("instance").code, ErrorCode::kPermission);
  EXPECT_THAT(Header(4, "Authorization"), HasSubstr("ASIAINSTANCEINSTANCE"));
  EXPECT_THAT(ErrorOf("task").message, HasSubstr("RELATIVE_URI is not set"));
  EXPECT_THAT(ErrorOf("odd").message, HasSubstr("Moon"));
}

TEST_F(KeySources, AConfiguredRoleIsAssumedByItsTokenForBothSessions) {
  const std::string token = Write("token", "tok-1");
  AssumeRoleRequest request{
      .role_arn = kReaderRole, .session_name = "s", .duration = seconds(1800)};
  const auto role = MakeWebIdentityRole(request, token, sts_, clock_);
  transport_.Add(200, WebReply("ASIAFULL"));
  EXPECT_EQ(Get(*role).access_key_id, "ASIAFULL");
  EXPECT_EQ(role->Describe(),
            "role " + kReaderRole + " assumed with the web identity token of " + token);
  EXPECT_THAT(Seen(0).body, AllOf(HasSubstr("DurationSeconds=1800"), Not(HasSubstr("Policy="))));
  UnloadKeys narrow(
      {.bucket = "acme", .connection = "c", .role = request, .web_identity_token_file = token},
      nullptr, sts_, clock_);
  transport_.Add(200, WebReply("ASIANARROW"));
  EXPECT_EQ(narrow.Get("sluice/r1/", seconds(1000), call_).access_key_id, "ASIANARROW");
  EXPECT_THAT(Seen(1).body, AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity"),
                                  HasSubstr("Policy=%7B"), HasSubstr("WebIdentityToken=tok-1")));
  EXPECT_EQ(Header(1, "Authorization"), "");
}

}  // namespace
}  // namespace sluice::aws
