#include "sync/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>

#include "base/random.h"
#include "staging/clean.h"
#include "staging/prefix.h"
#include "sync/context.h"
#include "sync/elsewhere.h"
#include "sync/ledger/ledger.h"
#include "sync/leftovers.h"
#include "sync/plan.h"
#include "sync/read/adoption.h"
#include "sync/stream_sync.h"
#include "sync/work_dir.h"

namespace sluice::sync {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kSweepPatience{300};

base::Call Until(std::stop_token stop) {
  return {.deadline = base::Deadline::Never(), .stop = std::move(stop)};
}

class Runner {
 public:
  Runner(const std::vector<model::Stream>& streams, const RunOptions& options,
         const RunParts& parts, std::stop_token stop)
      : streams_(streams),
        options_(options),
        parts_(parts),
        stop_(std::move(stop)),
        ledger_(options.ledger, parts.clock),
        disk_(options.disk_bytes_max),
        run_(staging::MakeRunId(parts.clock.Utc(), base::RandomBits())),
        unload_auth_(parts.unload_auth, parts.clock,
                     staging::RunPrefix(options.root, options.connection, run_)),
        catalog_(streams, options.database, parts.clock),
        usage_(streams.size(), options, parts, parts.clock.Utc()),
        context_{.options = options_,
                 .parts = parts_,
                 .ledger = ledger_,
                 .disk = disk_,
                 .spared = spared_,
                 .unload_auth = unload_auth_,
                 .catalog = catalog_,
                 .late = late_,
                 .usage = usage_,
                 .run = run_,
                 .own_root = staging::OwnRoot(options.root, options.connection),
                 .run_prefix = staging::RunPrefix(options.root, options.connection, run_)} {}

  RunResult Run() {
    const auto began = parts_.clock.Steady();
    CheckTargets(streams_, options_);
    CheckWorkDir(options_.work_dir);
    PrepareResults();
    dead_runs_ = ledger_.DeadRuns(run_);
    FindDead();
    DropPartsOf(dead_runs_);
    // A run may have died with all its objects gone and its parts still on local disk.
    DropPartsOf(ledger_.UnendedRuns(run_));
    ledger_.BeginRun(run_);
    ledger_.NoteTables(parts_.tables);
    TellBegan();
    auto first_session = LoginWhileSweeping();
    SyncAll(std::move(first_session));
    CleanLate(context_, result_.streams);
    Conclude();
    result_.duration = duration_cast<milliseconds>(parts_.clock.Steady() - began);
    return std::move(result_);
  }

 private:
  void PrepareResults() {
    result_.run = run_;
    for (const auto& stream : streams_) {
      result_.streams.push_back({.stream = stream.name, .target = TargetOf(stream, options_)});
    }
  }

  void TellBegan() const {
    std::vector<std::string> names;
    for (const auto& stream : streams_) names.push_back(stream.name);
    parts_.observer.OnRunBegan(run_, names);
  }

  // What this run's streams may load instead of reading again stays until they have decided.
  void FindDead() {
    auto attempts = ledger_.DeadAttempts(run_);
    elsewhere_ = FindElsewhere(attempts, context_.own_root);
    for (auto& attempt : attempts) {
      if (!attempt.prefix.starts_with(context_.own_root)) continue;  // swept, never loaded
      const bool ours = std::any_of(streams_.begin(), streams_.end(), [&](const auto& stream) {
        return stream.name == attempt.stream;
      });
      if (!ours) continue;
      if (MayBeAdopted(attempt, options_, parts_.clock.Utc())) spared_.Add(attempt.prefix);
      dead_[attempt.stream].push_back(std::move(attempt));
    }
  }

  // Only folders that carry a dead run's id or our own: the folder may be one that others use too.
  void DropPartsOf(const std::set<std::string>& runs) const {
    for (const auto& run : runs) {
      std::error_code ignored;
      std::filesystem::remove_all(options_.work_dir / run, ignored);
    }
  }

  std::unique_ptr<redshift::Session> LoginWhileSweeping() {
    try {
      std::optional<base::ErrorInfo> bucket_error;
      std::unique_ptr<redshift::Session> session;
      {
        const std::jthread sweeper([&] { bucket_error = SweepDead(); });
        session = parts_.login(Until(stop_));
      }
      if (bucket_error) throw base::Error(*bucket_error);
      return session;
    } catch (const base::Error& error) {
      NoteFailure(error.info());
      EndRun("failed");
      throw;
    }
  }

  // Returns what is wrong with the bucket if no stream could use it: told once, before an UNLOAD is
  // paid for that would fail in it. A temporary error is left to the streams: they retry.
  std::optional<base::ErrorInfo> SweepDead() {
    const auto swept = Sweep();
    SweepElsewhere();
    if (swept.objects_deleted + swept.uploads_aborted > 0) {
      parts_.log.Info("removed what dead runs left in the bucket",
                      {{"objects", fmt::format("{}", swept.objects_deleted)},
                       {"uploads", fmt::format("{}", swept.uploads_aborted)}});
    }
    if (!swept.error) return std::nullopt;
    if (!swept.listed && !swept.error->retryable) return swept.error;
    // What cannot be removed now is swept by a later run.
    parts_.log.Warning("leftovers of earlier runs could not all be removed",
                       {{"reason", swept.error->message}});
    return std::nullopt;
  }

  staging::CleanResult Sweep() {
    return staging::Sweep(
        parts_.store, options_.bucket,
        {.own_root = context_.own_root,
         .current_run = run_,
         .dead_runs = dead_runs_,
         .spared = spared_.All()},
        parts_.clock.Utc(),
        {.deadline = base::Deadline::After(parts_.clock, kSweepPatience), .stop = stop_});
  }

  // Returns the dead runs of which nothing is left beneath another root. Rights may be gone there
  // with the root; that stops no sync.
  std::set<std::string> SweepElsewhere() {
    std::set<std::string> runs = dead_runs_;
    const auto swept = CleanElsewhere(
        parts_.store, options_.bucket, elsewhere_, runs,
        {.deadline = base::Deadline::After(parts_.clock, kSweepPatience), .stop = stop_});
    if (swept.objects_deleted + swept.uploads_aborted > 0) {
      parts_.log.Info("removed what dead runs left beneath an earlier root",
                      {{"objects", fmt::format("{}", swept.objects_deleted)},
                       {"uploads", fmt::format("{}", swept.uploads_aborted)}});
    }
    for (const auto& left : swept.left_behind) {
      parts_.log.Warning("what a dead run left beneath an earlier root could not be removed",
                         {{"object", left}, {"reason", swept.error ? swept.error->message : ""}});
    }
    return runs;
  }

  // What died with UNLOAD running may have written after the first sweep.
  void SweepAgain() {
    if (dead_runs_.empty() || stop_.stop_requested()) return;
    const auto clean = SweepElsewhere();
    if (Sweep().left_behind.empty()) ledger_.MarkSwept(clean, spared_.All());
  }

  void SyncAll(std::unique_ptr<redshift::Session> first_session) {
    const auto workers = std::clamp<std::size_t>(
        streams_.size(), 1, static_cast<std::size_t>(std::max(1, options_.streams_parallel)));
    const bool parallel = parts_.destination.Describe().parallel_loads;
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers && parallel; ++i) {
      threads.emplace_back([this] { Work(nullptr); });
    }
    Work(std::move(first_session));
  }

  // One worker: one session, closed as soon as there is nothing left to read with it.
  void Work(std::unique_ptr<redshift::Session> session) {
    for (;;) {
      const std::size_t at = next_++;
      if (at >= streams_.size()) return;
      const auto& stream = streams_[at];
      if (parts_.drain.stop_requested()) {
        LeaveOut(result_.streams[at]);
        continue;
      }
      const auto dead = dead_.find(stream.name);
      SyncStream(context_, stream,
                 dead == dead_.end() ? std::vector<AttemptFacts>() : std::move(dead->second),
                 session, result_.streams[at], stop_);
      usage_.ReadEnded(stream.name, result_.streams[at].error ? nullptr : session.get());
      parts_.observer.OnStreamEnded(result_.streams[at]);
    }
  }

  void LeaveOut(StreamResult& result) const {
    result.error = {.code = base::ErrorCode::kCancelled,
                    .operation = "sync",
                    .subject = "stream " + result.stream,
                    .message = "it was not begun, because Sluice was asked to end",
                    .remedy = "Run again."};
    parts_.observer.OnStreamEnded(result);
  }

  // What was committed stays committed: a ledger that fails now is worth a warning, not the result.
  void Conclude() {
    DropPartsOf({run_});  // before the ledger says that the run ended: then nobody looks for them
    result_.interrupted = (stop_.stop_requested() || parts_.drain.stop_requested()) && AnyFailed();
    try {
      SweepAgain();
      EndRun(Outcome());
    } catch (const base::Error& error) {
      WarnOfLedger(error);
    }
  }

  void EndRun(std::string_view outcome) {
    result_.cost = usage_.Cost(result_.streams);
    try {
      ledger_.EndRun(run_, outcome, result_.cost);
      ledger_.Prune({.age = options_.history_keep}, RunsOnDisk());
    } catch (const base::Error& error) {
      WarnOfLedger(error);
    }
  }

  // Of the whole run.
  void NoteFailure(const base::ErrorInfo& failure) {
    if (failure.code == base::ErrorCode::kCancelled) return;
    try {
      ledger_.NoteFailure(run_, "", failure);
    } catch (const base::Error& error) {
      WarnOfLedger(error);
    }
  }

  void WarnOfLedger(const base::Error& error) const {
    parts_.log.Warning("the end of this run could not be recorded",
                       {{"reason", error.what()}, {"remedy", error.info().remedy}});
  }

  // Dead runs whose parts could not be removed from local disk: the next run tries again.
  std::set<std::string> RunsOnDisk() {
    std::set<std::string> there = ledger_.UnendedRuns(run_);
    std::erase_if(there, [&](const std::string& run) {
      std::error_code unknown;
      return !std::filesystem::exists(options_.work_dir / run, unknown) && !unknown;
    });
    return there;
  }

  bool AnyFailed() const {
    return std::any_of(result_.streams.begin(), result_.streams.end(),
                       [](const auto& s) { return s.error.has_value(); });
  }
  std::string_view Outcome() const {
    if (result_.interrupted) return "interrupted";
    return AnyFailed() ? "failed" : "done";
  }

  const std::vector<model::Stream>& streams_;
  const RunOptions& options_;
  const RunParts& parts_;
  const std::stop_token stop_;
  Ledger ledger_;
  base::ByteBudget disk_;
  SparedPrefixes spared_;
  LateCleaning late_;
  const std::string run_;
  RunUnloadAuth unload_auth_;
  RunCatalog catalog_;
  RunUsage usage_;
  const RunContext context_;
  std::set<std::string> dead_runs_;
  RunsElsewhere elsewhere_;
  // By stream, newest first. Filled before the workers begin; each takes its own streams'.
  std::map<std::string, std::vector<AttemptFacts>> dead_;
  std::atomic<std::size_t> next_ = 0;
  RunResult result_;  // each worker writes its own elements of `streams`
};

}  // namespace

RunResult Run(const std::vector<model::Stream>& streams, const RunOptions& options,
              const RunParts& parts, std::stop_token stop) {
  return Runner(streams, options, parts, std::move(stop)).Run();
}

void RecordFailedRun(const std::filesystem::path& path, const base::Clock& clock,
                     const base::ErrorInfo& failure) noexcept {
  if (failure.code == base::ErrorCode::kCancelled) return;
  try {
    Ledger ledger(path, clock);
    const std::string run = staging::MakeRunId(clock.Utc(), base::RandomBits());
    ledger.BeginRun(run);
    ledger.NoteFailure(run, "", failure);
    ledger.EndRun(run, "failed");
  } catch (...) {
    return;
  }
}

std::vector<Planned> Plan(const std::vector<model::Stream>& streams, const RunOptions& options,
                          const RunParts& parts, std::stop_token stop) {
  CheckWorkDir(options.work_dir);
  const auto clashes = TargetClashes(streams, options);
  std::vector<Planned> all;
  for (const auto& stream : streams) {
    Planned planned{.stream = stream, .plan = std::nullopt, .error = std::nullopt};
    const auto clash = std::find_if(clashes.begin(), clashes.end(), [&](const auto& one) {
      return one.subject == "stream " + stream.name;
    });
    if (clash != clashes.end()) planned.error = *clash;
    try {
      if (!planned.error) CheckModes(stream, parts.destination.Describe());
    } catch (const base::Error& error) {
      planned.error = error.info();
    }
    all.push_back(std::move(planned));
  }
  // Nothing is woken up for what is known to fail.
  const bool hopeless = std::all_of(
      all.begin(), all.end(), [](const Planned& planned) { return planned.error.has_value(); });
  if (hopeless) return all;
  const auto session = parts.login(Until(stop));
  RunCatalog catalog(streams, options.database, parts.clock);
  for (auto& planned : all) {
    if (planned.error) continue;
    Foreseen foreseen = Foresee(*session, catalog, &parts.destination, planned.stream, options,
                                parts.clock.Utc(), Until(stop));
    planned.plan = std::move(foreseen.plan);
    planned.error = std::move(foreseen.error);
  }
  return all;
}

}  // namespace sluice::sync
