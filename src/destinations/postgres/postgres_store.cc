#include "destinations/postgres/postgres_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "destinations/postgres/pg_dialect.h"
#include "destinations/postgres/pg_runner.h"
#include "destinations/postgres/postgres_load.h"
#include "destinations/postgres/sql_text.h"
#include "destinations/postgres/target_table.h"
#include "destinations/postgres/try_target.h"
#include "destinations/sql/state_table.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;

// Format, do not change: other versions must meet the same locks. "sluice" and a number.
constexpr std::int64_t kHolderLock = 0x736c'7569'6365'0001;
constexpr std::int64_t kLoadsLock = 0x736c'7569'6365'0002;
// A process that was killed is gone in milliseconds, but not in none.
constexpr std::chrono::milliseconds kHolderPatience{2'000};
// The server looks every five seconds whether a client still lives (Session).
constexpr std::chrono::milliseconds kLoadsPatience{15'000};
constexpr std::size_t kIdleMax = 16;

void CheckOption(bool holds, std::string field, std::string message, std::string remedy) {
  if (holds) return;
  throw base::Error({.code = ErrorCode::kInvalidConfig,
                     .operation = "open PostgreSQL database",
                     .subject = "destination." + std::move(field),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

PostgresOptions Checked(PostgresOptions options) {
  static constexpr std::array<std::string_view, 6> kModes{"disable", "allow",     "prefer",
                                                          "require", "verify-ca", "verify-full"};
  CheckOption(!options.host.empty(), "host", "it is empty",
              "Name the server, or the folder of its socket.");
  CheckOption(options.port > 0 && options.port < 65'536, "port",
              fmt::format("{} is not a port", options.port), "Give the server's, often 5432.");
  CheckOption(!options.database.empty(), "database", "it is empty", "Name the database.");
  CheckOption(!options.user.empty(), "user", "it is empty", "Name the role to log in as.");
  CheckOption(std::find(kModes.begin(), kModes.end(), options.sslmode) != kModes.end(), "sslmode",
              fmt::format("'{}' is none of libpq's", options.sslmode),
              "Give disable, allow, prefer, require, verify-ca or verify-full.");
  CheckOption(options.connections >= 1 && options.connections <= 16, "connections",
              fmt::format("{} is not within 1 and 16", options.connections), "Give 1 to 16.");
  CheckOption(options.memory_limit_mb >= 64, "memory_limit_mb",
              fmt::format("{} is below 64", options.memory_limit_mb), "Give at least 64.");
  CheckOption(options.threads >= 1, "threads", fmt::format("{} is below 1", options.threads),
              "Give at least 1.");
  return options;
}

std::vector<std::filesystem::path> FoldersOf(const PostgresOptions& options) {
  if (options.work_dir.empty()) return {};
  return {options.work_dir};
}

// Of pg_locks: an advisory lock's number in two halves.
std::string LockCondition(std::int64_t lock) {
  return fmt::format(
      "l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid = {} AND l.objid = {} AND "
      "l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      lock >> 32, lock & 0xFFFF'FFFF);
}

// What `lock` is held by, for people; the failure to take it is `error`.
base::Error Held(Session& session, std::int64_t lock, const base::Error& error, const Task& task,
                 std::string_view what) {
  const Rows rows = session.Ask(
      fmt::format("SELECT a.pid, a.usename, a.application_name, to_char(a.backend_start AT TIME "
                  "ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM pg_locks l JOIN pg_stat_activity a ON "
                  "a.pid = l.pid WHERE l.granted AND a.pid <> pg_backend_pid() AND {} ORDER BY "
                  "a.backend_start LIMIT 1",
                  LockCondition(lock)),
      task, {});
  base::ErrorInfo info = error.info();
  info.code = ErrorCode::kConflict;
  info.retryable = true;
  info.reason = "held";
  if (rows.empty()) {
    info.message = fmt::format("{} another process, which has just ended", what);
    info.remedy = "Run again.";
    return base::Error(info);
  }
  const auto& row = rows[0];
  info.message = fmt::format("{} {} (role {}, session {}) since {} UTC", what, row[2].value_or("?"),
                             row[1].value_or("?"), row[0].value_or("?"), row[3].value_or("?"));
  info.remedy = fmt::format(
      "Wait until it ends, or end it: kill its process, or SELECT pg_terminate_backend({});",
      row[0].value_or("?"));
  return base::Error(info);
}

void TakeLock(Session& session, std::int64_t lock, std::chrono::milliseconds patience,
              std::string_view what, const Task& task, const base::Call& call) {
  try {
    session.Run(fmt::format("SET lock_timeout = {}", patience.count()), task, call);
    session.Run(fmt::format("SELECT pg_advisory_lock({})", lock), task, call);
  } catch (const base::Error& error) {
    if (error.info().reason != "locked") throw;
    throw Held(session, lock, error, task, what);
  }
}

}  // namespace

std::unique_ptr<Destination> OpenPostgres(const PostgresOptions& options, const base::Clock& clock,
                                          base::Logger& log) {
  return std::make_unique<PostgresStore>(options, clock, log);
}

PostgresStore::PostgresStore(const PostgresOptions& options, const base::Clock& clock,
                             base::Logger& log)
    : options_(Checked(options)),
      clock_(clock),
      log_(log),
      decoder_(columnar::Database::Open({.memory_limit_mb = options_.memory_limit_mb,
                                         .threads = options_.threads,
                                         .folders = FoldersOf(options_)})) {
  Acquire({});
}

PostgresStore::~PostgresStore() {
  try {
    Close();
  } catch (const std::exception&) {
    // Close was the place to report; what is committed is safe at the server.
  }
}

Capabilities PostgresStore::Describe() const {
  return {
      .overwrite = true, .append = true, .merge = true, .history = true, .parallel_loads = true};
}

std::string PostgresStore::Name() const { return NameOf(options_); }

bool PostgresStore::OnWidth(const columnar::Width& width, const std::string& subject) {
  if (width.window_bytes <= columnar::kWideWindowBytes) return false;  // the threads stay few
  const columnar::EngineShare share =
      columnar::ShareForSlices({options_.memory_limit_mb, options_.threads}, width, subject);
  decoder_.Share(share.memory_limit_mb, share.threads);
  return true;
}

// REQUIRES: mu_control_ is held, or nobody else knows this yet.
void PostgresStore::Acquire(const base::Call& call) {
  const Task task = TaskOn("open");
  Session session = Session::Connect(options_, clock_, call);
  TakeLock(session, kHolderLock, kHolderPatience, "it is held by", task, call);
  bool alone = false;
  {
    const std::lock_guard lock(mu_);
    // With loads of our own open, their sessions have the other lock, and nobody else can get it.
    alone = claims_.empty();
    if (alone) idle_.clear();
  }
  if (alone) {
    TakeLock(session, kLoadsLock, kLoadsPatience,
             "a session of a process that died is still at work:", task, call);
    session.Run(fmt::format("SELECT pg_advisory_unlock({})", kLoadsLock), task, call);
  }
  session.Run(fmt::format("SET lock_timeout = {}", options_.lock_timeout.count()), task, call);
  control_ = std::move(session);
}

// REQUIRES: mu_control_ is held.
void PostgresStore::EnsureControl(const base::Call& call) {
  if (closed_) {
    throw base::Error({.code = ErrorCode::kInternal,
                       .operation = "use",
                       .subject = Name(),
                       .message = "it was closed"});
  }
  if (control_ && control_->LooksAlive()) return;
  control_.reset();
  log_.Warning("the session that holds the destination was lost; a new one is opened",
               {{"destination", Name()}});
  Acquire(call);
}

template <typename Body>
auto PostgresStore::WithControl(const base::Call& call, const Body& body) {
  const std::lock_guard lock(mu_control_);
  EnsureControl(call);
  return body(*control_);
}

Session PostgresStore::Take(const base::Call& call) {
  {
    const std::lock_guard lock(mu_);
    while (!idle_.empty()) {
      Session session = std::move(idle_.back());
      idle_.pop_back();
      if (session.LooksAlive()) return session;
    }
  }
  const Task task = TaskOn("connect");
  Session session = Session::Connect(options_, clock_, call);
  session.Run(fmt::format("SELECT pg_advisory_lock_shared({})", kLoadsLock), task, call);
  // Only now is it sure that no other process has become holder: it would need the lock just taken.
  WithControl(call, [&](Session& control) { control.Run("SELECT 1", task, call); });
  return session;
}

void PostgresStore::Give(Session session) {
  if (!session.open() || session.in_transaction()) return;
  const std::lock_guard lock(mu_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(session));
}

void PostgresStore::OnLost(const Backend& backend) {
  const std::lock_guard lock(mu_);
  lost_.push_back(backend);
}

void PostgresStore::Leave(const OwnTables& own) {
  const std::lock_guard lock(mu_);
  left_.push_back(own);
}

// A broken connection does not tell the server to stop: it may be about to commit what we gave up,
// or hold locks for as long as its statement takes.
void PostgresStore::EndLost(const base::Call& call) {
  std::vector<Backend> lost;
  {
    const std::lock_guard lock(mu_);
    lost.swap(lost_);
  }
  const Task task = TaskOn("end a lost session");
  for (auto it = lost.begin(); it != lost.end(); ++it) {
    const std::string same = fmt::format("pid = {} AND backend_start = {}", it->pid,
                                         QuoteText(it->started) + "::timestamptz");
    try {
      const bool gone = WithControl(call, [&](Session& control) {
        control.Run(
            fmt::format("DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                        "{0}; FOR i IN 1..200 LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN NOT "
                        "EXISTS (SELECT FROM pg_stat_activity WHERE {0}); PERFORM pg_sleep(0.05); "
                        "END LOOP; END $$",
                        same),
            task, call);
        return control.Ask("SELECT 1 FROM pg_stat_activity WHERE " + same, task, call).empty();
      });
      if (gone) continue;
      throw base::Error({.code = ErrorCode::kUnavailable,
                         .operation = task.operation,
                         .subject = task.subject,
                         .message = fmt::format("session {} does not end", it->pid),
                         .remedy = "Look at the server, then run again.",
                         .retryable = true});
    } catch (...) {
      const std::lock_guard lock(mu_);
      lost_.insert(lost_.end(), it, lost.end());
      throw;
    }
  }
}

std::optional<Committed> PostgresStore::ReadCommitted(std::string_view stream,
                                                      const base::Call& call) {
  const Task task = TaskOn("read state");
  EndLost(call);
  return WithControl(call, [&](Session& control) -> std::optional<Committed> {
    PgRunner runner(control, task, call);
    const auto columns = sql::ReadStateColumns(runner, TheDialect());
    return sql::ReadState(runner, TheDialect(), columns, stream);
  });
}

void PostgresStore::Forget(std::string_view stream, const base::Call& call) {
  const Task task = TaskOn("forget the last commit");
  EndLost(call);
  WithControl(call, [&](Session& control) {
    PgRunner runner(control, task, call);
    if (sql::ReadStateColumns(runner, TheDialect()).empty()) return;
    sql::ForgetState(runner, TheDialect(), stream);
  });
}

void PostgresStore::MakeSchemas(const model::TableName& table, const base::Call& call) {
  WithControl(call, [&](Session& control) {
    const Task task{"prepare table", "table " + table.ToString(), table};
    const auto make_schema = [&](const std::string& schema) {
      {
        const std::lock_guard lock(mu_);
        if (schemas_known_.contains(schema)) return;
      }
      const bool made = MakeSchema(control, schema, task, call);
      const std::lock_guard lock(mu_);
      schemas_known_.insert(schema);
      if (made) schemas_made_.insert(schema);
    };
    make_schema(std::string(kStateSchema));
    make_schema(table.schema);
    {
      const std::lock_guard lock(mu_);
      if (state_known_) return;
    }
    PgRunner runner(control, task, call);
    // Asked first: ALTER would wait for every reader.
    const auto there = sql::ReadStateColumns(runner, TheDialect());
    const bool made = there.empty();
    for (const std::string& statement : sql::StateTableText(TheDialect(), there)) {
      control.Run(statement, task, call);
    }
    const std::lock_guard lock(mu_);
    state_known_ = true;
    state_made_ = made;
  });
}

std::unique_ptr<Load> PostgresStore::Begin(const model::StreamTarget& target,
                                           const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("begin load", target.stream);
  CheckTarget(target);
  auto claim = claims_.Take(target);
  EndLost(call);
  MakeSchemas(target.table, call);
  Session session = Take(call);
  return std::make_unique<PostgresLoad>(*this, target, std::move(claim), std::move(session), call);
}

template <typename Body>
void PostgresStore::Try(const Task& task, const base::Call& call, const Body& body) {
  WithControl(call, [&](Session& control) {
    control.Begin(task, call);
    try {
      body(control);
    } catch (...) {
      control.Rollback();
      throw;
    }
    control.Rollback();
  });
}

model::Landing PostgresStore::Examine(const model::StreamTarget& target, const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("examine", target.stream);
  CheckTarget(target);
  const Task task{"prepare table", "table " + target.table.ToString(), target.table};
  model::Landing landing;
  Try(task, call, [&](Session& control) { landing = TryTarget(control, target, task, call); });
  return landing;
}

void PostgresStore::Probe(const base::Call& call) {
  const Task task = TaskOn("probe");
  Try(task, call, [&](Session& control) {
    // What a load needs before anything else: where the state stands, or the right to make it.
    const bool fresh = MakeSchema(control, std::string(kStateSchema), task, call);
    if (!fresh) control.Run("CREATE TABLE _sluice.probe (n integer)", task, call);
    PgRunner runner(control, task, call);
    if (!sql::ReadStateColumns(runner, TheDialect()).empty()) TryState(control, task, call);
  });
}

// What loads needed before they could begin, and nothing came of.
void PostgresStore::DropWhatWeMade(Session& session) {
  const Task task = TaskOn("tidy up");
  for (const OwnTables& own : left_) DropLeftovers(session, own, task, {});
  if (state_made_ && session.Ask("SELECT 1 FROM _sluice.state LIMIT 1", task, {}).empty()) {
    session.Run("DROP TABLE _sluice.state", task, {});
  }
  for (const std::string& schema : schemas_made_) {
    const Rows used =
        session.Ask(fmt::format("SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = "
                                "c.relnamespace WHERE n.nspname = {} LIMIT 1",
                                QuoteText(schema)),
                    task, {});
    if (used.empty()) session.Run("DROP SCHEMA " + QuoteName(schema), task, {});
  }
}

void PostgresStore::Close() {
  const std::lock_guard lock(mu_control_);
  if (closed_) return;
  closed_ = true;
  const std::lock_guard lock_rest(mu_);
  idle_.clear();
  try {
    if (control_ && control_->LooksAlive()) DropWhatWeMade(*control_);
  } catch (const base::Error& error) {
    // The next load of those streams drops them.
    log_.Warning("tables that a load had left could not be dropped",
                 {{"destination", Name()}, {"reason", error.info().message}});
  }
  control_.reset();
}

}  // namespace sluice::destinations::postgres
