#include "sync/stream_sync.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "sync/attempt.h"
#include "sync/base/progress.h"
#include "sync/base/retry_policy.h"
#include "sync/leftovers.h"
#include "sync/plan.h"
#include "sync/read/adoption.h"

namespace sluice::sync {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// After these the session cannot be trusted with another statement.
bool BreaksSession(base::ErrorCode code) {
  return code == base::ErrorCode::kUnreachable || code == base::ErrorCode::kCancelled ||
         code == base::ErrorCode::kTimeout || code == base::ErrorCode::kInternal;
}

bool AllEnded(const AttemptFacts& attempt) {
  return std::all_of(attempt.unloads.begin(), attempt.unloads.end(),
                     [](const UnloadRecord& record) { return record.notice_rows.has_value(); });
}

class StreamSync {
 public:
  StreamSync(const RunContext& context, const model::Stream& stream, std::vector<AttemptFacts> dead,
             std::unique_ptr<redshift::Session>& session, StreamResult& result,
             const std::stop_token& stop)
      : context_(context),
        stream_(stream),
        session_(session),
        result_(result),
        stop_(stop),
        progress_(context.parts.observer, stream.name),
        budget_(base::RandomBits()),
        dead_(std::move(dead)) {}

  void Run() {
    const auto began = clock().Steady();
    try {
      while (!Try()) {
      }
      progress_.SetPhase(Phase::kDone);
    } catch (...) {
      const base::Error error = base::AsError(std::current_exception());
      result_.error = error.info();
      LeaveDead();
      NoteFailure();
      progress_.SetPhase(Phase::kFailed);
    }
    result_.duration = duration_cast<milliseconds>(clock().Steady() - began);
  }

 private:
  const base::Clock& clock() const { return context_.parts.clock; }
  base::Call call() const { return {.deadline = base::Deadline::Never(), .stop = stop_}; }

  // True: committed. False: to be tried again, now. Throws what is final.
  bool Try() {
    AttemptTrace trace;
    try {
      ++result_.attempts;
      budget_.BeginAttempt();
      TryOnce(trace);
      if (trace.read.session_broken) session_.reset();
      return true;
    } catch (...) {
      const base::Error error = base::AsError(std::current_exception());
      if (trace.read.session_broken || BreaksSession(error.code())) session_.reset();
      const auto next = Next(trace, error);
      CleanUpAfter(trace, error, next.has_value());
      if (!next) throw;
      Pause(*next, error);
      return false;
    }
  }

  void TryOnce(AttemptTrace& trace) {
    if (stop_.stop_requested()) base::ThrowCancelled("sync", "stream " + stream_.name);
    progress_.SetPhase(Phase::kPlan);
    CheckModes(stream_, context_.parts.destination.Describe());
    if (!session_) {
      progress_.SetPhase(Phase::kLogin);
      session_ = context_.parts.login(call());
      progress_.SetPhase(Phase::kPlan);
    }
    const StreamPlan plan = PlanStream(*session_, context_.catalog, context_.parts.destination,
                                       stream_, context_.options, clock().Utc(), call());
    for (const auto& warning : plan.warnings) result_.WarnOnce(warning);
    adoption_.reset();
    result_.adopted_from.reset();
    if (!dead_.empty()) Decide(plan);
    RunAttempt(context_, plan, adoption_ ? &*adoption_ : nullptr, *session_, budget_, progress_,
               result_, trace, stop_);
    dead_.clear();
  }

  // What of the dead attempts is loaded; the others' objects go.
  void Decide(const StreamPlan& plan) {
    Recovery recovery = Recover(context_.ForReading(), plan, dead_, *session_, call());
    adoption_ = std::move(recovery.adoption);
    for (const auto& attempt : recovery.rejected) {
      Discard(context_, attempt, !AllEnded(attempt), result_);
      std::erase_if(dead_, [&](const auto& other) { return other.attempt == attempt.attempt; });
    }
    if (!adoption_) return;
    context_.parts.log.Info("loading what an earlier attempt had unloaded",
                            {{"stream", stream_.name}, {"attempt", adoption_->origin.attempt}});
  }

  std::optional<RetryBudget::Next> Next(const AttemptTrace& trace, const base::Error& error) {
    if (stop_.stop_requested() || trace.load.commit_in_doubt) return std::nullopt;
    // An attempt that was loading has asked the budget already.
    if (trace.load.next) return trace.load.next;
    if (trace.stage == Stage::kLoad || trace.stage == Stage::kCommit) return std::nullopt;
    return budget_.After(trace.stage, error.info(), adoption_.has_value());
  }

  // What the failed attempt left: kept if it may be there in full and will be looked at again.
  void CleanUpAfter(const AttemptTrace& trace, const base::Error& error, bool again) {
    if (trace.load.commit_in_doubt) {
      KeepForNextRun(*trace.read.recorded);
      return;
    }
    const bool of_no_use = error.code() == base::ErrorCode::kConflict ||
                           error.code() == base::ErrorCode::kCorrupt ||
                           error.code() == base::ErrorCode::kUnsupported;
    if (again && of_no_use) DiscardAdopted();
    if (!trace.read.recorded) return;
    if (again && !of_no_use && !trace.read.recorded->unloads.empty()) {
      dead_.insert(dead_.begin(), *trace.read.recorded);
      context_.spared.Add(trace.read.recorded->prefix);
      return;
    }
    GiveUp(*trace.read.recorded, error, trace.read.unload_in_doubt);
  }

  void GiveUp(const AttemptFacts& attempt, const base::Error& error, bool may_still_write) {
    // An UNLOAD whose connection broke goes on without us (assumed; the sandbox does so): the
    // ledger keeps it as planned, so that later runs sweep its prefix again.
    if (!may_still_write) NoteFailed(attempt, error);
    Discard(context_, attempt, may_still_write, result_);
    if (!may_still_write) return;
    result_.left_behind.push_back(context_.Location(attempt.prefix));
    result_.warnings.push_back(
        "the connection broke while UNLOAD ran: Redshift may still write beneath that prefix; "
        "the next sync loads or removes it");
  }

  void NoteFailed(const AttemptFacts& attempt, const base::Error& error) {
    try {
      context_.ledger.SetFailed(attempt.attempt, error.info());
    } catch (const base::Error& second) {
      context_.parts.log.Warning("a failure could not be recorded",
                                 {{"stream", stream_.name}, {"reason", second.what()}});
    }
  }

  // For `status` and `history`, also where it came to no attempt. Ctrl-C is not a failure.
  void NoteFailure() noexcept {
    if (result_.error->code == base::ErrorCode::kCancelled) return;
    try {
      context_.ledger.NoteFailure(context_.run, stream_.name, *result_.error);
    } catch (const std::exception& second) {
      context_.parts.log.Warning("a failure could not be recorded",
                                 {{"stream", stream_.name}, {"reason", second.what()}});
    }
  }

  // They were loaded and refused: the next attempt reads again.
  void DiscardAdopted() {
    if (!adoption_) return;
    for (const auto& member : adoption_->family) {
      Discard(context_, member, !AllEnded(member), result_);
      std::erase_if(dead_, [&](const auto& other) { return other.attempt == member.attempt; });
    }
    adoption_.reset();
  }

  void KeepForNextRun(const AttemptFacts& attempt) {
    if (!attempt.unloads.empty()) result_.kept.push_back(context_.Location(attempt.prefix));
  }

  // The stream failed. This run's own attempts go; those of earlier runs that may still serve stay
  // for the next, as they were paid for.
  void LeaveDead() {
    const auto spared = context_.spared.All();
    for (const auto& attempt : std::exchange(dead_, {})) {
      if (attempt.run != context_.run) {
        if (spared.contains(attempt.prefix)) KeepForNextRun(attempt);
        continue;
      }
      const bool may_still_write = !AllEnded(attempt);
      GiveUp(attempt, base::Error(*result_.error), may_still_write);
    }
  }

  void Pause(const RetryBudget::Next& next, const base::Error& error) {
    context_.parts.log.Warning(
        next.again == Again::kLogin ? "trying again with a new login" : "trying again",
        {{"stream", stream_.name}, {"reason", error.what()}});
    if (next.again == Again::kLogin) session_.reset();
    progress_.Restart();
    if (!clock().Sleep(next.pause, stop_)) base::ThrowCancelled("sync", "stream " + stream_.name);
  }

  const RunContext& context_;
  const model::Stream& stream_;
  std::unique_ptr<redshift::Session>& session_;
  StreamResult& result_;
  const std::stop_token stop_;
  StreamProgress progress_;
  RetryBudget budget_;
  // Attempts that may be adopted, newest first: of earlier runs, and this run's own that broke off.
  std::vector<AttemptFacts> dead_;
  std::optional<Adoption> adoption_;  // of the attempt under way
};

}  // namespace

void SyncStream(const RunContext& context, const model::Stream& stream,
                std::vector<AttemptFacts> dead, std::unique_ptr<redshift::Session>& session,
                StreamResult& result, const std::stop_token& stop) {
  StreamSync(context, stream, std::move(dead), session, result, stop).Run();
}

}  // namespace sluice::sync
