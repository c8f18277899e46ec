#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

constexpr std::string_view kColumns =
    "number, id, kind, tenant, name, fields, version, created, updated, tested, tested_ok";

std::string SelectResource(std::string_view where) {
  return fmt::format("SELECT {} FROM resource WHERE {}", kColumns, where);
}

Kind ParseKind(std::string_view text) {
  for (const Kind kind : {Kind::kSource, Kind::kDestination, Kind::kPipeline, Kind::kAlert}) {
    if (KindName(kind) == text) return kind;
  }
  return Kind::kSource;
}

Resource FromRow(const sqlite::Statement& row) {
  Resource resource;
  resource.id = row.Text(1);
  resource.kind = ParseKind(row.Text(2));
  resource.tenant = row.Text(3);
  resource.name = row.Text(4);
  resource.fields = StoredJson(row.Text(5));
  resource.version = row.Number(6);
  resource.created_at = FromMs(row.Number(7));
  resource.updated_at = FromMs(row.Number(8));
  if (const auto at = OptionalMs(row, 9)) {
    resource.last_test = LastTest{.at = *at, .ok = row.Number(10) != 0};
  }
  return resource;
}

std::string SecretPlace(std::string_view owner, std::string_view field) {
  return PlaceOf({"secret", owner, field});
}

void RequireFreeName(sqlite::Database& db, const Resource& resource) {
  sqlite::Statement other(
      db, "SELECT 1 FROM resource WHERE tenant = ? AND kind = ? AND name = ? AND id <> ?");
  other.Bind(resource.tenant).Bind(KindName(resource.kind)).Bind(resource.name).Bind(resource.id);
  if (other.Step()) ThrowTaken(KindName(resource.kind), "name");
}

void RequireTenant(sqlite::Database& db, std::string_view tenant) {
  sqlite::Statement row(db, "SELECT 1 FROM tenant WHERE id = ?");
  if (!row.Bind(tenant).Step()) ThrowNotFound("tenant", tenant);
}

// It is the tenant's own: another's is not there.
void RequirePart(sqlite::Database& db, Kind kind, std::string_view tenant, const std::string& id) {
  sqlite::Statement row(db, "SELECT 1 FROM resource WHERE id = ? AND kind = ? AND tenant = ?");
  if (row.Bind(id).Bind(KindName(kind)).Bind(tenant).Step()) return;
  throw Refused("pipeline", {{std::string(KindName(kind)), "is not there",
                              fmt::format("Send the id of a {} of this tenant.", KindName(kind))}});
}

void RequireUnused(sqlite::Database& db, Kind kind, std::string_view id) {
  if (kind == Kind::kSource || kind == Kind::kDestination) {
    sqlite::Statement user(db,
                           "SELECT r.name FROM pipeline p JOIN resource r ON r.id = p.id WHERE"
                           " p.source = ?1 OR p.destination = ?1 LIMIT 1");
    if (!user.Bind(id).Step()) return;
    throw InUse(KindName(kind), id, fmt::format("the pipeline {} uses it", user.Text(0)),
                "Delete that pipeline first, or let it use another one.");
  }
  if (kind != Kind::kPipeline) return;
  sqlite::Statement running(db, "SELECT id FROM run WHERE pipeline = ? AND state = 'running'");
  if (!running.Bind(id).Step()) return;
  throw InUse(KindName(kind), id, fmt::format("its run {} is running", running.Text(0)),
              "Stop that run first, and wait until it has ended.");
}

}  // namespace

void SqliteStore::WriteSecrets(sqlite::Database& db, const Resource& resource) {
  sqlite::Statement clear(db, "DELETE FROM secret WHERE owner = ?");
  clear.Bind(resource.id).Step();
  for (const auto& [field, value] : resource.secrets) {
    // Of a resource that was read without its secrets: all of them would be lost.
    if (value.empty()) throw std::logic_error("an empty secret is about to be kept");
    const Sealed sealed = keyring_.SealWithin(db, value.Reveal(), SecretPlace(resource.id, field));
    sqlite::Statement insert(db, "INSERT INTO secret VALUES(?, ?, ?, ?)");
    insert.Bind(resource.id).Bind(field).Bind(sealed.key_id).Bind(sealed.text).Step();
  }
}

Secrets SqliteStore::ReadSecrets(sqlite::Database& db, const std::string& owner, bool open) const {
  Secrets secrets;
  sqlite::Statement row(db, "SELECT field, key, sealed FROM secret WHERE owner = ?");
  row.Bind(owner);
  while (row.Step()) {
    const std::string field = row.Text(0);
    secrets[field] = open ? keyring_.Open({.key_id = row.Text(1), .text = row.Text(2)},
                                          SecretPlace(owner, field))
                          : base::Secret();
  }
  return secrets;
}

std::optional<Resource> SqliteStore::ReadOne(sqlite::Database& db, sqlite::Statement& row,
                                             bool with_secrets) const {
  if (!row.Step()) return std::nullopt;
  Resource resource = FromRow(row);
  resource.secrets = ReadSecrets(db, resource.id, with_secrets);
  return resource;
}

// What a pipeline refers to, where the database itself keeps it right.
void SqliteStore::WritePipeline(sqlite::Database& db, const Resource& pipeline) {
  if (pipeline.kind != Kind::kPipeline) return;
  const std::string source = SourceOf(pipeline);
  const std::string destination = DestinationOf(pipeline);
  RequirePart(db, Kind::kSource, pipeline.tenant, source);
  RequirePart(db, Kind::kDestination, pipeline.tenant, destination);
  const std::string connection = ConnectionOf(pipeline);
  sqlite::Statement other(db,
                          "SELECT 1 FROM pipeline WHERE tenant = ? AND connection = ? AND id <> ?");
  if (other.Bind(pipeline.tenant).Bind(connection).Bind(pipeline.id).Step()) {
    ThrowTaken("pipeline", "connection");
  }
  sqlite::Statement write(
      db,
      "INSERT INTO pipeline(id, tenant, source, destination, connection, scheduled) VALUES(?, ?, ?,"
      " ?, ?, ?) ON CONFLICT(id) DO UPDATE SET source = excluded.source, destination ="
      " excluded.destination, connection = excluded.connection, scheduled = excluded.scheduled");
  write.Bind(pipeline.id).Bind(pipeline.tenant).Bind(source).Bind(destination).Bind(connection);
  write.Bind(ScheduleOf(pipeline) ? 1 : 0).Step();
}

Resource SqliteStore::Add(Resource resource) {
  resource.id = NewId(IdPrefix(resource.kind));
  resource.version = 1;
  resource.created_at = resource.updated_at = FromMs(ToMs(clock_.Utc()));
  resource.last_test.reset();
  connections_.Write([&](sqlite::Database& db) {
    RequireTenant(db, resource.tenant);
    RequireFreeName(db, resource);
    sqlite::Statement insert(
        db,
        "INSERT INTO resource(id, kind, tenant, name, fields, version, created,"
        " updated) VALUES(?, ?, ?, ?, ?, 1, ?, ?)");
    insert.Bind(resource.id).Bind(KindName(resource.kind)).Bind(resource.tenant);
    insert.Bind(resource.name).Bind(ToStored(resource.fields));
    insert.Bind(ToMs(resource.created_at)).Bind(ToMs(resource.created_at)).Step();
    WriteSecrets(db, resource);
    WritePipeline(db, resource);
  });
  return resource;
}

Resource SqliteStore::Get(Kind kind, std::string_view tenant, std::string_view id,
                          bool with_secrets) {
  auto resource = connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, SelectResource("id = ? AND kind = ? AND tenant = ?").c_str());
    row.Bind(id).Bind(KindName(kind)).Bind(tenant);
    return ReadOne(db, row, with_secrets);
  });
  if (!resource) ThrowNotFound(KindName(kind), id);
  return *std::move(resource);
}

std::optional<Resource> SqliteStore::FindByName(Kind kind, std::string_view tenant,
                                                std::string_view name, bool with_secrets) {
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db, SelectResource("tenant = ? AND kind = ? AND name = ?").c_str());
    row.Bind(tenant).Bind(KindName(kind)).Bind(name);
    return ReadOne(db, row, with_secrets);
  });
}

Page<Resource> SqliteStore::List(Kind kind, std::string_view tenant, const PageRequest& request) {
  const int limit = LimitOf(request);
  const std::int64_t after = CursorOf(request, false);
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(
        db,
        SelectResource("tenant = ? AND kind = ? AND number > ? ORDER BY number LIMIT ?").c_str());
    row.Bind(tenant).Bind(KindName(kind)).Bind(after).Bind(limit + 1);
    Page<Resource> page;
    std::vector<std::int64_t> numbers;
    while (auto resource = ReadOne(db, row, false)) {
      page.items.push_back(*std::move(resource));
      numbers.push_back(row.Number(0));
    }
    EndPage(page, numbers, limit);
    return page;
  });
}

Resource SqliteStore::Update(const Resource& resource, std::optional<std::int64_t> expected) {
  return connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement row(db, SelectResource("id = ? AND kind = ? AND tenant = ?").c_str());
    row.Bind(resource.id).Bind(KindName(resource.kind)).Bind(resource.tenant);
    auto saved = ReadOne(db, row, true);
    if (!saved) ThrowNotFound(KindName(resource.kind), resource.id);
    if (expected && *expected != saved->version) ThrowChanged(KindName(resource.kind), resource.id);
    if (saved->name == resource.name && saved->fields == resource.fields &&
        saved->secrets == resource.secrets) {
      return *saved;
    }
    RequireFreeName(db, resource);
    Resource changed = resource;
    changed.version = saved->version + 1;
    changed.created_at = saved->created_at;
    changed.updated_at = FromMs(ToMs(clock_.Utc()));
    // What was tested is not what stands there now.
    changed.last_test.reset();
    sqlite::Statement update(db,
                             "UPDATE resource SET name = ?, fields = ?, version = ?, updated = ?,"
                             " tested = NULL, tested_ok = NULL WHERE id = ?");
    update.Bind(changed.name).Bind(ToStored(changed.fields)).Bind(changed.version);
    update.Bind(ToMs(changed.updated_at)).Bind(changed.id).Step();
    WriteSecrets(db, changed);
    WritePipeline(db, changed);
    return changed;
  });
}

void SqliteStore::Delete(Kind kind, std::string_view tenant, std::string_view id) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement row(db, SelectResource("id = ? AND kind = ? AND tenant = ?").c_str());
    if (!row.Bind(id).Bind(KindName(kind)).Bind(tenant).Step()) ThrowNotFound(KindName(kind), id);
    RequireUnused(db, kind, id);
    sqlite::Statement gone(db, "DELETE FROM resource WHERE id = ?");
    gone.Bind(id).Step();
  });
}

void SqliteStore::SetLastTest(std::string_view tenant, std::string_view source, LastTest test) {
  const bool there = connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement update(
        db,
        "UPDATE resource SET tested = ?, tested_ok = ? WHERE id = ? AND tenant = ? RETURNING 1");
    return update.Bind(ToMs(test.at)).Bind(test.ok ? 1 : 0).Bind(source).Bind(tenant).Step();
  });
  if (!there) ThrowNotFound(KindName(Kind::kSource), source);
}

std::vector<Resource> SqliteStore::Alerts(std::string_view tenant) {
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(db,
                          SelectResource("tenant = ? AND kind = 'alert' ORDER BY number").c_str());
    row.Bind(tenant);
    std::vector<Resource> alerts;
    while (auto alert = ReadOne(db, row, true)) alerts.push_back(*std::move(alert));
    return alerts;
  });
}

}  // namespace sluice::serve
