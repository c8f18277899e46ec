#include "serve/store/keyring.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "base/small_file.h"
#include "serve/store/private_file.h"
#include "serve/store/seal.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "sluice-key-1 ";  // format, do not change
constexpr std::size_t kKeyBytes = 32;                // AES-256; format, do not change
constexpr std::size_t kIdDigits = 16;                // format, do not change
constexpr std::size_t kFileBytesMax = 64U << 10U;

[[noreturn]] void Refuse(std::string_view where, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "read the key",
                     .subject = std::string(where),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

Key KeyOf(std::string_view bytes) {
  // One cannot go from the id to the key, nor tell from it what a sealed value is.
  std::string id = Sha256Hex(fmt::format("sluice key id|{}", bytes));
  id.resize(kIdDigits);
  return {.id = std::move(id), .bytes = base::Secret(std::string(bytes))};
}

void RefuseOpenFile(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return;
  if ((status.st_mode & 077U) == 0) return;
  Refuse(file.string(), "others may read the key, or write it",
         fmt::format("chmod 600 {}   If they may have read it: sluice serve rotate-key",
                     file.string()));
}

Keyring ParseFile(const fs::path& file, std::string_view text) {
  std::vector<Key> keys;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty()) continue;
    if (!line.starts_with(kMark)) {
      Refuse(file.string(), "it is no key file of Sluice",
             "Name the file that the first start made: --key-file FILE");
    }
    keys.push_back(ParseKey(base::Secret(std::string(line.substr(kMark.size()))), file.string()));
  }
  if (keys.empty()) {
    Refuse(file.string(), "it holds no key",
           "Restore it from a backup. Without it the secrets are lost.");
  }
  return Keyring(std::move(keys));
}

}  // namespace

const Key* Keyring::Find(std::string_view id) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

Key NewKey() { return KeyOf(RandomBytes(kKeyBytes)); }

Key ParseKey(const base::Secret& hex, std::string_view where) {
  const std::string& digits = hex.Reveal();
  std::string bytes;
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    const int high = value(digits[i]);
    const int low = value(digits[i + 1]);
    if (high < 0 || low < 0) break;
    bytes += static_cast<char>(high * 16 + low);
  }
  if (digits.size() != 2 * kKeyBytes || bytes.size() != kKeyBytes) {
    Refuse(where, "it is no key: 64 hexadecimal digits; it is not shown here",
           "Make one: openssl rand -hex 32");
  }
  return KeyOf(bytes);
}

LoadedKeyring LoadKeyring(const fs::path& file, const base::Environment& environment,
                          bool may_make) {
  if (auto hex = base::Lookup(environment, "SLUICE_KEY")) {
    std::vector<Key> keys = {ParseKey(base::Secret(*std::move(hex)), "SLUICE_KEY")};
    if (auto previous = base::Lookup(environment, "SLUICE_KEY_PREVIOUS")) {
      keys.push_back(ParseKey(base::Secret(*std::move(previous)), "SLUICE_KEY_PREVIOUS"));
    }
    return {.keyring = Keyring(std::move(keys)), .file = {}};
  }
  const base::SmallFile read = base::ReadSmallFile(file.string(), kFileBytesMax);
  if (read.problem.empty()) {
    RefuseOpenFile(file);
    return {.keyring = ParseFile(file, read.text), .file = file};
  }
  if (!read.missing)
    Refuse(file.string(), fmt::format("it {}", read.problem), "Look at that file.");
  if (!may_make) {
    throw base::Error({.code = base::ErrorCode::kNotFound,
                       .operation = "read the key",
                       .subject = file.string(),
                       .message = "there is a database, but not its key",
                       .remedy = "Name the key's file (--key-file FILE), or restore it from a "
                                 "backup. Without it the secrets are lost."});
  }
  LoadedKeyring made{.keyring = Keyring({NewKey()}), .file = file, .made = true};
  WriteKeyFile(file, made.keyring);
  return made;
}

void WriteKeyFile(const fs::path& file, const Keyring& keyring) {
  std::string text;
  for (const Key& key : keyring.keys()) {
    text += fmt::format("{}{}\n", kMark, Hex(key.bytes.Reveal()));
  }
  const base::Secret wiped(std::move(text));
  WritePrivateFile(file, wiped.Reveal(), "write the key");
}

}  // namespace sluice::serve
