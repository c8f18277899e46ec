// When a pipeline is due. The store keeps what is planned; this is how it is planned.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "schedule/timetable.h"
#include "serve/base/resources.h"

namespace sluice::serve {

// Keeps what it has read of schedules and zones. One thread.
class Planner {
 public:
  // The first time after `after` at which `pipeline` is due, its jitter included. The jitter
  // spreads what many pipelines write as "0 * * * *"; it is the same for a pipeline and a time,
  // whenever it is asked for, so that a new start changes nothing. nullopt: never; it is paused, or
  // cannot be read (compose.h refuses those).
  std::optional<base::UtcTime> Next(std::string_view pipeline, const Schedule& schedule,
                                    base::UtcTime after);

 private:
  const schedule::CronIn* Find(const Schedule& schedule);
  std::map<std::pair<std::string, std::string>, std::optional<schedule::CronIn>> known_;
};

// What to do about a pipeline now. Pure. `planned`: what the store has; nullopt: nothing yet.
// `next`: what Planner::Next says of now; `then`: what it says of `next`, needed if `planned` is
// later than that.
enum class PlanStep {
  kWait,
  kPlan,  // write `next` down
  kRun,   // it is due: queue a run and write `next` down. However long it was missed: one run
};
// A planned time beyond the next one stands there because the clock was set back, and the next one
// may have had its run. A clock that was set back by seconds must not run it twice, one that was
// set back by days must not keep it waiting for them. So what is nearer than half of the time
// between two runs counts as done: between runs lie from a half to one and a half of it.
PlanStep StepOf(const std::optional<base::UtcTime>& planned,
                const std::optional<base::UtcTime>& next, const std::optional<base::UtcTime>& then,
                base::UtcTime now);

}  // namespace sluice::serve
