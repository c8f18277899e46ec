// Our local record of runs and attempts: what we may have put into the bucket, so that every object
// we cause can be found again. It is not the truth about what was committed (the destination is);
// it can be lost without losing rows. Its format:
// ledger_schema.h.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/cost.h"
#include "model/part.h"
#include "sqlite/sqlite.h"
#include "sync/ledger/known_table.h"
#include "sync/ledger/ledger_lock.h"

namespace sluice::sync {

// What is known of an attempt. Format, do not change.
enum class AttemptState {
  kPlanned,    // the prefix is recorded; UNLOAD may have been sent
  kCommitted,  // rows and watermark are at the destination; objects may still lie in the bucket
  kFailed,     // ended with an error; objects may still lie in the bucket
  kAbandoned,  // its process died with UNLOAD perhaps still running: swept by every run for 48 h
  kCleaned,    // nothing of it is in the bucket
};

// One UNLOAD of an attempt.
struct UnloadRecord {
  std::string what;         // its folder beneath the attempt's prefix: "rows", "rows-003", "keys"
  std::string condition;    // of its piece; empty: no piece
  std::string fingerprint;  // of the select sent and its columns
  // The server said that it had ended, with so many rows.
  std::optional<std::uint64_t> notice_rows;
  friend bool operator==(const UnloadRecord&, const UnloadRecord&) = default;
};

// What an attempt is about to read: enough to tell, after a death, whether what it left in the
// bucket is what a later attempt would read (sync/adoption.h).
struct AttemptFacts {
  std::string run;
  std::string stream;
  std::string attempt;
  std::string prefix;
  // The commit at the destination that it builds on (sync/reading.h). nullopt: unknown, as an older
  // version wrote it, or its clock was wrong.
  std::optional<std::string> basis;
  std::optional<std::string> high;  // the cursor's greatest value, read in its transaction
  // When its rows were read, by the server's clock; nullopt: it was not asked, or nobody wrote it.
  std::optional<base::UtcTime> as_of = std::nullopt;
  std::optional<std::string> adopted;  // the attempt some of whose parts it loads
  std::vector<UnloadRecord> unloads;   // that it sends itself
  // The ledger's own: AddAttempt does not look at them.
  base::UtcTime began;
  AttemptState state = AttemptState::kPlanned;
};

// What a commit brought, for the records.
struct CommitRecord {
  model::Proof proof;
  model::Counts counts;
  std::optional<std::string> watermark;
  std::optional<std::uint64_t> keys_compared;
};

// How much a ledger remembers.
struct HistoryBounds {
  std::chrono::seconds age = std::chrono::hours(90 * 24);  // since a run began
  std::int64_t runs = 10'000;                              // the newest
  // Those that hold the newest attempts. So many take some 60 MB: a hundred streams that are synced
  // every ten minutes fill them in a week.
  std::int64_t attempts = 100'000;
};

// Thread-safe. Every write outlives the process when the call returns. BeginRun and AddAttempt
// outlive the machine too; of the others a crash of the machine may lose the newest, which costs a
// sweep or an UNLOAD, never a row. Errors: kPermission, kNoSpace, kCorrupt (not a ledger, or of a
// newer version), kInternal.
class Ledger {
 public:
  // Opens or creates it, and holds it alone until destroyed. kConflict if another process holds it:
  // the message says which and since when. The lock dies with its process.
  Ledger(const std::filesystem::path& path, const base::Clock& clock);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void BeginRun(std::string_view run);
  // `cost` as far as it is known then.
  void EndRun(std::string_view run, std::string_view outcome,
              const std::optional<model::RunCost>& cost = {});

  // REQUIRES: returned before UNLOAD is sent (order of effects 1).
  void AddAttempt(const AttemptFacts& attempt);
  // UNLOAD `what` has ended.
  void SetUnloaded(std::string_view attempt, std::string_view what,
                   std::optional<std::uint64_t> notice_rows);
  void SetCommitted(std::string_view attempt, const CommitRecord& commit);
  void SetFailed(std::string_view attempt, const base::ErrorInfo& error);
  void SetCleaned(std::string_view attempt);
  // What the stream's dead attempts left cannot be used any more: it is swept, never loaded.
  void Abandon(std::string_view stream);
  // The destination has forgotten the stream's last commit. For status, until it commits again.
  void NoteReset(std::string_view stream);

  // How long the stream's last committed attempt that read all by itself took, from before its
  // first UNLOAD to its commit; nullopt: the record knows of none.
  struct Took {
    std::uint64_t rows = 0;
    std::chrono::seconds took{0};
  };
  std::optional<Took> LastCommit(std::string_view stream);

  // What is known of these tables from now on; of others nothing changes.
  void NoteTables(const std::vector<KnownTable>& tables);

  // Runs, other than `current`, of which something may still lie in the bucket.
  std::set<std::string> DeadRuns(std::string_view current);
  // Runs, other than `current`, that never ended: killed, unless another process is at work.
  std::set<std::string> UnendedRuns(std::string_view current);
  // The attempts of dead runs, newest first.
  std::vector<AttemptFacts> DeadAttempts(std::string_view current);
  // After a sweep that left nothing behind: their attempts count as cleaned, except those whose
  // UNLOAD may still write (kAbandoned until 48 h after they began: no UNLOAD's keys live longer).
  // Attempts whose prefix is in `spared` stay as they are.
  void MarkSwept(const std::set<std::string>& runs, const std::set<std::string>& spared = {});

  // Why the stream ended with an error in this run, whether or not it came to an attempt; `stream`
  // empty: why the whole run did. The last one counts.
  void NoteFailure(std::string_view run, std::string_view stream, const base::ErrorInfo& error);

  // Forgets runs beyond `bounds`. A run goes as a whole or stays as a whole: it stays while
  // something of it may lie in the bucket, while it is in `needed`, and while it made the last
  // commit of a stream.
  void Prune(const HistoryBounds& bounds, const std::set<std::string>& needed);

  // For tests and reports.
  std::optional<AttemptState> StateOf(std::string_view attempt);

 private:
  void CorrectTimes();
  std::vector<std::string> RunsToPrune(const HistoryBounds& bounds);
  AttemptState StateNamed(const std::string& name) const;
  void SetState(std::string_view attempt, AttemptState state);

  const base::Clock& clock_;
  const LedgerLock lock_;
  std::mutex mu_;
  sqlite::Database db_;  // guarded by mu_
};

}  // namespace sluice::sync
