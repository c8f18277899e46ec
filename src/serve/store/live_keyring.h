// The keys of a store that is open while `sluice serve rotate-key` seals everything anew beside it.
// What the database is sealed with (key_check) says which key is in force: it changes within the
// one transaction that seals everything, so no value is ever left behind with the old key.
#pragma once
#include <functional>
#include <mutex>
#include <string_view>

#include "serve/store/keyring.h"
#include "serve/store/seal.h"
#include "sqlite/sqlite.h"

namespace sluice::serve {

// Any thread.
class LiveKeyring {
 public:
  // `reread`: gives what the key file holds now, for a key that is not known yet; may be empty.
  LiveKeyring(const Keyring& keyring, std::function<Keyring()> reread);

  // With the key in force. REQUIRES: within a transaction that writes, which a rotation waits for.
  // Throws as Unseal (seal.h), and what `reread` throws.
  Sealed SealWithin(sqlite::Database& db, std::string_view plain, std::string_view place);
  // Throws as Unseal (seal.h), and what `reread` throws.
  base::Secret Open(const Sealed& sealed, std::string_view place);

 private:
  // With that key among them, if it can be had. Those of before stay: a reader may still be in a
  // moment before the rotation.
  Keyring With(std::string_view key_id);

  const std::function<Keyring()> reread_;
  std::mutex mu_;
  Keyring keyring_;  // guarded by mu_
};

}  // namespace sluice::serve
