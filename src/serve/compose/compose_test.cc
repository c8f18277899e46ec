// Goal: a child gets exactly what was kept, judged by the rules of a configuration in the API's
// words.
#include "serve/compose/compose.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "connection/host_rules.h"
#include "serve/base/ids.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ComposeTest : public testing::Test {
 protected:
  static Resource Read(Kind kind, std::string_view json) {
    std::string why;
    Resource resource = ReadResource(kind, ParseJson(json, why).value_or(Json()));
    resource.id = NewId(IdPrefix(kind));
    return resource;
  }
  Resource Source(std::string_view more = "") {
    return Read(Kind::kSource,
                fmt::format(R"({{"name": "acme", "workgroup": "analytics", "host": "r.example.com",
                "database": "dev", "bucket": "acme-staging", "bucket_region": "us-east-1",
                "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "a$b${{x",
                "advanced": {{"region": "us-east-1"}} {}}})",
                            more));
  }
  Resource Destination(
      std::string_view json = R"({"name": "d", "type": "duckdb", "path": "o.duckdb"})") {
    return Read(Kind::kDestination, json);
  }
  Resource Pipeline(std::string_view streams = R"([{"table": "sales.orders"}])",
                    std::string_view more = "") {
    return Read(Kind::kPipeline, fmt::format(R"({{"name": "p", "source": "src_a",
                "destination": "dst_a", "streams": {} {}}})",
                                             streams, more));
  }
  // As the child reads it.
  config::Config Child(const Composed& composed) {
    config::Loaded loaded = config::Parse(
        composed.text.Reveal(), composed.folder / "sluice.yaml",
        [](std::string_view) { return std::optional<std::string>("LEAKED"); },
        connection::EndpointRules());
    EXPECT_THAT(loaded.problems, testing::IsEmpty());
    return std::move(loaded.config);
  }
  template <typename Call>
  std::vector<std::string> Refusals(Call call) {
    std::vector<std::string> fields;
    try {
      call();
    } catch (const Refused& refused) {
      for (const FieldProblem& problem : refused.problems()) fields.push_back(problem.field);
    }
    return fields;
  }

  test::TempDir dir_;
  const DataFolder data_{dir_.path()};
  const Tenant tenant_{.id = "ten_aaaaaaaaaaaa", .name = "Acme", .external_id = "sluice-1234"};
  OperatorRules rules_;
};

TEST_F(ComposeTest, AChildReadsWhatWasKept) {
  Resource source = Source();
  source.secrets["secret_access_key"] = base::Secret("a$b$$HOME{x}");
  const Resource destination = Destination();
  const Resource pipeline = Pipeline(
      R"([{"table": "sales.orders", "primary_key": ["id"], "cursor": "u", "sync_mode": "incremental",
           "where": "name <> '$HOME' AND x = '\u2028\"'", "mask": {"phone": null, "n": "$$"},
           "hash": {"columns": ["email"], "salt": "s$alt"}}])",
      R"(, "limits": {"memory_mb": 200, "disk_mb": 999999}, "cost": {"rpu_price": 0.375})");
  const Composed composed = Compose(
      {.tenant = tenant_, .source = &source, .destination = &destination, .pipeline = &pipeline},
      rules_, data_);
  const config::Config config = Child(composed);
  EXPECT_EQ(config.name, pipeline.id);
  EXPECT_EQ(config.redshift.workgroup, "analytics");
  EXPECT_EQ(std::get<config::KeysAuth>(config.auth).secret_access_key.Reveal(), "a$b$$HOME{x}");
  EXPECT_EQ(std::get<config::DuckDbDestination>(config.destination.kind).path,
            dir_.path() / "files" / tenant_.id / "o.duckdb");
  EXPECT_EQ(config.limits.memory_mb, 200U);
  EXPECT_EQ(config.limits.disk_mb, 2048U);  // the operator's maximum
  EXPECT_EQ(config.cost.rpu_price, 0.375);
  const model::Stream& stream = config.streams.at(0).stream;
  EXPECT_EQ(stream.primary_key, std::vector<std::string>{"id"});
  EXPECT_THAT(composed.text.Reveal(), HasSubstr("s$$alt"));
  EXPECT_EQ(composed.text.Reveal().find("LEAKED"), std::string::npos);
  EXPECT_EQ(composed.folder, data_.pipeline(tenant_.id, pipeline.id));
  EXPECT_TRUE(fs::is_directory(composed.folder / "work"));
  EXPECT_TRUE(fs::is_directory(data_.files(tenant_.id)));
}

TEST_F(ComposeTest, ARoleIsAssumedForThisTenantAlone) {
  Resource source =
      Read(Kind::kSource,
           R"({"name": "a", "workgroup": "wg1", "host": "r.example.com", "database": "dev",
                             "bucket": "acme-staging", "bucket_region": "us-east-1",
                             "role_arn": "arn:aws:iam::123456789012:role/r",
                             "advanced": {"region": "us-east-1"}})");
  const auto external_id = [&] {
    const auto config = Child(Compose({.tenant = tenant_, .source = &source}, rules_, data_));
    return std::get<config::RoleAuth>(config.auth).external_id->Reveal();
  };
  EXPECT_EQ(external_id(), "sluice-1234");
  source.fields["advanced"]["external_id"] = "sluice-of-another";
  EXPECT_THAT(Refusals([&] { external_id(); }), ElementsAre("advanced.external_id"));
  rules_.admin = true;
  EXPECT_EQ(external_id(), "sluice-of-another");
}

TEST_F(ComposeTest, WhatTheOperatorSetsStandsInEveryChild) {
  rules_.redshift_root_cert = "/etc/a.pem";
  rules_.aws_ca_bundle = "/etc/b$HOME.pem";
  rules_.postgres_root_cert = "/etc/c.pem";
  const Resource source = Source();
  const Resource destination = Destination(
      R"({"name": "d", "type": "postgres", "host": "db.example.com", "database": "d", "user": "u"})");
  Resource named = source;
  named.secrets["secret_access_key"] = base::Secret("plain");
  const auto config = Child(
      Compose({.tenant = tenant_, .source = &named, .destination = &destination}, rules_, data_));
  EXPECT_EQ(config.redshift.ssl_root_cert, "/etc/a.pem");
  EXPECT_EQ(config.aws.ca_bundle, "/etc/b$HOME.pem");
  EXPECT_EQ(std::get<config::PostgresDestination>(config.destination.kind).ssl_root_cert,
            "/etc/c.pem");
}

TEST_F(ComposeTest, ProblemsHaveTheApisNames) {
  const struct {
    const char* json;
    std::vector<std::string> fields;
  } sources[] = {
      {R"({"name": "a"})",
       {"workgroup", "host", "database", "bucket", "bucket_region", "role_arn"}},
      {R"({"name": "a", "workgroup": "UPPER", "host": "h.example.com", "port": 99999,
           "database": "host=/tmp", "bucket": "B!", "bucket_region": "here", "role_arn": "x",
           "advanced": {"kms_key": "x", "duration": "1s"}})",
       {"workgroup", "port", "database", "bucket", "bucket_region", "role_arn", "advanced.kms_key",
        "advanced.duration"}},
      {R"({"name": "a", "workgroup": "wg1", "host": "h.example.com", "database": "d",
           "bucket": "acme-staging", "bucket_region": "us-east-1", "secret_access_key": "x"})",
       {"access_key_id"}},
  };
  for (const auto& one : sources) {
    const Resource source = Read(Kind::kSource, one.json);
    EXPECT_THAT(Refusals([&] { CheckSource(source, tenant_, rules_, data_); }),
                testing::UnorderedElementsAreArray(one.fields))
        << one.json;
  }
  EXPECT_THAT(Refusals([&] {
                CheckDestination(Destination(R"({"name": "d", "type": "duckdb", "path": "x.csv",
                                                 "host": "h.example.com"})"),
                                 tenant_, rules_, data_);
              }),
              testing::UnorderedElementsAre("path", "host"));
  EXPECT_THAT(Refusals([&] {
                CheckDestination(
                    Destination(R"({"name": "d", "type": "lake", "path": "../other"})"), tenant_,
                    rules_, data_);
              }),
              ElementsAre("path"));
}

TEST_F(ComposeTest, StreamsAreJudgedWithTheirSourceAndDestination) {
  Resource source = Source();
  source.secrets["secret_access_key"] = base::Secret("plain");
  const auto refusals = [&](std::string_view streams, std::string_view more = "") {
    const Resource pipeline = Pipeline(streams, more);
    return Refusals(
        [&] { CheckPipeline(pipeline, source, Destination(), tenant_, rules_, data_); });
  };
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])"), testing::IsEmpty());
  EXPECT_THAT(refusals(R"([{"table": "s.t", "cursr": "x"}])"), ElementsAre("streams[0].cursr"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}, {"sql": "SELECT 1; DROP TABLE x", "name": "q"}])"),
              ElementsAre("streams[1].sql"));
  EXPECT_THAT(refusals(R"([{"table": "s.t", "where": "1=1; DROP TABLE x"}])"),
              ElementsAre("streams[0].where"));
  EXPECT_THAT(refusals("[]"), ElementsAre("streams"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])", R"(, "schedule": {"cron": "x", "jitter": "5 weeks",
                                                     "time_zone": "Nowhere/X"})"),
              ElementsAre("schedule.cron", "schedule.time_zone", "schedule.jitter"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])", R"(, "schedule": {})"),
              ElementsAre("schedule.cron"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])", R"(, "connection": "../x")"),
              ElementsAre("connection"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])", R"(, "cost": {"price": 1})"),
              ElementsAre("cost.price"));
  EXPECT_THAT(refusals(R"([{"table": "s.t"}])", R"(, "limits": {"memory_mb": 1})"),
              ElementsAre("limits.memory_mb"));
}

TEST_F(ComposeTest, ATestNeedsNoOtherPart) {
  Resource source = Source();
  source.secrets["secret_access_key"] = base::Secret("plain");
  const auto config = Child(Compose({.tenant = tenant_, .source = &source}, rules_, data_));
  EXPECT_EQ(std::get<config::DuckDbDestination>(config.destination.kind).path,
            data_.tests(tenant_.id) / "test.duckdb");
  const Resource destination = Destination();
  Child(Compose({.tenant = tenant_, .destination = &destination}, rules_, data_));
}

TEST(CheckAlert, TellsWhatIsMissing) {
  const auto refusals = [](std::string_view json) {
    std::string why;
    std::vector<std::string> fields;
    try {
      CheckAlert(ReadResource(Kind::kAlert, *ParseJson(json, why)), {});
    } catch (const Refused& refused) {
      for (const FieldProblem& problem : refused.problems()) fields.push_back(problem.field);
    }
    return fields;
  };
  EXPECT_THAT(refusals(R"({"name": "n", "kind": "email", "smtp_url": "smtps://m.example.com",
                           "to": ["a@example.com"], "from": "s@example.com", "on": ["late"]})"),
              testing::IsEmpty());
  EXPECT_THAT(refusals(R"({"name": "n", "kind": "pager"})"), ElementsAre("kind", "on"));
  EXPECT_THAT(refusals(R"({"name": "n", "kind": "webhook", "on": ["x"], "secret": "y"})"),
              ElementsAre("url", "on", "secret"));
  EXPECT_THAT(refusals(R"({"name": "n", "kind": "email", "smtp_url": "smtps://m.example.com",
                           "to": ["a@b.example\r\nBcc: x"], "on": ["late"]})"),
              ElementsAre("to", "from"));
}

}  // namespace
}  // namespace sluice::serve
