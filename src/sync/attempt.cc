#include "sync/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "staging/prefix.h"
#include "sync/leftovers.h"

namespace sluice::sync {
namespace {

class Attempt {
 public:
  Attempt(const RunContext& context, const StreamPlan& plan, const Adoption* adoption,
          redshift::Session& session, RetryBudget& budget, StreamProgress& progress,
          StreamResult& result, AttemptTrace& trace, const std::stop_token& stop)
      : context_(context),
        plan_(plan),
        adoption_(adoption),
        session_(session),
        budget_(budget),
        progress_(progress),
        result_(result),
        trace_(trace),
        stop_(stop),
        id_(fmt::format("{}-{:016x}", result.attempts, base::RandomBits())),
        prefix_(staging::AttemptPrefix(context.run_prefix, plan.stream.name, id_)),
        snapshot_(adoption != nullptr ? adoption->origin.began : context.parts.clock.Utc()),
        transfers_(context.parts.store, context.disk, context.options.work_dir / context.run / id_,
                   context.options.range_bytes,
                   [this](std::uint64_t bytes) { progress_.AddBytes(bytes); }) {}

  void Run() {
    trace_.stage = Stage::kRead;
    Staged staged = Read();
    Reached(Effect::kUnloaded);
    if (!trace_.read.session_broken) context_.usage.ReadEnded(plan_.stream.name, &session_);
    trace_.stage = Stage::kLoad;
    Load(staged);
    Reached(Effect::kCommitted);
    progress_.SetPhase(Phase::kClean);
    CleanAfterCommit();
  }

 private:
  void Reached(Effect effect) const { context_.Reached(effect, plan_.stream.name); }

  Staged Read() {
    const base::Call call{.deadline = base::Deadline::Never(), .stop = stop_};
    auto& destination = context_.parts.destination;
    const bool takes_staged =
        destination.Describe().takes_staged && destination.TakesStaged(plan_.target, call);
    return ReadStream(context_.ForReading(),
                      {.plan = plan_,
                       .adoption = adoption_,
                       .attempt = id_,
                       .prefix = prefix_,
                       .snapshot = snapshot_,
                       .takes_staged = takes_staged},
                      session_, transfers_, progress_, result_, trace_.read, stop_);
  }

  void Load(Staged& staged) {
    LoadStaged({.clock = context_.parts.clock,
                .log = context_.parts.log,
                .destination = context_.parts.destination,
                .transfers = transfers_,
                .adopted = adoption_ != nullptr,
                .reached = [this](Effect effect) { Reached(effect); }},
               staged, budget_, progress_, result_, trace_.load, stop_);
  }

  // The rows are there whatever happens now: from here on nothing is the stream's failure. The
  // ledger still holds the prefixes, so what is not noted as clean is swept by the next run.
  void CleanAfterCommit() {
    try {
      context_.ledger.SetCommitted(id_, {.proof = result_.proof,
                                         .counts = result_.counts,
                                         .watermark = result_.watermark,
                                         .keys_compared = result_.keys_compared});
      Reached(Effect::kRecorded);
      if (adoption_ == nullptr && CleanLater()) return;
      const bool sent = !trace_.read.recorded->unloads.empty();
      const bool clean = !sent || CleanNow(context_, prefix_, result_);
      bool all_clean = clean;
      std::vector<std::string> emptied;
      if (adoption_ != nullptr) {
        for (const auto& member : adoption_->family) {
          const bool gone = CleanNow(context_, member.prefix, result_);
          all_clean = all_clean && gone;
          context_.spared.Remove(member.prefix);
          const bool ended = std::all_of(member.unloads.begin(), member.unloads.end(),
                                         [](const auto& record) { return record.notice_rows; });
          if (gone && (ended || adoption_->missing.empty())) emptied.push_back(member.attempt);
        }
      }
      if (all_clean) Reached(Effect::kCleaned);
      if (clean) context_.ledger.SetCleaned(id_);
      for (const auto& attempt : emptied) context_.ledger.SetCleaned(attempt);
    } catch (const base::Error& error) {
      result_.warnings.push_back(
          fmt::format("after the commit, {} {}", error.what(), error.info().remedy));
    }
  }

  bool CleanLater() {
    return !trace_.read.recorded->unloads.empty() &&
           context_.late.Add({plan_.stream.name, id_, prefix_}, result_.bytes);
  }

  const RunContext& context_;
  const StreamPlan& plan_;
  const Adoption* const adoption_;  // nullptr: all is read again
  redshift::Session& session_;
  RetryBudget& budget_;
  StreamProgress& progress_;
  StreamResult& result_;
  AttemptTrace& trace_;
  const std::stop_token& stop_;
  const std::string id_;
  const std::string prefix_;
  const base::UtcTime snapshot_;
  Transfers transfers_;
};

}  // namespace

void RunAttempt(const RunContext& context, const StreamPlan& plan, const Adoption* adoption,
                redshift::Session& session, RetryBudget& budget, StreamProgress& progress,
                StreamResult& result, AttemptTrace& trace, const std::stop_token& stop) {
  Attempt(context, plan, adoption, session, budget, progress, result, trace, stop).Run();
}

}  // namespace sluice::sync
