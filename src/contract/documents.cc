#include "contract/documents.h"

#include <algorithm>

#include "connection/type_table.h"
#include "contract/common_fields.h"
#include "contract/exit_code.h"
#include "setup/placeholders.h"
#include "sync/rights.h"

namespace sluice::contract {
namespace {

// A document whose command did what it was asked for, or as much of it as there is.
Json Document(std::string_view command, int exit_code) {
  Json json = Envelope(command, exit_code);
  json["error"] = nullptr;
  return json;
}

const Fields<config::Problem>& ProblemFields() {
  using Problem = config::Problem;
  static const Fields<Problem> fields = {
      {"field",
       "`\"streams[2].cursor\"`, `\"\"` for the file as a whole; a name that may be a secret is "
       "not "
       "shown",
       [](const Problem& problem) { return problem.field; }},
      {"line", "from 1, or `null`",
       [](const Problem& problem) {
         return problem.at.line > 0 ? Json(problem.at.line) : Json(nullptr);
       }},
      {"column", "from 1, or `null`",
       [](const Problem& problem) {
         return problem.at.line > 0 ? Json(problem.at.column) : Json(nullptr);
       }},
      {"file", "the included file that it is in, or `null`: the configuration itself",
       [](const Problem& problem) {
         return problem.file.empty() ? Json(nullptr) : Json(problem.file);
       }},
      {"problem", "what is wrong", [](const Problem& problem) { return problem.problem; }},
      {"remedy", "what to write instead", [](const Problem& problem) { return problem.remedy; }}};
  return fields;
}

const Fields<config::Problem>& WarningFields() {
  using Warning = config::Problem;
  static const Fields<Warning> fields = {
      {"field", "where", [](const Warning& warning) { return warning.field; }},
      {"problem", "what is not safe", [](const Warning& warning) { return warning.problem; }},
      {"remedy", "what to do", [](const Warning& warning) { return warning.remedy; }}};
  return fields;
}

const Fields<config::Config>& ValidFields() {
  using Config = config::Config;
  static const Fields<Config> fields = {
      {"file", "its path", [](const Config& config) { return config.file.string(); }},
      {"problems", "empty", [](const Config&) { return Json::array(); }},
      {"warnings", "list: a secret in a file that others may read",
       [](const Config& config) { return WrittenAll(WarningFields(), config.warnings); }},
      {"patterns", "list of lists: the `tables` of each stream that has them",
       [](const Config& config) {
         Json patterns = Json::array();
         for (const auto& pattern : config.patterns) {
           Json texts = Json::array();
           for (const auto& one : pattern.tables) texts.push_back(one.text);
           patterns.push_back(std::move(texts));
         }
         return patterns;
       }},
      {"streams", "list, in the order of the file", [](const Config& config) {
         Json streams = Json::array();
         for (const auto& entry : config.streams) {
           streams.push_back(Written(ConfiguredStreamFields(), entry.stream));
         }
         return streams;
       }}};
  return fields;
}

const Fields<InitOutcome>& InitFields() {
  static const Fields<InitOutcome> fields = {
      {"file", "its path", [](const InitOutcome& outcome) { return outcome.file; }},
      {"written", "`false`: it said so already",
       [](const InitOutcome& outcome) { return outcome.written; }},
      {"secret_file", "file beside it that holds the secret, or `null`",
       [](const InitOutcome& outcome) { return OrNull(outcome.secret_file); }},
      {"variables",
       "names of the environment variables that must be set before anything else is run",
       [](const InitOutcome& outcome) { return outcome.variables; }}};
  return fields;
}

const Fields<setup::Placeholder>& PlaceholderFields() {
  using Placeholder = setup::Placeholder;
  static const Fields<Placeholder> fields = {
      {"name", "`\"<WORKGROUP_ID>\"`",
       [](const Placeholder& placeholder) { return placeholder.name; }},
      {"meaning", "what it stands for",
       [](const Placeholder& placeholder) { return placeholder.meaning; }},
      {"how", "how to find it", [](const Placeholder& placeholder) { return placeholder.how; }}};
  return fields;
}

Json CountsOf(const check::Findings& findings) {
  using check::Severity;
  Json counts = Json::object();
  for (const auto severity : {Severity::kOk, Severity::kAdvice, Severity::kWarning,
                              Severity::kFailure, Severity::kSkipped}) {
    counts[std::string(SeverityName(severity))] = findings.Count(severity);
  }
  return counts;
}

const Fields<check::Findings>& CheckFields() {
  using Findings = check::Findings;
  static const Fields<Findings> fields = {
      {"interrupted", "stopped before its end",
       [](const Findings& findings) { return findings.interrupted; }},
      {"seconds", "how long it took",
       [](const Findings& findings) { return InSeconds(findings.duration); }},
      {"counts", "how many findings: `ok`, `advice`, `warning`, `failure`, `skipped`", CountsOf},
      {"findings", "in the order they were made",
       [](const Findings& findings) { return WrittenAll(FindingFields(), findings.findings); }}};
  return fields;
}

const Fields<check::Step>& StepFields() {
  static const Fields<check::Step> fields = {
      {"name", "as in findings", [](const check::Step& step) { return StepName(step); }},
      {"title", "for people", [](const check::Step& step) { return StepTitle(step); }},
      {"why", "why it matters if the step fails as a whole",
       [](const check::Step& step) { return StepWhy(step); }}};
  return fields;
}

const Fields<check::Finding>& KindFields() {
  using Finding = check::Finding;
  static const Fields<Finding> fields = {
      {"id", "as in findings", [](const Finding& kind) { return kind.id; }},
      {"step", "where it is found", [](const Finding& kind) { return StepName(kind.step); }},
      {"severity", "as in findings",
       [](const Finding& kind) { return SeverityName(kind.severity); }},
      {"title", "few words", [](const Finding& kind) { return kind.title; }},
      {"why", "with `<names>` where it is filled in", [](const Finding& kind) { return kind.why; }},
      {"remedy", "as `why`", [](const Finding& kind) { return kind.remedy; }}};
  return fields;
}

const Fields<connection::TypeRow>& TypeFields() {
  using Row = connection::TypeRow;
  const auto text = [](const std::string& value) {
    return value.empty() ? Json(nullptr) : Json(value);
  };
  static const Fields<Row> fields = {
      {"redshift", "the type: `\"decimal(p,s)\"`", [](const Row& row) { return row.redshift; }},
      {"read", "what stands in the SELECT for a column `c`; `null`: it cannot be read",
       [text](const Row& row) { return text(row.read); }},
      {"duckdb", "the column's type there, or `null`",
       [text](const Row& row) { return text(row.duckdb); }},
      {"postgres", "as `duckdb`", [text](const Row& row) { return text(row.postgres); }},
      {"lake", "as `duckdb`", [text](const Row& row) { return text(row.lake); }},
      {"lake_copies", "a lake in S3 may copy a part with such a column",
       [](const Row& row) { return row.lake_copies; }},
      {"values", "which there are", [](const Row& row) { return row.values; }},
      {"refused", "what is refused, and how", [](const Row& row) { return row.refused; }}};
  return fields;
}

const Fields<redshift::UnknownColumn>& UnreadableFields() {
  using Column = redshift::UnknownColumn;
  static const Fields<Column> fields = {
      {"name", "of the column", [](const Column& column) { return column.name; }},
      {"type", "one that cannot be read", [](const Column& column) { return column.data_type; }}};
  return fields;
}

const Fields<connection::DiscoveredTable>& TableFields() {
  using Table = connection::DiscoveredTable;
  static const Fields<Table> fields = {
      {"name",
       "`\"sales.orders\"`. It can be pasted as `table:` of a stream, or written there by a "
       "program; "
       "names that need it are quoted in it: `sales.\"orders.v2\"`, `'\"my.schema\".t'`",
       [](const Table& table) { return connection::TableText(table.name); }},
      {"schema", "`\"sales\"`", [](const Table& table) { return table.name.schema; }},
      {"table", "`\"orders\"`", [](const Table& table) { return table.name.table; }},
      {"type", "`TABLE`, `VIEW`, ...", [](const Table& table) { return table.type; }},
      {"columns", "list: see the columns below",
       [](const Table& table) { return WrittenAll(ColumnFields(), table.columns); }},
      {"unreadable_columns", "list of `name`, `type`: types that cannot be brought over",
       [](const Table& table) { return WrittenAll(UnreadableFields(), table.unknown); }},
      {"hidden",
       "why its columns are not shown, if the catalog hides them and a select that reads no row "
       "was refused; else null",
       [](const Table& table) {
         return table.hidden.empty() ? Json(nullptr) : Json(table.hidden);
       }},
      {"primary_key", "columns of the declared key, in order",
       [](const Table& table) { return table.primary_key; }},
      {"proposed",
       "`sync_mode`, `write_mode`, `primary_key` (list), `cursor` (or `null`), and the `reason`, a "
       "sentence",
       [](const Table& table) {
         const auto& proposal = table.proposal;
         return Json{{"sync_mode", ToString(proposal.sync_mode)},
                     {"write_mode", ToString(proposal.write_mode)},
                     {"primary_key", proposal.primary_key},
                     {"cursor", OrNull(proposal.cursor)},
                     {"reason", proposal.reason}};
       }},
      {"rows", "an estimate, or `null` where `svv_table_info` may not be read or has no row",
       [](const Table& table) { return table.size ? Json(table.size->rows) : Json(nullptr); }},
      {"bytes", "on the workgroup's disks, in whole megabytes; `null` as `rows`",
       [](const Table& table) { return table.size ? Json(table.size->bytes) : Json(nullptr); }},
      {"doubled_keys",
       "with `--verify-keys`: how many values of the declared key stand in more than one row; else "
       "`null`",
       [](const Table& table) {
         return table.doubled_keys ? Json(*table.doubled_keys) : Json(nullptr);
       }},
      {"configured", "a stream or a pattern of the configuration reads this table",
       [](const Table& table) { return table.configured; }}};
  return fields;
}

const Fields<connection::DiscoveredSchema>& SchemaFields() {
  using Schema = connection::DiscoveredSchema;
  static const Fields<Schema> fields = {
      {"name", "of the schema", [](const Schema& schema) { return schema.name; }},
      {"type", "`local`, `shared`, `external`", [](const Schema& schema) { return schema.type; }},
      {"tables", "list",
       [](const Schema& schema) { return WrittenAll(TableFields(), schema.tables); }}};
  return fields;
}

const Fields<model::Landing>& LandingFields() {
  using Landing = model::Landing;
  static const Fields<Landing> fields = {
      {"table",
       "what would become of the table there: `create`, `replace` (made again), `empty` (its rows "
       "go), `keep`",
       [](const Landing& landing) { return ToString(landing.table); }},
      {"columns", "list of `name`, `type`: as they are at the destination",
       [](const Landing& landing) {
         Json columns = Json::array();
         for (const auto& column : landing.columns) {
           columns.push_back({{"name", column.name}, {"type", column.type}});
         }
         return columns;
       }},
      {"changes", "list of sentences: what would be added or altered, and what differs",
       [](const Landing& landing) { return landing.changes; }}};
  return fields;
}

// What of a plan is not of its stream.
const Fields<sync::Planned>& PlanFields() {
  using Planned = sync::Planned;
  static const Fields<Planned> fields = {
      {"target", "the table at the destination, or null",
       [](const Planned& planned) {
         return planned.plan ? Json(planned.plan->target.table.ToString()) : Json(nullptr);
       }},
      {"columns", "as in `discover`; named as they land",
       [](const Planned& planned) {
         return planned.plan ? WrittenAll(ColumnFields(), planned.plan->target.columns)
                             : Json(Json::array());
       }},
      {"select",
       "what would be read, without the range that only the server can tell, and without the salt "
       "of hashes; or null",
       [](const Planned& planned) {
         return planned.plan ? Json(planned.plan->select) : Json(nullptr);
       }},
      {"from", "the watermark it goes on from, or null",
       [](const Planned& planned) {
         const auto& plan = planned.plan;
         return plan && plan->range && plan->range->low ? Json(*plan->range->low) : Json(nullptr);
       }},
      {"key_scan", "all keys would be compared",
       [](const Planned& planned) { return planned.plan && planned.plan->key_select.has_value(); }},
      {"rights",
       "list of what must be granted at the source, as between GRANT and TO: `SELECT ON "
       "\"sales\".\"orders\"`",
       [](const Planned& planned) {
         return planned.plan ? sync::RightsNeeded(*planned.plan) : std::vector<std::string>();
       }},
      {"landing", "what would become of the table at the destination: see `landing`; or null",
       [](const Planned& planned) {
         return planned.plan && planned.plan->landing
                    ? Written(LandingFields(), *planned.plan->landing)
                    : Json(nullptr);
       }},
      {"warnings", "list of sentences: where the stream may lose rows in silence",
       [](const Planned& planned) {
         return planned.plan ? planned.plan->warnings : std::vector<std::string>();
       }},
      {"notes", "list of sentences: what is as it was asked for, and yet should be known",
       [](const Planned& planned) {
         return planned.plan ? planned.plan->notes : std::vector<std::string>();
       }},
      {"error", "why the stream cannot be synced, as above; or `null`", [](const Planned& planned) {
         return planned.error ? Written(ErrorFields(), *planned.error) : Json(nullptr);
       }}};
  return fields;
}

const Fields<sync::TableNews>& TableNewsFields() {
  using News = sync::TableNews;
  static const Fields<News> fields = {
      {"stream", "what it is called, or would be", [](const News& news) { return news.stream; }},
      {"pattern", "of the configuration, that met it",
       [](const News& news) { return news.pattern; }}};
  return fields;
}

const Fields<sync::ChosenStreams>& ChosenFields() {
  using Chosen = sync::ChosenStreams;
  static const Fields<Chosen> fields = {
      {"new", "tables that came after the last sync and are streams now",
       [](const Chosen& chosen) { return WrittenAll(TableNewsFields(), chosen.new_tables); }},
      {"not_taken", "tables that came later and are only told of (`new_tables: tell`)",
       [](const Chosen& chosen) { return WrittenAll(TableNewsFields(), chosen.not_taken); }},
      {"gone", "tables that were streams and that the source has no more; told once",
       [](const Chosen& chosen) { return WrittenAll(TableNewsFields(), chosen.gone); }},
      {"no_match", "patterns that choose no table",
       [](const Chosen& chosen) { return chosen.no_match; }}};
  return fields;
}

const Fields<connection::Preview>& PreviewFields() {
  using connection::Preview;
  static const Fields<Preview> fields = {
      {"stream", "its name", [](const Preview& preview) { return preview.stream; }},
      {"columns", "as in `discover`",
       [](const Preview& preview) { return WrittenAll(ColumnFields(), preview.columns); }},
      {"rows", "list of lists, a value for each column: a text as the server writes it, or `null`",
       [](const Preview& preview) {
         Json rows = Json::array();
         for (const auto& row : preview.rows) {
           Json values = Json::array();
           for (const auto& value : row) values.push_back(OrNull(value));
           rows.push_back(std::move(values));
         }
         return rows;
       }}};
  return fields;
}

const Fields<sync::RunEstimate>& EstimateFields() {
  using Estimate = sync::RunEstimate;
  static const Fields<Estimate> fields = {
      {"cost",
       "as of `sync`, judged by each stream's last commit: its own bytes, and its share of that "
       "run's requests and seconds",
       [](const Estimate& estimate) { return Written(CostFields(), estimate.cost); }},
      {"unknown_streams", "names of the streams of which no commit tells that: they are not in it",
       [](const Estimate& estimate) { return estimate.unknown; }}};
  return fields;
}

struct Synced {
  const sync::RunResult& result;
  const std::string& destination;
  const sync::ChosenStreams& chosen;
};

// Of the streams that are done.
template <typename Value>
std::uint64_t SumOfDone(const sync::RunResult& result, Value value) {
  std::uint64_t sum = 0;
  for (const auto& stream : result.streams) {
    if (!stream.error) sum += value(stream);
  }
  return sum;
}

const Fields<Synced>& SyncFields() {
  static const Fields<Synced> fields = {
      {"dry_run", "`false`", [](const Synced&) { return false; }},
      {"run", "id of the run; part of every staging prefix",
       [](const Synced& synced) { return synced.result.run; }},
      {"destination", "for people: `\"DuckDB file acme.duckdb\"`",
       [](const Synced& synced) { return synced.destination; }},
      {"interrupted", "stopped by a signal",
       [](const Synced& synced) { return synced.result.interrupted; }},
      {"seconds", "of the run",
       [](const Synced& synced) { return InSeconds(synced.result.duration); }},
      {"rows", "of the streams that are done",
       [](const Synced& synced) {
         return SumOfDone(synced.result, [](const auto& s) { return s.proof.loaded_rows; });
       }},
      {"bytes", "of the streams that are done",
       [](const Synced& synced) {
         return SumOfDone(synced.result, [](const auto& s) { return s.bytes; });
       }},
      {"tables", "what the choice of tables by pattern told: see below",
       [](const Synced& synced) { return Written(ChosenFields(), synced.chosen); }},
      {"cost", "what the run cost: see `cost`",
       [](const Synced& synced) { return FromCost(synced.result.cost); }},
      {"streams", "list, in the order of the configuration", [](const Synced& synced) {
         return WrittenAll(StreamResultFields(), synced.result.streams);
       }}};
  return fields;
}

}  // namespace

std::string ErrorJson(std::string_view command, const base::ErrorInfo& error) {
  Json json = Envelope(command, ExitCodeOf(error));
  json["error"] = Written(ErrorFields(), error);
  return Dump(json);
}

std::string ProblemsJson(std::string_view command, const std::filesystem::path& file,
                         const std::vector<config::Problem>& problems) {
  Json json = Envelope(command, kBadUse);
  json["error"] = Written(ErrorFields(), config::ToError(file, problems).info());
  json["file"] = file.string();
  json["problems"] = WrittenAll(ProblemFields(), problems);
  return Dump(json);
}

std::string InitJson(const InitOutcome& outcome) {
  Json json = Document("init", kDone);
  AddTo(json, InitFields(), outcome);
  return Dump(json);
}

std::string ValidJson(const config::Config& config) {
  Json json = Document("config validate", kDone);
  AddTo(json, ValidFields(), config);
  return Dump(json);
}

std::string CheckJson(const check::Findings& findings) {
  Json json = Document("check", ExitCodeOf(findings));
  AddTo(json, CheckFields(), findings);
  return Dump(json);
}

std::string FindingKindsJson() {
  std::vector<check::Finding> kinds;
  for (const auto& kind : check::FindingKinds()) {
    kinds.push_back(check::MakeFinding(kind.id, "", "", {}));
  }
  Json json = Document("check", kDone);
  json["steps"] = WrittenAll(StepFields(), check::Steps());
  json["findings"] = WrittenAll(KindFields(), kinds);
  return Dump(json);
}

std::string TypesJson() {
  Json json = Document("discover", kDone);
  json["types"] = WrittenAll(TypeFields(), connection::TypeTable());
  return Dump(json);
}

std::string DiscoverJson(const std::vector<connection::DiscoveredSchema>& schemas,
                         const std::vector<std::string>& written) {
  Json json = Document("discover", kDone);
  json["schemas"] = WrittenAll(SchemaFields(), schemas);
  json["written"] = written;
  return Dump(json);
}

std::string PlanJson(const std::vector<sync::Planned>& plans, const std::string& destination,
                     const sync::ChosenStreams& chosen, const sync::RunEstimate& estimate) {
  Json json = Document("sync", ExitCodeOf(plans));
  json["dry_run"] = true;
  json["destination"] = destination;
  json["tables"] = Written(ChosenFields(), chosen);
  json["streams"] = Json::array();
  for (const auto& planned : plans) {
    Json stream = Written(ConfiguredStreamFields(), planned.stream);
    AddTo(stream, PlanFields(), planned);
    json["streams"].push_back(std::move(stream));
  }
  json["estimate"] = Written(EstimateFields(), estimate);
  return Dump(json);
}

std::string SyncJson(const sync::RunResult& result, const std::string& destination,
                     const sync::ChosenStreams& chosen) {
  Json json = Document("sync", ExitCodeOf(result));
  AddTo(json, SyncFields(), Synced{.result = result, .destination = destination, .chosen = chosen});
  return Dump(json);
}

std::string PreviewJson(const connection::Preview& preview) {
  Json json = Document("preview", kDone);
  AddTo(json, PreviewFields(), preview);
  return Dump(json);
}

std::string SetupJson(const std::vector<setup::Part>& parts, const connection::SetupFacts& made) {
  Json json = Document("setup", kDone);
  json["pattern"] = std::string(1, setup::PatternLetter(made.facts.pattern));
  std::string all;
  for (const auto& part : parts) {
    std::string word(part.word);
    std::replace(word.begin(), word.end(), '-', '_');
    json[word] = part.text;
    if (part.word != "terraform") all += part.text;
  }
  json["placeholders"] = WrittenAll(PlaceholderFields(), setup::PlaceholdersIn(all, made.facts));
  json["notes"] = made.notes;
  return Dump(json);
}

std::vector<FieldTable> DocumentTables() {
  return {TableOf("error", ErrorFields()),
          TableOf("problem", ProblemFields()),
          TableOf("config validate", ValidFields()),
          TableOf("config validate.warning", WarningFields()),
          TableOf("config validate.stream", ConfiguredStreamFields()),
          TableOf("init", InitFields()),
          TableOf("setup.placeholder", PlaceholderFields()),
          TableOf("check", CheckFields()),
          TableOf("check.finding", FindingFields()),
          TableOf("check --list-findings.step", StepFields()),
          TableOf("check --list-findings.finding", KindFields()),
          TableOf("discover --list-types", TypeFields()),
          TableOf("discover.schema", SchemaFields()),
          TableOf("discover.table", TableFields()),
          TableOf("discover.column", ColumnFields()),
          TableOf("preview", PreviewFields()),
          TableOf("sync", SyncFields()),
          TableOf("sync.tables", ChosenFields()),
          TableOf("sync.table", TableNewsFields()),
          TableOf("sync.stream", StreamResultFields()),
          TableOf("sync.proof", ProofFields()),
          TableOf("sync.counts", CountsFields()),
          TableOf("sync --dry-run.stream", PlanFields()),
          TableOf("sync --dry-run.landing", LandingFields()),
          TableOf("cost", CostFields()),
          TableOf("sync --dry-run.estimate", EstimateFields())};
}

}  // namespace sluice::contract
