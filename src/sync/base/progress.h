// How far each stream is, and who is told.
#pragma once
#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sync {

enum class Phase { kWaiting, kPlan, kLogin, kUnload, kLoad, kCommit, kClean, kDone, kFailed };
std::string_view ToString(Phase phase);

// What an observer is told about one stream while it runs. Counters only grow within a run.
struct Progress {
  std::string stream;
  Phase phase = Phase::kWaiting;
  std::uint64_t rows_loaded = 0;
  std::optional<std::uint64_t> rows_total;  // known once UNLOAD has ended
  std::uint64_t bytes_fetched = 0;
  std::optional<std::uint64_t> bytes_total;  // known once the manifest is read
};

struct StreamResult;

// Called from any thread, often: quick, thread-safe, must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  // The ledger holds the run; `streams` in the order of the request. Not if Run throws before.
  virtual void OnRunBegan(const std::string& run, const std::vector<std::string>& streams);
  virtual void OnProgress(const Progress& progress) = 0;
  // It is committed, or will not be in this run. What is still removed from the bucket at the end
  // of the run is not yet in it.
  virtual void OnStreamEnded(const StreamResult& result);
};

// One stream's progress, told to the observer often enough to look alive and no more often.
// Thread-safe. REQUIRES: `observer` outlives it.
class StreamProgress {
 public:
  StreamProgress(Observer& observer, std::string stream) : observer_(observer) {
    now_.stream = std::move(stream);
  }
  void SetPhase(Phase phase) {
    Change([&] { now_.phase = phase; });
  }
  void SetTotals(std::uint64_t rows, std::uint64_t bytes) {
    Change([&] {
      now_.rows_total = rows;
      now_.bytes_total = bytes;
    });
  }
  void AddRows(std::uint64_t rows) {
    Change([&] { rows_ += rows; });
  }
  // The load starts again: its counts are told once they exceed those told before.
  void Restart() {
    const std::lock_guard lock(mu_);
    rows_ = 0;
    bytes_ = 0;
  }
  // Called for every piece that arrives: told on only once per mebibyte.
  void AddBytes(std::uint64_t bytes) {
    const std::lock_guard lock(mu_);
    bytes_ += bytes;
    if (bytes_ < bytes_told_ + (1U << 20)) return;
    TellLocked();
  }

 private:
  template <typename Body>
  void Change(Body body) {
    const std::lock_guard lock(mu_);
    body();
    TellLocked();
  }
  void TellLocked() {
    now_.rows_loaded = std::max(now_.rows_loaded, rows_);
    now_.bytes_fetched = std::max(now_.bytes_fetched, bytes_);
    bytes_told_ = now_.bytes_fetched;
    observer_.OnProgress(now_);
  }
  Observer& observer_;
  std::mutex mu_;
  Progress now_;  // guarded by mu_, as below
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_told_ = 0;
};

}  // namespace sluice::sync
