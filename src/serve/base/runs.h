// A run of a pipeline as the service keeps it. Values; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "serve/base/json.h"

namespace sluice::serve {

enum class RunState { kQueued, kRunning, kSucceeded, kPartly, kFailed, kStopped };
enum class Trigger { kManual, kSchedule, kRetry };

std::string_view ToText(RunState state);  // "queued"
std::string_view ToText(Trigger trigger);
std::optional<RunState> ParseRunState(std::string_view text);
std::optional<Trigger> ParseTrigger(std::string_view text);
bool HasEnded(RunState state);

// The child: a pid alone may be another process by now. `started`: field 22 of /proc/PID/stat.
struct Process {
  int pid = 0;
  std::uint64_t started = 0;
};

struct NewRun {
  std::string tenant;
  std::string pipeline;
  Trigger trigger = Trigger::kManual;
  bool full = false;
  bool allow_deletes = false;
  std::vector<std::string> streams;  // empty: all
  std::string retry_of;              // id of the run that was lost
};

struct Run : NewRun {
  std::string id;
  std::string source;  // as the pipeline had them when it was queued
  std::string destination;
  std::string pipeline_name;  // as it is called now
  RunState state = RunState::kQueued;
  base::UtcTime queued_at;
  std::optional<base::UtcTime> started_at;
  std::optional<base::UtcTime> ended_at;
  bool stop_requested = false;
  std::optional<Process> process;  // while it runs
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> bytes;
  // null until it has ended.
  Json counts;
  Json cost;
  Json streams_result;  // as in CLI_JSON's sync document; null in lists
  Json error;
};
// As the API answers it: `stopping`, `only_streams`, `seconds` and the others of its document.
Json ToJson(const Run& run);

struct RunEnd {
  RunState state = RunState::kFailed;  // REQUIRES: HasEnded
  Json counts;                         // {inserted, updated, ...} of all streams; null: not known
  Json cost;
  Json streams;
  Json error;
  // For sums; what is not known is nullopt.
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> bytes;
  std::optional<double> amount;          // of money
  std::optional<double> billed_seconds;  // of the workgroup
  std::optional<double> rpu_seconds;
};

}  // namespace sluice::serve
