// Ctrl-C and its kin: the first stops gracefully, the second at once.
#pragma once
#include <functional>
#include <memory>
#include <stop_token>

namespace sluice::cli {

// Blocks SIGINT, SIGTERM and SIGHUP in this thread, and so in all that it starts, and reads them on
// a thread of its own: no handler ever runs, so nothing needs to be safe in one. Make one, first
// thing in main. The destructor ends the thread and unblocks.
class StopSignals {
 public:
  // `on_first` and `on_second` run on the thread. After `on_second` the process ends with 130,
  // without destructors. With `on_term`, a SIGTERM that comes before all others calls that alone,
  // and asks for the drain: what is under way is finished.
  StopSignals(std::function<void()> on_first, std::function<void()> on_second,
              std::function<void()> on_term = nullptr);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  std::stop_token token() const;
  std::stop_token drain() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::cli
