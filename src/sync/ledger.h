// Our local record of runs and attempts: what we may have put into the bucket, so that every object
// we cause can be found again. It is not the truth about what was committed (the destination is);
// it can be lost without losing rows.
//
// Format: SQLite, WAL, user_version 2. Tables `run` (one row a run) and `attempt` (one row an
// UNLOAD, written before it is sent). Do not change without raising user_version.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

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

// What a commit brought, for the records.
struct CommitRecord {
  model::Proof proof;
  model::Counts counts;
  std::optional<std::string> watermark;
  std::optional<std::uint64_t> keys_compared;
};

// Thread-safe. All writes are durable when the call returns. Errors: kPermission, kNoSpace,
// kCorrupt (not a ledger, or of a newer version), kInternal.
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
  void AddAttempt(std::string_view run, std::string_view stream, std::string_view attempt,
                  std::string_view prefix);
  void SetCommitted(std::string_view attempt, const CommitRecord& commit);
  void SetFailed(std::string_view attempt, std::string_view error_code);
  void SetCleaned(std::string_view attempt);

  // Runs, other than `current`, of which something may still lie in the bucket.
  std::set<std::string> DeadRuns(std::string_view current);
  // After a sweep that left nothing behind: their attempts count as cleaned, except those whose
  // UNLOAD may still write (kAbandoned until 48 h after they began: no UNLOAD's keys live longer).
  void MarkSwept(const std::set<std::string>& runs);

  // For tests and reports.
  std::optional<AttemptState> StateOf(std::string_view attempt);

 private:
  class Statement;
  class Lock;
  void Execute(const char* sql);
  void Migrate();
  std::int64_t Version();
  void SetState(std::string_view attempt, AttemptState state);

  const base::Clock& clock_;
  const std::filesystem::path path_;
  std::unique_ptr<Lock> lock_;
  std::mutex mu_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;  // guarded by mu_
};

}  // namespace sluice::sync
