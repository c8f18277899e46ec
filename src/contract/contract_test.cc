// Goal: what programs were promised once stays: no field of a --json document, exit code, error
// code or finding id is renamed, given another type or taken away. tests/vectors/contract.json is
// the record of what was promised; what is new here does not have to be in it.
// To record again, which also takes away what is gone, and to write the tables of
// docs/CLI_JSON.md: SLUICE_RECORD_CONTRACT=1 contract_test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "check/check.h"
#include "config/config.h"
#include "connection/setup_facts.h"
#include "contract/documents.h"
#include "contract/events.h"
#include "contract/exit_code.h"
#include "contract/fields.h"
#include "contract/record_documents.h"
#include "setup/parts.h"
#include "tests/support/fake_clock.h"

namespace sluice::contract {
namespace {

using Json = nlohmann::json;
using base::ErrorCode;
using base::ErrorInfo;
using base::UtcTime;

// "streams[].proof.parts" -> "integer", or "integer|null" where it may be either.
using Shape = std::map<std::string, std::set<std::string>>;

// Objects whose names are values: "verified" counts by the names of checksums.
const std::set<std::string> kMaps = {"streams[].verified", "verified"};

std::string TypeOf(const Json& json) {
  if (json.is_number_integer()) return "integer";
  return json.type_name();  // "null", "boolean", "number", "string", "array", "object"
}

void Describe(const Json& json, const std::string& path, Shape& shape) {
  if (!path.empty()) shape[path].insert(TypeOf(json));
  if (json.is_array()) {
    for (const auto& element : json) Describe(element, path + "[]", shape);
  } else if (json.is_object() && kMaps.contains(path)) {
    for (const auto& [name, value] : json.items()) Describe(value, path + ".*", shape);
  } else if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      Describe(value, path.empty() ? name : path + "." + name, shape);
    }
  }
}

// The same document with nothing in it and with everything in it.
Json ShapeOf(const std::vector<std::string>& documents) {
  Shape shape;
  for (const auto& document : documents) Describe(Json::parse(document), "", shape);
  Json out = Json::object();
  for (const auto& [path, types] : shape) {
    std::string text;
    for (const auto& type : types) text += (text.empty() ? "" : "|") + type;
    out[path] = text;
  }
  return out;
}

const ErrorInfo kError{.code = ErrorCode::kNotFound, .message = "m", .remedy = "r"};
const UtcTime kNow{std::chrono::seconds(1767225600)};

model::Stream FullStream() {
  model::Stream stream{.name = "a", .table = model::TableName{"s", "t"}};
  stream.primary_key = {"id"};
  stream.cursor = "changed";
  return stream;
}

std::vector<model::Column> SomeColumns() {
  return {{"a", {.kind = model::TypeKind::kInt32}, false}};
}

std::string Validated() {
  config::Config config;
  config.streams.resize(2);
  config.streams[0].stream = FullStream();
  config.patterns.resize(1);
  config.patterns[0].tables = {
      {.text = "s.*", .schema = config::NamePattern(), .table = config::NamePattern()}};
  config.warnings = {{.field = "f", .problem = "p", .remedy = "r"}};
  return ValidJson(config);
}

std::string Problems() {
  return ProblemsJson("check", "a.yaml",
                      {{.field = "name", .at = {2, 7}, .problem = "p", .remedy = "r"},
                       {.problem = "q", .remedy = "r", .file = "b.yaml"}});
}

std::string Checked() {
  return CheckJson(
      {.findings = {{.id = "login.failed", .code = ErrorCode::kUnreachable}, {.id = "login.ok"}}});
}

std::string Previewed() {
  return PreviewJson({.stream = "a", .columns = SomeColumns(), .rows = {{"1", std::nullopt}}});
}

sync::ChosenStreams Chosen() {
  return {.streams = {},
          .new_tables = {{"s.a", "s.*"}},
          .not_taken = {{"s.b", "s.*"}},
          .gone = {{"s.c", "s.*"}},
          .no_match = {"t.*"},
          .known = {}};
}

std::string Discovered() {
  connection::DiscoveredTable table{.name = {"s", "t"}, .type = "TABLE"};
  table.columns = SomeColumns();
  table.unknown = {{"h", "hllsketch"}};
  table.primary_key = {"a"};
  table.proposal.cursor = "a";
  table.proposal.primary_key = {"a"};
  table.size = redshift::TableSize{.rows = 1, .bytes = 1 << 20};
  table.doubled_keys = 1;
  connection::DiscoveredTable hidden{.name = {"s", "u"}, .type = "VIEW"};
  hidden.hidden = "denied";
  return DiscoverJson({{.name = "s", .type = "local", .tables = {table, hidden}}}, {"s.t"});
}

model::RunCost FullCost() {
  model::RunCost cost{.rpus = 8.5, .workgroup_rpu_seconds = 0.5, .rpu_price = 0.375};
  cost.billed = std::chrono::milliseconds(60'001);
  model::Price(cost);
  return cost;
}

std::string Planned() {
  sync::StreamPlan plan{.stream = FullStream()};
  plan.target.columns = SomeColumns();
  plan.select = "SELECT 1";
  plan.range = redshift::CursorRange{.low = "1"};
  plan.warnings = {"w"};
  plan.notes = {"n"};
  plan.stream.table = model::TableName{"s", "t"};
  plan.landing = model::Landing{.columns = {{"a", "BIGINT"}}, .changes = {"column a is new"}};
  sync::StreamPlan query;
  query.stream.name = "q";
  return PlanJson({{.stream = plan.stream, .plan = plan},
                   {.stream = query.stream, .plan = query},
                   {.stream = {.name = "f"}, .error = kError}},
                  "d", Chosen(), {.cost = FullCost(), .unknown = {"q"}});
}

sync::StreamResult FullResult() {
  sync::StreamResult full;
  full.stream = "a";
  full.proof.notice_rows = 7;
  full.verified = {{"crc64nvme", 3}};
  full.watermark = "w";
  full.keys_compared = 1;
  full.adopted_from = kNow;
  full.kept = full.warnings = full.left_behind = {"x"};
  return full;
}

sync::StreamResult FailedResult() {
  sync::StreamResult failed;
  failed.error = kError;
  return failed;
}

std::string Synced() {
  sync::RunResult result{.run = "r", .streams = {FullResult(), FailedResult()}};
  result.cost = FullCost();
  return SyncJson(result, "d", Chosen());
}

sync::History FullHistory() {
  sync::AttemptRecord good{.stream = "a", .state = "cleaned"};
  good.committed = kNow;
  good.watermark = "9999-12-31";
  const sync::AttemptRecord bad{.stream = "b",
                                .state = "failed",
                                .error = "permission",
                                .subject = "s",
                                .message = "m",
                                .remedy = "r"};
  sync::FailureRecord failure{.run = "r", .stream = "", .code = "permission", .message = "m"};
  sync::FailureRecord of_stream = failure;
  of_stream.stream = FullStream().name;
  return {.runs = {{.run = "r",
                    .ended = kNow,
                    .outcome = "done",
                    .attempts = {good, bad},
                    .failures = {failure, of_stream},
                    .cost = FullCost()},
                   {.run = "q"}},
          .last_commits = {good},
          .last_failures = {of_stream},
          .unclean = {bad},
          .last_cost = FullCost(),
          .holder = "process 1"};
}

std::string Status(const sync::History& history) {
  auto followed = FullStream();
  followed.sync_mode = model::SyncMode::kIncremental;
  return StatusJson(history, {followed, {.name = "q"}}, "b", kNow);
}

// Each event with nothing in it and with everything in it.
void AddEvents(Json& documents) {
  std::map<std::string, std::vector<std::string>> lines;
  test::FakeClock clock;
  const auto take = [&](std::string_view line, Worth) {
    lines["event " + Json::parse(line)["event"].get<std::string>()].emplace_back(line);
  };
  for (const bool full : {false, true}) {
    Events events(take, clock);
    events.CommandBegan("sync");
    events.OnRunBegan("r", {"a"});
    sync::Progress progress{.stream = "a", .phase = sync::Phase::kLoad};
    if (full) progress.rows_total = progress.bytes_total = 1;
    for (int i = 0; i < 2; ++i) {
      events.OnProgress(progress);
      clock.Advance(std::chrono::seconds(1));
    }
    events.Found({.id = "i", .code = full ? std::optional(ErrorCode::kTimeout) : std::nullopt});
    events.SchemaListed({.name = "s"});
    events.StreamReset("a");
    for (const auto& result : {FullResult(), FailedResult()}) events.OnStreamEnded(result);
    events.RunEnded({.run = "r"});
    events.CommandEnded(0, full ? &kError : nullptr);
  }
  for (const auto& [event, all] : lines) documents[event] = ShapeOf(all);
}

Json Documents() {
  const connection::SetupFacts made{.facts = {.connection = "c"}, .notes = {"n"}};
  const InitOutcome wrote{.file = "a", .written = true, .secret_file = "s", .variables = {"V"}};
  const staging::CleanResult refused{.left_behind = {"x"}, .error = kError};
  return {{"error", ShapeOf({ErrorJson("sync", kError)})},
          {"problems", ShapeOf({Problems()})},
          {"config validate", ShapeOf({Validated()})},
          {"init", ShapeOf({InitJson(wrote), InitJson({.file = "a"})})},
          {"setup", ShapeOf({SetupJson(setup::Parts(made.facts), made)})},
          {"check", ShapeOf({Checked()})},
          {"check --list-findings", ShapeOf({FindingKindsJson()})},
          {"discover", ShapeOf({Discovered()})},
          {"preview", ShapeOf({Previewed()})},
          {"sync", ShapeOf({Synced()})},
          {"sync --dry-run", ShapeOf({Planned()})},
          {"status", ShapeOf({Status(FullHistory()), Status({})})},
          {"history", ShapeOf({HistoryJson(FullHistory()), HistoryJson({})})},
          {"clean", ShapeOf({CleanJson(refused), CleanJson({})})},
          {"reset", ShapeOf({ResetJson({"a"})})}};
}

Json Findings() {
  Json findings = Json::object();
  for (const auto& kind : check::FindingKinds()) {
    findings[std::string(kind.id)] =
        std::string(StepName(kind.step)) + " " + std::string(SeverityName(kind.severity));
  }
  return findings;
}

// ErrorCodeName aborts or repeats itself beyond the last; kInternal is that.
Json ErrorCodes() {
  Json codes = Json::object();
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto code = static_cast<ErrorCode>(i);
    codes[std::string(base::ErrorCodeName(code))] = ExitCodeOf(ErrorInfo{.code = code});
  }
  return codes;
}

Json ContractNow() {
  Json steps = Json::object();
  for (const auto step : check::Steps()) steps[std::string(StepName(step))] = "step";
  Json documents = Documents();
  AddEvents(documents);
  return {{"documents", std::move(documents)},
          {"findings", Findings()},
          {"steps", steps},
          {"exit codes of error codes", ErrorCodes()},
          {"exit codes",
           {{"done", kDone},
            {"failed", kFailed},
            {"bad use", kBadUse},
            {"some failed", kSomeFailed},
            {"interrupted", kInterrupted}}}};
}

// What `before` holds and `now` does not, or holds otherwise.
void Compare(const Json& before, const Json& now, const std::string& path,
             std::vector<std::string>& broken) {
  for (const auto& [name, value] : before.items()) {
    const std::string inner = path + " / " + name;
    if (!now.contains(name)) {
      broken.push_back(inner + ": is gone");
    } else if (value.is_object()) {
      Compare(value, now[name], inner, broken);
    } else if (now[name] != value) {
      broken.push_back(inner + ": was " + value.dump() + ", is " + now[name].dump());
    }
  }
}

std::filesystem::path Record() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
         "tests/vectors/contract.json";
}

TEST(Contract, WhatWasPromisedIsKept) {
  const Json now = ContractNow();
  if (std::getenv("SLUICE_RECORD_CONTRACT") != nullptr) {
    std::ofstream(Record()) << now.dump(1) << '\n';
  }
  const Json before = Json::parse(std::ifstream(Record()));
  std::vector<std::string> broken;
  Compare(before, now, "", broken);
  EXPECT_THAT(broken, testing::IsEmpty());
}

TEST(Contract, ComparisonSeesWhatIsRenamedOrOfAnotherType) {
  std::vector<std::string> broken;
  Compare({{"d", {{"rows", "integer"}, {"run", "string"}}}},
          {{"d", {{"rows", "string"}, {"id", "string"}}}}, "", broken);
  EXPECT_THAT(broken, testing::UnorderedElementsAre(" / d / rows: was \"integer\", is \"string\"",
                                                    " / d / run: is gone"));
}

TEST(Contract, RecordIsOfDocumentsThatHoldEverything) {
  const Json before = Json::parse(std::ifstream(Record()));
  for (const auto& [document, fields] : before["documents"].items()) {
    for (const auto& [path, types] : fields.items()) {
      if (types == "array") {
        EXPECT_TRUE(fields.contains(path + "[]") || path == "problems")
            << document << ": no sample says what " << path << " lists";
      }
    }
  }
}

std::filesystem::path PageFile() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() /
         "docs/CLI_JSON.md";
}

std::vector<FieldTable> AllTables() {
  auto all = DocumentTables();
  for (const auto& more : {RecordTables(), EventTables()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// The page with every table as the definitions have it; `unknown` gets what is marked as a table of
// no definition, `missing` what has no place.
std::string PageFrom(const std::string& page, std::vector<std::string>& unknown,
                     std::vector<std::string>& missing) {
  const std::string begin = "<!-- fields: ";
  const std::string end = "<!-- end -->";
  std::map<std::string, std::string> texts;
  for (const auto& table : AllTables()) {
    std::string& text = texts[std::string(table.id)] = "| Field | |\n|---|---|\n";
    for (const auto& [name, meaning] : table.rows) {
      text += "| `" + std::string(name) + "` | " + std::string(meaning) + " |\n";
    }
  }
  std::string out;
  std::size_t at = 0;
  for (auto mark = page.find(begin); mark != std::string::npos; mark = page.find(begin, at)) {
    const auto close = page.find(" -->\n", mark);
    const std::string id = page.substr(mark + begin.size(), close - mark - begin.size());
    out += page.substr(at, close + 5 - at);
    const auto text = texts.extract(id);
    if (text.empty()) unknown.push_back(id);
    out += text.empty() ? "" : text.mapped();
    at = page.find(end, close);
  }
  for (const auto& [id, text] : texts) missing.push_back(id);
  return out + page.substr(at);
}

TEST(Contract, PageHasTheFieldsThatTheProgramWrites) {
  std::ifstream in(PageFile());
  const std::string page((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::string> unknown;
  std::vector<std::string> missing;
  const std::string right = PageFrom(page, unknown, missing);
  if (std::getenv("SLUICE_RECORD_CONTRACT") != nullptr) {
    std::ofstream(PageFile()) << right;
    return;
  }
  EXPECT_THAT(unknown, testing::IsEmpty());
  EXPECT_THAT(missing, testing::IsEmpty());
  EXPECT_TRUE(page == right) << "docs/CLI_JSON.md is not what src/contract defines. Write it: "
                                "SLUICE_RECORD_CONTRACT=1 contract_test";
}

}  // namespace
}  // namespace sluice::contract
