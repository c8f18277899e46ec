// What past runs did, read from the ledger without holding it: a sync may write it meanwhile.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/cost.h"
#include "model/part.h"

namespace sluice::sync {

struct AttemptRecord {
  std::string stream;
  std::string attempt;
  std::string state;  // "planned", "committed", "failed", "abandoned", "cleaned"
  std::string prefix;
  base::UtcTime began;
  std::optional<base::UtcTime> committed;
  std::string error;  // the code; empty if none
  // What it concerned, what was seen and what to do; empty if none, or from an older version.
  std::string subject;
  std::string message;
  std::string remedy;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  model::Counts counts;  // without duplicates and deleted_absent
  std::optional<std::string> watermark;
};

// Why a stream, or a whole run, ended with an error.
struct FailureRecord {
  std::string run;
  std::string stream;  // empty: the whole run
  base::UtcTime at;
  std::string code;
  std::string subject;
  std::string message;
  std::string remedy;
};

struct RunRecord {
  std::string run;
  base::UtcTime began;
  std::optional<base::UtcTime> ended;  // nullopt: under way, or dead
  std::string outcome;                 // "done", "failed", "interrupted"; empty: no end recorded
  std::vector<AttemptRecord> attempts;
  std::vector<FailureRecord> failures;  // of the run itself first, then by stream
  // nullopt: it died, or an older version recorded it.
  std::optional<model::RunCost> cost;
};

// What the run of a stream's last commit cost, and how many streams it was for.
struct CostRecord {
  std::string stream;
  model::RunCost cost;
  std::uint64_t streams = 1;
  std::uint64_t bytes = 0;  // of this stream's parts
};

// Of all runs that the ledger remembers and that began after a moment.
struct CostTotal {
  std::uint64_t runs = 0;  // whose cost is known
  model::RunCost cost;     // rpus: of the newest that knew; amounts of those that had a price
};

struct History {
  std::vector<RunRecord> runs;  // newest first
  // Each stream's last commit, whichever run made it, by name.
  std::vector<AttemptRecord> last_commits;
  // Each stream's last failure, if it has not committed since, by name.
  std::vector<FailureRecord> last_failures;
  // Streams that were reset after their last commit: the next sync reads them from the beginning.
  std::set<std::string> resets;
  // Attempts of which something may still lie in the bucket.
  std::vector<AttemptRecord> unclean;
  // Of the streams of last_commits, by name, as far as known.
  std::vector<CostRecord> last_costs;
  // Of the newest run that has ended, as far as known.
  std::optional<model::RunCost> last_cost;
  // "process 4711 since 2026-01-01 00:00:00 UTC", if a sync holds the ledger now.
  std::optional<std::string> holder;
};

// At most `runs_max` runs. A ledger that does not exist is an empty history. Errors: kPermission,
// kCorrupt.
History ReadHistory(const std::filesystem::path& ledger, int runs_max);

// What the runs that began after `since` cost together. As ReadHistory.
CostTotal ReadCosts(const std::filesystem::path& ledger, base::UtcTime since);

// Why `stream` ended with an error, if it has not committed since; of the newest run as a whole, if
// `stream` is empty. nullptr: there is nothing to tell. REQUIRES: `history` outlives the answer.
const FailureRecord* LastFailure(const History& history, const std::string& stream);

// Throws, as the next sync would when it opens the ledger: kCorrupt (damaged, no ledger, of a newer
// format, a folder), kPermission (not writable, or its folder; a link). Changes nothing. A ledger
// that does not exist is well if it, or its folder, could be made. Another sync may hold it.
void ProbeLedger(const std::filesystem::path& ledger);

}  // namespace sluice::sync
