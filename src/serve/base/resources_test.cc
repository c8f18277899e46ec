// Goal: what came over the API becomes a resource with its secrets apart, no answer ever holds one,
// and a kept secret never goes where it was not meant for.
#include "serve/base/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/base/ids.h"

namespace sluice::serve {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Json Parsed(std::string_view text) {
  std::string why;
  const auto json = ParseJson(text, why);
  EXPECT_TRUE(json) << why;
  return json.value_or(Json());
}

Resource Read(Kind kind, std::string_view text, const Resource* saved = nullptr) {
  return ReadResource(kind, Parsed(text), saved);
}

// Fields that were refused.
std::vector<std::string> Refusals(Kind kind, std::string_view text,
                                  const Resource* saved = nullptr) {
  std::vector<std::string> fields;
  try {
    Read(kind, text, saved);
  } catch (const Refused& refused) {
    for (const FieldProblem& problem : refused.problems()) {
      fields.push_back(problem.field);
      EXPECT_FALSE(problem.problem.empty());
      EXPECT_FALSE(problem.remedy.empty());
    }
  }
  return fields;
}

constexpr std::string_view kKeys =
    R"({"name": "acme", "workgroup": "wg1", "host": "h.example.com", "database": "dev", "bucket": "b",
        "bucket_region": "us-east-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "s3cret-value", "session_token": "t0ken-value"})";
constexpr std::string_view kPostgres =
    R"({"name": "wh", "type": "postgres", "host": "db.example.com", "database": "d", "user": "u",
        "password": "pa55-value"})";

TEST(Resources, NoAnswerHoldsASecret) {
  const Resource source = Read(Kind::kSource, kKeys);
  EXPECT_EQ(FindSecret(source, "secret_access_key")->Reveal(), "s3cret-value");
  const Json answer = ToJson(source);
  EXPECT_THAT(answer.dump(), Not(HasSubstr("value")));
  EXPECT_EQ(answer["secret_access_key_set"], true);
  EXPECT_EQ(answer["session_token_set"], true);
  EXPECT_EQ(answer["port"], nullptr);
  EXPECT_EQ(answer["advanced"], Json::object());

  const Json destination = ToJson(Read(Kind::kDestination, kPostgres));
  EXPECT_THAT(destination.dump(), Not(HasSubstr("pa55")));
  EXPECT_EQ(destination["password_set"], true);
  EXPECT_EQ(destination["secret_access_key_set"], false);
}

TEST(Resources, AnAnswerSentBackChangesNothing) {
  const std::pair<Kind, std::string_view> cases[] = {
      {Kind::kSource, kKeys},
      {Kind::kDestination, kPostgres},
      {Kind::kPipeline, R"({"name": "p", "source": "src_a", "destination": "dst_a",
                            "streams": [{"table": "s.t"}], "schedule": {"cron": "@daily"}})"},
      {Kind::kAlert, R"({"name": "w", "kind": "webhook", "url": "https://h.example.com/x",
                         "on": ["failed"]})"}};
  for (const auto& [kind, text] : cases) {
    Resource saved = Read(kind, text);
    saved.id = NewId(IdPrefix(kind));
    const Resource again = ReadResource(kind, ToJson(saved), &saved);
    EXPECT_EQ(again.fields, saved.fields) << text;
    EXPECT_EQ(again.secrets, saved.secrets) << text;
  }
}

TEST(Resources, AKeptSecretDoesNotFollowItsHost) {
  const Resource saved = Read(Kind::kDestination, kPostgres);
  const struct {
    const char* field;
    Json value;
    bool keeps;
  } cases[] = {
      {"host", "evil.example.com", false}, {"port", 5433, false}, {"sslmode", "disable", false},
      {"database", "other", true},         {"user", "v", true},   {"schema", "s", true}};
  for (const auto& one : cases) {
    Json body = ToJson(saved);
    body[one.field] = one.value;
    if (one.keeps) {
      EXPECT_EQ(ReadResource(Kind::kDestination, body, &saved).secrets, saved.secrets) << one.field;
    } else {
      EXPECT_THAT(Refusals(Kind::kDestination, body.dump(), &saved), ElementsAre("password"))
          << one.field;
      body["password"] = "new";
      EXPECT_EQ(FindSecret(ReadResource(Kind::kDestination, body, &saved), "password")->Reveal(),
                "new");
    }
  }
}

TEST(Resources, KeysOfASourceDoNotFollowItsHostOrEndpoints) {
  const Resource saved = Read(Kind::kSource, kKeys);
  for (const char* change :
       {R"({"host": "evil.example.com"})", R"({"access_key_id": "AKIAOTHER"})",
        R"({"advanced": {"aws": {"endpoint_url": "https://evil.example.com"}}})",
        R"({"advanced": {"allow_keys_in_unload": true}})"}) {
    Json body = ToJson(saved);
    body.update(Parsed(change));
    EXPECT_THAT(Refusals(Kind::kSource, body.dump(), &saved), Contains("secret_access_key"))
        << change;
  }
}

TEST(Resources, NullRemovesASecretAndAnotherWayToSignInDropsIt) {
  const Resource saved = Read(Kind::kSource, kKeys);
  Json body = ToJson(saved);
  body["session_token"] = nullptr;
  EXPECT_FALSE(ReadResource(Kind::kSource, body, &saved).secrets.contains("session_token"));
  body = ToJson(saved);
  body["access_key_id"] = nullptr;
  body["role_arn"] = "arn:aws:iam::123456789012:role/r";
  EXPECT_TRUE(ReadResource(Kind::kSource, body, &saved).secrets.empty());
  body = ToJson(saved);
  body["secret_access_key"] = "fresh";  // temporary keys come together
  EXPECT_FALSE(ReadResource(Kind::kSource, body, &saved).secrets.contains("session_token"));
}

TEST(Resources, ASaltLiesApartAndStaysWithItsStream) {
  const Resource saved =
      Read(Kind::kPipeline,
           R"({"name": "p", "source": "src_aaaaaaaaaaaa", "destination": "dst_aaaaaaaaaaaa",
          "defaults": {"hash": {"columns": ["e"], "salt": "dry-salt"}},
          "streams": [{"table": "s.a", "hash": {"columns": ["x"], "salt": "first-salt"}},
                      {"table": "s.b", "hash": {"columns": ["x"], "salt": "second-salt"}}]})");
  const Json answer = ToJson(saved);
  EXPECT_THAT(answer.dump(), Not(HasSubstr("-salt")));
  EXPECT_EQ(answer["streams"][0]["hash"], Parsed(R"({"columns": ["x"], "salt": null})"));
  // In another order, one without its hash.
  Json body = answer;
  body["streams"] = Json::array({answer["streams"][1], answer["streams"][0]});
  body["streams"][1].erase("hash");
  const Resource changed = ReadResource(Kind::kPipeline, body, &saved);
  EXPECT_EQ(FindSecret(changed, "streams.s.b.hash.salt")->Reveal(), "second-salt");
  EXPECT_EQ(FindSecret(changed, "defaults.hash.salt")->Reveal(), "dry-salt");
  EXPECT_EQ(changed.secrets.size(), 2U);
}

TEST(Resources, ASlackAddressIsASecretAndAWebhookGetsItsKey) {
  const Resource slack = Read(
      Kind::kAlert,
      R"({"name": "s", "kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/xyz", "on": ["failed"]})");
  const Json answer = ToJson(slack);
  EXPECT_EQ(answer["url"], "https://hooks.slack.com");
  EXPECT_THAT(answer.dump(), Not(HasSubstr("services")));
  EXPECT_EQ(ReadResource(Kind::kAlert, answer, &slack).secrets, slack.secrets);

  const Resource hook =
      Read(Kind::kAlert,
           R"({"name": "w", "kind": "webhook", "url": "https://h.example.com/x", "on": []})");
  EXPECT_THAT(FindSecret(hook, "secret")->Reveal(),
              testing::MatchesRegex("whsec_[A-Za-z0-9+/]{32}"));
  EXPECT_EQ(ReadResource(Kind::kAlert, ToJson(hook), &hook).secrets, hook.secrets);
}

TEST(Resources, WhatHasNoPlaceIsRefusedByName) {
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "a", "profile": "p"})"), ElementsAre("profile"));
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "a", "credential_process": "x"})"),
              ElementsAre("credential_process"));
  EXPECT_THAT(
      Refusals(Kind::kSource, R"({"name": "a", "advanced": {"sslrootcert": "/etc/passwd"}})"),
      ElementsAre("advanced.sslrootcert"));
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "a", "advanced": {"id": "x"}})"),
              ElementsAre("advanced.id"));
  EXPECT_THAT(Refusals(Kind::kPipeline, R"({"name": "a", "on_failure": {"command": "rm"}})"),
              ElementsAre("on_failure"));
  EXPECT_THAT(Refusals(Kind::kPipeline, R"({"name": "a", "include": "x"})"),
              ElementsAre("include"));
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "a", "AKIAIOSFODNN7EXAMPLE": 1})"),
              ElementsAre("(a name that is not shown)"));
}

TEST(Resources, FormsAreJudgedFieldByField) {
  EXPECT_THAT(Refusals(Kind::kSource, R"({"port": "x", "host": 1, "advanced": [],
                                          "secret_access_key": 7})"),
              ElementsAre("name", "port", "host", "advanced", "secret_access_key"));
  EXPECT_THAT(Refusals(Kind::kPipeline, R"({"name": "p", "streams": ["s.t"]})"),
              ElementsAre("streams[0]"));
  EXPECT_THAT(Refusals(Kind::kPipeline, R"({"name": "p", "streams": {}})"), ElementsAre("streams"));
  EXPECT_THAT(Refusals(Kind::kSource, "[]"), ElementsAre(""));
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "  "})"), ElementsAre("name"));
  EXPECT_THAT(Refusals(Kind::kSource, R"({"name": "a\nb"})"), ElementsAre("name"));
  const std::string huge(1U << 20U, 'x');
  EXPECT_THAT(Refusals(Kind::kSource, Json({{"name", huge}, {"host", huge}}).dump()),
              ElementsAre("name", "host"));
  // Script in a name is a name: whoever shows it escapes it.
  EXPECT_EQ(Read(Kind::kSource, R"({"name": "<script>alert(1)</script>"})").name,
            "<script>alert(1)</script>");
}

TEST(Resources, AScheduleIsReadBack) {
  const Resource pipeline =
      Read(Kind::kPipeline,
           R"({"name": "p", "schedule": {"cron": "@hourly", "jitter": "5m", "paused": true}})");
  const auto schedule = ScheduleOf(pipeline);
  ASSERT_TRUE(schedule);
  EXPECT_EQ(schedule->cron, "@hourly");
  EXPECT_EQ(schedule->time_zone, "UTC");
  EXPECT_EQ(schedule->jitter, std::chrono::minutes(5));
  EXPECT_TRUE(schedule->paused);
  EXPECT_FALSE(ScheduleOf(Read(Kind::kPipeline, R"({"name": "p", "schedule": null})")));
}

TEST(Ids, AreOfOneFormAlone) {
  const std::string id = NewId(kRunId);
  EXPECT_TRUE(IsId(id, kRunId));
  EXPECT_NE(id, NewId(kRunId));
  for (const char* text : {"", "run_", "run_aaaaaaaaaaa", "run_aaaaaaaaaaaaa", "run_aaaaaaaaaaa1",
                           "run_../../../..", "src_aaaaaaaaaaaa", "run_AAAAAAAAAAAA"}) {
    EXPECT_FALSE(IsId(text, kRunId)) << text;
  }
}

TEST(JsonText, RefusesWhatTwoReadersCouldTakeForTwoThings) {
  std::string why;
  EXPECT_FALSE(ParseJson(R"({"a": 1, "a": 2})", why));
  EXPECT_THAT(why, HasSubstr("twice"));
  EXPECT_FALSE(ParseJson(R"({"b": {"a": 1, "a": 2}})", why));
  EXPECT_TRUE(ParseJson(R"({"b": {"a": 1}, "c": {"a": 1}})", why));
  EXPECT_FALSE(ParseJson(std::string(40, '[') + std::string(40, ']'), why));
  EXPECT_THAT(why, HasSubstr("levels"));
  for (const char* text : {"", "{", "{} x", "/* c */ {}", "{'a': 1}", "\"\xff\"", "[1,]", "NaN"}) {
    EXPECT_FALSE(ParseJson(text, why)) << text;
  }
  EXPECT_FALSE(ParseJson(std::string(100'000, '['), why));
}

TEST(JsonText, TimesAreOfOneForm) {
  const auto time = ParseTime("2026-11-29T14:03:05Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(TimeText(*time), "2026-11-29T14:03:05Z");
  for (const char* text : {"", "2026-11-29", "2026-02-30T00:00:00Z", "2026-11-29T24:00:00Z",
                           "2026-11-29 14:03:05Z", "2026-11-29T14:03:05+00:00"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::serve
