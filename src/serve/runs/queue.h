// Which of the runs that wait may begin. Pure; any thread.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sluice::serve {

// A run that waits, or runs.
struct QueueEntry {
  std::string run;
  std::string tenant;
  std::string pipeline;
  std::string destination;
};

struct QueueLimits {
  int overall = 1;
  std::function<int(const std::string& tenant)> of_tenant;
};

// `waiting`: the oldest first. `last_began`: of each tenant, when a run of it began last.
// Fair between tenants, however many runs one of them has put in: the next place goes to the tenant
// with the fewest runs under way, of those to the one that has waited longest for its turn. Of one
// tenant the oldest comes first; what waits for its pipeline or its destination (one run each) lets
// others pass.
std::vector<std::string> ChooseRuns(const std::vector<QueueEntry>& waiting,
                                    const std::vector<QueueEntry>& running,
                                    const QueueLimits& limits,
                                    const std::map<std::string, base::SteadyTime>& last_began,
                                    base::SteadyTime now);

}  // namespace sluice::serve
