#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/run_rows.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

// Numbers of runs of pipeline p.
constexpr std::string_view kLastRun = "(SELECT max(number) FROM run WHERE pipeline = p.id)";
constexpr std::string_view kLastEnded =
    "(SELECT number FROM run WHERE pipeline = p.id AND state NOT IN ('queued', 'running') ORDER BY"
    " number DESC LIMIT 1)";

std::string OfTenant(std::string_view column, const std::optional<std::string>& tenant) {
  return tenant ? fmt::format("{} = ?1", column) : "?1 IS NULL";
}

}  // namespace

std::vector<Standing> SqliteStore::Standings(const std::optional<std::string>& tenant,
                                             RunDetail detail) {
  // Of all pipelines at once: a statement for each of a thousand takes a tenth of a second.
  const std::string pipelines = fmt::format(
      "SELECT p.tenant, t.name, p.id, r.name, r.fields ->> '$.schedule', r.version,"
      " p.planned_version, p.next, {} AS last, {} AS ended,"
      " (SELECT max(ended) FROM run WHERE pipeline = p.id AND state = 'succeeded')"
      " FROM pipeline p JOIN resource r ON r.id = p.id JOIN tenant t ON t.id = p.tenant WHERE {}"
      " ORDER BY r.number",
      kLastRun, kLastEnded, OfTenant("p.tenant", tenant));
  const std::string newest = SelectRuns(
      fmt::format("r.number IN (SELECT {} FROM pipeline p WHERE {} UNION SELECT {} FROM pipeline p"
                  " WHERE {})",
                  kLastRun, OfTenant("p.tenant", tenant), kLastEnded, OfTenant("p.tenant", tenant)),
      detail);
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement run_row(db, newest.c_str());
    run_row.Bind(tenant);
    std::unordered_map<std::int64_t, std::shared_ptr<const Run>> runs;
    while (run_row.Step()) {
      runs.emplace(run_row.Number(0), std::make_shared<const Run>(ReadRun(run_row, false)));
    }
    const auto run_of = [&](std::optional<std::int64_t> number) {
      return number ? runs.at(*number) : nullptr;
    };
    sqlite::Statement row(db, pipelines.c_str());
    row.Bind(tenant);
    std::vector<Standing> all;
    while (row.Step()) {
      Standing one{.tenant = row.Text(0),
                   .tenant_name = row.Text(1),
                   .pipeline = row.Text(2),
                   .name = row.Text(3),
                   .schedule = ScheduleIn(row.OptionalText(4))};
      if (row.Number(5) == row.Number(6)) one.next_at = OptionalMs(row, 7);
      one.last_run = run_of(row.OptionalNumber(8));
      one.last_ended = run_of(row.OptionalNumber(9));
      one.last_success_at = OptionalMs(row, 10);
      all.push_back(std::move(one));
    }
    return all;
  });
}

std::vector<RunSums> SqliteStore::Sums(const std::optional<std::string>& tenant,
                                       base::UtcTime since) {
  // Whole hours are summed already; runs of the hour in which `since` lies are looked at.
  const std::int64_t first_whole =
      std::chrono::ceil<std::chrono::hours>(since).time_since_epoch().count();
  const std::string of_tenant = OfTenant("tenant", tenant);
  const std::string sql = fmt::format(
      "SELECT tenant, sum(runs), sum(succeeded), sum(partly), sum(failed), sum(stopped), sum(rows),"
      " sum(bytes), sum(ms) / 1000.0, sum(billed), sum(rpu), sum(amount) FROM"
      " (SELECT * FROM run_hour WHERE {0} AND hour >= ?2 UNION ALL"
      " SELECT 0, tenant, 1, state = 'succeeded', state = 'partly', state = 'failed', state ="
      " 'stopped', ifnull(rows, 0), ifnull(bytes, 0), ifnull(ended - started, 0), billed, rpu,"
      " amount FROM run WHERE {0} AND ended >= ?3 AND ended < ?2 * 3600000) GROUP BY tenant",
      of_tenant);
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, sql.c_str());
    row.Bind(tenant).Bind(first_whole).Bind(ToMs(since));
    std::vector<RunSums> all;
    while (row.Step()) {
      all.push_back({.tenant = row.Text(0),
                     .runs = row.Number(1),
                     .succeeded = row.Number(2),
                     .partly = row.Number(3),
                     .failed = row.Number(4),
                     .stopped = row.Number(5),
                     .rows = row.Number(6),
                     .bytes = row.Number(7),
                     .seconds = row.OptionalReal(8).value_or(0),
                     .billed_seconds = row.OptionalReal(9),
                     .rpu_seconds = row.OptionalReal(10),
                     .amount = row.OptionalReal(11)});
    }
    return all;
  });
}

void SqliteStore::AddMessage(const Message& message) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement alert(db, "SELECT 1 FROM resource WHERE id = ? AND tenant = ?");
    if (!alert.Bind(message.alert).Bind(message.tenant).Step()) {
      ThrowNotFound(KindName(Kind::kAlert), message.alert);
    }
    sqlite::Statement insert(db,
                             "INSERT INTO message VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO"
                             " NOTHING");
    insert.Bind(message.id.empty() ? NewId(kDeliveryId) : message.id);
    insert.Bind(message.tenant).Bind(message.alert).Bind(message.event);
    insert.Bind(ToStored(message.payload)).Bind(message.attempts).Bind(ToMs(message.next_at));
    insert.Bind(ToMs(clock_.Utc())).Step();
  });
}

std::vector<Message> SqliteStore::DueMessages(base::UtcTime now, int limit) {
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db,
                          "SELECT id, tenant, alert, event, payload, attempts, next, created FROM"
                          " message WHERE next <= ?1 OR created > ?1 ORDER BY next, id LIMIT ?");
    row.Bind(ToMs(now)).Bind(limit);
    std::vector<Message> due;
    while (row.Step()) {
      due.push_back({.id = row.Text(0),
                     .tenant = row.Text(1),
                     .alert = row.Text(2),
                     .event = row.Text(3),
                     .payload = StoredJson(row.Text(4)),
                     .attempts = static_cast<int>(row.Number(5)),
                     .next_at = FromMs(row.Number(6)),
                     .created_at = FromMs(row.Number(7))});
    }
    return due;
  });
}

void SqliteStore::PutOffMessage(std::string_view id, base::UtcTime next) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(db,
                             "UPDATE message SET attempts = attempts + 1, next = ?, created ="
                             " min(created, ?) WHERE id = ?");
    update.Bind(ToMs(next)).Bind(ToMs(clock_.Utc())).Bind(id).Step();
  });
}

void SqliteStore::EndMessage(std::string_view id) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement gone(db, "DELETE FROM message WHERE id = ?");
    gone.Bind(id).Step();
  });
}

}  // namespace sluice::serve
