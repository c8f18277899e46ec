// What is told of all runs together: the text of /metrics, and the overview. Pure but for the
// counters; those are thread-safe.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "serve/base/runs.h"
#include "serve/runs/alerts.h"
#include "serve/store/store.h"

namespace sluice::serve {

// Of this process's life: Prometheus knows counters that begin again.
class Counters {
 public:
  void RunEnded(const Run& run, const RunEnd& end, base::UtcTime at);
  void JobEnded(std::string_view kind, bool ok);
  // When a stream was committed last, of runs that ended before this process began.
  void KnowStreams(const Run& run);

  struct PerTenant {
    std::map<std::string, std::uint64_t> runs;  // by state
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    double seconds = 0;
    double billed_seconds = 0;
    double amount = 0;
  };
  struct Snapshot {
    std::map<std::string, PerTenant> tenants;
    std::map<std::pair<std::string, bool>, std::uint64_t> jobs;
    // tenant, pipeline, stream -> when it was committed last
    std::map<std::tuple<std::string, std::string, std::string>, base::UtcTime> streams;
  };
  Snapshot Take() const;

 private:
  mutable std::mutex mu_;
  Snapshot all_;  // guarded by mu_
};

// All of it as of `now`. `standings`, `queue`: the store's.
struct State {
  base::UtcTime now;
  std::vector<Standing> standings;
  std::vector<QueuedRun> queue;
  std::vector<Run> running;
};

// Whether it was due and has not begun for kLateAfter; then since when.
std::optional<base::UtcTime> LateSince(const Standing& standing, base::UtcTime now);

std::string MetricsText(const Counters::Snapshot& counters, const State& state,
                        const Alerts::Counts& alerts);
// JSON as runs.h tells it. `tenants`: those it is about, in their order.
std::string OverviewText(const std::vector<Tenant>& tenants, const State& state,
                         const std::vector<RunSums>& day, const std::vector<RunSums>& month);

}  // namespace sluice::serve
