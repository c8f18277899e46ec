// A secret value -> what may lie in the database: AES-256-GCM under one of the keyring's keys. Any
// thread.
//
// Sealed (format, do not change): hexadecimal digits of a nonce of 12 random bytes, the ciphertext
// and a tag of 16 bytes. The place where it lies is authenticated, too: a value that is moved to
// another row or field does not open there.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "serve/store/keyring.h"

namespace sluice::serve {

struct Sealed {
  std::string key_id;
  std::string text;
};

// Where a value lies: table, row, field. Each with its length, so that no two places read alike.
std::string PlaceOf(std::initializer_list<std::string_view> parts);

Sealed Seal(const Key& key, std::string_view plain, std::string_view place);

// Throws kInvalidConfig, reason "wrong_key", if the keyring does not have its key; kCorrupt if it
// was changed, or sealed for another place.
base::Secret Unseal(const Keyring& keyring, const Sealed& sealed, std::string_view place);

// Lower-case digits; for hashes of tokens.
// Where the word of key_check lies.
std::string CheckPlace();

std::string Hex(std::string_view bytes);
std::string Sha256Hex(std::string_view text);
// From the operating system. Throws kInternal if it has none.
std::string RandomBytes(std::size_t count);

}  // namespace sluice::serve
