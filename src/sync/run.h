// A sync, from plan to clean: the order of steps, and only that. Reads as the story in
// docs/ARCHITECTURE.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/object_store.h"
#include "base/byte_budget.h"
#include "base/clock.h"
#include "base/log.h"
#include "destinations/destination.h"
#include "model/part.h"
#include "model/stream.h"
#include "redshift/cursor.h"
#include "redshift/session.h"
#include "redshift/unload_statement.h"

namespace sluice::sync {

enum class Phase { kWaiting, kPlan, kLogin, kUnload, kLoad, kCommit, kClean, kDone, kFailed };
std::string_view ToString(Phase phase);

// What an onlooker may know about one stream while it runs. Counters only grow within a run.
struct Progress {
  std::string stream;
  Phase phase = Phase::kWaiting;
  std::uint64_t rows_loaded = 0;
  std::optional<std::uint64_t> rows_total;  // known once UNLOAD has ended
  std::uint64_t bytes_fetched = 0;
  std::optional<std::uint64_t> bytes_total;  // known once the manifest is read
};

// Called from any thread, often: quick, thread-safe, must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnProgress(const Progress& progress) = 0;
};

struct StreamResult {
  std::string stream;
  model::TableName target;
  std::optional<base::ErrorInfo> error;  // nullopt: committed
  model::Proof proof;
  model::Counts counts;
  std::optional<std::string> watermark;        // committed; incremental only
  std::optional<std::uint64_t> keys_compared;  // rows of the key scan, if there was one
  std::uint64_t bytes = 0;                     // of all parts
  // How many parts were verified by what, as staging::Fetch::verified; "copied": S3 copied them.
  std::map<std::string, std::uint64_t> verified;
  std::chrono::milliseconds duration{0};
  std::chrono::milliseconds unload_duration{0};
  int attempts = 0;  // times it was tried, the last included
  // The rows, or some of them, are from an UNLOAD that an earlier attempt had sent: then.
  std::optional<base::UtcTime> adopted_from;
  // Prefixes whose objects stay on purpose: the next sync may load them instead of reading anew.
  std::vector<std::string> kept;
  // Keys or prefixes that are still in the bucket although they should not be; empty if clean.
  std::vector<std::string> left_behind;
  // Parts of this run that could not be removed, unusual counts and the like; sentences.
  std::vector<std::string> warnings;

  // An attempt that is made again meets the same.
  void WarnOnce(std::string warning);
};

struct RunResult {
  std::string run;                    // id
  std::vector<StreamResult> streams;  // in the order of the request
  std::chrono::milliseconds duration{0};
  bool interrupted = false;
};

// The moments of the order of effects (docs/GUARANTEES.md), each right after its effect is durable.
// Tests kill the process in each; the names are stable.
enum class Effect {
  kPrefixRecorded,  // the ledger holds the prefix; UNLOAD not yet sent
  kAdopted,         // the ledger says whose parts will be loaded; after kPrefixRecorded
  kPieceUnloaded,   // one UNLOAD has ended and the ledger has its notice; before its manifest is
                    // read
  kUnloaded,        // all objects are in the bucket, manifests read; nothing loaded
  kLoaded,          // all rows are with the destination; nothing committed
  kCommitted,       // rows and watermark are visible; the ledger does not say so yet
  kRecorded,        // the ledger says so; the objects are still in the bucket
  kCleaned,         // the objects are gone; the ledger does not say so yet
};
inline constexpr int kEffects = 8;
std::string_view ToString(Effect effect);  // "prefix_recorded", ...

// What a stream will do, as --dry-run prints it.
struct StreamPlan {
  model::Stream stream;
  model::StreamTarget target;
  std::string select;  // level 1, without keys and without the range that only the server can tell
  // Incremental: what to ask for, but for `high`, which is asked in the transaction that unloads.
  std::optional<redshift::CursorRange> range;
  std::optional<std::string> key_select;  // all keys are to be compared in this run
  // What the destination committed last.
  std::optional<model::Watermark> committed;
  // What may go wrong with it in silence: sentences with what to do.
  std::vector<std::string> warnings;
};

struct RunOptions {
  std::string connection;  // `name` of the configuration: part of the prefix
  std::string database;    // the one logged in to
  std::string bucket;
  std::string bucket_region;
  std::string root;                    // "sluice/": ends in '/', not empty
  std::optional<std::string> kms_key;  // as redshift::UnloadOptions
  std::optional<std::string> destination_schema;
  std::filesystem::path work_dir;  // parts on local disk; made, and emptied at the end
  std::filesystem::path ledger;    // SQLite file
  int streams_parallel = 4;
  int part_mb_max = 64;
  std::uint64_t disk_bytes_max = 2ULL << 30;  // parts on local disk at one time, all streams
  std::uint64_t range_bytes = 8ULL << 20;     // one ranged GET
  std::chrono::seconds unload_timeout{3000};  // below the life of the keys in its text
  bool full = false;                          // read everything, whatever was read before
  bool allow_deletes = false;                 // however many rows are gone
};

// What a run works with. REQUIRES: all outlive the run and are thread-safe.
struct RunParts {
  const base::Clock& clock;
  base::Logger& log;
  aws::ObjectStore& store;
  destinations::Destination& destination;
  // A new login; called once per parallel stream.
  std::function<std::unique_ptr<redshift::Session>(const base::Call&)> login;
  // What one UNLOAD writes with: keys that may write beneath `prefix` only and live at least
  // `life_min`, or a role attached to the namespace.
  std::function<redshift::UnloadAuth(const std::string& prefix, std::chrono::seconds life_min,
                                     const base::Call&)>
      unload_auth;
  Observer& observer;
  // Called after each effect, on the stream's thread. Tests kill the process in it.
  std::function<void(Effect, std::string_view stream)> after_effect = {};
};

// Syncs the streams, `streams_parallel` at a time. One failing stream does not stop the others.
// `stop` (Ctrl-C) cancels UNLOADs at the server, cleans the bucket and returns with `interrupted`.
// Throws base::Error only for what concerns the whole run: the ledger or work_dir cannot be used
// (kConflict if another run holds the ledger, kNoSpace, kPermission), the first login fails, or
// streams that cannot be told apart at the destination (kInvalidConfig).
RunResult Run(const std::vector<model::Stream>& streams, const RunOptions& options,
              const RunParts& parts, std::stop_token stop);

// The plan alone: logs in and describes, sends no UNLOAD, writes nothing.
std::vector<StreamPlan> Plan(const std::vector<model::Stream>& streams, const RunOptions& options,
                             const RunParts& parts, std::stop_token stop);

}  // namespace sluice::sync
