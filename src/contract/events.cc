#include "contract/events.h"

#include <algorithm>

#include "contract/common_fields.h"

namespace sluice::contract {
namespace {

constexpr std::chrono::seconds kBetweenProgress{1};

struct Began {
  std::string_view command;
};
const Fields<Began>& CommandBeganFields() {
  static const Fields<Began> fields = {
      {"sluice", "version of the program", [](const Began&) { return SLUICE_VERSION; }},
      {"command", "as in the documents", [](const Began& began) { return began.command; }}};
  return fields;
}

struct SyncRun {
  const std::string& run;
  const std::vector<std::string>& streams;
};
const Fields<SyncRun>& RunBeganFields() {
  static const Fields<SyncRun> fields = {
      {"run", "id of the run", [](const SyncRun& run) { return run.run; }},
      {"streams", "names, in the order of the configuration",
       [](const SyncRun& run) { return run.streams; }}};
  return fields;
}

const Fields<sync::Progress>& PhaseFields() {
  using Progress = sync::Progress;
  static const Fields<Progress> fields = {
      {"stream", "its name", [](const Progress& progress) { return progress.stream; }},
      {"phase", "`plan` `login` `unload` `load` `commit` `clean`",
       [](const Progress& progress) { return ToString(progress.phase); }}};
  return fields;
}

// As stream_phase, and these.
const Fields<sync::Progress>& ProgressFields() {
  using Progress = sync::Progress;
  static const Fields<Progress> fields = {
      {"rows_loaded", "rows that the destination took so far; not committed yet",
       [](const Progress& progress) { return progress.rows_loaded; }},
      {"rows_total", "of the stream; `null` until UNLOAD has ended",
       [](const Progress& progress) { return OrNull(progress.rows_total); }},
      {"bytes_fetched", "bytes that arrived so far",
       [](const Progress& progress) { return progress.bytes_fetched; }},
      {"bytes_total", "of the stream; `null` until the manifest is read",
       [](const Progress& progress) { return OrNull(progress.bytes_total); }}};
  return fields;
}

const Fields<connection::DiscoveredSchema>& SchemaListedFields() {
  using Schema = connection::DiscoveredSchema;
  static const Fields<Schema> fields = {
      {"schema", "its name", [](const Schema& schema) { return schema.name; }},
      {"tables", "how many", [](const Schema& schema) { return schema.tables.size(); }}};
  return fields;
}

const Fields<std::string>& StreamResetFields() {
  static const Fields<std::string> fields = {{"stream",
                                              "its name: the next sync reads it from the beginning",
                                              [](const std::string& stream) { return stream; }}};
  return fields;
}

std::size_t CountOf(const sync::RunResult& result, bool failed) {
  return static_cast<std::size_t>(
      std::count_if(result.streams.begin(), result.streams.end(),
                    [&](const auto& stream) { return stream.error.has_value() == failed; }));
}

const Fields<sync::RunResult>& RunEndedFields() {
  using Run = sync::RunResult;
  static const Fields<Run> fields = {
      {"run", "id of the run", [](const Run& run) { return run.run; }},
      {"interrupted", "stopped by a signal", [](const Run& run) { return run.interrupted; }},
      {"seconds", "of the run", [](const Run& run) { return InSeconds(run.duration); }},
      {"done", "how many streams", [](const Run& run) { return CountOf(run, false); }},
      {"failed", "how many streams; those that were stopped are among them",
       [](const Run& run) { return CountOf(run, true); }}};
  return fields;
}

struct Ended {
  int exit_code;
  const base::ErrorInfo* error;
  double seconds;
};
const Fields<Ended>& CommandEndedFields() {
  static const Fields<Ended> fields = {
      {"exit_code", "as the process ends", [](const Ended& ended) { return ended.exit_code; }},
      {"error", "what ended the command as a whole, as in the documents, or `null`",
       [](const Ended& ended) {
         return ended.error != nullptr ? Written(ErrorFields(), *ended.error) : Json(nullptr);
       }},
      {"seconds", "of the command", [](const Ended& ended) { return ended.seconds; }}};
  return fields;
}

}  // namespace

template <typename Body>
void Events::Write(std::string_view event, Worth worth, Body add) noexcept {
  try {
    const std::lock_guard lock(write_mu_);
    Json json = {{"v", kEventsVersion},
                 {"event", event},
                 {"time", InSeconds(clock_.Utc().time_since_epoch())}};
    add(json);
    sink_(OneLine(json), worth);
  } catch (const std::exception&) {
    // Out of memory: an event less.
  }
}

void Events::CommandBegan(std::string_view command) {
  began_ = clock_.Steady();
  Write("command_began", Worth::kAlways,
        [&](Json& json) { AddTo(json, CommandBeganFields(), Began{command}); });
}

void Events::SchemaListed(const connection::DiscoveredSchema& schema) {
  Write("schema_listed", Worth::kIfReadInTime,
        [&](Json& json) { AddTo(json, SchemaListedFields(), schema); });
}

void Events::Found(const check::Finding& finding) {
  Write("finding", Worth::kAlways, [&](Json& json) { AddTo(json, FindingFields(), finding); });
}

void Events::StreamReset(const std::string& stream) {
  Write("stream_reset", Worth::kAlways,
        [&](Json& json) { AddTo(json, StreamResetFields(), stream); });
}

void Events::RunEnded(const sync::RunResult& result) {
  Write("run_ended", Worth::kAlways, [&](Json& json) { AddTo(json, RunEndedFields(), result); });
}

void Events::CommandEnded(int exit_code, const base::ErrorInfo* error) {
  Write("command_ended", Worth::kAlways, [&](Json& json) {
    AddTo(json, CommandEndedFields(),
          Ended{.exit_code = exit_code,
                .error = error,
                .seconds = InSeconds(clock_.Steady() - began_)});
  });
}

void Events::OnRunBegan(const std::string& run, const std::vector<std::string>& streams) {
  Write("run_began", Worth::kAlways, [&](Json& json) {
    AddTo(json, RunBeganFields(), SyncRun{run, streams});
  });
}

bool Events::IsDue(const sync::Progress& progress, bool& changed) {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  const auto [at, first] = told_.try_emplace(progress.stream);
  changed = first || at->second.phase != progress.phase;
  if (!changed && now - at->second.at < kBetweenProgress) return false;
  at->second = {.phase = progress.phase, .at = now};
  return true;
}

void Events::OnProgress(const sync::Progress& progress) {
  // Told by stream_ended.
  if (progress.phase == sync::Phase::kDone || progress.phase == sync::Phase::kFailed) return;
  bool changed = false;
  if (!IsDue(progress, changed)) return;
  Write(changed ? "stream_phase" : "stream_progress",
        changed ? Worth::kAlways : Worth::kIfReadInTime, [&](Json& json) {
          AddTo(json, PhaseFields(), progress);
          if (!changed) AddTo(json, ProgressFields(), progress);
        });
}

void Events::OnStreamEnded(const sync::StreamResult& result) {
  Write("stream_ended", Worth::kAlways,
        [&](Json& json) { AddTo(json, StreamResultFields(), result); });
}

std::vector<FieldTable> EventTables() {
  return {TableOf("event command_began", CommandBeganFields()),
          TableOf("event run_began", RunBeganFields()),
          TableOf("event stream_phase", PhaseFields()),
          TableOf("event stream_progress", ProgressFields()),
          TableOf("event schema_listed", SchemaListedFields()),
          TableOf("event stream_reset", StreamResetFields()),
          TableOf("event run_ended", RunEndedFields()),
          TableOf("event command_ended", CommandEndedFields())};
}

}  // namespace sluice::contract
