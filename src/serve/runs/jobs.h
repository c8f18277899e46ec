// Short jobs: a child each, waited for by the thread that asked. Nothing of them is written to
// disk but what the command itself writes: a preview's rows are somebody's data.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "serve/runs/runs.h"

namespace sluice::serve {

std::string_view KindName(JobKind kind);  // "test", "discover": for /metrics
// The words of the command line behind `--config FILE`. Pure. What a caller says can be no switch.
std::vector<std::string> ArgumentsOf(const JobRequest& request);

// Thread-safe. REQUIRES: the clock outlives it.
class Jobs {
 public:
  Jobs(const RunsOptions& options, const base::Clock& clock) : options_(options), clock_(clock) {}
  // As Runs::RunJob.
  JobResult Run(const JobRequest& request,
                const std::function<void(std::string_view json)>& on_event, std::stop_token stop);
  // All that run are stopped, and no other begins.
  void End();

 private:
  class Place;
  const RunsOptions options_;
  const base::Clock& clock_;
  std::stop_source ending_;
  std::mutex mu_;
  std::map<std::string, int> running_;  // by tenant; guarded by mu_, as below
  int all_ = 0;
};

}  // namespace sluice::serve
