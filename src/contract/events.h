// What happens while a command runs, as lines of JSON: docs/CLI_JSON.md is the promise. Everything
// that shows progress reads these: a page, a supervisor, a log collector.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "check/check.h"
#include "connection/discovery.h"
#include "contract/event_output.h"
#include "sync/run.h"

namespace sluice::contract {

// Of the form of all events. A reader refuses a number that it does not know.
inline constexpr int kEventsVersion = 1;

// Thread-safe. REQUIRES: clock outlives it. Never throws, because events must not harm a command.
class Events final : public sync::Observer {
 public:
  // One line, without its end. Called from any thread, one at a time; must not throw.
  using Sink = std::function<void(std::string_view line, Worth worth)>;
  Events(Sink sink, const base::Clock& clock) : sink_(std::move(sink)), clock_(clock) {}

  void CommandBegan(std::string_view command);
  void SchemaListed(const connection::DiscoveredSchema& schema);
  void Found(const check::Finding& finding);
  void StreamReset(const std::string& stream);
  void RunEnded(const sync::RunResult& result);
  void CommandEnded(int exit_code, const base::ErrorInfo* error);

  void OnRunBegan(const std::string& run, const std::vector<std::string>& streams) override;
  // A change of phase is always told; progress within one, once a second for each stream.
  void OnProgress(const sync::Progress& progress) override;
  void OnStreamEnded(const sync::StreamResult& result) override;

 private:
  struct Told {
    sync::Phase phase = sync::Phase::kWaiting;
    base::SteadyTime at;
  };
  template <typename Body>
  void Write(std::string_view event, Worth worth, Body add) noexcept;
  bool IsDue(const sync::Progress& progress, bool& changed);

  const Sink sink_;
  const base::Clock& clock_;
  base::SteadyTime began_;  // of the command; set before another thread is told of us
  std::mutex write_mu_;     // lines are in the order of their times
  std::mutex mu_;
  std::map<std::string, Told> told_;  // guarded by mu_, by stream
};

}  // namespace sluice::contract
