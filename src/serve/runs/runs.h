// Everything that runs: syncs in their queue and by their schedules, short jobs, alerts, and what
// is told of them. Each is a child process of this same program; this one touches neither AWS nor a
// destination. A child outlives us: whoever comes next finds it and goes on with it.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/environment.h"
#include "base/log.h"
#include "serve/compose/compose.h"
#include "serve/store/store.h"

namespace sluice::serve {

struct RunsOptions {
  std::filesystem::path data;  // DATA (data_folder.h)
  // What children are: this program itself.
  std::filesystem::path program = "/proc/self/exe";
  int parallel_runs = 4;             // in all
  int parallel_runs_per_tenant = 2;  // where the tenant has no limit of its own
  int parallel_jobs = 4;             // short jobs, in all
  int parallel_jobs_per_tenant = 2;
  std::chrono::seconds job_patience{300};  // then a short job is stopped
  // From SIGINT to SIGKILL. A sync that is stopped cancels its UNLOADs and cleans the bucket.
  std::chrono::seconds stop_grace{60};
  // Children get the AWS variables of this process (a role of the machine itself).
  bool aws_environment = false;
  // This process's, of which children get a little (child.h).
  base::Environment environment;
  // Hosts of this machine or its network that alerts may be sent to and children may connect to
  // (--allow-host).
  std::vector<std::string> allow_hosts;
  // PEM file of the authorities that alerts are sent by; empty: the system's.
  std::string alert_ca_file;
  // Ended runs are forgotten after this, with their folders; never a pipeline's newest.
  std::chrono::hours keep_runs{24 * 90};
  std::chrono::hours keep_audit{24 * 400};  // a year, and what a late reader needs
  // Where people look at a run, for alerts: "https://sluice.example.com"; empty: alerts hold no
  // link.
  std::string public_url;
};

struct RunRequest {
  std::string tenant;
  std::string pipeline;
  std::vector<std::string> streams;  // by name; empty: all
  bool full = false;
  bool allow_deletes = false;
};

// One line of `sluice sync --events` (docs/CLI_JSON.md).
struct RunEvent {
  // For Last-Event-ID: where its line ends in the run's file. It grows; 0 is before the first.
  std::uint64_t id = 0;
  std::string json;  // one line, without its end
};

struct RunEvents {
  std::vector<RunEvent> events;
  bool over = false;  // the run has ended and there are no others: end the stream
};

enum class JobKind {
  kTest,             // `check` of the source alone
  kTestDestination,  // `check` of the destination alone
  kTestPipeline,     // `check` of both, and of the streams
  kDiscover,
  kPreview,
  kSetup,
  kPlan,  // `sync --dry-run`
};

struct JobRequest {
  JobKind kind = JobKind::kTest;
  std::string tenant;
  // As Compose makes it: of a pipeline for kPlan and kPreview, of a source or a destination alone
  // for the others.
  Composed config;
  std::vector<std::string> schemas;   // kDiscover; empty: all
  bool verify_keys = false;           // kDiscover
  std::string stream;                 // kPreview
  int limit = 20;                     // kPreview
  std::vector<std::string> streams;   // kPlan; empty: all
  bool full = false;                  // kPlan
  bool offline = false;               // kSetup: ask AWS nothing
  std::string pattern;                // kSetup: "A" to "D"; empty: as the configuration has it
  std::vector<std::string> db_roles;  // kSetup
  std::vector<std::string> owners;    // kSetup
  std::string workgroup_id;           // kSetup; empty: asked for
  std::string bucket_account;         // kSetup; empty: the same
};

struct JobResult {
  int exit_code = 0;     // as docs/CLI_JSON.md tells it
  std::string document;  // the command's document of docs/CLI_JSON.md, JSON
};

// What became of one alert.
struct Delivery {
  bool delivered = false;
  std::string problem;  // why not: a sentence without the address; empty if delivered
  int attempts = 0;
};

// All functions: any thread, unless they say otherwise. Ids that do not exist, or belong to another
// tenant, are kNotFound.
class Runs {
 public:
  virtual ~Runs() = default;

  // Adopts the children of a supervisor that died, then begins the thread that runs all of this.
  // Once.
  virtual void Begin() = 0;
  // Begins nothing more and returns soon. Syncs go on; the next Begin adopts them. Short jobs are
  // stopped.
  virtual void End() = 0;
  // Whether Begin is done and the thread is alive: for /readyz.
  virtual bool Ready() const = 0;

  // Puts a run into the queue and returns its id. A pipeline that has a run that waits gets no
  // second one: kConflict, with its id in facts["run"].
  virtual std::string Start(const RunRequest& request) = 0;
  // One that waits is over at once; one that runs is asked to stop, and killed after the grace.
  // Again is allowed; of one that is over nothing happens.
  virtual void Stop(const std::string& tenant, const std::string& run) = 0;
  // Lines after `after` (an id, or 0), at most about `bytes_max` of them and at least one if there
  // is one. Never waits: ask again after a quarter of a second. An `after` that is no id of this
  // run's: from the beginning.
  virtual RunEvents Events(const std::string& tenant, const std::string& run, std::uint64_t after,
                           std::size_t bytes_max = 256U << 10U) = 0;
  // Something in the store changed that may be due (a schedule, a limit): look now.
  virtual void Wake() = 0;

  // A short job. Waits for its end. `on_event` is called in this thread with each line as it comes
  // (of a test: event "finding"); it may throw, which ends the job and is thrown on. `stop` ends
  // the child: kCancelled. Other errors: kThrottled if too many jobs run, kTimeout, kNoSpace,
  // kInternal if the child died. What the command itself answers (a configuration that is wrong, a
  // failed log-in) is a document, not an error.
  virtual JobResult RunJob(const JobRequest& request,
                           const std::function<void(std::string_view json)>& on_event,
                           std::stop_token stop) = 0;

  // Sends a test message now, once. Waits for it, at most 30 seconds.
  virtual Delivery TestAlert(const std::string& tenant, const std::string& alert) = 0;

  // The text of /metrics, of everything.
  virtual std::string Metrics() = 0;
  // JSON of GET /overview, of one tenant or (nullopt) of all:
  // {"tenants": [{"tenant", "name", "pipelines", "running", "queued",
  //   "failed": [{"pipeline", "name", "run", "state", "ended_at", "error": {…}|null}],
  //   "late":   [{"pipeline", "name", "due_at", "seconds"}],
  //   "last_24h": {"runs", "succeeded", "partly", "failed", "stopped", "rows", "bytes"},
  //   "cost_30d": {"runs", "billed_seconds", "rpu_seconds"|null, "amount"|null}}],
  //  "queue": {"running", "queued", "oldest_seconds"|null}}
  // `failed`: pipelines whose newest run that is over did not succeed. `late`: pipelines whose
  // schedule was due, and that have not begun since.
  virtual std::string Overview(const std::optional<std::string>& tenant) = 0;
};

// The configuration of one run's child. Throws base::Error: the run fails with it.
using ComposeRun = std::function<Composed(const std::string& tenant, const std::string& pipeline)>;

// As the store has them now. REQUIRES: `store` outlives it.
ComposeRun ComposeFrom(Store& store, OperatorRules rules, const DataFolder& data);

// REQUIRES: `store`, `clock` and `log` outlive what it returns.
std::unique_ptr<Runs> MakeRuns(const RunsOptions& options, Store& store, ComposeRun compose,
                               const base::Clock& clock, base::Logger& log);

}  // namespace sluice::serve
