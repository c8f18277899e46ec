#include "contract/documents.h"

#include <algorithm>

#include "contract/exit_code.h"
#include "contract/json_envelope.h"
#include "setup/placeholders.h"

namespace sluice::contract {
namespace {

Json FromError(const base::ErrorInfo& error) {
  return {{"code", base::ErrorCodeName(error.code)},
          {"operation", error.operation},
          {"subject", error.subject},
          {"message", error.message},
          {"remedy", error.remedy},
          {"cause", error.cause},
          {"retryable", error.retryable},
          {"in_doubt", error.in_doubt}};
}

Json FromStream(const model::Stream& stream) {
  Json json = {{"name", stream.name},
               {"table", stream.table ? Json(stream.table->ToString()) : Json(nullptr)},
               {"sync_mode", ToString(stream.sync_mode)},
               {"write_mode", ToString(stream.write_mode)},
               {"primary_key", stream.primary_key},
               {"cursor", stream.cursor ? Json(*stream.cursor) : Json(nullptr)}};
  return json;
}

Json FromColumns(const std::vector<model::Column>& columns) {
  Json json = Json::array();
  for (const auto& column : columns) {
    json.push_back(
        {{"name", column.name}, {"type", ToString(column.type)}, {"nullable", column.nullable}});
  }
  return json;
}

Json FromProof(const model::Proof& proof) {
  return {{"agrees", proof.Agrees()},
          {"notice_rows", proof.notice_rows ? Json(*proof.notice_rows) : Json(nullptr)},
          {"manifest_rows", proof.manifest_rows},
          {"footer_rows", proof.footer_rows},
          {"loaded_rows", proof.loaded_rows},
          {"parts", proof.parts},
          {"manifest_bytes", proof.manifest_bytes},
          {"fetched_bytes", proof.fetched_bytes}};
}

std::int64_t SecondsSinceEpoch(base::UtcTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json FromResult(const sync::StreamResult& stream) {
  return {{"stream", stream.stream},
          {"target", stream.target.ToString()},
          {"status", !stream.error                                       ? "done"
                     : stream.error->code == base::ErrorCode::kCancelled ? "stopped"
                                                                         : "failed"},
          {"rows", stream.error ? 0 : stream.proof.loaded_rows},
          {"bytes", stream.bytes},
          {"seconds", std::chrono::duration<double>(stream.duration).count()},
          {"unload_seconds", std::chrono::duration<double>(stream.unload_duration).count()},
          {"proof", FromProof(stream.proof)},
          {"verified", Json(stream.verified)},
          {"counts",
           {{"inserted", stream.counts.inserted},
            {"updated", stream.counts.updated},
            {"unchanged", stream.counts.unchanged},
            {"deleted", stream.counts.deleted},
            {"skipped", stream.counts.skipped},
            {"duplicates", stream.counts.duplicates},
            {"deleted_absent", stream.counts.deleted_absent}}},
          {"watermark", stream.watermark ? Json(*stream.watermark) : Json(nullptr)},
          {"keys_compared", stream.keys_compared ? Json(*stream.keys_compared) : Json(nullptr)},
          {"attempts", stream.attempts},
          {"adopted", stream.adopted_from.has_value()},
          {"adopted_from",
           stream.adopted_from ? Json(SecondsSinceEpoch(*stream.adopted_from)) : Json(nullptr)},
          {"kept", stream.kept},
          {"warnings", stream.warnings},
          {"left_behind", stream.left_behind},
          {"error", stream.error ? FromError(*stream.error) : Json(nullptr)}};
}

}  // namespace

std::string ErrorJson(std::string_view command, const base::ErrorInfo& error) {
  Json json = Envelope(command, ExitCodeOf(error));
  json["error"] = FromError(error);
  return Dump(json);
}

std::string ProblemsJson(std::string_view command, const std::filesystem::path& file,
                         const std::vector<config::Problem>& problems) {
  Json json = Envelope(command, kBadUse);
  json["error"] = FromError(config::ToError(file, problems).info());
  json["file"] = file.string();
  json["problems"] = Json::array();
  for (const auto& problem : problems) {
    const bool placed = problem.at.line > 0;
    json["problems"].push_back({{"field", problem.field},
                                {"line", placed ? Json(problem.at.line) : Json(nullptr)},
                                {"column", placed ? Json(problem.at.column) : Json(nullptr)},
                                {"problem", problem.problem},
                                {"remedy", problem.remedy}});
  }
  return Dump(json);
}

std::string InitJson(const InitOutcome& outcome) {
  Json json = Envelope("init", kDone);
  json["error"] = nullptr;
  json["file"] = outcome.file;
  json["written"] = outcome.written;
  json["secret_file"] = outcome.secret_file ? Json(*outcome.secret_file) : Json(nullptr);
  json["variables"] = outcome.variables;
  return Dump(json);
}

std::string ValidJson(const config::Config& config) {
  Json json = Envelope("config validate", kDone);
  json["error"] = nullptr;
  json["file"] = config.file.string();
  json["problems"] = Json::array();
  json["warnings"] = Json::array();
  for (const auto& warning : config.warnings) {
    json["warnings"].push_back(
        {{"field", warning.field}, {"problem", warning.problem}, {"remedy", warning.remedy}});
  }
  json["streams"] = Json::array();
  for (const auto& entry : config.streams) json["streams"].push_back(FromStream(entry.stream));
  return Dump(json);
}

std::string CheckJson(const check::Findings& findings) {
  using check::Severity;
  Json json = Envelope("check", ExitCodeOf(findings));
  json["error"] = nullptr;
  json["interrupted"] = findings.interrupted;
  json["seconds"] = std::chrono::duration<double>(findings.duration).count();
  json["counts"] = Json::object();
  for (const auto severity : {Severity::kOk, Severity::kAdvice, Severity::kWarning,
                              Severity::kFailure, Severity::kSkipped}) {
    json["counts"][std::string(SeverityName(severity))] = findings.Count(severity);
  }
  json["findings"] = Json::array();
  for (const auto& finding : findings.findings) {
    json["findings"].push_back(
        {{"id", finding.id},
         {"step", StepName(finding.step)},
         {"severity", SeverityName(finding.severity)},
         {"subject", finding.subject},
         {"title", finding.title},
         {"seen", finding.seen},
         {"why", finding.why},
         {"remedy", finding.remedy},
         {"cause", finding.cause},
         {"code", finding.code ? Json(base::ErrorCodeName(*finding.code)) : Json(nullptr)}});
  }
  return Dump(json);
}

std::string FindingKindsJson() {
  Json json = Envelope("check", kDone);
  json["error"] = nullptr;
  json["steps"] = Json::array();
  for (const auto step : check::Steps()) {
    json["steps"].push_back(
        {{"name", StepName(step)}, {"title", StepTitle(step)}, {"why", StepWhy(step)}});
  }
  json["findings"] = Json::array();
  for (const auto& kind : check::FindingKinds()) {
    const auto finding = check::MakeFinding(kind.id, "", "", {});
    json["findings"].push_back({{"id", finding.id},
                                {"step", StepName(kind.step)},
                                {"severity", SeverityName(kind.severity)},
                                {"title", kind.title},
                                {"why", finding.why},
                                {"remedy", finding.remedy}});
  }
  return Dump(json);
}

std::string DiscoverJson(const std::vector<connection::DiscoveredSchema>& schemas) {
  Json json = Envelope("discover", kDone);
  json["error"] = nullptr;
  json["schemas"] = Json::array();
  for (const auto& schema : schemas) {
    Json tables = Json::array();
    for (const auto& table : schema.tables) {
      Json unreadable = Json::array();
      for (const auto& column : table.unknown) {
        unreadable.push_back({{"name", column.name}, {"type", column.data_type}});
      }
      tables.push_back(
          {{"name", connection::TableText(table.name)},
           {"schema", table.name.schema},
           {"table", table.name.table},
           {"type", table.type},
           {"columns", FromColumns(table.columns)},
           {"unreadable_columns", unreadable},
           {"hidden", table.hidden.empty() ? Json(nullptr) : Json(table.hidden)},
           {"primary_key", table.primary_key},
           {"proposed",
            {{"sync_mode", ToString(table.sync_mode)}, {"write_mode", ToString(table.write_mode)}}},
           {"configured", table.configured}});
    }
    json["schemas"].push_back(
        {{"name", schema.name}, {"type", schema.type}, {"tables", std::move(tables)}});
  }
  return Dump(json);
}

std::string PlanJson(const std::vector<sync::StreamPlan>& plans, const std::string& destination) {
  Json json = Envelope("sync", kDone);
  json["error"] = nullptr;
  json["dry_run"] = true;
  json["destination"] = destination;
  json["streams"] = Json::array();
  for (const auto& plan : plans) {
    Json stream = FromStream(plan.stream);
    stream["target"] = plan.target.table.ToString();
    stream["columns"] = FromColumns(plan.target.columns);
    stream["select"] = plan.select;
    stream["from"] = plan.range && plan.range->low ? Json(*plan.range->low) : Json(nullptr);
    stream["key_scan"] = plan.key_select.has_value();
    stream["warnings"] = plan.warnings;
    json["streams"].push_back(std::move(stream));
  }
  return Dump(json);
}

std::string SyncJson(const sync::RunResult& result, const std::string& destination) {
  Json json = Envelope("sync", ExitCodeOf(result));
  json["error"] = nullptr;
  json["dry_run"] = false;
  json["run"] = result.run;
  json["destination"] = destination;
  json["interrupted"] = result.interrupted;
  json["seconds"] = std::chrono::duration<double>(result.duration).count();
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (const auto& stream : result.streams) {
    if (stream.error) continue;
    rows += stream.proof.loaded_rows;
    bytes += stream.bytes;
  }
  json["rows"] = rows;
  json["bytes"] = bytes;
  json["streams"] = Json::array();
  for (const auto& stream : result.streams) json["streams"].push_back(FromResult(stream));
  return Dump(json);
}

std::string SetupJson(const std::vector<setup::Part>& parts, const connection::SetupFacts& made) {
  Json json = {{"sluice", SLUICE_VERSION},
               {"command", "setup"},
               {"exit_code", kDone},
               {"error", nullptr},
               {"pattern", std::string(1, setup::PatternLetter(made.facts.pattern))}};
  std::string all;
  for (const auto& part : parts) {
    std::string word(part.word);
    std::replace(word.begin(), word.end(), '-', '_');
    json[word] = part.text;
    if (part.word != "terraform") all += part.text;
  }
  Json& placeholders = json["placeholders"] = Json::array();
  for (const auto& placeholder : setup::PlaceholdersIn(all, made.facts)) {
    placeholders.push_back(
        {{"name", placeholder.name}, {"meaning", placeholder.meaning}, {"how", placeholder.how}});
  }
  json["notes"] = made.notes;
  return Dump(json);
}

}  // namespace sluice::contract
