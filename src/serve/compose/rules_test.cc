// Goal: what a tenant sends reaches nothing of the server's: each rule with what it lets through
// and what it refuses.
#include "serve/compose/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(InsideHost, KnowsEverySpellingOfAnInsideAddress) {
  for (const char* host : {"localhost",
                           "LOCALHOST",
                           "localhost.",
                           "x.localhost",
                           "127.0.0.1",
                           "127.1",
                           "127.255.255.254",
                           "2130706433",
                           "0x7f000001",
                           "0x7f.1",
                           "017700000001",
                           "0177.0.0.1",
                           "0",
                           "0.0.0.0",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "100.64.0.1",
                           "169.254.169.254",
                           "0xa9fea9fe",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::1",
                           "[::1]",
                           "::",
                           "0:0:0:0:0:0:0:1",
                           "::ffff:127.0.0.1",
                           "::ffff:7f00:1",
                           "::127.0.0.1",
                           "64:ff9b::a9fe:a9fe",
                           "64:ff9b:1::1",
                           "2002:7f00:1::",
                           "fe80::1",
                           "fe80::1%eth0",
                           "fd00:ec2::254",
                           "fc00::1",
                           "fec0::1",
                           "ff02::1",
                           "db",
                           "metadata",
                           "db.internal",
                           "metadata.google.internal",
                           "printer.local",
                           "nas.lan",
                           "x.home.arpa",
                           "git.corp.",
                           "/var/run/postgresql",
                           "@socket",
                           "127.0.0.1/x"}) {
    EXPECT_TRUE(InsideHost(host)) << host;
  }
  for (const char* host :
       {"db.example.com", "8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.0.1", "2600:1f18::1",
        "acme.123456789012.us-east-1.redshift-serverless.amazonaws.com", "localhost.example.com",
        "::ffff:8.8.8.8", "internal.example.com", "127.0.0.1.example.com"}) {
    EXPECT_FALSE(InsideHost(host)) << host;
  }
}

TEST(AllowsHost, TakesWhatTheOperatorNamedInAnySpelling) {
  const OperatorRules rules{.allow_hosts = {"127.0.0.1", "db.internal", "::1"}};
  for (const char* host : {"127.0.0.1", "127.1", "DB.internal.", "[::1]", "example.com"}) {
    EXPECT_TRUE(AllowsHost(rules, host)) << host;
  }
  for (const char* host : {"127.0.0.2", "localhost", "other.internal", "/tmp", "10.0.0.1"}) {
    EXPECT_FALSE(AllowsHost(rules, host)) << host;
  }
}

TEST(AllowsEndpoint, TakesTheAddressesTheOperatorNamed) {
  const OperatorRules rules{
      .allow_endpoints = {"https://s3.acme.example", "http://127.0.0.1:4566/"}};
  for (const char* url : {"https://s3.acme.example", "https://S3.acme.example:443/",
                          "http://127.0.0.1:4566", "http://127.1:4566"}) {
    EXPECT_TRUE(AllowsEndpoint(rules, url)) << url;
  }
  for (const char* url :
       {"http://s3.acme.example", "https://s3.acme.example:444", "https://s3.acme.example.evil.com",
        "https://s3.acme.example@evil.com", "https://evil.com/https://s3.acme.example",
        "https://s3.acme.example/x", "https://s3.acme.example?x",
        "https://s3.acme.example#@evil.com", "https://s3.acme.example\\@evil.com",
        "http://169.254.169.254", "s3.acme.example", ""}) {
    EXPECT_FALSE(AllowsEndpoint(rules, url)) << url;
  }
}

class PathOfTest : public testing::Test {
 protected:
  PathOfTest() {
    fs::create_directories(files_ / "sub");
    fs::create_directories(allowed_);
  }
  void ExpectRefused(const std::string& path) {
    EXPECT_THAT([&] { PathOf(path, files_, rules_); }, test::ThrowsError(ErrorCode::kInvalidConfig))
        << path;
  }

  test::TempDir dir_;
  const fs::path files_ = fs::canonical(dir_.path()) / "files" / "ten_aaaaaaaaaaaa";
  const fs::path allowed_ = fs::canonical(dir_.path()) / "allowed";
  OperatorRules rules_{.allow_paths = {allowed_}};
};

// G71: Nothing that a tenant sends makes the service read its own files or environment, or reach an
// address or use an identity that the operator did not allow.
TEST_F(PathOfTest, StaysInTheTenantsFolder) {
  EXPECT_EQ(PathOf("orders.duckdb", files_, rules_), files_ / "orders.duckdb");
  EXPECT_EQ(PathOf("sub/./x.duckdb", files_, rules_), files_ / "sub" / "x.duckdb");
  EXPECT_EQ(PathOf("lake/", files_, rules_), files_ / "lake");
  EXPECT_EQ(PathOf("..x/a", files_, rules_), files_ / "..x" / "a");
  EXPECT_EQ(PathOf((allowed_ / "x.duckdb").string(), files_, rules_), allowed_ / "x.duckdb");
  for (const std::string& path :
       {std::string(""), std::string("."), std::string("./"), std::string(".."),
        std::string("../ten_bbbbbbbbbbbb/x.duckdb"), std::string("sub/../../x"),
        std::string("sub/../x"), std::string("/etc/passwd"), files_.string() + "/x",
        std::string("~/x"), std::string("~root/x"), allowed_.string(), allowed_.string() + "/",
        allowed_.string() + "x/y", allowed_.string() + "/../x", std::string("a\nb"),
        std::string("a\0b", 3), std::string("/proc/self/environ")}) {
    ExpectRefused(path);
  }
}

TEST_F(PathOfTest, FollowsNoLink) {
  fs::create_directory_symlink("/etc", files_ / "link");
  fs::create_symlink("/etc/passwd", files_ / "file.duckdb");
  fs::create_directory_symlink("/etc", allowed_ / "link");
  fs::create_symlink("/nowhere", files_ / "dangling");
  ExpectRefused("link/passwd");
  ExpectRefused("link");
  ExpectRefused("file.duckdb");
  ExpectRefused("dangling");
  ExpectRefused((allowed_ / "link" / "x").string());
  ASSERT_EQ(mkfifo((files_ / "pipe").c_str(), 0600), 0);
  ExpectRefused("pipe");
}

std::vector<std::string> Unsafe(Kind kind, std::string_view json, const OperatorRules& rules = {}) {
  std::string why;
  const Resource resource = ReadResource(kind, ParseJson(json, why).value_or(Json()));
  std::vector<FieldProblem> problems;
  AddUnsafe(resource, {.external_id = "sluice-of-this-tenant"}, rules, problems);
  std::vector<std::string> fields;
  for (const FieldProblem& problem : problems) {
    fields.push_back(problem.field);
    EXPECT_FALSE(problem.remedy.empty());
  }
  return fields;
}

TEST(Unsafe, NoReferenceWhereverItStands) {
  const std::pair<Kind, const char*> cases[] = {
      {Kind::kSource, R"({"name": "${file:/etc/passwd}"})"},
      {Kind::kSource, R"({"name": "n", "workgroup": "a${HOME}"})"},
      {Kind::kSource, R"({"name": "n", "secret_access_key": "${AWS_SECRET_ACCESS_KEY}"})"},
      {Kind::kSource, R"({"name": "n", "advanced": {"session_tags": {"a": "${HOME}"}}})"},
      {Kind::kSource, R"({"name": "n", "advanced": {"session_tags": {"${HOME}": "a"}}})"},
      {Kind::kDestination, R"({"name": "n", "type": "postgres", "password": "${PGPASSWORD}"})"},
      {Kind::kPipeline, R"({"name": "n", "streams": [{"sql": "SELECT '${file:/etc/shadow}'"}]})"},
      {Kind::kPipeline, R"({"name": "n", "streams": [{"mask": {"c": "${HOME:-x}"}}]})"},
      {Kind::kPipeline,
       R"({"name": "n", "defaults": {"hash": {"columns": ["c"], "salt": "${X}"}}})"},
      {Kind::kAlert, R"({"name": "n", "kind": "slack", "url": "https://h.example.com/${HOME}"})"},
  };
  for (const auto& [kind, json] : cases)
    EXPECT_THAT(Unsafe(kind, json), testing::SizeIs(1)) << json;
  EXPECT_THAT(Unsafe(Kind::kSource, R"({"name": "n", "secret_access_key": "a$b$$c{d}"})"),
              IsEmpty());
}

TEST(Unsafe, ASourceReachesAwsAsAStrangerDoes) {
  const OperatorRules open{.allow_hosts = {"127.0.0.1"},
                           .allow_endpoints = {"http://127.0.0.1:4566"},
                           .aws_environment = true,
                           .admin = true};
  const struct {
    const char* json;
    const char* field;
  } cases[] = {
      {R"({"name": "n", "host": "127.0.0.1:5439"})", "host"},
      {R"({"name": "n", "host": "jdbc:redshift://127.0.0.1:5439/dev"})", "host"},
      {R"({"name": "n", "source": "default_chain"})", "source"},
      {R"({"name": "n", "advanced": {"external_id": "sluice-of-another"}})",
       "advanced.external_id"},
      {R"({"name": "n", "advanced": {"aws": {"endpoint_url_s3": "http://127.0.0.1:4566"}}})",
       "advanced.aws.endpoint_url_s3"},
      {R"({"name": "n", "advanced": {"aws": {"allow_http": true}}})", "advanced.aws.allow_http"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(Unsafe(Kind::kSource, one.json), ElementsAre(one.field)) << one.json;
    EXPECT_THAT(Unsafe(Kind::kSource, one.json, open), IsEmpty()) << one.json;
  }
  EXPECT_THAT(Unsafe(Kind::kSource,
                     R"({"name": "n", "advanced": {"external_id": "sluice-of-this-tenant"}})"),
              IsEmpty());
  EXPECT_THAT(
      Unsafe(Kind::kSource,
             R"({"name": "n", "advanced": {"aws": {"endpoint_url": "http://169.254.169.254"}}})",
             open),
      ElementsAre("advanced.aws.endpoint_url"));
}

TEST(Unsafe, ADestinationIsOutside) {
  EXPECT_THAT(Unsafe(Kind::kDestination, R"({"name": "n", "type": "postgres", "host": "/tmp"})"),
              ElementsAre("host"));
  EXPECT_THAT(
      Unsafe(Kind::kDestination, R"({"name": "n", "type": "postgres", "host": "10.0.0.5"})"),
      ElementsAre("host"));
  // Not even an operator who allows that folder's name as a host.
  EXPECT_THAT(Unsafe(Kind::kDestination, R"({"name": "n", "type": "postgres", "host": "/tmp"})",
                     {.allow_hosts = {"/tmp"}}),
              ElementsAre("host"));
  EXPECT_THAT(Unsafe(Kind::kDestination,
                     R"({"name": "n", "type": "lake", "path": "s3://b/p",
                         "endpoint_url": "http://169.254.169.254/latest"})"),
              ElementsAre("endpoint_url"));
}

TEST(Unsafe, APipelineHasOneScheduleAndTwoLimits) {
  EXPECT_THAT(Unsafe(Kind::kPipeline,
                     R"({"name": "n", "defaults": {"schedule": "@hourly"},
                         "streams": [{"table": "s.t"}, {"table": "s.u", "time_zone": "UTC"}],
                         "limits": {"memory_mb": 1, "work_dir": "/etc"}})"),
              ElementsAre("defaults.schedule", "streams[1].time_zone", "limits.work_dir"));
}

TEST(Unsafe, AnAlertGoesOutsideByTls) {
  const auto url = [](const char* kind, const char* address) {
    return Json({{"name", "n"},
                 {"kind", kind},
                 {std::string(kind) == "email" ? "smtp_url" : "url", address}})
        .dump();
  };
  for (const char* good : {"https://hooks.example.com/x?y=1", "https://hooks.example.com:8443/x"}) {
    EXPECT_THAT(Unsafe(Kind::kAlert, url("webhook", good)), IsEmpty()) << good;
  }
  for (const char* bad :
       {"http://hooks.example.com/x", "https://127.0.0.1/x", "https://[::1]/x",
        "https://2130706433/", "https://169.254.169.254/latest", "https://u:p@hooks.example.com/",
        "file:///etc/passwd", "gopher://example.com/", "https://", "hooks.example.com",
        "https://metadata/x", "https://127.0.0.1:80\\@example.com/"}) {
    EXPECT_THAT(Unsafe(Kind::kAlert, url("webhook", bad)), ElementsAre("url")) << bad;
    EXPECT_THAT(Unsafe(Kind::kAlert, url("slack", bad)), ElementsAre("url")) << bad;
  }
  EXPECT_THAT(
      Unsafe(Kind::kAlert, url("webhook", "http://127.0.0.1:9/x"), {.allow_hosts = {"127.0.0.1"}}),
      IsEmpty());
  EXPECT_THAT(Unsafe(Kind::kAlert, url("email", "smtps://mail.example.com:465")), IsEmpty());
  for (const char* bad : {"smtp://127.0.0.1", "https://mail.example.com", "smtp://localhost:25"}) {
    EXPECT_THAT(Unsafe(Kind::kAlert, url("email", bad)), ElementsAre("smtp_url")) << bad;
  }
}

}  // namespace
}  // namespace sluice::serve
