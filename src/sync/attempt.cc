#include "sync/attempt.h"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "base/random.h"
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
      staging::Fetch fetch(store(), context_.disk,
                           {.dir = folder.path(), .range_bytes = context_.options.range_bytes},
                           [this](std::uint64_t bytes) { progress_.AddBytes(bytes); });
      const auto manifest = Unload(fetch);
      Reached(Effect::kUnloaded);
      Load(fetch, manifest);
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

  // Sends UNLOAD and prefetches while it runs. nullopt: the select had no rows.
  std::optional<staging::Manifest> Unload(staging::Fetch& fetch) {
    const RunOptions& options = context_.options;
    progress_.SetPhase(Phase::kUnload);
    const auto began = clock().Steady();
    const base::Secret statement = redshift::BuildUnload(
        plan_.select,
        {.staging_prefix = fmt::format("s3://{}/{}", options.bucket, prefix_),
         .bucket_region = options.bucket_region,
         .part_mb_max = options.part_mb_max,
         .kms_key = options.kms_key},
        context_.parts.unload_auth(context_.run_prefix, options.unload_timeout, call_));
    redshift::UnloadResult unloaded;
    {
      const std::jthread prefetcher(
          [&](const std::stop_token& stop) { PrefetchUntil(stop, fetch); });
      unload_sent_ = true;
      unloaded = session_.Unload(
          statement,
          {.deadline = base::Deadline::After(clock(), options.unload_timeout), .stop = call_.stop});
      unload_ended_ = true;
    }
    result_.unload_duration = duration_cast<milliseconds>(clock().Steady() - began);
    return ReadManifest(unloaded.notice_rows, fetch);
  }

  // What is listed is whole; LIST is cheap beside the seconds an UNLOAD takes. A failure here costs
  // nothing but speed: the same parts are fetched, and errors told, once UNLOAD has ended.
  void PrefetchUntil(const std::stop_token& stop, staging::Fetch& fetch) {
    milliseconds pause{250};
    while (clock().Sleep(pause, stop)) {
      try {
        fetch.Prefetch(store().List(
            prefix_,
            {.deadline = base::Deadline::After(clock(), std::chrono::seconds(30)), .stop = stop}));
      } catch (const base::Error& error) {
        context_.parts.log.Debug("prefetch paused",
                                 {{"stream", plan_.stream.name}, {"reason", error.what()}});
      }
      pause = std::min(pause * 2, milliseconds{2000});
    }
  }

  std::optional<staging::Manifest> ReadManifest(std::optional<std::uint64_t> notice_rows,
                                                staging::Fetch& fetch) {
    const auto text = store().Get(prefix_ + "manifest", staging::kManifestBytesMax, call_);
    std::optional<staging::Manifest> manifest;
    if (text) manifest = staging::ParseManifest(*text, context_.options.bucket, prefix_);
    if (staging::JudgeUnload(notice_rows, manifest ? &*manifest : nullptr) ==
        staging::UnloadVerdict::kAskCount) {
      notice_rows = AskCount();
      staging::JudgeUnload(notice_rows, nullptr);
    }
    result_.proof.notice_rows = notice_rows;
    if (manifest) {
      result_.proof.manifest_rows = manifest->rows;
      result_.proof.manifest_bytes = manifest->bytes;
      result_.proof.parts = manifest->parts.size();
      fetch.Expect(*manifest, store().List(prefix_, call_));
    }
    result_.bytes = result_.proof.manifest_bytes;
    progress_.SetTotals(result_.proof.manifest_rows, result_.proof.manifest_bytes);
    return manifest;
  }

  std::uint64_t AskCount() {
    const auto answer = session_.Query("SELECT pg_last_unload_count()", call_);
    if (answer.rows.size() != 1 || answer.rows[0].empty() || !answer.rows[0][0]) return 0;
    return std::stoull(*answer.rows[0][0]);
  }

  void Load(staging::Fetch& fetch, const std::optional<staging::Manifest>& manifest) {
    progress_.SetPhase(Phase::kLoad);
    const auto load = context_.parts.destination.Begin(plan_.target, call_);
    if (manifest) AddParts(fetch, *load);
    Prove();
    Reached(Effect::kLoaded);
    progress_.SetPhase(Phase::kCommit);
    Commit(*load);
  }

  void AddParts(staging::Fetch& fetch, destinations::Load& load) {
    for (;;) {
      const auto batch = fetch.Next(call_, clock());
      if (batch.empty()) return;
      const auto loaded = load.Add(batch, call_);
      result_.proof.footer_rows += loaded.footer_rows;
      result_.proof.loaded_rows += loaded.loaded_rows;
      fetch.Release(batch);
      result_.proof.fetched_bytes = fetch.bytes_complete();
      progress_.AddRows(loaded.loaded_rows);
    }
  }

  void Prove() const {
    const model::Proof& proof = result_.proof;
    if (proof.Agrees()) return;
    throw base::Error(
        {.code = base::ErrorCode::kCorrupt,
         .operation = "prove row counts",
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
    const model::Watermark watermark{
        .stream = plan_.stream.name, .value = std::nullopt, .run = context_.run, .attempt = id_};
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
      context_.ledger.SetCommitted(id_, result_.proof);
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
  bool unload_sent_ = false;
  bool unload_ended_ = false;
};

}  // namespace

void RunAttempt(const RunContext& context, const StreamPlan& plan, redshift::Session& session,
                StreamProgress& progress, StreamResult& result, std::stop_token stop) {
  Attempt(context, plan, session, progress, result, std::move(stop)).Run();
}

}  // namespace sluice::sync
