// The one thread that begins, watches and ends the children of runs.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "serve/runs/alerts.h"
#include "serve/runs/child.h"
#include "serve/runs/figures.h"
#include "serve/runs/jobs.h"
#include "serve/runs/outcome.h"
#include "serve/runs/queue.h"
#include "serve/runs/runs.h"
#include "serve/runs/schedules.h"

namespace sluice::serve {

class Supervisor final : public Runs {
 public:
  Supervisor(const RunsOptions& options, Store& store, ComposeRun compose, Senders senders,
             const base::Clock& clock, base::Logger& log);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor() override;

  void Begin() override;
  void End() override;
  bool Ready() const override { return ready_; }
  std::string Start(const RunRequest& request) override;
  void Stop(const std::string& tenant, const std::string& run) override;
  RunEvents Events(const std::string& tenant, const std::string& run, std::uint64_t after,
                   std::size_t bytes_max) override;
  void Wake() override;
  JobResult RunJob(const JobRequest& request,
                   const std::function<void(std::string_view json)>& on_event,
                   std::stop_token stop) override;
  Delivery TestAlert(const std::string& tenant, const std::string& alert) override;
  std::string Metrics() override;
  std::string Overview(const std::optional<std::string>& tenant) override;

  // The parts of one turn of the thread; for tests, which have none. Throw what the store throws.
  void Adopt();
  void Turn();
  std::size_t children() const { return children_.size(); }

 private:
  struct Child {
    Run run;
    std::optional<ProcessId> process;  // nullopt: there never was one
    bool ours = false;                 // else another supervisor began it
    std::unique_ptr<base::Descriptor> pidfd;
    bool asked_to_stop = false;
    base::Deadline kill_at = base::Deadline::Never();
    bool is_over = false;
    std::optional<Ended> ended;      // how, if that is known
    std::optional<Overuse> overuse;  // of memory, for which it was killed
  };

  void Work(const std::stop_token& stop);
  void TryTurn();
  void Wait();

  void LookAtChildren();
  void LookAt(Child& child);
  void Finish(Child& child);
  bool AppendsInFull(const Run& run);
  void EndRun(const Run& run, const Outcome& outcome);
  void TellEnd(const Run& run);
  std::optional<RunState> StateBefore(const Run& run);
  void AskToStop(Child& child);

  void PlanSchedules();
  void BeginRuns();
  void BeginRun(const std::string& id, const QueueEntry& entry);
  ProcessId StartSync(const Run& run);
  void TellLate();
  void Prune();
  base::UtcTime UnjumpedNow() const;

  RunFiles FilesOf(const std::string& run) const;
  int LimitOf(const std::string& tenant);
  State StateNow(const std::optional<std::string>& tenant);

  // Constant.
  const RunsOptions options_;
  const DataFolder data_;
  Store& store_;
  const ComposeRun compose_;
  const base::Clock& clock_;
  base::Logger& log_;
  const base::Descriptor wake_;
  const base::UtcTime made_at_;
  const base::SteadyTime made_;

  // Each locks itself.
  Counters counters_;
  Alerts alerts_;
  Jobs jobs_;
  std::atomic<bool> ready_ = false;

  // The thread's own.
  std::map<std::string, Child> children_;  // by run
  Planner planner_;
  std::map<std::string, base::SteadyTime> last_began_;  // by tenant
  std::set<std::string> told_late_;                     // runs
  base::Deadline next_slow_ = base::Deadline::Never();  // what is done once a second
  base::Deadline next_prune_ = base::Deadline::Never();
  bool slow_due_ = true;
  std::string last_problem_;  // logged once

  std::mutex mu_;
  std::set<std::string> to_stop_;  // guarded by mu_: runs that somebody wants to stop

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::serve
