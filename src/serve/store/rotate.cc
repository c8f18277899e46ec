#include "serve/store/rotate.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "serve/store/connections.h"
#include "serve/store/seal.h"
#include "serve/store/store.h"

namespace sluice::serve {
namespace {

// A sealed value and the place that it lies in.
struct Value {
  std::vector<std::string> place;
  Sealed sealed;
};

struct SealedTable {
  const char* select;  // key, sealed, and what tells the row
  const char* update;
  std::string (*place)(const std::vector<std::string>& row);
};

const SealedTable kTables[] = {
    {"SELECT key, sealed, owner, field FROM secret",
     "UPDATE secret SET key = ?, sealed = ? WHERE owner = ? AND field = ?",
     [](const std::vector<std::string>& row) {
       return PlaceOf({"secret", row[0], row[1]});
     }},
    {"SELECT key, sealed, owner, name FROM answer WHERE status IS NOT NULL",
     "UPDATE answer SET key = ?, sealed = ? WHERE owner = ? AND name = ?",
     [](const std::vector<std::string>& row) {
       return PlaceOf({"answer", row[0], row[1]});
     }},
    {"SELECT key, sealed, number, 1 FROM key_check",
     "UPDATE key_check SET key = ?, sealed = ? WHERE number = ? AND '1' = ?",
     [](const std::vector<std::string>&) { return CheckPlace(); }},
};

std::int64_t SealTable(sqlite::Database& db, const SealedTable& table, const Keyring& keyring) {
  std::vector<Value> old;
  {
    sqlite::Statement row(db, table.select);
    while (row.Step()) {
      if (row.Text(0) == keyring.current().id) continue;
      old.push_back({.place = {row.Text(2), row.Text(3)},
                     .sealed = {.key_id = row.Text(0), .text = row.Text(1)}});
    }
  }
  for (const Value& value : old) {
    const std::string place = table.place(value.place);
    const base::Secret plain = Unseal(keyring, value.sealed, place);
    const Sealed fresh = Seal(keyring.current(), plain.Reveal(), place);
    sqlite::Statement update(db, table.update);
    update.Bind(fresh.key_id).Bind(fresh.text).Bind(value.place[0]).Bind(value.place[1]).Step();
  }
  return static_cast<std::int64_t>(old.size());
}

std::int64_t SealAll(const DataFolder& data, const Keyring& keyring) {
  Connections connections(data.database());
  return connections.Write([&](sqlite::Database& db) {
    std::int64_t values = 0;
    for (const SealedTable& table : kTables) values += SealTable(db, table, keyring);
    return values;
  });
}

// The key of the database is among these, else nothing may be written.
void RequireRightKey(const DataFolder& data, const Keyring& keyring, const base::Clock& clock) {
  Store::Open(data.root(), keyring, clock);
}

}  // namespace

Rotated RotateKey(const DataFolder& data, const LoadedKeyring& loaded, const base::Clock& clock,
                  const std::function<void(RotationStep)>& at) {
  RequireRightKey(data, loaded.keyring, clock);
  std::vector<Key> keys = loaded.keyring.keys();
  if (!loaded.file.empty()) {
    keys.insert(keys.begin(), NewKey());
    WriteKeyFile(loaded.file, Keyring(keys));
    if (at) at(RotationStep::kKeysWritten);
  }
  const Keyring both(keys);
  Rotated rotated{.values = SealAll(data, both), .key_id = both.current().id};
  if (at) at(RotationStep::kSealed);
  if (!loaded.file.empty()) WriteKeyFile(loaded.file, Keyring({both.current()}));
  return rotated;
}

Keyring EndRotation(const DataFolder& data, const LoadedKeyring& loaded, const base::Clock& clock) {
  if (loaded.keyring.keys().size() < 2) return loaded.keyring;
  RequireRightKey(data, loaded.keyring, clock);
  SealAll(data, loaded.keyring);
  Keyring ended({loaded.keyring.current()});
  if (!loaded.file.empty()) WriteKeyFile(loaded.file, ended);
  return ended;
}

}  // namespace sluice::serve
