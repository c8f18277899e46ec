#include <fmt/format.h>

#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/run_rows.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

constexpr std::string_view kRun = "run";
constexpr std::int64_t kHourMs = 3'600'000;

[[noreturn]] void ThrowQueued(const std::string& waiting) {
  throw base::Error({.code = base::ErrorCode::kConflict,
                     .operation = "queue a run",
                     .subject = fmt::format("run {}", waiting),
                     .message = "a run of this pipeline waits already",
                     .remedy = "Wait for it, or stop it first.",
                     .reason = std::string(kReasonQueued),
                     .facts = {{"run", waiting}}});
}

std::optional<std::string> Waiting(sqlite::Database& db, std::string_view pipeline) {
  sqlite::Statement row(db, "SELECT id FROM run WHERE pipeline = ? AND state = 'queued'");
  return row.Bind(pipeline).Step() ? std::optional(row.Text(0)) : std::nullopt;
}

Run RunById(sqlite::Database& db, std::string_view id, bool with_result) {
  sqlite::Statement row(db, SelectRuns("r.id = ?").c_str());
  if (!row.Bind(id).Step()) ThrowNotFound(kRun, id);
  return ReadRun(row, with_result);
}

bool EndIn(sqlite::Database& db, std::string_view run, const RunEnd& end, base::UtcTime now) {
  sqlite::Statement update(
      db,
      "UPDATE run SET state = ?, ended = ?, rows = ?, bytes = ?, amount = ?, billed = ?, rpu = ?,"
      " counts = ?, cost = ?, result = ?, error = ?, pid = NULL, pid_started = NULL WHERE id = ? "
      "AND"
      " state IN ('queued', 'running') RETURNING 1");
  update.Bind(ToText(end.state)).Bind(ToMs(now)).Bind(end.rows).Bind(end.bytes).Bind(end.amount);
  update.Bind(end.billed_seconds).Bind(end.rpu_seconds).Bind(ToStoredOrNull(end.counts));
  update.Bind(ToStoredOrNull(end.cost)).Bind(ToStoredOrNull(end.streams));
  update.Bind(ToStoredOrNull(end.error)).Bind(run);
  return update.Step();
}

}  // namespace

Run SqliteStore::InsertRun(sqlite::Database& db, const NewRun& run) {
  sqlite::Statement pipeline(
      db, "SELECT source, destination FROM pipeline WHERE id = ? AND tenant = ?");
  if (!pipeline.Bind(run.pipeline).Bind(run.tenant).Step()) ThrowNotFound("pipeline", run.pipeline);
  const std::string id = NewId(kRunId);
  sqlite::Statement insert(
      db,
      "INSERT INTO run(id, tenant, pipeline, source, destination, trigger, state, whole,"
      " allow_deletes, streams, retry_of, queued) VALUES(?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, "
      "?)");
  insert.Bind(id).Bind(run.tenant).Bind(run.pipeline).Bind(pipeline.Text(0));
  insert.Bind(pipeline.Text(1)).Bind(ToText(run.trigger)).Bind(run.full ? 1 : 0);
  insert.Bind(run.allow_deletes ? 1 : 0).Bind(ToStored(Json(run.streams))).Bind(run.retry_of);
  insert.Bind(ToMs(clock_.Utc())).Step();
  return RunById(db, id, true);
}

Run SqliteStore::Enqueue(const NewRun& run) {
  return connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement own(db, "SELECT 1 FROM pipeline WHERE id = ? AND tenant = ?");
    if (!own.Bind(run.pipeline).Bind(run.tenant).Step()) ThrowNotFound("pipeline", run.pipeline);
    if (const auto waiting = Waiting(db, run.pipeline)) ThrowQueued(*waiting);
    return InsertRun(db, run);
  });
}

std::optional<Run> SqliteStore::EnqueueDue(const NewRun& run, std::int64_t pipeline_version,
                                           base::UtcTime due, std::optional<base::UtcTime> next) {
  return connections_.Write([&](sqlite::Database& db) -> std::optional<Run> {
    sqlite::Statement planned(db,
                              "UPDATE pipeline SET next = ? WHERE id = ? AND tenant = ? AND "
                              "planned_version = ? AND next ="
                              " ? RETURNING 1");
    planned.Bind(ToMs(next)).Bind(run.pipeline).Bind(run.tenant).Bind(pipeline_version);
    if (!planned.Bind(ToMs(due)).Step() || Waiting(db, run.pipeline)) return std::nullopt;
    return InsertRun(db, run);
  });
}

std::vector<Scheduled> SqliteStore::Schedules() {
  return connections_.Read([](sqlite::Database& db) {
    sqlite::Statement row(db,
                          "SELECT p.tenant, p.id, r.fields ->> '$.schedule', r.version, "
                          "p.planned_version, p.next FROM"
                          " pipeline p JOIN resource r ON r.id = p.id WHERE p.scheduled = 1");
    std::vector<Scheduled> all;
    while (row.Step()) {
      Scheduled one{.tenant = row.Text(0), .pipeline = row.Text(1), .version = row.Number(3)};
      one.schedule = ScheduleIn(row.OptionalText(2)).value_or(Schedule{});
      if (row.Number(4) == one.version) one.next_at = OptionalMs(row, 5);
      all.push_back(std::move(one));
    }
    return all;
  });
}

void SqliteStore::Plan(std::string_view pipeline, std::int64_t pipeline_version,
                       std::optional<base::UtcTime> next) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(db, "UPDATE pipeline SET planned_version = ?, next = ? WHERE id = ?");
    update.Bind(pipeline_version).Bind(ToMs(next)).Bind(pipeline).Step();
  });
}

std::vector<QueuedRun> SqliteStore::Queue() {
  return connections_.Read([](sqlite::Database& db) {
    sqlite::Statement row(db,
                          "SELECT id, tenant, pipeline, destination, queued FROM run WHERE state ="
                          " 'queued' ORDER BY number");
    std::vector<QueuedRun> queue;
    while (row.Step()) {
      queue.push_back({.id = row.Text(0),
                       .tenant = row.Text(1),
                       .pipeline = row.Text(2),
                       .destination = row.Text(3),
                       .queued_at = FromMs(row.Number(4))});
    }
    return queue;
  });
}

std::vector<Run> SqliteStore::Running() {
  return connections_.Read([](sqlite::Database& db) {
    sqlite::Statement row(db, SelectRuns("r.state = 'running' ORDER BY r.number").c_str());
    std::vector<Run> running;
    while (row.Step()) running.push_back(ReadRun(row, true));
    return running;
  });
}

bool SqliteStore::Begin(std::string_view run, base::UtcTime at) {
  return connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(
        db,
        "UPDATE run SET state = 'running', started = ? WHERE id = ? AND state = 'queued' AND NOT"
        " EXISTS (SELECT 1 FROM run o WHERE o.state = 'running' AND (o.pipeline = run.pipeline OR"
        " o.destination = run.destination)) RETURNING 1");
    return update.Bind(ToMs(at)).Bind(run).Step();
  });
}

void SqliteStore::SetProcess(std::string_view run, Process process) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(
        db, "UPDATE run SET pid = ?, pid_started = ? WHERE id = ? AND state = 'running'");
    update.Bind(process.pid).Bind(process.started).Bind(run).Step();
  });
}

bool SqliteStore::End(std::string_view run, const RunEnd& end) {
  return connections_.Write(
      [&](sqlite::Database& db) { return EndIn(db, run, end, clock_.Utc()); });
}

std::optional<Run> SqliteStore::EndAndRetry(std::string_view run, const RunEnd& end) {
  return connections_.Write([&](sqlite::Database& db) -> std::optional<Run> {
    const Run old = RunById(db, run, false);
    if (!EndIn(db, run, end, clock_.Utc()) || Waiting(db, old.pipeline)) return std::nullopt;
    NewRun fresh = old;
    fresh.trigger = Trigger::kRetry;
    fresh.retry_of = old.id;
    return InsertRun(db, fresh);
  });
}

bool SqliteStore::RequestStop(std::string_view tenant, std::string_view run) {
  return connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(
        db,
        "UPDATE run SET stop = 1, ended = CASE state WHEN 'queued' THEN ? END, state = CASE state"
        " WHEN 'queued' THEN 'stopped' ELSE state END WHERE id = ? AND tenant = ? AND state IN"
        " ('queued', 'running') RETURNING 1");
    if (update.Bind(ToMs(clock_.Utc())).Bind(run).Bind(tenant).Step()) return true;
    sqlite::Statement there(db, "SELECT 1 FROM run WHERE id = ? AND tenant = ?");
    if (!there.Bind(run).Bind(tenant).Step()) ThrowNotFound(kRun, run);
    return false;
  });
}

Run SqliteStore::GetRun(std::string_view tenant, std::string_view run) {
  return connections_.Read([&](sqlite::Database& db) {
    Run found = RunById(db, run, true);
    if (found.tenant != tenant) ThrowNotFound(kRun, run);
    return found;
  });
}

Page<Run> SqliteStore::Runs(const RunFilter& filter, const PageRequest& request) {
  const int limit = LimitOf(request);
  std::string where = "r.number < ?";
  std::vector<std::string> values;
  const auto require = [&](std::string_view column, std::string value) {
    where += fmt::format(" AND {} = ?", column);
    values.push_back(std::move(value));
  };
  if (filter.tenant) require("r.tenant", *filter.tenant);
  if (filter.pipeline) require("r.pipeline", *filter.pipeline);
  if (filter.state) require("r.state", std::string(ToText(*filter.state)));
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, SelectRuns(where + " ORDER BY r.number DESC LIMIT ?").c_str());
    row.Bind(CursorOf(request, true));
    for (const std::string& value : values) row.Bind(value);
    row.Bind(limit + 1);
    Page<Run> page;
    std::vector<std::int64_t> numbers;
    while (row.Step()) {
      page.items.push_back(ReadRun(row, false));
      numbers.push_back(row.Number(0));
    }
    EndPage(page, numbers, limit);
    return page;
  });
}

std::vector<std::string> SqliteStore::PruneRuns(base::UtcTime before, int limit) {
  return connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(
        db,
        "DELETE FROM run WHERE number IN (SELECT o.number FROM run o WHERE o.ended < ? AND "
        "o.number <"
        " (SELECT max(n.number) FROM run n WHERE n.pipeline = o.pipeline) LIMIT ?) RETURNING id");
    gone.Bind(ToMs(before)).Bind(limit);
    std::vector<std::string> ids;
    while (gone.Step()) ids.push_back(gone.Text(0));
    sqlite::Statement hours(db, "DELETE FROM run_hour WHERE hour < ?");
    hours.Bind(ToMs(before) / kHourMs).Step();
    return ids;
  });
}

}  // namespace sluice::serve
