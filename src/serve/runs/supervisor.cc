#include "serve/runs/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/errno_error.h"
#include "serve/base/ids.h"
#include "serve/runs/alert_text.h"
#include "serve/runs/events_file.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kSlow{1};
constexpr std::chrono::hours kPruneEvery{1};
constexpr int kPruneAtOnce = 500;
constexpr int kPollMilliseconds = 250;
constexpr std::size_t kEventsBytesMax = 256U << 20U;
constexpr int kPageMax = 500;

std::unique_ptr<base::Descriptor> OpenPidfd(const ProcessId& process) {
  return std::make_unique<base::Descriptor>(
      static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
}

[[noreturn]] void FailFile(const fs::path& path, int number) {
  const auto fault = base::FaultOf(number);
  throw base::Error({.code = base::CodeOf(fault, base::ErrorCode::kInternal),
                     .operation = "begin a run",
                     .subject = path.filename().string(),
                     .message = base::ErrnoText(number),
                     .remedy = "Check the room and the rights of the service's data folder.",
                     .retryable = fault == base::FileFault::kFull});
}

int OpenFor(const fs::path& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) FailFile(path, errno);
  return fd;
}

void MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) FailFile(path, error.value());
}

std::vector<std::string> SyncArguments(const Run& run, const RunFiles& files) {
  std::vector<std::string> arguments = {"sync", "--json", "--events", files.Events().string()};
  if (run.full) arguments.emplace_back("--full");
  if (run.allow_deletes) arguments.emplace_back("--allow-deletes");
  if (run.streams.empty()) return arguments;
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), run.streams.begin(), run.streams.end());
  return arguments;
}

QueueEntry EntryOf(const Run& run) {
  return {.run = run.id,
          .tenant = run.tenant,
          .pipeline = run.pipeline,
          .destination = run.destination};
}

// It need not reach the disk: with the machine, the process is gone, too.
void WriteProcess(const fs::path& path, const ProcessId& process) {
  std::ofstream out(path, std::ios::trunc);
  out << process.ToText() << std::flush;
  if (!out) FailFile(path, errno);
}

// It was stopped meanwhile, or something else of its pipeline runs.
struct Waits : std::exception {};

}  // namespace

ComposeRun ComposeFrom(Store& store, OperatorRules rules, const DataFolder& data) {
  // What is saved was judged when it was saved: an external ID of a role that only an administrator
  // may name was named by one, and no tenant can change its source without being judged again.
  rules.admin = true;
  return [&store, rules = std::move(rules), data](const std::string& tenant_id,
                                                  const std::string& pipeline_id) {
    const Tenant tenant = store.GetTenant(tenant_id);
    const Resource pipeline = store.Get(Kind::kPipeline, tenant_id, pipeline_id, true);
    const Resource source = store.Get(Kind::kSource, tenant_id, SourceOf(pipeline), true);
    const Resource destination =
        store.Get(Kind::kDestination, tenant_id, DestinationOf(pipeline), true);
    return Compose(
        {.tenant = tenant, .source = &source, .destination = &destination, .pipeline = &pipeline},
        rules, data);
  };
}

std::unique_ptr<Runs> MakeRuns(const RunsOptions& options, Store& store, ComposeRun compose,
                               const base::Clock& clock, base::Logger& log) {
  return std::make_unique<Supervisor>(options, store, std::move(compose),
                                      RealSenders(options.alert_ca_file), clock, log);
}

Supervisor::Supervisor(const RunsOptions& options, Store& store, ComposeRun compose,
                       Senders senders, const base::Clock& clock, base::Logger& log)
    : options_(options),
      data_(options.data),
      store_(store),
      compose_(std::move(compose)),
      clock_(clock),
      log_(log),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      made_at_(clock.Utc()),
      made_(clock.Steady()),
      alerts_(options, store, std::move(senders), clock, log),
      jobs_(options, clock) {}

Supervisor::~Supervisor() { End(); }

void Supervisor::Begin() {
  Adopt();
  thread_ = std::jthread([this](const std::stop_token& stop) { Work(stop); });
  alerts_.Begin();
  ready_ = true;
}

void Supervisor::End() {
  ready_ = false;
  jobs_.End();
  thread_.request_stop();
  Wake();
  if (thread_.joinable()) thread_.join();
  alerts_.End();
}

void Supervisor::Wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t count = write(wake_.get(), &one, sizeof one);
}

RunFiles Supervisor::FilesOf(const std::string& run) const { return {.folder = data_.run(run)}; }

// --- The thread.

void Supervisor::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    TryTurn();
    Wait();
  }
}

// The database is held, or the disk is full: nothing of what we know is lost, and the next turn
// does what this one could not.
void Supervisor::TryTurn() {
  try {
    Turn();
    last_problem_.clear();
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    if (std::exchange(last_problem_, error.info().message) == error.info().message) return;
    log_.Warning("runs cannot go on; it is tried again every second",
                 {{"reason", error.info().message}, {"remedy", error.info().remedy}});
  }
}

// Until a child ends, somebody wakes us, or a moment has passed.
void Supervisor::Wait() {
  std::vector<pollfd> ready = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& [id, child] : children_) {
    // One that is over and could not be recorded yet would end every wait at once.
    if (child.pidfd && !child.is_over) {
      ready.push_back({.fd = child.pidfd->get(), .events = POLLIN, .revents = 0});
    }
  }
  poll(ready.data(), ready.size(), kPollMilliseconds);
  std::uint64_t count = 0;
  if (read(wake_.get(), &count, sizeof count) > 0) slow_due_ = true;
}

void Supervisor::Turn() {
  const std::size_t before = children_.size();
  LookAtChildren();
  const bool freed = children_.size() < before;
  const bool slow = std::exchange(slow_due_, false) || next_slow_.Expired(clock_);
  if (slow || next_slow_.Remaining(clock_) == std::nullopt) {
    next_slow_ = base::Deadline::After(clock_, kSlow);
    PlanSchedules();
    TellLate();
    BeginRuns();
  } else if (freed) {
    BeginRuns();
  }
  if (next_prune_.Remaining(clock_) == std::nullopt || next_prune_.Expired(clock_)) {
    next_prune_ = base::Deadline::After(clock_, kPruneEvery);
    Prune();
  }
}

void Supervisor::Adopt() {
  for (const Run& run : store_.Running()) {
    Child child{.run = run, .process = ProcessId::FromText(TextOf(FilesOf(run.id).Process(), 200))};
    child.is_over = !child.process || !IsAlive(*child.process);
    if (!child.is_over) child.pidfd = OpenPidfd(*child.process);
    log_.Info(child.is_over ? "a run ended while nobody watched" : "a run is watched again",
              {{"run", run.id}});
    children_.insert_or_assign(run.id, std::move(child));
  }
  for (const Standing& one : store_.Standings(std::nullopt, RunDetail::kState)) {
    if (one.last_ended) counters_.KnowStreams(store_.GetRun(one.tenant, one.last_ended->id));
  }
}

void Supervisor::LookAtChildren() {
  std::set<std::string> to_stop;
  {
    const std::lock_guard lock(mu_);
    to_stop.swap(to_stop_);
  }
  for (auto& [id, child] : children_) {
    if (to_stop.count(id) > 0) child.run.stop_requested = true;
    LookAt(child);
  }
  std::exception_ptr failed;
  for (auto at = children_.begin(); at != children_.end();) {
    if (!at->second.is_over) {
      ++at;
      continue;
    }
    try {
      Finish(at->second);
      at = children_.erase(at);
    } catch (...) {
      // It stays, and is finished in another turn; what is wrong with it is no other's trouble.
      failed = std::current_exception();
      ++at;
    }
  }
  if (failed) std::rethrow_exception(failed);
}

void Supervisor::LookAt(Child& child) {
  if (child.is_over) return;
  if (child.ours) {
    child.ended = Reap(child.process->pid);
    child.is_over = child.ended.has_value();
  } else {
    child.is_over = !IsAlive(*child.process);
  }
  if (child.is_over) return;
  if (const auto overuse = OveruseOf(*child.process)) {
    child.overuse = overuse;
    Signal(*child.process, SIGKILL);
    return;
  }
  if (!child.run.stop_requested) return;
  if (!child.asked_to_stop) return AskToStop(child);
  if (child.kill_at.Expired(clock_)) Signal(*child.process, SIGKILL);
}

// Once: a second SIGINT means "at once, whatever is left in the bucket". A child that another
// supervisor had asked already is asked again, as nobody knows whether it was.
void Supervisor::AskToStop(Child& child) {
  child.asked_to_stop = true;
  child.kill_at = base::Deadline::After(clock_, options_.stop_grace);
  Signal(*child.process, SIGINT);
}

void Supervisor::Finish(Child& child) {
  const RunFiles files = FilesOf(child.run.id);
  Outcome outcome = ReadOutcome(
      TextOf(files.Result(), kResultBytesMax),
      [&] { return TextOf(files.Events(), kEventsBytesMax); }, child.ended,
      child.run.stop_requested);
  if (outcome.lost && child.overuse) outcome = TookTooMuch(std::move(outcome), *child.overuse);
  // Its events are the first thing that it makes: without them it did nothing.
  const bool worked = fs::exists(files.Events());
  if (outcome.lost && worked && AppendsInFull(child.run)) outcome.lost = false;
  EndRun(child.run, outcome);
}

// Then what a lost run had committed is not known, and would stand there twice: nobody but a person
// may decide that.
bool Supervisor::AppendsInFull(const Run& run) {
  const Resource pipeline = store_.Get(Kind::kPipeline, run.tenant, run.pipeline);
  return serve::AppendsInFull(pipeline.fields);
}

void Supervisor::EndRun(const Run& run, const Outcome& outcome) {
  // Once: what is lost twice is somebody's to look at.
  if (outcome.lost && run.trigger != Trigger::kRetry) {
    const auto retry = store_.EndAndRetry(run.id, outcome.end);
    if (retry) {
      log_.Warning("a run was lost and is queued again", {{"run", run.id}, {"retry", retry->id}});
      counters_.RunEnded(run, outcome.end, clock_.Utc());
      slow_due_ = true;
      return;
    }
  }
  Run ended = run;
  ended.state = outcome.end.state;
  ended.ended_at = clock_.Utc();
  ended.error = outcome.end.error;
  ended.rows = outcome.end.rows;
  TellEnd(ended);
  store_.End(run.id, outcome.end);
  counters_.RunEnded(run, outcome.end, *ended.ended_at);
  log_.Info("a run ended", {{"run", run.id}, {"state", std::string(ToText(ended.state))}});
  slow_due_ = true;
}

// Before the end is written down: see Alerts::Ended. That nobody can be told is no reason to keep a
// run from its end.
void Supervisor::TellEnd(const Run& run) {
  try {
    alerts_.Ended(run, StateBefore(run));
  } catch (const base::Error& error) {
    if (error.info().retryable) throw;
    log_.Warning("nobody is told of a run", {{"run", run.id}, {"reason", error.info().message}});
  }
}

// Of the pipeline's last run that was neither stopped nor lost and done again.
std::optional<RunState> Supervisor::StateBefore(const Run& run) {
  const auto page = store_.Runs({.tenant = run.tenant, .pipeline = run.pipeline, .state = {}},
                                {.limit = 20, .cursor = {}});
  for (const Run& one : page.items) {
    if (one.id == run.id || !HasEnded(one.state) || one.state == RunState::kStopped) continue;
    if (one.id == run.retry_of) continue;
    return one.state;
  }
  return std::nullopt;
}

// --- What begins.

void Supervisor::PlanSchedules() {
  const base::UtcTime now = clock_.Utc();
  for (const Scheduled& one : store_.Schedules()) {
    const auto next = planner_.Next(one.pipeline, one.schedule, now);
    std::optional<base::UtcTime> then;
    if (next && one.next_at > next) then = planner_.Next(one.pipeline, one.schedule, *next);
    switch (StepOf(one.next_at, next, then, now)) {
      case PlanStep::kWait: break;
      case PlanStep::kPlan: store_.Plan(one.pipeline, one.version, next); break;
      case PlanStep::kRun: {
        NewRun run;
        run.tenant = one.tenant;
        run.pipeline = one.pipeline;
        run.trigger = Trigger::kSchedule;
        store_.EnqueueDue(run, one.version, *one.next_at, next);
        break;
      }
    }
  }
}

int Supervisor::LimitOf(const std::string& tenant) {
  try {
    const auto limit = store_.GetTenant(tenant).parallel_runs;
    return std::max(1, limit.value_or(options_.parallel_runs_per_tenant));
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::kNotFound) throw;
    return 0;  // it was deleted a moment ago, and its runs with it
  }
}

void Supervisor::BeginRuns() {
  const std::vector<QueuedRun> queue = store_.Queue();
  if (queue.empty()) return;
  std::vector<QueueEntry> waiting;
  waiting.reserve(queue.size());
  for (const QueuedRun& one : queue) {
    waiting.push_back({one.id, one.tenant, one.pipeline, one.destination});
  }
  std::vector<QueueEntry> running;
  for (const auto& [id, child] : children_) running.push_back(EntryOf(child.run));
  const auto chosen = ChooseRuns(waiting, running,
                                 {.overall = options_.parallel_runs,
                                  .of_tenant = [this](const auto& id) { return LimitOf(id); }},
                                 last_began_, clock_.Steady());
  for (const std::string& id : chosen) {
    const auto entry = std::find_if(waiting.begin(), waiting.end(),
                                    [&](const QueueEntry& one) { return one.run == id; });
    BeginRun(id, *entry);
  }
}

// The child is there, and waits, before the run is marked as running: so a death of ours in between
// costs nothing, and the run still waits for the next one.
void Supervisor::BeginRun(const std::string& id, const QueueEntry& entry) {
  last_began_[entry.tenant] = clock_.Steady();
  Child child{.run = store_.GetRun(entry.tenant, id)};
  if (child.run.state != RunState::kQueued) return;
  try {
    child.process = StartSync(child.run);
  } catch (const Waits&) {
    return;
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    if (error.info().retryable) throw;  // no room, or the database is held: it waits on
    return EndRun(child.run, {.end = NotBegun(error.info())});
  }
  child.ours = true;
  child.pidfd = OpenPidfd(*child.process);
  told_late_.erase(id);
  const Process process{.pid = child.process->pid, .started = child.process->start_ticks};
  child.run.state = RunState::kRunning;
  child.run.started_at = clock_.Utc();
  children_.insert_or_assign(id, std::move(child));
  store_.SetProcess(id, process);  // for people; we look into the run's folder
}

ProcessId Supervisor::StartSync(const Run& run) {
  const Composed composed = compose_(run.tenant, run.pipeline);
  const RunFiles files = FilesOf(run.id);
  MakeFolder(files.folder);
  MakeFolder(composed.folder);
  const base::Descriptor output(OpenFor(files.Result()));
  const base::Descriptor log(OpenFor(files.Log()));
  return StartChild(
      {.program = options_.program,
       .arguments = SyncArguments(run, files),
       .config = composed.text,
       .folder = composed.folder,
       .environment = ChildEnvironment(options_.environment, options_.data,
                                       options_.aws_environment, options_.allow_hosts),
       .output = output.get(),
       .log = log.get(),
       .events = -1,
       .ends_with_us = false,
       .memory_mb = composed.memory_mb},
      [&](const ProcessId& process) {
        WriteProcess(files.Process(), process);
        if (!store_.Begin(run.id, clock_.Utc())) throw Waits();
      });
}

void Supervisor::TellLate() {
  const base::UtcTime now = clock_.Utc();
  std::set<std::string> late;
  for (const QueuedRun& one : store_.Queue()) {
    if (one.queued_at + kLateAfter > now) continue;
    late.insert(one.id);
    if (told_late_.count(one.id) > 0) continue;
    const Run run = store_.GetRun(one.tenant, one.id);
    if (run.trigger != Trigger::kManual) alerts_.Late(run);
  }
  told_late_ = std::move(late);
}

void Supervisor::Prune() {
  const auto ids = store_.PruneRuns(UnjumpedNow() - options_.keep_runs, kPruneAtOnce);
  store_.PruneAudit(UnjumpedNow() - options_.keep_audit);
  // There are more, whose files would make a turn long: a thousand pipelines end more than that in
  // an hour.
  if (ids.size() == kPruneAtOnce) next_prune_ = base::Deadline::After(clock_, kSlow);
  for (const std::string& id : ids) {
    std::error_code ignored;
    fs::remove_all(data_.run(id), ignored);
  }
}

// A clock that jumps ahead by a year would have all that was kept forgotten before anybody sees it.
base::UtcTime Supervisor::UnjumpedNow() const {
  const auto passed = std::chrono::duration_cast<base::UtcTime::duration>(clock_.Steady() - made_);
  return std::min(clock_.Utc(), made_at_ + passed);
}

// --- What others ask for.

std::string Supervisor::Start(const RunRequest& request) {
  NewRun run;
  run.tenant = request.tenant;
  run.pipeline = request.pipeline;
  run.streams = request.streams;
  run.full = request.full;
  run.allow_deletes = request.allow_deletes;
  std::string id = store_.Enqueue(run).id;
  Wake();
  return id;
}

void Supervisor::Stop(const std::string& tenant, const std::string& run) {
  if (!store_.RequestStop(tenant, run)) return;
  {
    const std::lock_guard lock(mu_);
    to_stop_.insert(run);
  }
  Wake();
}

RunEvents Supervisor::Events(const std::string& tenant, const std::string& run, std::uint64_t after,
                             std::size_t bytes_max) {
  // First: what is written behind this is behind the end, too.
  RunEvents events;
  events.over = HasEnded(store_.GetRun(tenant, run).state);
  const bool more = ReadEvents(FilesOf(run).Events(), after, bytes_max, events.events);
  events.over = events.over && !more;
  return events;
}

JobResult Supervisor::RunJob(const JobRequest& request,
                             const std::function<void(std::string_view json)>& on_event,
                             std::stop_token stop) {
  try {
    JobResult result = jobs_.Run(request, on_event, std::move(stop));
    counters_.JobEnded(KindName(request.kind), result.exit_code == 0);
    return result;
  } catch (...) {
    counters_.JobEnded(KindName(request.kind), false);
    throw;
  }
}

Delivery Supervisor::TestAlert(const std::string& tenant, const std::string& alert) {
  return alerts_.Test(store_.Get(Kind::kAlert, tenant, alert, true));
}

State Supervisor::StateNow(const std::optional<std::string>& tenant) {
  State state{.now = clock_.Utc(),
              .standings = store_.Standings(tenant, RunDetail::kState),
              .queue = store_.Queue(),
              .running = store_.Running()};
  if (tenant) {
    std::erase_if(state.queue, [&](const QueuedRun& one) { return one.tenant != *tenant; });
    std::erase_if(state.running, [&](const Run& one) { return one.tenant != *tenant; });
  }
  return state;
}

std::string Supervisor::Metrics() {
  return MetricsText(counters_.Take(), StateNow(std::nullopt), alerts_.counts());
}

std::string Supervisor::Overview(const std::optional<std::string>& tenant) {
  std::vector<Tenant> tenants;
  if (tenant) {
    tenants.push_back(store_.GetTenant(*tenant));
  } else {
    PageRequest page{.limit = kPageMax, .cursor = {}};
    for (;;) {
      auto some = store_.Tenants(page);
      tenants.insert(tenants.end(), some.items.begin(), some.items.end());
      if (!some.next_cursor) break;
      page.cursor = *some.next_cursor;
    }
  }
  const State state = StateNow(tenant);
  return OverviewText(tenants, state, store_.Sums(tenant, state.now - std::chrono::hours(24)),
                      store_.Sums(tenant, state.now - std::chrono::hours(24 * 30)));
}

}  // namespace sluice::serve
