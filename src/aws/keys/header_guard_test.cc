// Goal: no key with a line break or another control character gets into a header, by whatever
// entrance it came; the error names the entrance and never the value.
#include "aws/header_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/keys/credentials.h"
#include "aws/keys/keys_json.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

// Each would end a header, or be cut out of it by somebody on the way.
const std::vector<std::string> kSigns = {"\r\n", "\n",   "\r",      std::string(1, '\0'),
                                         "\x01", "\x0b", "\x1b",    "\x7f",
                                         " ",    "\t",   "\xc2\xa0"};

std::string Bad(const std::string& sign) { return "hush" + sign + "X-Evil: 1"; }

template <typename Call>
void ExpectRefused(Call&& call, const std::string& entrance, const std::string& what) {
  try {
    call();
    ADD_FAILURE() << entrance << " let it in";
  } catch (const base::Error& error) {
    EXPECT_EQ(base::ErrorCodeName(error.code()), base::ErrorCodeName(ErrorCode::kInvalidConfig));
    EXPECT_THAT(error.info().subject, HasSubstr(entrance));
    EXPECT_THAT(error.info().message, HasSubstr(what));
    const std::string all = error.what() + error.info().remedy + error.info().cause;
    EXPECT_THAT(all, Not(HasSubstr("hush")));
    EXPECT_THAT(all, Not(HasSubstr("Evil")));
    EXPECT_EQ(error.info().reason, "key_form");
  }
}

TEST(CheckKeys, RefusesEachSignInEachKey) {
  for (const std::string& sign : kSigns) {
    const std::string bad = Bad(sign);
    ExpectRefused(
        [&] {
          CheckKeys({bad, base::Secret("s"), {}, {}}, "here");
        },
        "here", "access key id");
    ExpectRefused(
        [&] {
          CheckKeys({"A", base::Secret(bad), {}, {}}, "here");
        },
        "here", "secret access key");
    ExpectRefused(
        [&] {
          CheckKeys({"A", base::Secret("s"), base::Secret(bad), {}}, "here");
        },
        "here", "session token");
  }
  EXPECT_NO_THROW(CheckKeys({"AKIA_1", base::Secret("a+/=~"), base::Secret("t//=="), {}}, "here"));
}

TEST(CheckKeys, GuardsTheEnvironment) {
  for (const std::string name :
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}) {
    const auto source = MakeEnvironmentKeys([&](std::string_view asked) {
      return std::optional<std::string>(asked == name ? Bad("\n") : "fine");
    });
    ExpectRefused([&] { source->Find({}); }, "environment", name);
  }
}

TEST(CheckKeys, GuardsTheConfiguration) {
  const auto source = MakeFixedKeys({"A", base::Secret(Bad("\r")), {}, {}}, "configuration");
  ExpectRefused([&] { source->Find({}); }, "configuration", "secret access key");
}

// Of credential_process, a container's agent and an instance alike.
TEST(CheckKeys, GuardsKeysInJson) {
  for (const std::string member : {"AccessKeyId", "SecretAccessKey", "Token"}) {
    std::string json = "{";
    for (const std::string one : {"AccessKeyId", "SecretAccessKey", "Token"}) {
      json += (json.size() > 1 ? ",\"" : "\"") + one + "\":\"" +
              (one == member ? "hush\\r\\nX-Evil: 1" : "fine") + "\"";
    }
    ExpectRefused([&] { ReadKeysJson(json + "}", "Token", "program p", base::UtcTime()); },
                  "program p", "line break");
  }
}

TEST(CheckKeys, GuardsWhatStsGives) {
  test::FakeTransport transport;
  test::FakeClock clock;
  transport.Add(200,
                "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId>"
                "<SecretAccessKey>hush&#10;X-Evil: 1</SecretAccessKey><SessionToken>t"
                "</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>"
                "</AssumeRoleResult></AssumeRoleResponse>");
  Sts sts(StsEndpoint("us-east-1"), transport, clock);
  ExpectRefused(
      [&] {
        sts.AssumeRole({"A", base::Secret("s"), {}, {}},
                       {.role_arn = "arn:aws:iam::1:role/r", .session_name = "ss"}, {});
      },
      "STS", "secret access key");
}

// G21: No key with a line break or another control character is sent, whatever place it came from.
}  // namespace
}  // namespace sluice::aws
