#include "serve/store/live_keyring.h"

#include <utility>

namespace sluice::serve {

LiveKeyring::LiveKeyring(const Keyring& keyring, std::function<Keyring()> reread)
    : reread_(std::move(reread)), keyring_(keyring) {}

Keyring LiveKeyring::With(std::string_view key_id) {
  const std::lock_guard lock(mu_);
  if (keyring_.Find(key_id) != nullptr || !reread_) return keyring_;
  std::vector<Key> keys = reread_().keys();
  for (const Key& known : keyring_.keys()) {
    if (Keyring(keys).Find(known.id) == nullptr) keys.push_back(known);
  }
  keyring_ = Keyring(std::move(keys));
  return keyring_;
}

Sealed LiveKeyring::SealWithin(sqlite::Database& db, std::string_view plain,
                               std::string_view place) {
  sqlite::Statement row(db, "SELECT key, sealed FROM key_check WHERE number = 1");
  if (!row.Step()) {
    const std::lock_guard lock(mu_);
    return Seal(keyring_.current(), plain, place);  // nothing is sealed yet
  }
  const Keyring keyring = With(row.Text(0));
  const Key* key = keyring.Find(row.Text(0));
  // Throws: its key is not known.
  if (key == nullptr) Unseal(keyring, {.key_id = row.Text(0), .text = row.Text(1)}, CheckPlace());
  return Seal(*key, plain, place);
}

base::Secret LiveKeyring::Open(const Sealed& sealed, std::string_view place) {
  return Unseal(With(sealed.key_id), sealed, place);
}

}  // namespace sluice::serve
