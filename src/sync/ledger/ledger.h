// Our local record of runs and attempts: what we may have put into the bucket, so that every object
// we cause can be found again. It is not the truth about what was committed (the destination is);
// it can be lost without losing rows.
//
// Format: SQLite, WAL, user_version 4. Tables `run` (one row a run), `attempt` (one row for each
// time a stream was read), `unload` (one row an UNLOAD of it) and `reset` (streams that were reset
// after their last commit); an attempt and its UNLOADs are written together, before the first is
// sent. Do not change without raising user_version.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/part.h"

struct sqlite3;

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
  std::optional<std::string> high;     // the cursor's greatest value, read in its transaction
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

// The format that this program writes, and the newest that it reads.
inline constexpr std::int64_t kLedgerVersion = 4;

// Thread-safe. Every write outlives the process when the call returns. BeginRun and AddAttempt
// outlive the machine too; of the others a crash of the machine may lose the newest, which costs a
// sweep or an UNLOAD, never a row. Errors: kPermission, kNoSpace, kCorrupt (not a ledger, or of a
// newer version), kInternal.
class Ledger {
 public:
  // Opens or creates it, and holds it alone until destroyed. kConflict if another process holds it:
  // the message says which and since when. The lock dies with its process.
  Ledger(std::filesystem::path path, const base::Clock& clock);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void BeginRun(std::string_view run);
  void EndRun(std::string_view run, std::string_view outcome);

  // REQUIRES: returned before UNLOAD is sent (order of effects 1).
  void AddAttempt(const AttemptFacts& attempt);
  // UNLOAD `what` has ended.
  void SetUnloaded(std::string_view attempt, std::string_view what,
                   std::optional<std::uint64_t> notice_rows);
  void SetCommitted(std::string_view attempt, const CommitRecord& commit);
  void SetFailed(std::string_view attempt, std::string_view error_code);
  void SetCleaned(std::string_view attempt);
  // What the stream's dead attempts left is of no use any more: it is swept, never loaded.
  void Abandon(std::string_view stream);
  // The destination has forgotten the stream's last commit. For status, until it commits again.
  void NoteReset(std::string_view stream);

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

  // For tests and reports.
  std::optional<AttemptState> StateOf(std::string_view attempt);

 private:
  class Statement;
  class Lock;
  class Transaction;
  void Execute(const char* sql);
  void RequireLedger();
  void Migrate();
  void MendTimes();
  std::int64_t Version();
  AttemptState StateNamed(const std::string& name) const;
  void SetState(std::string_view attempt, AttemptState state);

  const base::Clock& clock_;
  const std::filesystem::path path_;
  std::unique_ptr<Lock> lock_;
  std::mutex mu_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;  // guarded by mu_
};

}  // namespace sluice::sync
