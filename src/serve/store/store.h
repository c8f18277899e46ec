// What the service knows, in one SQLite database: DATA/service.db (WAL). Its format: schema.h.
//
// Secrets lie in it sealed (seal.h) and leave it as base::Secret alone. Every write is one
// transaction that is on disk when the call returns: what was answered survives a power cut.
// Any thread: writers take turns, readers do not wait for them. A call takes up to five seconds
// where another process holds the database.
//
// Throws base::Error, whatever the call:
//   kNotFound       no such thing, or it is another tenant's: the two are not told apart
//   kConflict       reason "changed" (another version than expected), "in_use", "queued"
//   kInvalidConfig  a name that is taken, a cursor that is none, an idempotency key used twice;
//                   on opening: the wrong key (reason "wrong_key")
//   kUnavailable    reason "busy": another process holds the database; retryable
//   kNoSpace        the disk is full; retryable
//   kCorrupt        the database is damaged, another program's, or a newer sluice's
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "serve/base/access.h"
#include "serve/base/resources.h"
#include "serve/base/runs.h"
#include "serve/store/keyring.h"

namespace sluice::serve {

template <typename T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next_cursor;
};
struct PageRequest {
  int limit = 50;      // 1 to 500; others are cut to that
  std::string cursor;  // `next_cursor` of the page before; empty: the first
};

struct RunFilter {
  std::optional<std::string> tenant;  // nullopt: of all
  std::optional<std::string> pipeline;
  std::optional<RunState> state;
};

// A run that waits, as little of it as choosing takes.
struct QueuedRun {
  std::string id;
  std::string tenant;
  std::string pipeline;
  std::string destination;
  base::UtcTime queued_at;
};

// A pipeline that has a schedule.
struct Scheduled {
  std::string tenant;
  std::string pipeline;
  Schedule schedule;
  std::int64_t version = 0;  // of the pipeline: `next_at` is of the version that it was set for
  std::optional<base::UtcTime> next_at;  // nullopt: not planned yet, or planned for another version
};

// Of runs in a Standing. kState: id, tenant, pipeline, trigger, state, queued_at, ended_at and
// error alone, as nobody reads the rest of the thousands that an overview looks at.
enum class RunDetail { kState, kCounts };

// How a pipeline stands, for overviews and /metrics.
struct Standing {
  std::string tenant;
  std::string tenant_name;
  std::string pipeline;
  std::string name;
  std::optional<Schedule> schedule;
  std::optional<base::UtcTime> next_at;
  // Without streams_result; null: there is none.
  std::shared_ptr<const Run> last_run;    // the newest, whatever became of it
  std::shared_ptr<const Run> last_ended;  // the newest that is over
  std::optional<base::UtcTime> last_success_at;
};

// Sums over runs that ended.
struct RunSums {
  std::string tenant;
  std::int64_t runs = 0;
  std::int64_t succeeded = 0;
  std::int64_t partly = 0;
  std::int64_t failed = 0;
  std::int64_t stopped = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  double seconds = 0;
  std::optional<double> billed_seconds;
  std::optional<double> rpu_seconds;
  std::optional<double> amount;
};

// A message of an alert that is on its way. Kept until it was delivered or given up.
struct Message {
  std::string id;  // the same however often it is sent
  std::string tenant;
  std::string alert;
  std::string event;  // "failed"
  Json payload;
  int attempts = 0;
  base::UtcTime next_at;
  base::UtcTime created_at;
};

// The answer that an idempotency key stands for.
struct SavedAnswer {
  int status = 0;
  std::string body;
};

class Store {
 public:
  // Makes DATA/service.db (mode 0600) if there is none, and brings an older one to today's format.
  // REQUIRES: `data` is there, and this process alone serves it (DataLock); the clock outlives it.
  // `reread`: gives the keys as they are now, once another process sealed everything with a new one
  // (rotate.h); without it that is for the next start.
  static std::unique_ptr<Store> Open(const std::filesystem::path& data, const Keyring& keyring,
                                     const base::Clock& clock,
                                     std::function<Keyring()> reread = {});
  virtual ~Store() = default;

  // Whether rows can be read and written, for /readyz: writes nothing. Throws kUnavailable if
  // another process holds the database, kNoSpace if its disk is full; waits for a second at most.
  virtual void Ping() = 0;
  // What `work` has this store write, in this thread, is written as one: all of it or, if it
  // throws, nothing. Others that write wait meanwhile, so `work` does nothing that takes long.
  virtual void Together(const std::function<void()>& work) = 0;

  // --- Tenants. Names are unique. Deleting one deletes all that is its own; kConflict "in_use"
  // while one of its runs is running.
  virtual Tenant AddTenant(std::string_view name, std::optional<int> parallel_runs) = 0;
  virtual Tenant GetTenant(std::string_view id) = 0;
  virtual std::optional<Tenant> FindTenantByName(std::string_view name) = 0;
  virtual Page<Tenant> Tenants(const PageRequest& page) = 0;
  // `expected`: the version that the change rests on.
  virtual Tenant UpdateTenant(std::string_view id, std::string_view name,
                              std::optional<int> parallel_runs,
                              std::optional<std::int64_t> expected) = 0;
  virtual void DeleteTenant(std::string_view id) = 0;

  // --- Sources, destinations, pipelines, alerts. Names are unique per tenant and kind. The source
  // and destination of a pipeline are of the same tenant (else kNotFound), and cannot be deleted
  // while it is there (kConflict "in_use"); a pipeline cannot while its run is running.
  // Gives id, version 1 and times.
  virtual Resource Add(Resource resource) = 0;
  // Its secrets opened, if `with_secrets`; else their names with empty values.
  virtual Resource Get(Kind kind, std::string_view tenant, std::string_view id,
                       bool with_secrets = false) = 0;
  virtual std::optional<Resource> FindByName(Kind kind, std::string_view tenant,
                                             std::string_view name, bool with_secrets = false) = 0;
  // In the order in which they were made.
  virtual Page<Resource> List(Kind kind, std::string_view tenant, const PageRequest& page) = 0;
  // REQUIRES: `resource` came of Get and ReadResource, so that id and tenant are right and all its
  // secrets are there. Without a difference the version stays.
  virtual Resource Update(const Resource& resource, std::optional<std::int64_t> expected) = 0;
  virtual void Delete(Kind kind, std::string_view tenant, std::string_view id) = 0;
  // No change of the resource: its version stays.
  virtual void SetLastTest(std::string_view tenant, std::string_view source, LastTest test) = 0;

  // --- Runs. A pipeline has at most one run that waits and one that runs, a destination one that
  // runs.
  // kConflict "queued" if one waits already; its id is in facts["run"].
  virtual Run Enqueue(const NewRun& run) = 0;
  // What a schedule asks for: queues the run if `due` is still what is planned, and plans `next`,
  // as one. nullopt: another call was quicker, or a run of the pipeline waits (what is missed does
  // not pile up); `next` is planned all the same. However often it is called for one `due`, one
  // run.
  virtual std::optional<Run> EnqueueDue(const NewRun& run, std::int64_t pipeline_version,
                                        base::UtcTime due, std::optional<base::UtcTime> next) = 0;
  // All with a schedule, paused ones too.
  virtual std::vector<Scheduled> Schedules() = 0;
  virtual void Plan(std::string_view pipeline, std::int64_t pipeline_version,
                    std::optional<base::UtcTime> next) = 0;
  // The oldest first.
  virtual std::vector<QueuedRun> Queue() = 0;
  virtual std::vector<Run> Running() = 0;
  // queued -> running. False: it no longer waits, or its pipeline or destination has a run already.
  virtual bool Begin(std::string_view run, base::UtcTime at) = 0;
  virtual void SetProcess(std::string_view run, Process process) = 0;
  // running (or queued) -> over. False: it was over already, and stays as it was.
  virtual bool End(std::string_view run, const RunEnd& end) = 0;
  // Ends a run that was lost and queues it again (trigger retry), as one. nullopt: it was over
  // already, or another one waits.
  virtual std::optional<Run> EndAndRetry(std::string_view run, const RunEnd& end) = 0;
  // One that waits is over now (stopped), one that runs is marked. False: it is over.
  virtual bool RequestStop(std::string_view tenant, std::string_view run) = 0;
  virtual Run GetRun(std::string_view tenant, std::string_view run) = 0;
  // The newest first; without streams_result.
  virtual Page<Run> Runs(const RunFilter& filter, const PageRequest& page) = 0;
  virtual std::vector<Standing> Standings(const std::optional<std::string>& tenant,
                                          RunDetail detail) = 0;
  virtual std::vector<RunSums> Sums(const std::optional<std::string>& tenant,
                                    base::UtcTime since) = 0;
  // Rows of runs that ended before; returns their ids, so that their folders can go. Never a
  // pipeline's newest. At most `limit`.
  virtual std::vector<std::string> PruneRuns(base::UtcTime before, int limit) = 0;

  // --- Messages of alerts.
  virtual void AddMessage(const Message& message) = 0;  // gives an id if it has none
  // Those of the future too: the clock was set back, and nobody waits until it is there again.
  virtual std::vector<Message> DueMessages(base::UtcTime now, int limit) = 0;
  // Sent in vain: again at `next`.
  virtual void PutOffMessage(std::string_view id, base::UtcTime next) = 0;
  // Delivered, or given up.
  virtual void EndMessage(std::string_view id) = 0;
  // All alerts of a tenant, with their secrets.
  virtual std::vector<Resource> Alerts(std::string_view tenant) = 0;

  // --- Tokens. The text is in the answer to AddToken alone; kept is its SHA-256.
  virtual std::pair<Token, base::Secret> AddToken(std::string_view name, Scope scope,
                                                  const std::optional<std::string>& tenant,
                                                  std::optional<base::UtcTime> expires_at) = 0;
  // nullopt: nobody's, or expired. Notes its use.
  virtual std::optional<Token> FindToken(const base::Secret& text) = 0;
  virtual Page<Token> Tokens(const std::optional<std::string>& tenant, const PageRequest& page) = 0;
  virtual void DeleteToken(const std::optional<std::string>& tenant, std::string_view id) = 0;
  // The page's cookie: ends with its token. Kept is its SHA-256.
  virtual base::Secret AddSession(std::string_view token, base::UtcTime expires_at) = 0;
  virtual std::optional<Token> FindSession(const base::Secret& text) = 0;
  virtual void DeleteSession(const base::Secret& text) = 0;

  // --- Audit. Entries are never changed; `PruneAudit` drops what is older, and tokens and sessions
  // that ended before.
  virtual void Audit(const AuditEntry& entry) = 0;
  virtual Page<AuditEntry> AuditLog(const std::optional<std::string>& tenant,
                                    const PageRequest& page) = 0;
  virtual void PruneAudit(base::UtcTime before) = 0;

  // --- Idempotency keys; `owner`: the token. Kept for 24 hours, the answers sealed.
  // nullopt: it is new, and held for this call: do it, then SaveAnswer or ForgetKey. These two do
  // not fail for want of room or because the database is held: what they say is kept in memory
  // then. kInvalidConfig "key_reused" if `request` (method, path and body) is another one;
  // kConflict if the first call has not ended.
  virtual std::optional<SavedAnswer> ClaimKey(std::string_view owner, std::string_view key,
                                              std::string_view request) = 0;
  virtual void SaveAnswer(std::string_view owner, std::string_view key,
                          const SavedAnswer& answer) = 0;
  virtual void ForgetKey(std::string_view owner, std::string_view key) = 0;
  // Calls that died with the last process: nobody knows their answers, so they may come again. For
  // the start of a service: other programs open its store while it answers.
  virtual void ForgetUnanswered() = 0;
};

}  // namespace sluice::serve
