#include "sync/read/read_stream.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "redshift/cursor.h"
#include "redshift/server_clock.h"
#include "redshift/split.h"
#include "redshift/unload_statement.h"
#include "sync/read/reading.h"

namespace sluice::sync {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

StagedUnload AsStaged(const UnloadStep& step, std::string prefix, bool takes_staged) {
  StagedUnload staged{.what = step.what, .prefix = std::move(prefix), .keys = step.keys};
  // Keys are compared, wherever the destination takes rows from.
  staged.stays = takes_staged && !step.keys;
  return staged;
}

class Reader {
 public:
  Reader(const ReadContext& context, const ReadRequest& request, redshift::Session& session,
         Transfers& transfers, StreamProgress& progress, StreamResult& result, ReadTrace& trace,
         const std::stop_token& stop)
      : context_(context),
        request_(request),
        plan_(request.plan),
        adoption_(request.adoption),
        session_(session),
        transfers_(transfers),
        progress_(progress),
        result_(result),
        trace_(trace),
        call_{.deadline = base::Deadline::Never(), .stop = stop} {}

  Staged Read() {
    progress_.SetPhase(Phase::kUnload);
    const auto began = clock().Steady();
    as_of_ = request_.snapshot;
    if (adoption_ != nullptr) {
      ReadWhatIsMissing();
    } else if (!plan_.range && !plan_.key_select && !plan_.stream.split && !KeepsHistory()) {
      UnloadAll(RowSteps(plan_, std::nullopt, {""}));
    } else {
      ReadOneSnapshot();
    }
    result_.unload_duration = duration_cast<milliseconds>(clock().Steady() - began);
    TellTotals();
    model::StreamTarget target = plan_.target;
    if (KeepsHistory()) target.as_of = as_of_;
    return {.target = std::move(target),
            .basis = BasisOf(plan_),
            .watermark = NextWatermark(),
            .unloads = std::move(unloads_)};
  }

 private:
  const base::Clock& clock() const { return context_.clock; }
  bool KeepsHistory() const { return plan_.target.write_mode == model::WriteMode::kHistory; }
  void Reached(Effect effect) const { context_.Reached(effect, plan_.stream.name); }

  void TellTotals() {
    result_.bytes = 0;
    std::uint64_t rows = 0;
    for (const auto& unload : unloads_) {
      if (!unload.manifest) continue;
      result_.bytes += unload.manifest->bytes;
      if (!unload.keys) rows += unload.manifest->rows;
    }
    progress_.SetTotals(rows, result_.bytes);
  }

  // Rows and keys in one transaction: the first statement of it
  // takes the snapshot that all the others see.
  // https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
  void ReadOneSnapshot() {
    InTransaction([&] {
      if (KeepsHistory()) AskTime();
      if (plan_.range) high_ = AskHigh();
      std::vector<UnloadStep> steps;
      if (RangeOf(plan_, high_)) steps = RowSteps(plan_, high_, Pieces());
      if (plan_.key_select) steps.push_back(KeyStep(plan_));
      UnloadAll(steps);
    });
  }

  void ReadWhatIsMissing() {
    high_ = adoption_->origin.high;
    as_of_ = adoption_->origin.as_of.value_or(as_of_);
    if (plan_.range) watermark_ = high_ ? high_ : plan_.range->low;
    for (const auto& ended : adoption_->ended) Adopt(ended);
    result_.adopted_from = adoption_->origin.began;
    if (adoption_->missing.size() > 1) {
      InTransaction([&] { UnloadAll(adoption_->missing); });
    } else {
      UnloadAll(adoption_->missing);
    }
  }

  void Adopt(const Unloaded& ended) {
    StagedUnload unload = AsStaged(ended.step, ended.prefix, request_.takes_staged);
    unload.notice_rows = ended.notice_rows;
    unload.manifest = ended.manifest;
    unloads_.push_back(std::move(unload));
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

  // By the clock that stamps the rows, too, where the source stamps them.
  void AskTime() {
    const auto answer = session_.Query(redshift::BuildServerTime(), call_);
    if (const auto time = redshift::ReadServerTime(answer.rows.at(0))) as_of_ = *time;
  }

  std::optional<std::string> AskHigh() {
    const model::Stream& stream = plan_.stream;
    const auto answer =
        session_.Query(redshift::BuildMaxCursor(stream, plan_.columns_read(), *plan_.range), call_);
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
         .remedy = fmt::format("Read it again in full: sluice sync {} --full", plan_.stream.name)});
  }

  // The conditions of the pieces; one that is empty if the stream is not split.
  std::vector<std::string> Pieces() {
    const auto& split = plan_.stream.split;
    if (!split) return {""};
    const int count = split->by_size ? AskPieces() : split->pieces;
    if (!split->column) return redshift::HashPieces(plan_.stream.primary_key, count);
    if (count == 1) return {""};
    const auto& columns = plan_.columns_read();
    const auto bounds =
        session_
            .Query(redshift::BuildBounds(plan_.stream, columns, RangeOf(plan_, high_).value_or("")),
                   call_)
            .rows.at(0);
    return redshift::RangePieces(redshift::SplitColumn(plan_.stream, columns), bounds.at(0),
                                 bounds.at(1), count);
  }

  // An UNLOAD may take half of what its keys live at least (RunUnloadAuth::Get).
  int AskPieces() {
    const auto answer = session_.Query(
        redshift::BuildSize(plan_.stream, plan_.columns_read(), RangeOf(plan_, high_).value_or("")),
        call_);
    std::optional<redshift::Pace> pace;
    if (const auto last = context_.ledger.LastCommit(plan_.stream.name)) {
      pace = redshift::Pace{.rows = last->rows, .took = last->took};
    }
    return redshift::PiecesBySize(redshift::ReadSizeOf(answer.rows.at(0)),
                                  context_.options.unload_timeout / 2, pace);
  }

  void UnloadAll(const std::vector<UnloadStep>& steps) {
    Record(steps);
    for (const auto& step : steps) UnloadOne(step);
  }

  // Order of effects 1.
  void Record(const std::vector<UnloadStep>& steps) {
    AttemptFacts facts{.run = context_.run,
                       .stream = plan_.stream.name,
                       .attempt = request_.attempt,
                       .prefix = request_.prefix,
                       .basis = BasisOf(plan_),
                       .high = high_};
    if (KeepsHistory()) facts.as_of = as_of_;
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
    StagedUnload unload = AsStaged(step, request_.prefix + step.what + "/", request_.takes_staged);
    const RunOptions& options = context_.options;
    const base::Secret statement =
        redshift::BuildUnload(step.select.Reveal(),
                              {.staging_prefix = context_.Location(unload.prefix),
                               .bucket_region = options.bucket_region,
                               .part_mb_max = options.part_mb_max,
                               .kms_key = options.kms_key},
                              context_.unload_auth.Get(options.unload_timeout, call_));
    if (!unload.stays) unload.transfer = transfers_.Make(unload.prefix);
    {
      std::jthread prefetcher;
      if (unload.transfer) {
        prefetcher = std::jthread([&](const std::stop_token& stop) {
          unload.transfer->PrefetchUntil(stop, clock(), [&](const base::Error& error) {
            context_.log.Debug("prefetch paused",
                               {{"stream", plan_.stream.name}, {"reason", error.what()}});
          });
        });
      }
      Send(statement, unload);
    }
    FindManifest(unload);
    unloads_.push_back(std::move(unload));
  }

  void Send(const base::Secret& statement, StagedUnload& unload) {
    try {
      unload.notice_rows =
          session_
              .Unload(statement,
                      {.deadline = base::Deadline::After(clock(), context_.options.unload_timeout),
                       .stop = call_.stop})
              .notice_rows;
    } catch (const base::Error& error) {
      trace_.unload_in_doubt = error.info().in_doubt;
      if (error.code() == base::ErrorCode::kAuthentication) context_.unload_auth.Forget();
      throw base::Error(WithoutSalt(error.info()));
    }
    NoteEnd(unload);
    Reached(Effect::kPieceUnloaded);
  }

  // A server may repeat a part of a statement.
  base::ErrorInfo WithoutSalt(base::ErrorInfo info) const {
    const base::Secret& salt = plan_.stream.shape.salt;
    for (std::string* text : {&info.subject, &info.message, &info.remedy, &info.cause}) {
      *text = base::Redact(std::move(*text), salt);
    }
    for (auto& [name, fact] : info.facts) fact = base::Redact(std::move(fact), salt);
    return info;
  }

  void NoteEnd(const StagedUnload& unload) {
    if (!unload.notice_rows) return;
    context_.ledger.SetUnloaded(request_.attempt, unload.what, unload.notice_rows);
    for (auto& record : trace_.recorded->unloads) {
      if (record.what == unload.what) record.notice_rows = unload.notice_rows;
    }
  }

  void FindManifest(StagedUnload& unload) {
    unload.manifest = ReadManifest(context_.store, context_.options.bucket, unload.prefix, call_);
    const auto* manifest = unload.manifest ? &*unload.manifest : nullptr;
    if (manifest != nullptr) result_.bytes_staged += manifest->bytes;
    if (staging::JudgeUnload(unload.notice_rows, manifest) == staging::UnloadVerdict::kAskCount) {
      unload.notice_rows = AskCount();
      staging::JudgeUnload(unload.notice_rows, nullptr);
      NoteEnd(unload);
    }
    if (unload.transfer && manifest != nullptr) unload.transfer->Expect(*manifest, call_);
  }

  std::uint64_t AskCount() {
    const auto answer = session_.Query("SELECT pg_last_unload_count()", call_);
    if (answer.rows.size() != 1 || answer.rows[0].empty() || !answer.rows[0][0]) return 0;
    return std::stoull(*answer.rows[0][0]);
  }

  model::Watermark NextWatermark() const {
    model::Watermark watermark{.stream = plan_.stream.name,
                               .value = watermark_,
                               .shape = plan_.shape,
                               .run = context_.run,
                               .attempt = request_.attempt};
    if (plan_.range) watermark.cursor = plan_.stream.cursor;
    const bool all_keys_seen = plan_.key_select || (plan_.target.complete && plan_.stream.key_scan);
    if (all_keys_seen) {
      watermark.keys_compared = request_.snapshot;
    } else if (plan_.committed) {
      watermark.keys_compared = plan_.committed->keys_compared;
    }
    return watermark;
  }

  const ReadContext& context_;
  const ReadRequest& request_;
  const StreamPlan& plan_;
  const Adoption* const adoption_;  // nullptr: all is read again
  redshift::Session& session_;
  Transfers& transfers_;
  StreamProgress& progress_;
  StreamResult& result_;
  ReadTrace& trace_;
  const base::Call call_;
  std::optional<std::string> high_;
  std::optional<std::string> watermark_;  // what this read reaches
  base::UtcTime as_of_;                   // of what is read, for a table that keeps history
  std::vector<StagedUnload> unloads_;
};

}  // namespace

Staged ReadStream(const ReadContext& context, const ReadRequest& request,
                  redshift::Session& session, Transfers& transfers, StreamProgress& progress,
                  StreamResult& result, ReadTrace& trace, const std::stop_token& stop) {
  return Reader(context, request, session, transfers, progress, result, trace, stop).Read();
}

}  // namespace sluice::sync
