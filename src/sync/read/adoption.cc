#include "sync/read/adoption.h"

#include <algorithm>
#include <utility>

#include "redshift/running_unloads.h"

namespace sluice::sync {
namespace {

using std::chrono::seconds;

constexpr seconds kPatienceMin{5};
constexpr seconds kPatienceMax{300};
// Where the server will not tell whether anything runs.
constexpr seconds kPatienceBlind{10};
constexpr seconds kPoll{1};

bool IsFullRefresh(const model::Stream& stream) {
  return stream.sync_mode == model::SyncMode::kFullRefresh;
}

const UnloadRecord* RecordOf(const AttemptFacts& attempt, const UnloadStep& step) {
  const auto found = std::find_if(
      attempt.unloads.begin(), attempt.unloads.end(),
      [&](const UnloadRecord& record) { return record.fingerprint == step.fingerprint; });
  return found == attempt.unloads.end() ? nullptr : &*found;
}

// But for those with a newer stamp. By another column a row that changes without one moves from a
// piece that is yet to be read to one that was, and would be missing for good.
bool RowsKeepTheirPiece(const model::Stream& stream) {
  if (!stream.split || !stream.split->column) return true;
  const std::string& column = *stream.split->column;
  const auto& key = stream.primary_key;
  return column == stream.cursor || std::find(key.begin(), key.end(), column) != key.end();
}

bool MayStillRun(const AttemptFacts& attempt) {
  return attempt.state == AttemptState::kPlanned &&
         std::any_of(attempt.unloads.begin(), attempt.unloads.end(),
                     [](const UnloadRecord& record) { return !record.notice_rows; });
}

// One family under examination.
class Candidate {
 public:
  Candidate(const ReadContext& context, const AttemptFacts& origin, std::vector<UnloadStep> steps,
            std::span<const AttemptFacts> dead)
      : context_(context), steps_(std::move(steps)) {
    adoption_.origin = origin;
    members_.push_back(&origin);
    for (const auto& attempt : dead) {
      if (attempt.adopted == origin.attempt) members_.push_back(&attempt);
    }
  }

  const std::vector<const AttemptFacts*>& members() const { return members_; }

  // Looks for those steps that were not there before.
  void Look(const base::Call& call) {
    std::erase_if(steps_, [&](const UnloadStep& step) {
      for (const AttemptFacts* member : members_) {
        const UnloadRecord* record = RecordOf(*member, step);
        if (record == nullptr) continue;
        auto ended = FindEnded(context_.store, context_.options.bucket,
                               member->prefix + record->what + "/", *record, step, call);
        if (!ended) continue;
        adoption_.ended.push_back(std::move(*ended));
        Use(*member);
        return true;
      }
      return false;
    });
  }

  bool whole() const { return steps_.empty(); }

  // nullopt: too little ended to be of use.
  std::optional<Adoption> Take(const StreamPlan& plan) {
    const bool rows_missing = std::any_of(steps_.begin(), steps_.end(),
                                          [](const UnloadStep& step) { return !step.keys; });
    const bool one_snapshot = !rows_missing && adoption_.family.size() == 1;
    if (adoption_.ended.empty() || (!one_snapshot && !MayMixSnapshots(plan))) return std::nullopt;
    // The keys must not be older than the rows: a row that came after them would be deleted.
    if (rows_missing) DropKeys();
    adoption_.missing = std::move(steps_);
    const bool keys_there = std::any_of(adoption_.ended.begin(), adoption_.ended.end(),
                                        [](const Unloaded& ended) { return ended.step.keys; }) ||
                            std::any_of(adoption_.missing.begin(), adoption_.missing.end(),
                                        [](const UnloadStep& step) { return step.keys; });
    if (plan.key_select && !keys_there) adoption_.missing.push_back(KeyStep(plan));
    if (std::all_of(adoption_.ended.begin(), adoption_.ended.end(),
                    [](const Unloaded& ended) { return ended.step.keys; })) {
      return std::nullopt;
    }
    return std::move(adoption_);
  }

 private:
  void Use(const AttemptFacts& member) {
    const bool known =
        std::any_of(adoption_.family.begin(), adoption_.family.end(),
                    [&](const AttemptFacts& used) { return used.attempt == member.attempt; });
    if (!known) adoption_.family.push_back(member);
  }
  void DropKeys() {
    std::erase_if(adoption_.ended, [](const Unloaded& ended) { return ended.step.keys; });
    std::erase_if(steps_, [](const UnloadStep& step) { return step.keys; });
  }

  const ReadContext& context_;
  std::vector<UnloadStep> steps_;  // not found yet
  std::vector<const AttemptFacts*> members_;
  Adoption adoption_;
};

// What the server still runs of this connection's; asked at most once.
class Zombies {
 public:
  Zombies(const ReadContext& context, redshift::Session& session, const base::Call& call)
      : context_(context), session_(session), call_(call) {}

  enum class Answer { kRuns, kEnded, kUnknown };
  Answer Ask(const AttemptFacts& attempt) {
    if (!asked_) {
      asked_ = true;
      running_ =
          redshift::ListRunningUnloads(session_, context_.Location(context_.own_root), call_);
    }
    if (!running_) return Answer::kUnknown;
    return std::any_of(running_->begin(), running_->end(),
                       [&](const auto& unload) { return IsOf(unload, attempt); })
               ? Answer::kRuns
               : Answer::kEnded;
  }
  // If it cannot be cancelled, the ledger keeps its prefix for later sweeps.
  void Cancel(const AttemptFacts& attempt) {
    if (!running_) return;
    for (const auto& unload : *running_) {
      if (!IsOf(unload, attempt)) continue;
      const bool done = redshift::CancelUnload(session_, unload, call_);
      context_.log.Info("ended an UNLOAD that went on without its client",
                        {{"stream", attempt.stream}, {"accepted", done ? "yes" : "no"}});
    }
  }

 private:
  bool IsOf(const redshift::RunningUnload& unload, const AttemptFacts& attempt) const {
    return unload.location.starts_with(context_.Location(attempt.prefix));
  }
  const ReadContext& context_;
  redshift::Session& session_;
  const base::Call& call_;
  bool asked_ = false;
  std::optional<std::vector<redshift::RunningUnload>> running_;
};

// As long as reading it again would take, which is what it has taken until now.
seconds PatienceFor(Zombies::Answer answer, const AttemptFacts& attempt, base::UtcTime now) {
  const auto age = std::chrono::duration_cast<seconds>(now - attempt.began);
  if (answer == Zombies::Answer::kRuns) return std::clamp(age, kPatienceMin, kPatienceMax);
  if (answer == Zombies::Answer::kUnknown && age < kPatienceMax) return kPatienceBlind;
  return seconds(0);
}

void Await(const ReadContext& context, Candidate& candidate, Zombies& zombies,
           const base::Call& call) {
  const base::Clock& clock = context.clock;
  seconds patience{0};
  for (const AttemptFacts* member : candidate.members()) {
    if (!MayStillRun(*member)) continue;
    patience = std::max(patience, PatienceFor(zombies.Ask(*member), *member, clock.Utc()));
  }
  // Once more in any case: it may have ended between the first look and the question.
  const auto deadline = base::Deadline::After(clock, patience);
  for (;;) {
    candidate.Look(call);
    if (candidate.whole() || deadline.Expired(clock)) return;
    if (!clock.Sleep(kPoll, call.stop)) base::ThrowCancelled("wait for UNLOAD", "");
  }
}

}  // namespace

bool MayBeAdopted(const AttemptFacts& dead, const RunOptions& options, base::UtcTime now) {
  return dead.state == AttemptState::kPlanned && dead.basis && !options.full &&
         now - dead.began < kIncrementalAgeMax &&
         (!dead.unloads.empty() || dead.adopted.has_value());
}

std::optional<std::vector<UnloadStep>> StepsToAdopt(const AttemptFacts& origin,
                                                    const StreamPlan& plan,
                                                    const RunOptions& options,
                                                    const std::string& run, base::UtcTime now) {
  const bool own = origin.run == run;
  if (origin.state != AttemptState::kPlanned || origin.adopted) return std::nullopt;
  if (origin.basis != BasisOf(plan) || (options.full && !own)) return std::nullopt;
  const auto age_max = IsFullRefresh(plan.stream) ? kFullRefreshAgeMax : kIncrementalAgeMax;
  if (!own && now - origin.began >= age_max) return std::nullopt;

  std::vector<std::string> pieces;
  for (const auto& record : origin.unloads) {
    if (record.what != kKeys) pieces.push_back(record.condition);
  }
  if (pieces.empty()) return std::nullopt;
  auto steps = RowSteps(plan, origin.high, pieces);
  const bool same = steps.size() == pieces.size() &&
                    std::all_of(steps.begin(), steps.end(), [&](const UnloadStep& step) {
                      return RecordOf(origin, step) != nullptr;
                    });
  if (!same) return std::nullopt;
  if (plan.key_select) {
    auto keys = KeyStep(plan);
    if (RecordOf(origin, keys) != nullptr) steps.push_back(std::move(keys));
  }
  return steps;
}

bool MayMixSnapshots(const StreamPlan& plan) {
  if (!plan.range) return false;
  if (!RowsKeepTheirPiece(plan.stream)) return false;
  // What is read later may lack a row that changed meanwhile: it has a newer stamp and comes with
  // the next sync. Where absence means "deleted" it would be deleted until then.
  const bool absence_deletes = plan.target.complete && plan.committed.has_value();
  // A row without a stamp may have moved from one piece to another, and an append keeps both.
  const bool may_double = plan.range->nulls && plan.stream.write_mode == model::WriteMode::kAppend;
  return !absence_deletes && !may_double;
}

Recovery Recover(const ReadContext& context, const StreamPlan& plan,
                 std::span<const AttemptFacts> dead, redshift::Session& session,
                 const base::Call& call) {
  Recovery recovery;
  Zombies zombies(context, session, call);
  for (const auto& origin : dead) {
    auto steps = StepsToAdopt(origin, plan, context.options, context.run, context.clock.Utc());
    if (!steps || recovery.adoption) continue;
    Candidate candidate(context, origin, std::move(*steps), dead);
    candidate.Look(call);
    if (!candidate.whole()) Await(context, candidate, zombies, call);
    recovery.adoption = candidate.Take(plan);
  }
  for (const auto& attempt : dead) {
    const bool used =
        recovery.adoption &&
        std::any_of(recovery.adoption->family.begin(), recovery.adoption->family.end(),
                    [&](const AttemptFacts& member) { return member.attempt == attempt.attempt; });
    if (MayStillRun(attempt) && (!used || !recovery.adoption->missing.empty()) &&
        zombies.Ask(attempt) == Zombies::Answer::kRuns) {
      zombies.Cancel(attempt);
    }
    if (!used) recovery.rejected.push_back(attempt);
  }
  return recovery;
}

}  // namespace sluice::sync
