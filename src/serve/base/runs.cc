#include "serve/base/runs.h"

#include <array>
#include <utility>

namespace sluice::serve {
namespace {

constexpr auto kStates = std::to_array<std::pair<RunState, std::string_view>>({
    {RunState::kQueued, "queued"},
    {RunState::kRunning, "running"},
    {RunState::kSucceeded, "succeeded"},
    {RunState::kPartly, "partly"},
    {RunState::kFailed, "failed"},
    {RunState::kStopped, "stopped"},
});
constexpr auto kTriggers = std::to_array<std::pair<Trigger, std::string_view>>({
    {Trigger::kManual, "manual"},
    {Trigger::kSchedule, "schedule"},
    {Trigger::kRetry, "retry"},
});

template <typename Value, std::size_t kCount>
std::string_view TextIn(const std::array<std::pair<Value, std::string_view>, kCount>& table,
                        Value wanted) {
  for (const auto& [value, text] : table) {
    if (value == wanted) return text;
  }
  return table.front().second;
}

template <typename Value, std::size_t kCount>
std::optional<Value> ValueIn(const std::array<std::pair<Value, std::string_view>, kCount>& table,
                             std::string_view wanted) {
  for (const auto& [value, text] : table) {
    if (text == wanted) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToText(RunState state) { return TextIn(kStates, state); }
std::string_view ToText(Trigger trigger) { return TextIn(kTriggers, trigger); }
std::optional<RunState> ParseRunState(std::string_view text) { return ValueIn(kStates, text); }
std::optional<Trigger> ParseTrigger(std::string_view text) { return ValueIn(kTriggers, text); }

bool HasEnded(RunState state) { return state != RunState::kQueued && state != RunState::kRunning; }

Json ToJson(const Run& run) {
  std::optional<double> seconds;
  if (run.started_at && run.ended_at) {
    seconds = std::chrono::duration<double>(*run.ended_at - *run.started_at).count();
  }
  return {{"id", run.id},
          {"tenant", run.tenant},
          {"pipeline", run.pipeline},
          {"pipeline_name", run.pipeline_name},
          {"trigger", ToText(run.trigger)},
          {"state", ToText(run.state)},
          {"stopping", run.stop_requested && !HasEnded(run.state)},
          {"full", run.full},
          {"allow_deletes", run.allow_deletes},
          {"only_streams", run.streams},
          {"queued_at", TimeText(run.queued_at)},
          {"started_at", TimeJson(run.started_at)},
          {"ended_at", TimeJson(run.ended_at)},
          {"seconds", OrNull(seconds)},
          {"rows", OrNull(run.rows)},
          {"bytes", OrNull(run.bytes)},
          {"counts", run.counts},
          {"cost", run.cost},
          {"streams", run.streams_result},
          {"error", run.error}};
}

}  // namespace sluice::serve
