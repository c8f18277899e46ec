// Goal: programs find what docs/CLI_JSON.md promises, under those names and no other.
#include "contract/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "contract/exit_code.h"
#include "contract/json_envelope.h"

namespace sluice::contract {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> Names(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

auto ErrorNames() {
  return UnorderedElementsAre("code", "operation", "subject", "message", "remedy", "cause",
                              "retryable", "in_doubt");
}

sync::StreamResult Stream(std::string name, std::optional<base::ErrorCode> error = std::nullopt) {
  sync::StreamResult stream;
  stream.stream = std::move(name);
  stream.target = {"s", "t"};
  stream.proof = {.notice_rows = 7, .manifest_rows = 7, .footer_rows = 7, .loaded_rows = 7};
  stream.bytes = 100;
  stream.duration = std::chrono::milliseconds(1500);
  if (error) {
    stream.error = base::ErrorInfo{.code = *error, .message = "m", .remedy = "r"};
  }
  return stream;
}

TEST(Json, Error) {
  const Json json = Json::parse(
      ErrorJson("sync", {.code = base::ErrorCode::kNotFound, .message = "m", .remedy = "r"}));
  EXPECT_THAT(Names(json), UnorderedElementsAre("sluice", "command", "exit_code", "error"));
  EXPECT_THAT(Names(json["error"]), ErrorNames());
  EXPECT_EQ(json["error"]["code"], "not_found");
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(Json, ConfigurationProblems) {
  const Json json = Json::parse(ProblemsJson(
      "check", "a.yaml",
      {{.field = "name", .at = {2, 7}, .problem = "p", .remedy = "r"}, {.problem = "q"}}));
  EXPECT_EQ(json["exit_code"], 2);
  EXPECT_EQ(json["error"]["code"], "invalid_config");
  EXPECT_EQ(json["file"], "a.yaml");
  EXPECT_THAT(Names(json["problems"][0]),
              UnorderedElementsAre("field", "line", "column", "file", "problem", "remedy"));
  EXPECT_EQ(json["problems"][0]["line"], 2);
  EXPECT_TRUE(json["problems"][1]["line"].is_null());
}

TEST(Json, ConfigValidate) {
  config::Config config;
  config.file = "a.yaml";
  config.streams.resize(1);
  config.streams[0].stream.name = "q";
  const Json json = Json::parse(ValidJson(config));
  EXPECT_THAT(Names(json), UnorderedElementsAre("sluice", "command", "exit_code", "error", "file",
                                                "problems", "warnings", "patterns", "streams"));
  EXPECT_THAT(
      Names(json["streams"][0]),
      UnorderedElementsAre("name", "table", "sync_mode", "write_mode", "primary_key", "cursor"));
}

TEST(Json, Check) {
  check::Finding finding{.id = "login.failed",
                         .step = check::Step::kLogin,
                         .severity = check::Severity::kFailure,
                         .code = base::ErrorCode::kUnreachable,
                         .cause = "CONNECT tunnel failed"};
  const Json json = Json::parse(CheckJson({.findings = {finding}}));
  EXPECT_THAT(Names(json), UnorderedElementsAre("sluice", "command", "exit_code", "error",
                                                "interrupted", "seconds", "counts", "findings"));
  EXPECT_THAT(Names(json["counts"]),
              UnorderedElementsAre("ok", "advice", "warning", "failure", "skipped"));
  EXPECT_THAT(Names(json["findings"][0]),
              UnorderedElementsAre("id", "step", "severity", "subject", "title", "seen", "why",
                                   "remedy", "cause", "code"));
  EXPECT_EQ(json["findings"][0]["code"], "unreachable");
  EXPECT_EQ(json["findings"][0]["cause"], "CONNECT tunnel failed");
  EXPECT_EQ(json["findings"][0]["step"], "login");
  EXPECT_EQ(json["exit_code"], 1);
}

TEST(Json, Discover) {
  connection::DiscoveredTable table{.name = {"s", "t"}, .type = "TABLE"};
  table.columns = {{"a", {.kind = model::TypeKind::kInt32}, false}};
  table.unknown = {{"h", "hllsketch"}};
  const Json json = Json::parse(DiscoverJson({{.name = "s", .type = "local", .tables = {table}}}));
  const Json& out = json["schemas"][0]["tables"][0];
  EXPECT_THAT(Names(out),
              UnorderedElementsAre("name", "schema", "table", "type", "columns",
                                   "unreadable_columns", "hidden", "primary_key", "proposed",
                                   "rows", "bytes", "doubled_keys", "configured"));
  EXPECT_EQ(out["columns"][0], Json({{"name", "a"}, {"type", "integer"}, {"nullable", false}}));
  EXPECT_EQ(out["proposed"]["sync_mode"], "full_refresh");
  EXPECT_EQ(out["proposed"]["write_mode"], "overwrite");
  EXPECT_EQ(out["proposed"]["cursor"], nullptr);
  EXPECT_EQ(out["rows"], nullptr) << "not asked for is not none";
}

TEST(Json, SyncTellsWhatItAdopted) {
  auto stream = Stream("a");
  EXPECT_EQ(Json::parse(SyncJson({.streams = {stream}}, "d"))["streams"][0]["adopted_from"],
            Json(nullptr));
  stream.adopted_from = base::UtcTime(std::chrono::seconds(1767225600));
  stream.kept = {"s3://b/p/"};
  const Json json = Json::parse(SyncJson({.streams = {stream}}, "d"))["streams"][0];
  EXPECT_EQ(json["adopted"], true);
  EXPECT_EQ(json["adopted_from"], 1767225600);
  EXPECT_EQ(json["kept"], Json({"s3://b/p/"}));
}

TEST(Json, Sync) {
  const Json json = Json::parse(SyncJson(
      {.run = "r1", .streams = {Stream("a"), Stream("b", base::ErrorCode::kPermission)}}, "d"));
  EXPECT_THAT(Names(json),
              UnorderedElementsAre("sluice", "command", "exit_code", "error", "dry_run", "run",
                                   "destination", "interrupted", "seconds", "rows", "bytes", "cost",
                                   "tables", "streams"));
  EXPECT_EQ(json["exit_code"], 3);
  EXPECT_EQ(json["rows"], 7);
  const Json& good = json["streams"][0];
  EXPECT_THAT(Names(good),
              UnorderedElementsAre("stream", "target", "status", "rows", "bytes", "seconds",
                                   "unload_seconds", "proof", "verified", "counts", "watermark",
                                   "keys_compared", "attempts", "adopted", "adopted_from", "kept",
                                   "warnings", "left_behind", "error"));
  EXPECT_THAT(Names(good["proof"]),
              UnorderedElementsAre("agrees", "notice_rows", "manifest_rows", "footer_rows",
                                   "loaded_rows", "parts", "manifest_bytes", "fetched_bytes"));
  EXPECT_THAT(Names(good["counts"]),
              UnorderedElementsAre("inserted", "updated", "unchanged", "deleted", "skipped",
                                   "duplicates", "deleted_absent"));
  EXPECT_EQ(good["status"], "done");
  EXPECT_EQ(good["seconds"], 1.5);
  EXPECT_TRUE(good["error"].is_null());
  const Json& bad = json["streams"][1];
  EXPECT_EQ(bad["status"], "failed");
  EXPECT_EQ(bad["rows"], 0) << "rows loaded but not committed are not there";
  EXPECT_THAT(Names(bad["error"]), ErrorNames());
}

TEST(Json, DryRun) {
  sync::StreamPlan plan;
  plan.stream.name = "a";
  const Json json = Json::parse(PlanJson({{.stream = plan.stream, .plan = plan}}, "d"));
  EXPECT_EQ(json["dry_run"], true);
  EXPECT_THAT(Names(json["streams"][0]),
              UnorderedElementsAre("name", "table", "sync_mode", "write_mode", "primary_key",
                                   "cursor", "target", "columns", "select", "from", "key_scan",
                                   "rights", "landing", "warnings", "notes", "error"));
  EXPECT_TRUE(json["streams"][0]["error"].is_null());
}

TEST(Json, NamesThatAreNoUtf8DoNotLoseTheDocument) {
  EXPECT_NO_THROW(Json::parse(SyncJson({.run = "r", .streams = {Stream("a\xFF")}}, "d")));
}

TEST(Dump, KeepsTheValueAndHidesNothing) {
  const std::string name = "a\u202Eb\x1b[2J\n\u200B\U000E0041ü";
  const std::string text = Dump(nlohmann::ordered_json{{"name", name}});
  EXPECT_EQ(Json::parse(text)["name"].get<std::string>(), name);
  for (const char* raw : {"\u202E", "\x1b", "\u200B", "\U000E0041"}) {
    EXPECT_THAT(text, Not(HasSubstr(raw)));
  }
  EXPECT_THAT(text, HasSubstr("\\u202e"));
}

TEST(ExitCode, OfASync) {
  using base::ErrorCode;
  const auto code = [](std::vector<sync::StreamResult> streams, bool interrupted = false) {
    return ExitCodeOf(sync::RunResult{.streams = std::move(streams), .interrupted = interrupted});
  };
  EXPECT_EQ(code({Stream("a"), Stream("b")}), 0);
  EXPECT_EQ(code({Stream("a", ErrorCode::kNotFound)}), 1);
  EXPECT_EQ(code({Stream("a", ErrorCode::kNotFound), Stream("b", ErrorCode::kNoSpace)}), 1);
  EXPECT_EQ(code({Stream("a", ErrorCode::kNotFound), Stream("b")}), 3);
  EXPECT_EQ(code({Stream("a", ErrorCode::kCancelled), Stream("b")}, true), 130);
}

TEST(ExitCode, OfAnErrorAndACheck) {
  EXPECT_EQ(ExitCodeOf(base::ErrorInfo{.code = base::ErrorCode::kInvalidConfig}), 2);
  EXPECT_EQ(ExitCodeOf(base::ErrorInfo{.code = base::ErrorCode::kCancelled}), 130);
  EXPECT_EQ(ExitCodeOf(base::ErrorInfo{.code = base::ErrorCode::kUnreachable}), 1);
  check::Findings findings;
  EXPECT_EQ(ExitCodeOf(findings), 0);
  findings.findings.push_back({.severity = check::Severity::kWarning});
  EXPECT_EQ(ExitCodeOf(findings), 0) << "a warning stops no sync";
  findings.findings.push_back({.severity = check::Severity::kFailure});
  EXPECT_EQ(ExitCodeOf(findings), 1);
}

TEST(Json, SetupHoldsEveryPart) {
  const connection::SetupFacts made{.facts = {.connection = "acme"}};
  const auto json = Json::parse(SetupJson(setup::Parts(made.facts), made));
  for (const char* part :
       {"network", "sql", "bucket", "iam", "trust", "tag", "unload_role", "terraform"}) {
    EXPECT_TRUE(json.at(part).is_string()) << part;
  }
  EXPECT_EQ(json["pattern"], "A");
  EXPECT_THAT(json["placeholders"].dump(), HasSubstr("\"<WORKGROUP_ID>\""));
  EXPECT_THAT(json["iam"].get<std::string>(), Not(HasSubstr("#")));
}

}  // namespace
}  // namespace sluice::contract
