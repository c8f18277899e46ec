// Progress on a terminal: the block of lines, repainted some times a second.
#pragma once
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cli/progress_model.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "sync/run.h"

namespace sluice::cli {

// Thread-safe. REQUIRES: screen and clock outlive it. The destructor takes the block away: what it
// showed comes again, complete, in the result.
class ProgressPainter final : public sync::Observer {
 public:
  ProgressPainter(const std::vector<std::string>& streams, Screen& screen, const base::Clock& clock,
                  Style style);
  ~ProgressPainter() override;

  void OnProgress(const sync::Progress& progress) override;
  // Starts the thread that repaints; without it, Paint() is called by hand.
  void Start();
  void Paint();

 private:
  Screen& screen_;
  const base::Clock& clock_;
  const Style style_;
  std::mutex mu_;
  ProgressModel model_;  // guarded by mu_
  std::jthread thread_;
};

}  // namespace sluice::cli
