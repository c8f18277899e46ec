#include "sync/attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/random.h"
#include "redshift/cursor.h"
#include "redshift/split.h"
#include "redshift/unload_statement.h"
#include "staging/prefix.h"
#include "sync/leftovers.h"
#include "sync/settle.h"
#include "sync/staged.h"

namespace sluice::sync {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Parts told to a destination at a time, where it takes them from the bucket by itself.
constexpr std::size_t kStagedBatch = 64;
// And where they were fetched: what is known of each, and each one's name in a statement, is in
// memory at a time.
constexpr std::size_t kLoadedBatch = 256;

void AddTo(model::Proof& sum, const model::Proof& proof) {
  if (sum.notice_rows && proof.notice_rows) {
    *sum.notice_rows += *proof.notice_rows;
  } else {
    sum.notice_rows.reset();
  }
  sum.manifest_rows += proof.manifest_rows;
  sum.footer_rows += proof.footer_rows;
  sum.loaded_rows += proof.loaded_rows;
  sum.parts += proof.parts;
  sum.manifest_bytes += proof.manifest_bytes;
  sum.fetched_bytes += proof.fetched_bytes;
}

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
        id_(fmt::format("{}-{:016x}", result.attempts, base::RandomBits())),
        prefix_(staging::AttemptPrefix(context.run_prefix, plan.stream.name, id_)),
        snapshot_(adoption != nullptr ? adoption->origin.began : context.parts.clock.Utc()),
        folder_(context.options.work_dir / context.run / id_),
        call_{.deadline = base::Deadline::Never(), .stop = stop} {}

  void Run() {
    trace_.stage = Stage::kRead;
    takes_staged_ = context_.parts.destination.Describe().takes_staged &&
                    context_.parts.destination.TakesStaged(plan_.target, call_);
    Read();
    Reached(Effect::kUnloaded);
    LoadUntilCommitted();
    TellDamage();
    Reached(Effect::kCommitted);
    progress_.SetPhase(Phase::kClean);
    CleanAfterCommit();
  }

 private:
  // One UNLOAD on its way to the destination.
  struct Source {
    Unloaded unloaded;
    std::unique_ptr<Transfer> transfer;  // begun while UNLOAD ran; else made when it is loaded
    model::Proof proof;
  };

  aws::ObjectStore& store() const { return context_.parts.store; }
  const base::Clock& clock() const { return context_.parts.clock; }
  void Reached(Effect effect) const { context_.Reached(effect, plan_.stream.name); }

  // -- read ------------------------------------------------------------------------------------

  void Read() {
    progress_.SetPhase(Phase::kUnload);
    const auto began = clock().Steady();
    if (adoption_ != nullptr) {
      ReadWhatIsMissing();
    } else if (!plan_.range && !plan_.key_select && !plan_.stream.split) {
      UnloadAll(RowSteps(plan_, std::nullopt, {""}));
    } else {
      ReadOneSnapshot();
    }
    result_.unload_duration = duration_cast<milliseconds>(clock().Steady() - began);
    result_.bytes = 0;
    std::uint64_t rows = 0;
    for (const auto& source : sources_) {
      if (!source.unloaded.manifest) continue;
      result_.bytes += source.unloaded.manifest->bytes;
      if (!source.unloaded.step.keys) rows += source.unloaded.manifest->rows;
    }
    progress_.SetTotals(rows, result_.bytes);
  }

  // Rows and keys in one transaction, whose first statement is the greatest cursor value: one
  // snapshot for all (REF 7).
  void ReadOneSnapshot() {
    InTransaction([&] {
      if (plan_.range) high_ = AskHigh();
      std::vector<UnloadStep> steps;
      if (RangeOf(plan_, high_)) steps = RowSteps(plan_, high_, Pieces());
      if (plan_.key_select) steps.push_back(KeyStep(plan_));
      UnloadAll(steps);
    });
  }

  void ReadWhatIsMissing() {
    high_ = adoption_->origin.high;
    if (plan_.range) watermark_ = high_ ? high_ : plan_.range->low;
    for (const auto& ended : adoption_->ended) sources_.push_back({.unloaded = ended});
    result_.adopted_from = adoption_->origin.began;
    if (adoption_->missing.size() > 1) {
      InTransaction([&] { UnloadAll(adoption_->missing); });
    } else {
      UnloadAll(adoption_->missing);
    }
  }

  template <typename Body>
  void InTransaction(Body body) {
    session_.Begin(call_);
    try {
      body();
    } catch (...) {
      session_.Rollback();
      throw;
    }
    try {
      session_.Commit(call_);
    } catch (const base::Error& error) {
      // Nothing was changed, and every UNLOAD has told its end: a connection that breaks now takes
      // nothing with it. A refusal does: the snapshot was none.
      if (!error.info().in_doubt || error.code() != base::ErrorCode::kUnreachable) {
        session_.Rollback();  // or the next try would find the transaction open
        throw;
      }
      trace_.session_broken = true;
    }
  }

  std::optional<std::string> AskHigh() {
    const model::Stream& stream = plan_.stream;
    const auto answer =
        session_.Query(redshift::BuildMaxCursor(stream, plan_.target.columns, *plan_.range), call_);
    const auto max = redshift::ReadMaxCursor(answer.rows.at(0));
    watermark_ = max.high ? max.high : plan_.range->low;
    if (max.low_beyond) {
      // What lies between the true end of the last read and now is not known: nothing may be
      // skipped by going on from a lesser value.
      watermark_ = plan_.range->low;
      result_.WarnOnce(redshift::FutureWatermarkWarning(stream));
      return std::nullopt;
    }
    if (max.went_back) RefuseCursorThatWentBack();
    if (max.beyond > 0 && max.far_beyond) WarnOfFuture(max.beyond);
    if (!max.high && plan_.range->low && max.beyond == 0) {
      result_.WarnOnce(fmt::format(
          "no row has a value of {} any more; if the table was emptied on purpose, run: sluice "
          "sync {} --full",
          *stream.cursor, stream.name));
    }
    return max.high;
  }

  void WarnOfFuture(std::uint64_t rows) {
    const auto ahead = plan_.range->ahead_max->count();
    result_.WarnOnce(fmt::format(
        "{} of {} after the server's clock{}, and {} when that time comes. Correct {} at the "
        "source; "
        "or, if such values are meant, give the stream future_cursor: 14h, or follow",
        rows == 1 ? "1 row has a value" : fmt::format("{} rows have values", rows),
        *plan_.stream.cursor, ahead == 0 ? "" : fmt::format(" and {} s", ahead),
        plan_.range->whole ? (rows == 1 ? "is read again" : "are read again")
                           : (rows == 1 ? "is read" : "are read"),
        rows == 1 ? "it" : "them"));
  }

  [[noreturn]] void RefuseCursorThatWentBack() const {
    throw base::Error(
        {.code = base::ErrorCode::kConflict,
         .operation = "read the cursor",
         .subject = fmt::format("stream {}, cursor {}", plan_.stream.name, *plan_.stream.cursor),
         .message = "its greatest value lies below what was read before, further than the overlap: "
                    "the table was reloaded, or its newest rows were deleted",
         .remedy = fmt::format("Read it anew once: sluice sync {} --full", plan_.stream.name)});
  }

  // The conditions of the pieces; one that is empty if the stream is not split.
  std::vector<std::string> Pieces() {
    const auto& split = plan_.stream.split;
    if (!split) return {""};
    if (!split->column) return redshift::HashPieces(plan_.stream.primary_key, split->pieces);
    const auto& columns = plan_.target.columns;
    const auto bounds =
        session_
            .Query(redshift::BuildBounds(plan_.stream, columns, RangeOf(plan_, high_).value_or("")),
                   call_)
            .rows.at(0);
    return redshift::RangePieces(redshift::SplitColumn(plan_.stream, columns), bounds.at(0),
                                 bounds.at(1), split->pieces);
  }

  void UnloadAll(const std::vector<UnloadStep>& steps) {
    Record(steps);
    for (const auto& step : steps) UnloadOne(step);
  }

  // Order of effects 1.
  void Record(const std::vector<UnloadStep>& steps) {
    AttemptFacts facts{.run = context_.run,
                       .stream = plan_.stream.name,
                       .attempt = id_,
                       .prefix = prefix_,
                       .basis = BasisOf(plan_),
                       .high = high_};
    if (adoption_ != nullptr) facts.adopted = adoption_->origin.attempt;
    for (const auto& step : steps) {
      facts.unloads.push_back({.what = step.what,
                               .condition = step.condition,
                               .fingerprint = step.fingerprint,
                               .notice_rows = std::nullopt});
    }
    facts.began = clock().Utc();
    context_.ledger.AddAttempt(facts);
    trace_.recorded = std::move(facts);
    Reached(Effect::kPrefixRecorded);
    if (adoption_ != nullptr) Reached(Effect::kAdopted);
  }

  // Sends UNLOAD and prefetches while it runs.
  void UnloadOne(const UnloadStep& step) {
    Source source{.unloaded = {.step = step, .prefix = prefix_ + step.what + "/"}};
    const RunOptions& options = context_.options;
    const base::Secret statement =
        redshift::BuildUnload(step.select,
                              {.staging_prefix = context_.Location(source.unloaded.prefix),
                               .bucket_region = options.bucket_region,
                               .part_mb_max = options.part_mb_max,
                               .kms_key = options.kms_key},
                              context_.unload_auth.Get(options.unload_timeout, call_));
    if (!Stays(source)) source.transfer = MakeTransfer(source);
    {
      std::jthread prefetcher;
      if (source.transfer) {
        prefetcher = std::jthread([&](const std::stop_token& stop) {
          source.transfer->PrefetchUntil(stop, clock(), [&](const base::Error& error) {
            context_.parts.log.Debug("prefetch paused",
                                     {{"stream", plan_.stream.name}, {"reason", error.what()}});
          });
        });
      }
      Send(statement, source);
    }
    FindManifest(source);
    sources_.push_back(std::move(source));
  }

  void Send(const base::Secret& statement, Source& source) {
    try {
      source.unloaded.notice_rows =
          session_
              .Unload(statement,
                      {.deadline = base::Deadline::After(clock(), context_.options.unload_timeout),
                       .stop = call_.stop})
              .notice_rows;
    } catch (const base::Error& error) {
      trace_.unload_in_doubt = error.info().in_doubt;
      if (error.code() == base::ErrorCode::kAuthentication) context_.unload_auth.Forget();
      throw;
    }
    NoteEnd(source);
    Reached(Effect::kPieceUnloaded);
  }

  void NoteEnd(const Source& source) {
    if (!source.unloaded.notice_rows) return;
    context_.ledger.SetUnloaded(id_, source.unloaded.step.what, source.unloaded.notice_rows);
    for (auto& record : trace_.recorded->unloads) {
      if (record.what == source.unloaded.step.what) {
        record.notice_rows = source.unloaded.notice_rows;
      }
    }
  }

  void FindManifest(Source& source) {
    Unloaded& unloaded = source.unloaded;
    unloaded.manifest = ReadManifest(store(), context_.options.bucket, unloaded.prefix, call_);
    const auto* manifest = unloaded.manifest ? &*unloaded.manifest : nullptr;
    if (staging::JudgeUnload(unloaded.notice_rows, manifest) == staging::UnloadVerdict::kAskCount) {
      unloaded.notice_rows = AskCount();
      staging::JudgeUnload(unloaded.notice_rows, nullptr);
      NoteEnd(source);
    }
    if (source.transfer && manifest != nullptr) source.transfer->Expect(*manifest, call_);
  }

  std::uint64_t AskCount() {
    const auto answer = session_.Query("SELECT pg_last_unload_count()", call_);
    if (answer.rows.size() != 1 || answer.rows[0].empty() || !answer.rows[0][0]) return 0;
    return std::stoull(*answer.rows[0][0]);
  }

  // The destination takes its parts from where they lie.
  bool Stays(const Source& source) const { return takes_staged_ && !source.unloaded.step.keys; }

  std::unique_ptr<Transfer> MakeTransfer(const Source& source) {
    return std::make_unique<Transfer>(store(), context_.disk,
                                      folder_.path() / fmt::format("{:04}", transfers_++),
                                      context_.options.range_bytes, source.unloaded.prefix,
                                      [this](std::uint64_t bytes) { progress_.AddBytes(bytes); });
  }

  // -- load ------------------------------------------------------------------------------------

  // The parts are staged and paid for: a load that fails in passing begins anew from them.
  void LoadUntilCommitted() {
    for (;;) {
      trace_.stage = Stage::kLoad;
      try {
        Load();
        return;
      } catch (const base::Error& error) {
        if (call_.stop.stop_requested()) throw;
        trace_.next = budget_.After(trace_.stage, error.info(), adoption_ != nullptr);
        if (!trace_.next || trace_.next->again != Again::kStaged) throw;
        context_.parts.log.Warning("the load failed and begins anew from the staged parts",
                                   {{"stream", plan_.stream.name}, {"reason", error.what()}});
      }
      if (!clock().Sleep(trace_.next->pause, call_.stop)) {
        base::ThrowCancelled("load", "stream " + plan_.stream.name);
      }
      trace_.next.reset();
      for (auto& source : sources_) source.transfer.reset();
      progress_.Restart();
    }
  }

  void Load() {
    progress_.SetPhase(Phase::kLoad);
    result_.proof = {.notice_rows = 0};
    result_.keys_compared.reset();
    result_.verified.clear();
    refetched_ = 0;
    auto load = context_.parts.destination.Begin(plan_.target, call_);
    RequireSameBasis();
    for (auto& source : sources_) {
      if (source.unloaded.step.keys) continue;
      LoadSource(source, *load);
      AddTo(result_.proof, source.proof);
    }
    for (auto& source : sources_) {
      if (source.unloaded.step.keys) LoadKeys(source, *load);
    }
    Reached(Effect::kLoaded);
    progress_.SetPhase(Phase::kCommit);
    trace_.stage = Stage::kCommit;
    Commit(std::move(load));
  }

  // What was read goes on from the commit that the plan knew. Another machine may have committed
  // since, and an append would then bring rows twice. Asked once the load has begun: from here on
  // the destination itself keeps others out, or refuses our commit.
  void RequireSameBasis() const {
    const auto there = context_.parts.destination.ReadCommitted(plan_.stream.name, call_);
    const std::string now = there ? there->watermark.run + "/" + there->watermark.attempt : "";
    if (now == BasisOf(plan_)) return;
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = "load",
                       .subject = "stream " + plan_.stream.name,
                       .message = "another sync (run " + (there ? there->watermark.run : "none") +
                                  ") committed it meanwhile",
                       .remedy = "Let one machine sync this destination at a time, then run again.",
                       .retryable = true,
                       .reason = std::string(kOvertaken)});
  }

  void LoadSource(Source& source, destinations::Load& load) {
    BeginProof(source);
    if (Stays(source)) {
      AddStaged(source, load);
    } else {
      AddFetched(source, [&](const auto& batch) { return load.Add(batch, call_); });
    }
    Prove(source);
  }

  void LoadKeys(Source& source, destinations::Load& load) {
    BeginProof(source);
    // An empty source has no key: said so, or nothing would be compared.
    if (!source.unloaded.manifest) load.AddKeys({}, call_);
    AddFetched(source, [&](const auto& batch) { return load.AddKeys(batch, call_); });
    Prove(source);
    result_.keys_compared = source.proof.loaded_rows;
  }

  static void BeginProof(Source& source) {
    source.proof = {.notice_rows = source.unloaded.notice_rows};
    if (!source.unloaded.manifest) return;
    source.proof.manifest_rows = source.unloaded.manifest->rows;
    source.proof.manifest_bytes = source.unloaded.manifest->bytes;
    source.proof.parts = source.unloaded.manifest->parts.size();
  }

  void Count(Source& source, const destinations::LoadedRows& loaded) {
    source.proof.footer_rows += loaded.footer_rows;
    source.proof.loaded_rows += loaded.loaded_rows;
    if (!source.unloaded.step.keys) progress_.AddRows(loaded.loaded_rows);
  }

  void AddStaged(Source& source, destinations::Load& load) {
    if (!source.unloaded.manifest) return;
    std::span<const model::Part> rest = source.unloaded.manifest->parts;
    while (!rest.empty()) {
      const auto batch = rest.first(std::min(rest.size(), kStagedBatch));
      rest = rest.subspan(batch.size());
      const auto loaded = load.AddStaged(batch, call_);
      Count(source, loaded);
      source.proof.fetched_bytes += loaded.bytes;
      result_.verified["copied"] += batch.size();
      progress_.AddBytes(loaded.bytes);
    }
  }

  // What was mended by itself, and what could not be looked at.
  void TellDamage() {
    if (refetched_ > 0) {
      result_.warnings.push_back(fmt::format(
          "{} parts arrived with changed bytes and were fetched again: a proxy that opens TLS, or "
          "this machine's memory, is the likely cause",
          refetched_));
    }
    const auto unknown = result_.verified.find("none");
    if (unknown == result_.verified.end()) return;
    result_.warnings.push_back(
        fmt::format("S3 told no checksum of {} parts: had a byte of them changed on the way, it "
                    "would not have been noticed",
                    unknown->second));
  }

  template <typename Add>
  void AddFetched(Source& source, Add add) {
    if (!source.unloaded.manifest) return;
    if (!source.transfer) {
      source.transfer = MakeTransfer(source);
      source.transfer->Expect(*source.unloaded.manifest, call_);
    }
    for (;;) {
      const auto fetched = source.transfer->Next(call_, clock());
      if (fetched.empty()) {
        for (const auto& [by, parts] : source.transfer->verified()) result_.verified[by] += parts;
        refetched_ += source.transfer->refetched();
        return;
      }
      // Of a hundred thousand small parts all may be there at once.
      std::span<const model::LocalPart> rest = fetched;
      while (!rest.empty()) {
        const auto batch = rest.first(std::min(rest.size(), kLoadedBatch));
        rest = rest.subspan(batch.size());
        Count(source, add(batch));
        source.transfer->Release(batch);
      }
      source.proof.fetched_bytes = source.transfer->bytes_complete();
    }
  }

  void Prove(const Source& source) const {
    const model::Proof& proof = source.proof;
    if (proof.Agrees()) return;
    throw base::Error(
        {.code = base::ErrorCode::kCorrupt,
         .operation = fmt::format("prove the counts of {}", source.unloaded.step.what),
         .subject = "stream " + plan_.stream.name,
         .message = fmt::format(
             "UNLOAD announced {} rows, the manifest lists {}, the parts hold {}, {} were loaded; "
             "{} bytes listed, {} fetched",
             proof.notice_rows ? fmt::format("{}", *proof.notice_rows) : "no", proof.manifest_rows,
             proof.footer_rows, proof.loaded_rows, proof.manifest_bytes, proof.fetched_bytes),
         .remedy = "Nothing was committed. Run the sync again; if it comes back, please report it "
                   "with these numbers."});
  }

  // -- commit and clean ------------------------------------------------------------------------

  void Commit(std::unique_ptr<destinations::Load> load) {
    const model::Watermark watermark = NextWatermark();
    try {
      result_.counts = load->Commit(watermark, result_.proof, call_);
    } catch (const base::Error& error) {
      if (!error.info().in_doubt) throw;
      load.reset();  // what it holds at the destination could hold up the question
      result_.counts =
          SettleCommit(context_.parts, watermark, error, call_.stop, trace_.commit_in_doubt);
    }
    result_.watermark = watermark.value;
  }

  model::Watermark NextWatermark() const {
    model::Watermark watermark{
        .stream = plan_.stream.name, .value = watermark_, .run = context_.run, .attempt = id_};
    if (plan_.range) watermark.cursor = plan_.stream.cursor;
    const bool all_keys_seen = plan_.key_select || (plan_.target.complete && plan_.stream.key_scan);
    if (all_keys_seen) {
      watermark.keys_compared = snapshot_;
    } else if (plan_.committed) {
      watermark.keys_compared = plan_.committed->keys_compared;
    }
    return watermark;
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
      const bool sent = !trace_.recorded->unloads.empty();
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
    return !trace_.recorded->unloads.empty() &&
           context_.late.Add({plan_.stream.name, id_, prefix_}, result_.bytes);
  }

  const RunContext& context_;
  const StreamPlan& plan_;
  const Adoption* const adoption_;  // nullptr: all is read anew
  redshift::Session& session_;
  RetryBudget& budget_;
  StreamProgress& progress_;
  StreamResult& result_;
  AttemptTrace& trace_;
  const std::string id_;
  const std::string prefix_;
  const base::UtcTime snapshot_;
  const WorkFolder folder_;
  const base::Call call_;
  bool takes_staged_ = false;
  std::optional<std::string> high_;
  std::optional<std::string> watermark_;  // what this read reaches
  std::size_t transfers_ = 0;
  std::uint64_t refetched_ = 0;  // parts that arrived damaged, in this load
  std::vector<Source> sources_;
};

}  // namespace

void RunAttempt(const RunContext& context, const StreamPlan& plan, const Adoption* adoption,
                redshift::Session& session, RetryBudget& budget, StreamProgress& progress,
                StreamResult& result, AttemptTrace& trace, const std::stop_token& stop) {
  Attempt(context, plan, adoption, session, budget, progress, result, trace, stop).Run();
}

}  // namespace sluice::sync
