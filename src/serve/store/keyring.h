// The keys that secrets are sealed with, and where they come from: a file (mode 0600, made at the
// first start), or SLUICE_KEY.
//
// The file (format, do not change): a line per key, "sluice-key-1 " and 64 hexadecimal digits; the
// first is the one that new secrets are sealed with, others are there during a rotation. SLUICE_KEY
// is one such key's 64 digits; SLUICE_KEY_PREVIOUS the key before it.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/secret.h"

namespace sluice::serve {

struct Key {
  std::string id;  // first 16 hexadecimal digits of a SHA-256 of it: stands beside what it seals
  base::Secret bytes;  // 32
};

// A value; any thread.
class Keyring {
 public:
  // REQUIRES: not empty. The first one seals.
  explicit Keyring(std::vector<Key> keys) : keys_(std::move(keys)) {}
  const Key& current() const { return keys_.front(); }
  const std::vector<Key>& keys() const { return keys_; }
  const Key* Find(std::string_view id) const;

 private:
  std::vector<Key> keys_;
};

Key NewKey();
// Throws kInvalidConfig if it is not 64 hexadecimal digits; never repeats it.
Key ParseKey(const base::Secret& hex, std::string_view where);

// SLUICE_KEY if it is set, else the file, which is made if there is none and `may_make`. `made`: a
// new key came to be, which has to be backed up apart from the data. Throws kInvalidConfig for a
// file that others may read, or that holds no key; kNotFound if there is none and it may not be
// made; kPermission, kNoSpace.
struct LoadedKeyring {
  Keyring keyring;
  std::filesystem::path file;  // empty: of the environment
  bool made = false;
};
LoadedKeyring LoadKeyring(const std::filesystem::path& file, const base::Environment& environment,
                          bool may_make);

// Replaces the file as a whole: after a crash it is the old one or the new one.
void WriteKeyFile(const std::filesystem::path& file, const Keyring& keyring);

}  // namespace sluice::serve
