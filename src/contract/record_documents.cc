#include "contract/record_documents.h"

#include <algorithm>

#include "connection/status_warnings.h"
#include "contract/exit_code.h"
#include "contract/json_envelope.h"

namespace sluice::contract {
namespace {

Json FromTime(const std::optional<base::UtcTime>& time) {
  if (!time) return nullptr;
  return std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count();
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json FromFailure(const sync::FailureRecord* failure) {
  if (failure == nullptr) return nullptr;
  return {{"run", failure->run},         {"stream", TextOrNull(failure->stream)},
          {"at", FromTime(failure->at)}, {"code", failure->code},
          {"subject", failure->subject}, {"message", failure->message},
          {"remedy", failure->remedy}};
}

Json FromAttempt(const sync::AttemptRecord& attempt) {
  return {{"stream", attempt.stream},
          {"attempt", attempt.attempt},
          {"state", attempt.state},
          {"began", FromTime(attempt.began)},
          {"committed", FromTime(attempt.committed)},
          {"error", TextOrNull(attempt.error)},
          {"subject", TextOrNull(attempt.subject)},
          {"message", TextOrNull(attempt.message)},
          {"remedy", TextOrNull(attempt.remedy)},
          {"rows", attempt.rows},
          {"bytes", attempt.bytes},
          {"counts",
           {{"inserted", attempt.counts.inserted},
            {"updated", attempt.counts.updated},
            {"unchanged", attempt.counts.unchanged},
            {"deleted", attempt.counts.deleted},
            {"skipped", attempt.counts.skipped}}},
          {"watermark", attempt.watermark ? Json(*attempt.watermark) : Json(nullptr)}};
}

Json Holder(const sync::History& history) {
  return history.holder ? Json(*history.holder) : Json(nullptr);
}

}  // namespace

std::string StatusJson(const sync::History& history, const std::vector<model::Stream>& streams,
                       const std::string& bucket, base::UtcTime now) {
  Json json = Envelope("status", kDone);
  json["error"] = nullptr;
  json["holder"] = Holder(history);
  json["streams"] = Json::array();
  for (const auto& stream : streams) {
    const std::string& name = stream.name;
    const auto last =
        std::find_if(history.last_commits.begin(), history.last_commits.end(),
                     [&](const sync::AttemptRecord& commit) { return commit.stream == name; });
    const bool found = last != history.last_commits.end();
    const bool reset = history.resets.contains(name);
    json["streams"].push_back(
        {{"stream", name},
         {"committed", found ? FromTime(last->committed) : Json(nullptr)},
         {"rows", found ? Json(last->rows) : Json(nullptr)},
         {"watermark", found && last->watermark && !reset ? Json(*last->watermark) : Json(nullptr)},
         {"reset", reset},
         {"warnings", connection::StatusWarnings(history, stream, now)},
         {"failure", FromFailure(sync::LastFailure(history, name))}});
  }
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
  json["holder"] = Holder(history);
  json["runs"] = Json::array();
  for (const auto& run : history.runs) {
    Json streams = Json::array();
    for (const auto& attempt : run.attempts) streams.push_back(FromAttempt(attempt));
    Json failures = Json::array();
    for (const auto& failure : run.failures) failures.push_back(FromFailure(&failure));
    json["runs"].push_back({{"run", run.run},
                            {"began", FromTime(run.began)},
                            {"ended", FromTime(run.ended)},
                            {"outcome", run.outcome.empty() ? Json(nullptr) : Json(run.outcome)},
                            {"streams", std::move(streams)},
                            {"failures", std::move(failures)}});
  }
  return Dump(json);
}

std::string CleanJson(const staging::CleanResult& cleaned) {
  const bool bad = cleaned.error || !cleaned.left_behind.empty();
  Json json = Envelope("clean", bad ? kFailed : kDone);
  json["error"] = cleaned.error ? Json{{"code", base::ErrorCodeName(cleaned.error->code)},
                                       {"message", cleaned.error->message},
                                       {"remedy", cleaned.error->remedy}}
                                : Json(nullptr);
  json["objects_deleted"] = cleaned.objects_deleted;
  json["uploads_aborted"] = cleaned.uploads_aborted;
  json["left_behind"] = cleaned.left_behind;
  return Dump(json);
}

std::string ResetJson(const std::vector<std::string>& streams) {
  Json json = Envelope("reset", kDone);
  json["error"] = nullptr;
  json["streams"] = streams;
  return Dump(json);
}

}  // namespace sluice::contract
