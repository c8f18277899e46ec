#include "sync/attempt.h"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "base/random.h"
#include "redshift/cursor.h"
#include "redshift/select.h"
#include "redshift/unload_statement.h"
#include "staging/clean.h"
#include "staging/fetch.h"
#include "staging/manifest.h"
#include "staging/prefix.h"

namespace sluice::sync {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kCleanPatience{120};

// The attempt's folder on local disk, gone with it.
class WorkFolder {
 public:
  explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code failed;
    std::filesystem::create_directories(path_, failed);
    if (!failed) return;
    const bool full = failed == std::errc::no_space_on_device;
    throw base::Error(
        {.code = full ? base::ErrorCode::kNoSpace : base::ErrorCode::kPermission,
         .operation = "make folder for parts",
         .subject = "folder " + path_.string(),
         .message = failed.message(),
         .remedy = "Set limits.work_dir to a folder that is writable and has room for parts."});
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

class Attempt {
 public:
  Attempt(const RunContext& context, const StreamPlan& plan, redshift::Session& session,
          StreamProgress& progress, StreamResult& result, std::stop_token stop)
      : context_(context),
        plan_(plan),
        session_(session),
        progress_(progress),
        result_(result),
        id_(fmt::format("1-{:016x}", base::RandomBits())),
        prefix_(staging::AttemptPrefix(context.run_prefix, plan.stream.name, id_)),
        call_{.deadline = base::Deadline::Never(), .stop = std::move(stop)} {}

  void Run() {
    context_.ledger.AddAttempt(context_.run, plan_.stream.name, id_, prefix_);
    Reached(Effect::kPrefixRecorded);
    try {
      const WorkFolder folder(context_.options.work_dir / context_.run / id_);
      Staged rows(*this, folder.path(), "rows", result_.proof);
      std::optional<Staged> keys;
      if (plan_.key_select) keys.emplace(*this, folder.path(), "keys", key_proof_);
      Read(rows, keys ? &*keys : nullptr);
      Reached(Effect::kUnloaded);
      Load(rows, keys ? &*keys : nullptr);
    } catch (...) {
      GiveUp(base::AsError(std::current_exception()));
      throw;
    }
    Reached(Effect::kCommitted);
    progress_.SetPhase(Phase::kClean);
    CleanAfterCommit();
  }

 private:
  aws::ObjectStore& store() const { return context_.parts.store; }
  const base::Clock& clock() const { return context_.parts.clock; }
  void Reached(Effect effect) const {
    if (context_.parts.after_effect) context_.parts.after_effect(effect, plan_.stream.name);
  }

  // One UNLOAD's objects, on their way to local disk.
  struct Staged {
    Staged(Attempt& attempt, const std::filesystem::path& folder, const std::string& what,
           model::Proof& proof_in)
        : prefix(attempt.prefix_ + what + "/"),
          proof(proof_in),
          work(folder / what),
          fetch(attempt.store(), attempt.context_.disk,
                {.dir = work.path(), .range_bytes = attempt.context_.options.range_bytes},
                [&attempt](std::uint64_t bytes) { attempt.progress_.AddBytes(bytes); }) {}
    const std::string prefix;
    model::Proof& proof;
    bool any = false;  // there is a manifest
    const WorkFolder work;
    staging::Fetch fetch;
  };

  // Rows and keys in one transaction, whose first statement is the greatest cursor value: one
  // snapshot for all three (REF 7).
  void Read(Staged& rows, Staged* keys) {
    progress_.SetPhase(Phase::kUnload);
    const auto began = clock().Steady();
    if (!plan_.range && keys == nullptr) {
      Unload(rows, plan_.select);
    } else {
      session_.Begin(call_);
      try {
        ReadRange(rows);
        if (keys != nullptr) Unload(*keys, *plan_.key_select);
        session_.Commit(call_);
      } catch (...) {
        session_.Rollback();
        throw;
      }
    }
    result_.unload_duration = duration_cast<milliseconds>(clock().Steady() - began);
    result_.bytes = result_.proof.manifest_bytes + key_proof_.manifest_bytes;
    progress_.SetTotals(result_.proof.manifest_rows, result_.bytes);
  }

  void ReadRange(Staged& rows) {
    if (!plan_.range) {
      Unload(rows, plan_.select);
      return;
    }
    const model::Stream& stream = plan_.stream;
    const auto& columns = plan_.target.columns;
    redshift::CursorRange range = *plan_.range;
    const auto answer =
        session_.Query(redshift::BuildMaxCursor(stream, columns, range), call_).rows.at(0);
    range.high = answer.at(0);
    watermark_ = range.high ? range.high : range.low;
    if (answer.at(1) == "t") RefuseCursorThatWentBack();
    if (!range.high && range.low) {
      result_.warnings.push_back(fmt::format(
          "no row has a value of {} any more; if the table was emptied on purpose, run: sluice "
          "sync {} --full",
          *stream.cursor, stream.name));
    }
    if (!redshift::CanHoldRows(range)) {
      result_.proof.notice_rows = 0;
      return;
    }
    Unload(rows, redshift::BuildSelect(
                     stream, columns,
                     redshift::RangeCondition(redshift::CursorColumn(stream, columns), range)));
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

  // Sends UNLOAD and prefetches while it runs.
  void Unload(Staged& staged, const std::string& select) {
    const RunOptions& options = context_.options;
    const base::Secret statement = redshift::BuildUnload(
        select,
        {.staging_prefix = fmt::format("s3://{}/{}", options.bucket, staged.prefix),
         .bucket_region = options.bucket_region,
         .part_mb_max = options.part_mb_max,
         .kms_key = options.kms_key},
        context_.parts.unload_auth(context_.run_prefix, options.unload_timeout, call_));
    redshift::UnloadResult unloaded;
    {
      const std::jthread prefetcher(
          [&](const std::stop_token& stop) { PrefetchUntil(stop, staged); });
      unload_sent_ = true;
      unload_ended_ = false;
      unloaded = session_.Unload(
          statement,
          {.deadline = base::Deadline::After(clock(), options.unload_timeout), .stop = call_.stop});
      unload_ended_ = true;
    }
    ReadManifest(unloaded.notice_rows, staged);
  }

  // What is listed is whole; LIST is cheap beside the seconds an UNLOAD takes. A failure here costs
  // nothing but speed: the same parts are fetched, and errors told, once UNLOAD has ended.
  void PrefetchUntil(const std::stop_token& stop, Staged& staged) {
    milliseconds pause{250};
    while (clock().Sleep(pause, stop)) {
      try {
        staged.fetch.Prefetch(store().List(
            staged.prefix,
            {.deadline = base::Deadline::After(clock(), std::chrono::seconds(30)), .stop = stop}));
      } catch (const base::Error& error) {
        context_.parts.log.Debug("prefetch paused",
                                 {{"stream", plan_.stream.name}, {"reason", error.what()}});
      }
      pause = std::min(pause * 2, milliseconds{2000});
    }
  }

  void ReadManifest(std::optional<std::uint64_t> notice_rows, Staged& staged) {
    const auto text = store().Get(staged.prefix + "manifest", staging::kManifestBytesMax, call_);
    std::optional<staging::Manifest> manifest;
    if (text) manifest = staging::ParseManifest(*text, context_.options.bucket, staged.prefix);
    if (staging::JudgeUnload(notice_rows, manifest ? &*manifest : nullptr) ==
        staging::UnloadVerdict::kAskCount) {
      notice_rows = AskCount();
      staging::JudgeUnload(notice_rows, nullptr);
    }
    staged.proof.notice_rows = notice_rows;
    if (!manifest) return;
    staged.any = true;
    staged.proof.manifest_rows = manifest->rows;
    staged.proof.manifest_bytes = manifest->bytes;
    staged.proof.parts = manifest->parts.size();
    staged.fetch.Expect(*manifest, store().List(staged.prefix, call_));
  }

  std::uint64_t AskCount() {
    const auto answer = session_.Query("SELECT pg_last_unload_count()", call_);
    if (answer.rows.size() != 1 || answer.rows[0].empty() || !answer.rows[0][0]) return 0;
    return std::stoull(*answer.rows[0][0]);
  }

  void Load(Staged& rows, Staged* keys) {
    progress_.SetPhase(Phase::kLoad);
    const auto load = context_.parts.destination.Begin(plan_.target, call_);
    AddParts(rows, [&](const auto& batch) { return load->Add(batch, call_); });
    Prove(rows.proof, "rows");
    if (keys != nullptr) {
      // An empty source has no key: said so, or nothing would be compared.
      if (!keys->any) load->AddKeys({}, call_);
      AddParts(*keys, [&](const auto& batch) { return load->AddKeys(batch, call_); });
      Prove(keys->proof, "keys");
      result_.keys_compared = keys->proof.loaded_rows;
    }
    Reached(Effect::kLoaded);
    progress_.SetPhase(Phase::kCommit);
    Commit(*load);
  }

  template <typename Add>
  void AddParts(Staged& staged, Add add) {
    if (!staged.any) return;
    for (;;) {
      const auto batch = staged.fetch.Next(call_, clock());
      if (batch.empty()) return;
      const auto loaded = add(batch);
      staged.proof.footer_rows += loaded.footer_rows;
      staged.proof.loaded_rows += loaded.loaded_rows;
      staged.fetch.Release(batch);
      staged.proof.fetched_bytes = staged.fetch.bytes_complete();
      if (&staged.proof == &result_.proof) progress_.AddRows(loaded.loaded_rows);
    }
  }

  void Prove(const model::Proof& proof, std::string_view what) const {
    if (proof.Agrees()) return;
    throw base::Error(
        {.code = base::ErrorCode::kCorrupt,
         .operation = fmt::format("prove the counts of {}", what),
         .subject = "stream " + plan_.stream.name,
         .message = fmt::format(
             "UNLOAD announced {} rows, the manifest lists {}, the parts hold {}, {} were loaded; "
             "{} bytes listed, {} fetched",
             proof.notice_rows ? fmt::format("{}", *proof.notice_rows) : "no", proof.manifest_rows,
             proof.footer_rows, proof.loaded_rows, proof.manifest_bytes, proof.fetched_bytes),
         .remedy = "Nothing was committed. Run the sync again; if it comes back, please report it "
                   "with these numbers."});
  }

  void Commit(destinations::Load& load) {
    const model::Watermark watermark = NextWatermark();
    try {
      result_.counts = load.Commit(watermark, result_.proof, call_);
    } catch (const base::Error& error) {
      if (!error.info().in_doubt) throw;
      // It may have happened: the destination knows, by run and attempt.
      const auto there = context_.parts.destination.ReadCommitted(plan_.stream.name, CleanCall());
      if (!there || there->watermark.run != watermark.run ||
          there->watermark.attempt != watermark.attempt) {
        throw;
      }
      result_.counts = there->counts;
    }
    result_.watermark = watermark.value;
  }

  model::Watermark NextWatermark() const {
    model::Watermark watermark{
        .stream = plan_.stream.name, .value = watermark_, .run = context_.run, .attempt = id_};
    if (plan_.range) watermark.cursor = plan_.stream.cursor;
    const bool all_keys_seen = plan_.key_select || (plan_.target.complete && plan_.stream.key_scan);
    if (all_keys_seen) {
      watermark.keys_compared = clock().Utc();
    } else if (plan_.committed) {
      watermark.keys_compared = plan_.committed->keys_compared;
    }
    return watermark;
  }

  // Not the stream's stop token: what was written must go, above all when somebody pressed Ctrl-C.
  base::Call CleanCall() const {
    return {.deadline = base::Deadline::After(clock(), kCleanPatience), .stop = {}};
  }

  bool Clean() {
    auto cleaned = staging::CleanPrefix(store(), context_.options.bucket, context_.own_root,
                                        prefix_, CleanCall());
    if (cleaned.error) {
      result_.warnings.push_back(fmt::format("staged objects could not all be removed: {} {}",
                                             cleaned.error->message, cleaned.error->remedy));
    }
    for (auto& key : cleaned.left_behind) result_.left_behind.push_back(std::move(key));
    return result_.left_behind.empty();
  }

  // The rows are there whatever happens now: from here on nothing is the stream's failure. The
  // ledger still holds the prefix, so what is not noted as clean is swept by the next run.
  void CleanAfterCommit() {
    try {
      context_.ledger.SetCommitted(id_, {.proof = result_.proof,
                                         .counts = result_.counts,
                                         .watermark = result_.watermark,
                                         .keys_compared = result_.keys_compared});
      if (!Clean()) return;
      Reached(Effect::kCleaned);
      context_.ledger.SetCleaned(id_);
    } catch (const base::Error& error) {
      result_.warnings.push_back(
          fmt::format("after the commit, {} {}", error.what(), error.info().remedy));
    }
  }

  void GiveUp(const base::Error& error) noexcept {
    try {
      // An UNLOAD whose connection broke goes on without us (REF 5.8): the ledger keeps it as
      // planned, so that later runs sweep its prefix again.
      const bool may_still_write = unload_sent_ && !unload_ended_ && error.info().in_doubt;
      if (!may_still_write) context_.ledger.SetFailed(id_, base::ErrorCodeName(error.code()));
      const bool clean = Clean();
      if (may_still_write) {
        result_.left_behind.push_back(fmt::format("s3://{}/{}", context_.options.bucket, prefix_));
        result_.warnings.push_back(
            "the connection broke while UNLOAD ran: Redshift may still write beneath that prefix; "
            "the next sync removes it");
      } else if (clean) {
        context_.ledger.SetCleaned(id_);
      }
    } catch (const std::exception& second) {
      context_.parts.log.Warning("clean-up after a failure failed",
                                 {{"stream", plan_.stream.name}, {"reason", second.what()}});
      result_.left_behind.push_back(fmt::format("s3://{}/{}", context_.options.bucket, prefix_));
    }
  }

  const RunContext& context_;
  const StreamPlan& plan_;
  redshift::Session& session_;
  StreamProgress& progress_;
  StreamResult& result_;
  const std::string id_;
  const std::string prefix_;
  const base::Call call_;
  std::optional<std::string> watermark_;  // what this read reached
  model::Proof key_proof_;
  bool unload_sent_ = false;
  bool unload_ended_ = false;
};

}  // namespace

void RunAttempt(const RunContext& context, const StreamPlan& plan, redshift::Session& session,
                StreamProgress& progress, StreamResult& result, std::stop_token stop) {
  Attempt(context, plan, session, progress, result, std::move(stop)).Run();
}

}  // namespace sluice::sync
