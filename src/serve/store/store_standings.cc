#include <fmt/format.h>

#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/run_rows.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

std::optional<Run> RunByNumber(sqlite::Database& db, std::optional<std::int64_t> number) {
  if (!number) return std::nullopt;
  sqlite::Statement row(db, SelectRuns("r.number = ?").c_str());
  return row.Bind(*number).Step() ? std::optional(ReadRun(row, false)) : std::nullopt;
}

std::string OfTenant(std::string_view column, const std::optional<std::string>& tenant) {
  return tenant ? fmt::format("{} = ?", column) : "?1 IS NULL";
}

}  // namespace

std::vector<Standing> SqliteStore::Standings(const std::optional<std::string>& tenant) {
  const std::string sql = fmt::format(
      "SELECT p.tenant, t.name, p.id, r.name, r.fields, r.version, p.planned_version, p.next,"
      " (SELECT max(number) FROM run WHERE pipeline = p.id),"
      " (SELECT number FROM run WHERE pipeline = p.id AND state NOT IN ('queued', 'running') ORDER "
      "BY"
      " number DESC LIMIT 1),"
      " (SELECT max(ended) FROM run WHERE pipeline = p.id AND state = 'succeeded')"
      " FROM pipeline p JOIN resource r ON r.id = p.id JOIN tenant t ON t.id = p.tenant WHERE {} "
      "ORDER"
      " BY r.number",
      OfTenant("p.tenant", tenant));
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, sql.c_str());
    row.Bind(tenant);
    std::vector<Standing> all;
    while (row.Step()) {
      const Resource pipeline{.kind = Kind::kPipeline, .fields = StoredJson(row.Text(4))};
      Standing one{.tenant = row.Text(0),
                   .tenant_name = row.Text(1),
                   .pipeline = row.Text(2),
                   .name = row.Text(3),
                   .schedule = ScheduleOf(pipeline)};
      if (row.Number(5) == row.Number(6)) one.next_at = OptionalMs(row, 7);
      one.last_run = RunByNumber(db, OptionalNumber(row, 8));
      one.last_ended = RunByNumber(db, OptionalNumber(row, 9));
      one.last_success_at = OptionalMs(row, 10);
      all.push_back(std::move(one));
    }
    return all;
  });
}

std::vector<RunSums> SqliteStore::Sums(const std::optional<std::string>& tenant,
                                       base::UtcTime since) {
  const std::string sql = fmt::format(
      "SELECT tenant, count(*), count(*) FILTER (WHERE state = 'succeeded'), count(*) FILTER (WHERE"
      " state = 'partly'), count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state ="
      " 'stopped'), total(rows), total(bytes), total(ended - started) / 1000.0, sum(billed), "
      "sum(rpu),"
      " sum(amount) FROM run WHERE {} AND ended >= ? GROUP BY tenant",
      OfTenant("tenant", tenant));
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, sql.c_str());
    row.Bind(tenant).Bind(ToMs(since));
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
