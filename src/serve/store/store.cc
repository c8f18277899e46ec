#include "serve/store/store.h"

#include <fmt/format.h>

#include <utility>

#include "serve/base/ids.h"
#include "serve/store/rows.h"
#include "serve/store/schema.h"
#include "serve/store/store_impl.h"

namespace sluice::serve {
namespace {

constexpr std::string_view kCheckWord = "sluice";  // format, do not change
constexpr std::string_view kTenant = "tenant";

constexpr std::string_view kSelectTenant =
    "SELECT number, id, name, parallel_runs, external_id, version, created, updated FROM tenant ";

Tenant ReadTenant(const sqlite::Statement& row) {
  Tenant tenant;
  tenant.id = row.Text(1);
  tenant.name = row.Text(2);
  if (const auto runs = row.OptionalNumber(3)) tenant.parallel_runs = static_cast<int>(*runs);
  tenant.external_id = row.Text(4);
  tenant.version = row.Number(5);
  tenant.created_at = FromMs(row.Number(6));
  tenant.updated_at = FromMs(row.Number(7));
  return tenant;
}

std::optional<Tenant> SelectTenant(sqlite::Database& db, std::string_view where,
                                   std::string_view value) {
  sqlite::Statement row(db, fmt::format("{}{}", kSelectTenant, where).c_str());
  row.Bind(value);
  return row.Step() ? std::optional(ReadTenant(row)) : std::nullopt;
}

void RequireFreeName(sqlite::Database& db, std::string_view name, std::string_view own_id) {
  sqlite::Statement other(db, "SELECT 1 FROM tenant WHERE name = ? AND id <> ?");
  other.Bind(name).Bind(own_id);
  if (other.Step()) ThrowTaken(kTenant, "name");
}

// With a wrong key nothing is written: not even what an older format becomes.
const std::filesystem::path& WithItsKey(const std::filesystem::path& file, const Keyring& keyring,
                                        const std::function<Keyring()>& reread) {
  if (!std::filesystem::exists(file)) return file;
  sqlite::Database db(file, sqlite::Open::kExisting, ExplainStore);
  RequireOurs(db);
  if (db.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'key_check'") == 0) return file;
  sqlite::Statement row(db, "SELECT key, sealed FROM key_check WHERE number = 1");
  if (!row.Step()) return file;
  LiveKeyring(keyring, reread).Open({.key_id = row.Text(0), .text = row.Text(1)}, CheckPlace());
  return file;
}

}  // namespace

std::unique_ptr<Store> Store::Open(const std::filesystem::path& data, const Keyring& keyring,
                                   const base::Clock& clock, std::function<Keyring()> reread) {
  return std::make_unique<SqliteStore>(data / "service.db", keyring, clock, std::move(reread));
}

SqliteStore::SqliteStore(const std::filesystem::path& file, const Keyring& keyring,
                         const base::Clock& clock, std::function<Keyring()> reread)
    : connections_(WithItsKey(file, keyring, reread)),
      keyring_(keyring, std::move(reread)),
      clock_(clock),
      opened_at_(clock.Utc()),
      opened_(clock.Steady()) {
  CheckKey();
}

void SqliteStore::CheckKey() {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement row(db, "SELECT key, sealed FROM key_check WHERE number = 1");
    if (row.Step()) {
      keyring_.Open({.key_id = row.Text(0), .text = row.Text(1)}, CheckPlace());
      return;
    }
    const Sealed sealed = keyring_.SealWithin(db, kCheckWord, CheckPlace());
    sqlite::Statement insert(db, "INSERT INTO key_check VALUES(1, ?, ?)");
    insert.Bind(sealed.key_id).Bind(sealed.text).Step();
  });
}

void SqliteStore::Ping() {
  connections_.Read([](sqlite::Database& db) { return db.Number("SELECT number FROM key_check"); });
  connections_.CheckWrite();
}

void SqliteStore::Together(const std::function<void()>& work) {
  connections_.Write([&](sqlite::Database&) { work(); });
}

Tenant SqliteStore::AddTenant(std::string_view name, std::optional<int> parallel_runs) {
  const base::UtcTime now = FromMs(ToMs(clock_.Utc()));
  const Tenant tenant{.id = NewId(kTenantId),
                      .name = std::string(name),
                      .created_at = now,
                      .updated_at = now,
                      .parallel_runs = parallel_runs,
                      .external_id = fmt::format("sluice-{}", Hex(RandomBytes(12)))};
  connections_.Write([&](sqlite::Database& db) {
    RequireFreeName(db, name, "");
    sqlite::Statement insert(db,
                             "INSERT INTO tenant(id, name, parallel_runs, external_id, version,"
                             " created, updated) VALUES(?, ?, ?, ?, 1, ?, ?)");
    insert.Bind(tenant.id).Bind(tenant.name).Bind(parallel_runs).Bind(tenant.external_id);
    insert.Bind(ToMs(now)).Bind(ToMs(now)).Step();
  });
  return tenant;
}

Tenant SqliteStore::GetTenant(std::string_view id) {
  auto tenant =
      connections_.Read([&](sqlite::Database& db) { return SelectTenant(db, "WHERE id = ?", id); });
  if (!tenant) ThrowNotFound(kTenant, id);
  return *std::move(tenant);
}

std::optional<Tenant> SqliteStore::FindTenantByName(std::string_view name) {
  return connections_.Read(
      [&](sqlite::Database& db) { return SelectTenant(db, "WHERE name = ?", name); });
}

Page<Tenant> SqliteStore::Tenants(const PageRequest& request) {
  const int limit = LimitOf(request);
  const std::int64_t after = CursorOf(request, false);
  return connections_.Read([&](sqlite::Database& db) {
    sqlite::Statement row(
        db, fmt::format("{}WHERE number > ? ORDER BY number LIMIT ?", kSelectTenant).c_str());
    row.Bind(after).Bind(limit + 1);
    Page<Tenant> page;
    std::vector<std::int64_t> numbers;
    while (row.Step()) {
      page.items.push_back(ReadTenant(row));
      numbers.push_back(row.Number(0));
    }
    EndPage(page, numbers, limit);
    return page;
  });
}

Tenant SqliteStore::UpdateTenant(std::string_view id, std::string_view name,
                                 std::optional<int> parallel_runs,
                                 std::optional<std::int64_t> expected) {
  return connections_.Write([&](sqlite::Database& db) {
    auto tenant = SelectTenant(db, "WHERE id = ?", id);
    if (!tenant) ThrowNotFound(kTenant, id);
    if (expected && *expected != tenant->version) ThrowChanged(kTenant, id);
    if (tenant->name == name && tenant->parallel_runs == parallel_runs) return *tenant;
    RequireFreeName(db, name, id);
    tenant->name = name;
    tenant->parallel_runs = parallel_runs;
    tenant->version += 1;
    tenant->updated_at = FromMs(ToMs(clock_.Utc()));
    sqlite::Statement update(
        db, "UPDATE tenant SET name = ?, parallel_runs = ?, version = ?, updated = ? WHERE id = ?");
    update.Bind(name).Bind(parallel_runs).Bind(tenant->version).Bind(ToMs(tenant->updated_at));
    update.Bind(id).Step();
    return *tenant;
  });
}

void SqliteStore::DeleteTenant(std::string_view id) {
  connections_.Write([&](sqlite::Database& db) {
    sqlite::Statement running(db,
                              "SELECT 1 FROM run WHERE tenant = ? AND state = 'running' LIMIT 1");
    if (running.Bind(id).Step()) {
      throw InUse(kTenant, id, "one of its runs is running",
                  "Stop its runs first, and wait until they have ended.");
    }
    sqlite::Statement gone(db, "DELETE FROM tenant WHERE id = ? RETURNING id");
    if (!gone.Bind(id).Step()) ThrowNotFound(kTenant, id);
    while (gone.Step()) {
    }
  });
}

}  // namespace sluice::serve
