// Progress without a terminal: a log line when a stream begins, changes what it does, and ends;
// while it loads, one every ten seconds.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cli/progress_model.h"
#include "sync/run.h"

namespace sluice::cli {

// Thread-safe. REQUIRES: log and clock outlive it.
class ProgressLog final : public sync::Observer {
 public:
  ProgressLog(const std::vector<std::string>& streams, base::Logger& log, const base::Clock& clock)
      : log_(log), clock_(clock), model_(streams) {}
  void OnProgress(const sync::Progress& progress) override;

 private:
  struct Told {
    sync::Phase phase = sync::Phase::kWaiting;
    base::SteadyTime at;
  };
  base::Logger& log_;
  const base::Clock& clock_;
  std::mutex mu_;
  ProgressModel model_;  // guarded by mu_, as below
  std::map<std::string, Told> told_;
};

}  // namespace sluice::cli
