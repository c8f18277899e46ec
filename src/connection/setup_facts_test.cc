// Goal: the administrator is told what fits the configuration and what AWS knows, and silence of
// AWS costs a placeholder, never the command.
#include "connection/setup_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connection/setup_questions.h"
#include "setup/parts.h"
#include "tests/support/matchers.h"

namespace sluice::connection {
namespace {

using setup::Pattern;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::Config ConfigOf(
    const std::string& changes = "",
    const std::string& auth =
        "{ role_arn: 'arn:aws:iam::123456789012:role/sluice-reader', external_id: acme-42 }") {
  const std::string text =
      "name: acme\n"
      "redshift: { workgroup: analytics, database: dev, " +
      changes +
      " host: analytics.999988887777.eu-west-1.redshift-serverless.amazonaws.com }\n"
      "staging: { bucket: acme-staging, region: us-east-1 }\n"
      "auth: " +
      auth +
      "\n"
      "destination: { type: duckdb, path: a.duckdb }\n"
      "streams: [ { table: sales.orders }, { table: sales.lines }, { table: hr.staff },\n"
      "  { name: q, sql: SELECT 1 AS a } ]\n";
  const auto loaded = config::Parse(text, "sluice.yaml", [](auto) { return std::nullopt; });
  EXPECT_THAT(loaded.problems, IsEmpty());
  return loaded.config;
}

SetupFacts Make(const config::Config& config, const SetupFlags& flags = {},
                const SetupAnswers& answers = {}, const std::string& token = "") {
  return MakeSetupFacts(config, "eu-west-1", flags, answers, token);
}

TEST(SetupFacts, AreThoseOfTheConfiguration) {
  const auto made = Make(ConfigOf(), {}, {.base_arn = "arn:aws:iam::2:user/base"});
  EXPECT_EQ(made.facts.pattern, Pattern::kIdentityUser);
  EXPECT_TRUE(made.facts.by_role);
  EXPECT_EQ(made.facts.account, "123456789012");  // the role's: the host's may be an endpoint's
  EXPECT_EQ(made.facts.external_id, "acme-42");
  EXPECT_EQ(made.facts.principal_arn, "arn:aws:iam::2:user/base");
  EXPECT_EQ(made.facts.db_user, "IAMR:sluice-reader");
  ASSERT_EQ(made.facts.schemas.size(), 2U);
  EXPECT_THAT(made.facts.schemas[0].tables, ElementsAre("orders", "lines"));
  EXPECT_EQ(made.facts.schemas[1].name, "hr");
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("stream q reads with SQL of its own")));
}

TEST(SetupFacts, TagTheRoleIfTheConfigurationNamesAnotherUser) {
  const auto made = Make(ConfigOf("username: sluice,"));
  EXPECT_EQ(made.facts.pattern, Pattern::kUserTag);
  EXPECT_TRUE(made.facts.tag_on_identity);
  EXPECT_EQ(made.facts.db_user, "IAMR:sluice");
  EXPECT_THAT(made.notes, Contains(HasSubstr("AWS derives IAMR:sluice-reader from the role")));
  EXPECT_EQ(Make(ConfigOf("username: 'IAMR:sluice-reader',")).facts.pattern,
            Pattern::kIdentityUser);
  EXPECT_EQ(Make(ConfigOf("username: sluice-reader,")).facts.pattern, Pattern::kIdentityUser);
}

TEST(SetupFacts, FollowTheTagsOfTheSession) {
  const std::string role = "{ role_arn: 'arn:aws:iam::123456789012:role/r', session_tags: ";
  auto made = Make(ConfigOf("", role + "{ RedshiftDbUser: ann } }"));
  EXPECT_EQ(made.facts.pattern, Pattern::kUserTag);
  EXPECT_FALSE(made.facts.tag_on_identity);
  EXPECT_EQ(made.facts.db_user, "IAMR:ann");
  made = Make(ConfigOf("", role + "{ RedshiftDbRoles: 'a:b' } }"));
  EXPECT_EQ(made.facts.pattern, Pattern::kRolesTag);
  EXPECT_THAT(made.facts.db_roles, ElementsAre("a", "b"));
}

TEST(SetupFacts, OfPatternDNeedAUser) {
  const auto made = Make(ConfigOf("login_api: GetClusterCredentials, username: 'IAM:sluice',"));
  EXPECT_EQ(made.facts.pattern, Pattern::kClusterCredentials);
  EXPECT_EQ(made.facts.db_user, "IAM:sluice");
  EXPECT_THAT([] { Make(ConfigOf(), {.pattern = "D"}); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
}

TEST(SetupFacts, OfKeysAreThoseOfTheirUser) {
  const std::string keys = "{ access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: verysecret }";
  auto made = Make(ConfigOf("", keys), {}, {.caller_arn = "arn:aws:iam::123456789012:user/p/etl"});
  EXPECT_FALSE(made.facts.by_role);
  EXPECT_EQ(made.facts.db_user, "IAM:etl");
  // What a tag makes of a user is documented nowhere.
  EXPECT_THAT([&] { Make(ConfigOf("username: x,", keys), {.pattern = "B"}); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
  made = Make(ConfigOf("username: x,", keys));
  EXPECT_EQ(made.facts.pattern, Pattern::kIdentityUser);
  EXPECT_THAT(made.notes, Contains(HasSubstr("redshift.username is x")));
}

TEST(SetupFacts, OfAnInstancesRoleLeaveItsTrustAlone) {
  const auto made = Make(ConfigOf("", "{ source: default_chain }"), {},
                         {.caller_arn = "arn:aws:sts::123456789012:assumed-role/vm/i-1"});
  EXPECT_TRUE(made.facts.by_role);
  EXPECT_FALSE(made.facts.assumed_by_us);
  EXPECT_EQ(made.facts.identity_arn, "arn:aws:iam::123456789012:role/vm");
  for (const auto& part : setup::Parts(made.facts)) {
    if (part.word == "trust") {
      EXPECT_EQ(part.text, "");
    }
  }
}

TEST(SetupFacts, ReadTheClaimsOfATokenAndNotItsSignature) {
  const std::string role =
      "{ role_arn: 'arn:aws:iam::123456789012:role/r', web_identity_token_file: t }";
  // {"iss":"https://i","aud":["a"],"sub":"s"}
  const std::string token =
      "e30.eyJpc3MiOiJodHRwczovL2kiLCJhdWQiOlsiYSJdLCJzdWIiOiJzIn0.c2lnbmF0dXJl";
  const auto claims = Make(ConfigOf("", role), {}, {}, token).facts.web_identity;
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->issuer, "https://i");
  EXPECT_EQ(claims->audience, "a");
  EXPECT_EQ(claims->subject, "s");
  for (const std::string bad : {"", "x", "a.b", "a.!!.c", "e30.e30", "e30.W10.x"}) {
    EXPECT_EQ(Make(ConfigOf("", role), {}, {}, bad).facts.web_identity->issuer, "") << bad;
  }
}

TEST(PrincipalOf, IsTheRoleBehindASession) {
  EXPECT_EQ(PrincipalOf("arn:aws-cn:sts::1:assumed-role/NAME/SESSION"),
            "arn:aws-cn:iam::1:role/NAME");
  EXPECT_EQ(PrincipalOf("arn:aws:iam::1:user/a/b"), "arn:aws:iam::1:user/a/b");
  EXPECT_EQ(PrincipalOf(""), "");
}

SetupQuestions Answering() {
  return {.base_arn = [](const auto&) { return std::string("arn:aws:iam::2:user/base"); },
          .caller_arn = [](const auto&) { return std::string("arn:aws:sts::1:assumed-role/r/s"); },
          .workgroup = [](const auto&) -> aws::Workgroup {
            throw base::Error({.code = base::ErrorCode::kPermission, .message = "no"});
          },
          .workgroup_by_base = [](const auto&) -> aws::Workgroup {
            return {.id = "w1",
                    .arn = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/w1",
                    .namespace_name = "n"};
          },
          .namespace_of = [](const std::string&, const auto&) -> aws::Namespace {
            return {.id = "n1"};
          },
          .db_user = [](const auto&) { return std::string("IAMR:x"); }};
}

TEST(AskAws, TakesEveryAnswerThatThereIs) {
  std::vector<std::string> notes;
  const auto answers = AskAws(Answering(), ConfigOf(), {}, notes);
  EXPECT_EQ(answers.workgroup_id, "w1");
  EXPECT_EQ(answers.namespace_id, "n1");
  EXPECT_EQ(answers.db_user, "IAMR:x");
  EXPECT_THAT(notes, IsEmpty());
}

TEST(AskAws, LeavesAWorkgroupOfTheSameNameInAnotherAccountAlone) {
  auto questions = Answering();
  questions.workgroup_by_base = [](const auto&) -> aws::Workgroup {
    return {.id = "w2", .arn = "arn:aws:redshift-serverless:eu-west-1:2:workgroup/w2"};
  };
  std::vector<std::string> notes;
  EXPECT_EQ(AskAws(questions, ConfigOf(), {}, notes).workgroup_id, "");
}

TEST(AskAws, NotesWhatAwsDoesNotAnswerAndGoesOn) {
  auto questions = Answering();
  questions.base_arn = [](const auto&) -> std::string {
    throw base::Error({.code = base::ErrorCode::kUnreachable, .message = "nobody there"});
  };
  std::vector<std::string> notes;
  EXPECT_EQ(AskAws(questions, ConfigOf(), {}, notes).base_arn, "");
  EXPECT_THAT(notes, ElementsAre("AWS did not tell who assumes the role: nobody there."));
}

}  // namespace
}  // namespace sluice::connection
