// A sync, from plan to clean: the order of steps, and only that. Reads as the story in
// docs/ARCHITECTURE.md.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/s3/object_store.h"
#include "aws/s3/s3_traffic.h"
#include "base/clock.h"
#include "base/log.h"
#include "destinations/destination.h"
#include "model/cost.h"
#include "model/stream.h"
#include "redshift/activity.h"
#include "redshift/session.h"
#include "redshift/unload_statement.h"
#include "sync/base/effect.h"
#include "sync/base/progress.h"
#include "sync/base/run_options.h"
#include "sync/base/stream_result.h"
#include "sync/ledger/known_table.h"
#include "sync/read/stream_plan.h"

namespace sluice::sync {

struct RunResult {
  std::string run;                    // id
  std::vector<StreamResult> streams;  // in the order of the request
  std::chrono::milliseconds duration{0};
  bool interrupted = false;
  // nullopt: nobody counted (RunParts::activity, traffic).
  std::optional<model::RunCost> cost;
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
  // What counts while the run goes on: both, or neither.
  const redshift::Activity* activity = nullptr;
  const aws::S3Traffic* traffic = nullptr;
  // No stream is begun any more; those under way are finished. As `stop`, for what waits.
  std::stop_token drain = {};
  // Called after each effect, on the stream's thread. Tests kill the process in it.
  std::function<void(Effect, std::string_view stream)> after_effect = {};
  // What the choice of the streams told of tables, for the ledger.
  std::vector<KnownTable> tables = {};
};

// Syncs the streams, `streams_parallel` at a time. One failing stream does not stop the others.
// `stop` (Ctrl-C) cancels UNLOADs at the server, cleans the bucket and returns with `interrupted`.
// Throws base::Error only for what concerns the whole run: the ledger or work_dir cannot be used
// (kConflict if another run holds the ledger, kNoSpace, kPermission), the first login fails, or
// streams that cannot be told apart at the destination (kInvalidConfig).
RunResult Run(const std::vector<model::Stream>& streams, const RunOptions& options,
              const RunParts& parts, std::stop_token stop);

// Writes into the ledger that a run failed before it knew its streams, so that `status` tells why.
// Throws nothing: what led here is the failure to tell.
void RecordFailedRun(const std::filesystem::path& ledger, const base::Clock& clock,
                     const base::ErrorInfo& failure) noexcept;

// One stream's plan, or why there is none; both, if the source cannot run what the plan says.
struct Planned {
  model::Stream stream;
  std::optional<StreamPlan> plan;
  std::optional<base::ErrorInfo> error;
};

// The plans alone, in the order of the request: logs in and describes, sends no UNLOAD, writes
// nothing. One failing stream does not hide the others. Throws what concerns the whole run, as Run.
std::vector<Planned> Plan(const std::vector<model::Stream>& streams, const RunOptions& options,
                          const RunParts& parts, std::stop_token stop);

}  // namespace sluice::sync
