// `sluice serve rotate-key`: a new key, and everything sealed with it.
//
// In this order, so that a death at any point loses nothing and the next call or start goes on: the
// key file holds the new key and the old ones; all is sealed with the new one, in one transaction;
// the key file holds the new key alone. A service that runs finds its database sealed with a key it
// does not know, and reads the file again (live_keyring.h).
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "serve/store/data_folder.h"
#include "serve/store/keyring.h"

namespace sluice::serve {

struct Rotated {
  std::int64_t values = 0;  // that were sealed again
  std::string key_id;       // of the new key
};
// Moments between the steps, at which tests end the process.
enum class RotationStep { kKeysWritten, kSealed };

// Of a key file. With SLUICE_KEY: set it to the new key and SLUICE_KEY_PREVIOUS to the old one;
// then this seals everything with the new one. Again is safe, also after one that died. REQUIRES:
// the caller holds the KeyLock, since before it loaded the keyring; with SLUICE_KEY the DataLock,
// too, as no service can read that again. Throws what Store::Open throws.
Rotated RotateKey(const DataFolder& data, const LoadedKeyring& keyring, const base::Clock& clock,
                  const std::function<void(RotationStep)>& at = {});

// Ends a rotation that died: seals everything with the first key and drops the others from the
// file. Does nothing if there is one key. For every start, before Store::Open; returns the keyring
// to open with. REQUIRES: the caller holds the DataLock, and the KeyLock since before it loaded the
// keyring.
Keyring EndRotation(const DataFolder& data, const LoadedKeyring& keyring, const base::Clock& clock);

}  // namespace sluice::serve
