#include "sync/load/load_staged.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "sync/load/settle.h"

namespace sluice::sync {
namespace {

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

class Loader {
 public:
  Loader(const LoadParts& parts, Staged& staged, RetryBudget& budget, StreamProgress& progress,
         StreamResult& result, LoadTrace& trace, const std::stop_token& stop)
      : parts_(parts),
        staged_(staged),
        budget_(budget),
        progress_(progress),
        result_(result),
        trace_(trace),
        call_{.deadline = base::Deadline::Never(), .stop = stop} {}

  void Run() {
    LoadUntilCommitted();
    TellDamage();
  }

 private:
  // The parts are staged and paid for: a load that fails for a moment starts again from them.
  void LoadUntilCommitted() {
    for (;;) {
      stage_ = Stage::kLoad;
      try {
        Load();
        return;
      } catch (const base::Error& error) {
        if (call_.stop.stop_requested()) throw;
        trace_.next = budget_.After(stage_, error.info(), parts_.adopted);
        if (!trace_.next || trace_.next->again != Again::kStaged) throw;
        parts_.log.Warning("the load failed and starts again from the staged parts",
                           {{"stream", stream()}, {"reason", error.what()}});
      }
      if (!parts_.clock.Sleep(trace_.next->pause, call_.stop)) {
        base::ThrowCancelled("load", "stream " + stream());
      }
      trace_.next.reset();
      for (auto& unload : staged_.unloads) unload.transfer.reset();
      progress_.Restart();
    }
  }

  void Load() {
    progress_.SetPhase(Phase::kLoad);
    result_.proof = {.notice_rows = 0};
    result_.keys_compared.reset();
    result_.verified.clear();
    refetched_ = 0;
    auto load = parts_.destination.Begin(staged_.target, call_);
    RequireSameBasis();
    for (auto& unload : staged_.unloads) {
      if (unload.keys) continue;
      LoadSource(unload, *load);
      AddTo(result_.proof, proof_);
    }
    for (auto& unload : staged_.unloads) {
      if (unload.keys) LoadKeys(unload, *load);
    }
    parts_.reached(Effect::kLoaded);
    progress_.SetPhase(Phase::kCommit);
    stage_ = Stage::kCommit;
    Commit(std::move(load));
  }

  // What was read goes on from the commit that the plan knew. Another machine may have committed
  // since, and an append would then bring rows twice. Asked once the load has begun: from here on
  // the destination itself keeps others out, or refuses our commit.
  void RequireSameBasis() const {
    const auto there = parts_.destination.ReadCommitted(stream(), call_);
    const std::string now = there ? there->watermark.run + "/" + there->watermark.attempt : "";
    if (now == staged_.basis) return;
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = "load",
                       .subject = "stream " + stream(),
                       .message = "another sync (run " + (there ? there->watermark.run : "none") +
                                  ") committed it meanwhile",
                       .remedy = "Let one machine sync this destination at a time, then run again.",
                       .retryable = true,
                       .reason = std::string(kOvertaken)});
  }

  void LoadSource(StagedUnload& unload, destinations::Load& load) {
    BeginProof(unload);
    if (unload.stays) {
      AddStaged(unload, load);
    } else {
      AddFetched(unload, [&](const auto& batch) { return load.Add(batch, call_); });
    }
    Prove(unload);
  }

  void LoadKeys(StagedUnload& unload, destinations::Load& load) {
    BeginProof(unload);
    // No row, so no key: said so, or nothing would be compared.
    if (!unload.manifest) load.AddKeys({}, call_);
    AddFetched(unload, [&](const auto& batch) { return load.AddKeys(batch, call_); });
    Prove(unload);
    result_.keys_compared = proof_.loaded_rows;
  }

  void BeginProof(StagedUnload& unload) {
    proof_ = {.notice_rows = unload.notice_rows};
    if (!unload.manifest) return;
    proof_.manifest_rows = unload.manifest->rows;
    proof_.manifest_bytes = unload.manifest->bytes;
    proof_.parts = unload.manifest->parts.size();
  }

  void Count(StagedUnload& unload, const destinations::LoadedRows& loaded) {
    proof_.footer_rows += loaded.footer_rows;
    proof_.loaded_rows += loaded.loaded_rows;
    if (!unload.keys) progress_.AddRows(loaded.loaded_rows);
  }

  void AddStaged(StagedUnload& unload, destinations::Load& load) {
    if (!unload.manifest) return;
    std::span<const model::Part> rest = unload.manifest->parts;
    while (!rest.empty()) {
      const auto batch = rest.first(std::min(rest.size(), kStagedBatch));
      rest = rest.subspan(batch.size());
      const auto loaded = load.AddStaged(batch, call_);
      Count(unload, loaded);
      proof_.fetched_bytes += loaded.bytes;
      result_.verified["copied"] += batch.size();
      progress_.AddBytes(loaded.bytes);
    }
  }

  // What was repaired on its own, and what could not be checked.
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
  void AddFetched(StagedUnload& unload, Add add) {
    if (!unload.manifest) return;
    if (!unload.transfer) {
      unload.transfer = parts_.transfers.Make(unload.prefix);
      unload.transfer->Expect(*unload.manifest, call_);
    }
    for (;;) {
      const auto fetched = unload.transfer->Next(call_, parts_.clock);
      if (fetched.empty()) {
        for (const auto& [by, parts] : unload.transfer->verified()) result_.verified[by] += parts;
        refetched_ += unload.transfer->refetched();
        return;
      }
      // Of a hundred thousand small parts all may be there at once.
      std::span<const model::LocalPart> rest = fetched;
      while (!rest.empty()) {
        const auto batch = rest.first(std::min(rest.size(), kLoadedBatch));
        rest = rest.subspan(batch.size());
        Count(unload, add(batch));
        unload.transfer->Release(batch);
      }
      proof_.fetched_bytes = unload.transfer->bytes_complete();
    }
  }

  void Prove(const StagedUnload& unload) const {
    const model::Proof& proof = proof_;
    if (proof.Agrees()) return;
    throw base::Error(
        {.code = base::ErrorCode::kCorrupt,
         .operation = fmt::format("prove the counts of {}", unload.what),
         .subject = "stream " + stream(),
         .message = fmt::format(
             "UNLOAD announced {} rows, the manifest lists {}, the parts hold {}, {} were loaded; "
             "{} bytes listed, {} fetched",
             proof.notice_rows ? fmt::format("{}", *proof.notice_rows) : "no", proof.manifest_rows,
             proof.footer_rows, proof.loaded_rows, proof.manifest_bytes, proof.fetched_bytes),
         .remedy = "Nothing was committed. Run the sync again; if it comes back, please report it "
                   "with these numbers."});
  }

  void Commit(std::unique_ptr<destinations::Load> load) {
    try {
      result_.counts = load->Commit(staged_.watermark, result_.proof, call_);
    } catch (const base::Error& error) {
      if (!error.info().in_doubt) throw;
      load.reset();  // what it holds at the destination could hold up the question
      result_.counts = SettleCommit(parts_.destination, parts_.clock, staged_.watermark, error,
                                    call_.stop, trace_.commit_in_doubt);
    }
    result_.watermark = staged_.watermark.value;
  }

  const std::string& stream() const { return staged_.target.stream; }

  const LoadParts& parts_;
  Staged& staged_;
  RetryBudget& budget_;
  StreamProgress& progress_;
  StreamResult& result_;
  LoadTrace& trace_;
  const base::Call call_;
  Stage stage_ = Stage::kLoad;
  model::Proof proof_;           // of the UNLOAD whose parts are being loaded
  std::uint64_t refetched_ = 0;  // parts that arrived damaged, in this load
};

}  // namespace

void LoadStaged(const LoadParts& parts, Staged& staged, RetryBudget& budget,
                StreamProgress& progress, StreamResult& result, LoadTrace& trace,
                const std::stop_token& stop) {
  Loader(parts, staged, budget, progress, result, trace, stop).Run();
}

}  // namespace sluice::sync
