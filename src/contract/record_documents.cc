#include "contract/record_documents.h"

#include <algorithm>

#include "connection/status_warnings.h"
#include "contract/common_fields.h"
#include "contract/exit_code.h"

namespace sluice::contract {
namespace {

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

const Fields<sync::FailureRecord>& FailureFields() {
  using Failure = sync::FailureRecord;
  static const Fields<Failure> fields = {
      {"run", "id of the run", [](const Failure& failure) { return failure.run; }},
      {"stream", "its name; null: the whole run",
       [](const Failure& failure) { return TextOrNull(failure.stream); }},
      {"at", "when", [](const Failure& failure) { return FromTime(failure.at); }},
      {"code", "as of `error` above", [](const Failure& failure) { return failure.code; }},
      {"subject", "as of `error` above", [](const Failure& failure) { return failure.subject; }},
      {"message", "as of `error` above", [](const Failure& failure) { return failure.message; }},
      {"remedy", "as of `error` above", [](const Failure& failure) { return failure.remedy; }}};
  return fields;
}

Json FromFailure(const sync::FailureRecord* failure) {
  return failure == nullptr ? Json(nullptr) : Written(FailureFields(), *failure);
}

struct StreamStatus {
  const model::Stream& stream;
  const sync::AttemptRecord* last = nullptr;  // commit; null: never
  bool reset = false;
  std::vector<std::string> warnings;
  const sync::FailureRecord* failure = nullptr;
};

const Fields<StreamStatus>& StatusFields() {
  static const Fields<StreamStatus> fields = {
      {"stream", "its name", [](const StreamStatus& status) { return status.stream.name; }},
      {"committed", "when it was last committed, or null: never",
       [](const StreamStatus& status) {
         return status.last != nullptr ? FromTime(status.last->committed) : Json(nullptr);
       }},
      {"rows", "of that commit, or null",
       [](const StreamStatus& status) {
         return status.last != nullptr ? Json(status.last->rows) : Json(nullptr);
       }},
      {"watermark", "of that commit, or null",
       [](const StreamStatus& status) {
         return status.last != nullptr && !status.reset ? OrNull(status.last->watermark)
                                                        : Json(nullptr);
       }},
      {"reset", "`true` if it was reset since, so that the next sync reads it from the beginning",
       [](const StreamStatus& status) { return status.reset; }},
      {"warnings", "list of sentences", [](const StreamStatus& status) { return status.warnings; }},
      {"failure", "the stream's last failure if it has not committed since, as below, or null",
       [](const StreamStatus& status) { return FromFailure(status.failure); }}};
  return fields;
}

const Fields<sync::CostTotal>& TotalFields() {
  using Total = sync::CostTotal;
  static const Fields<Total> fields = {
      {"runs", "how many runs it is of: those whose cost is recorded",
       [](const Total& total) { return total.runs; }},
      {"cost",
       "as of `sync`, of all of them; `rpu_seconds` and `amount` of those that knew theirs, `rpus` "
       "and `rpu_price` of the newest",
       [](const Total& total) { return Written(CostFields(), total.cost); }}};
  return fields;
}

// Without duplicates and deleted_absent, which the ledger does not record.
Json RecordedCounts(const model::Counts& counts) {
  return {{"inserted", counts.inserted},
          {"updated", counts.updated},
          {"unchanged", counts.unchanged},
          {"deleted", counts.deleted},
          {"skipped", counts.skipped}};
}

const Fields<sync::AttemptRecord>& AttemptFields() {
  using Attempt = sync::AttemptRecord;
  static const Fields<Attempt> fields = {
      {"stream", "its name", [](const Attempt& attempt) { return attempt.stream; }},
      {"attempt", "id of the attempt", [](const Attempt& attempt) { return attempt.attempt; }},
      {"state", "`planned` `committed` `failed` `abandoned` `cleaned`",
       [](const Attempt& attempt) { return attempt.state; }},
      {"began", "when", [](const Attempt& attempt) { return FromTime(attempt.began); }},
      {"committed", "when, or null",
       [](const Attempt& attempt) { return FromTime(attempt.committed); }},
      {"error", "its code, or null",
       [](const Attempt& attempt) { return TextOrNull(attempt.error); }},
      {"subject", "of that error; null if there was none, or if an older version recorded it",
       [](const Attempt& attempt) { return TextOrNull(attempt.subject); }},
      {"message", "of that error, or null",
       [](const Attempt& attempt) { return TextOrNull(attempt.message); }},
      {"remedy", "of that error, or null",
       [](const Attempt& attempt) { return TextOrNull(attempt.remedy); }},
      {"rows", "committed", [](const Attempt& attempt) { return attempt.rows; }},
      {"bytes", "of its parts", [](const Attempt& attempt) { return attempt.bytes; }},
      {"counts", "`inserted`, `updated`, `unchanged`, `deleted`, `skipped`",
       [](const Attempt& attempt) { return RecordedCounts(attempt.counts); }},
      {"watermark", "committed, or null",
       [](const Attempt& attempt) { return OrNull(attempt.watermark); }}};
  return fields;
}

const Fields<sync::RunRecord>& RunFields() {
  using Run = sync::RunRecord;
  static const Fields<Run> fields = {
      {"run", "its id", [](const Run& run) { return run.run; }},
      {"began", "when", [](const Run& run) { return FromTime(run.began); }},
      {"ended", "when; null: under way or dead",
       [](const Run& run) { return FromTime(run.ended); }},
      {"outcome", "`done`, `failed`, `interrupted`, null",
       [](const Run& run) { return run.outcome.empty() ? Json(nullptr) : Json(run.outcome); }},
      {"cost", "as of `sync`; null: it died, or an older version recorded it",
       [](const Run& run) { return FromCost(run.cost); }},
      {"streams", "list", [](const Run& run) { return WrittenAll(AttemptFields(), run.attempts); }},
      {"failures", "why streams, or the run itself, ended with an error: list of failures",
       [](const Run& run) { return WrittenAll(FailureFields(), run.failures); }}};
  return fields;
}

const Fields<staging::CleanResult>& CleanFields() {
  using Cleaned = staging::CleanResult;
  static const Fields<Cleaned> fields = {
      {"objects_deleted", "how many",
       [](const Cleaned& cleaned) { return cleaned.objects_deleted; }},
      {"uploads_aborted", "how many unfinished uploads",
       [](const Cleaned& cleaned) { return cleaned.uploads_aborted; }},
      {"left_behind", "list of what could not be removed",
       [](const Cleaned& cleaned) { return cleaned.left_behind; }}};
  return fields;
}

}  // namespace

std::string StatusJson(const sync::History& history, const std::vector<model::Stream>& streams,
                       const std::string& bucket, base::UtcTime now, const sync::CostTotal& month) {
  Json json = Envelope("status", kDone);
  json["error"] = nullptr;
  json["holder"] = OrNull(history.holder);
  json["streams"] = Json::array();
  for (const auto& stream : streams) {
    const auto last = std::find_if(
        history.last_commits.begin(), history.last_commits.end(),
        [&](const sync::AttemptRecord& commit) { return commit.stream == stream.name; });
    json["streams"].push_back(Written(
        StatusFields(), StreamStatus{.stream = stream,
                                     .last = last == history.last_commits.end() ? nullptr : &*last,
                                     .reset = history.resets.contains(stream.name),
                                     .warnings = connection::StatusWarnings(history, stream, now),
                                     .failure = sync::LastFailure(history, stream.name)}));
  }
  json["cost"] = {{"last_run", FromCost(history.last_cost)},
                  {"last_30_days", Written(TotalFields(), month)}};
  json["failure"] = FromFailure(sync::LastFailure(history, ""));
  json["unclean"] = Json::array();
  for (const auto& attempt : history.unclean) {
    json["unclean"].push_back("s3://" + bucket + "/" + attempt.prefix);
  }
  return Dump(json);
}

std::string HistoryJson(const sync::History& history) {
  Json json = Envelope("history", kDone);
  json["error"] = nullptr;
  json["holder"] = OrNull(history.holder);
  json["runs"] = WrittenAll(RunFields(), history.runs);
  return Dump(json);
}

std::string CleanJson(const staging::CleanResult& cleaned) {
  const bool bad = cleaned.error || !cleaned.left_behind.empty();
  Json json = Envelope("clean", bad ? kFailed : kDone);
  json["error"] = cleaned.error ? Json{{"code", base::ErrorCodeName(cleaned.error->code)},
                                       {"message", cleaned.error->message},
                                       {"remedy", cleaned.error->remedy}}
                                : Json(nullptr);
  AddTo(json, CleanFields(), cleaned);
  return Dump(json);
}

std::string ResetJson(const std::vector<std::string>& streams) {
  Json json = Envelope("reset", kDone);
  json["error"] = nullptr;
  json["streams"] = streams;
  return Dump(json);
}

std::vector<FieldTable> RecordTables() {
  return {TableOf("failure", FailureFields()),        TableOf("status.stream", StatusFields()),
          TableOf("status.total", TotalFields()),     TableOf("history.run", RunFields()),
          TableOf("history.stream", AttemptFields()), TableOf("clean", CleanFields())};
}

}  // namespace sluice::contract
