#include "serve/store/seal.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits>
#include <memory>
#include <optional>

#include "base/error.h"

namespace sluice::serve {
namespace {

constexpr std::size_t kNonceBytes = 12;  // format, do not change
constexpr std::size_t kTagBytes = 16;    // format, do not change

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

[[noreturn]] void ThrowCrypto(std::string_view operation) {
  throw base::Error({.code = base::ErrorCode::kInternal,
                     .operation = std::string(operation),
                     .message = "OpenSSL refused it"});
}

[[noreturn]] void ThrowChanged() {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "open a secret",
       .subject = "service.db",
       .message = "a sealed value was changed, or moved from another place",
       .remedy = "Restore the database from a backup, or enter that secret again: PUT it to its "
                 "source, destination, pipeline or alert."});
}

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  // Without an address OpenSSL would take the call for another one.
  return reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data());
}

int Count(std::size_t size) {
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) ThrowCrypto("seal");
  return static_cast<int>(size);
}

std::optional<unsigned> Digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return std::nullopt;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = Digit(hex[i]);
    const auto low = Digit(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4U | *low);
  }
  return bytes;
}

Cipher NewCipher() {
  Cipher cipher(EVP_CIPHER_CTX_new());
  if (!cipher) ThrowCrypto("seal");
  return cipher;
}

}  // namespace

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

std::string Sha256Hex(std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), Bytes(digest), &size, EVP_sha256(), nullptr) != 1) {
    ThrowCrypto("hash");
  }
  digest.resize(size);
  return Hex(digest);
}

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(Bytes(bytes), Count(count)) != 1) ThrowCrypto("draw random bytes");
  return bytes;
}

std::string PlaceOf(std::initializer_list<std::string_view> parts) {
  std::string place = "sluice-seal-1";  // format, do not change
  for (const std::string_view part : parts) place += fmt::format("|{}:{}", part.size(), part);
  return place;
}

std::string CheckPlace() { return PlaceOf({"key_check", "1", "word"}); }

Sealed Seal(const Key& key, std::string_view plain, std::string_view place) {
  const std::string nonce = RandomBytes(kNonceBytes);
  const Cipher cipher = NewCipher();
  std::string sealed(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int written = 0;
  const bool done =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key.bytes.Reveal()),
                         Bytes(std::string_view(nonce))) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &written, Bytes(place), Count(place.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(sealed), &written, Bytes(plain), Count(plain.size())) ==
          1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(sealed) + written, &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, Count(kTagBytes), tag.data()) == 1;
  if (!done) ThrowCrypto("seal");
  return {.key_id = key.id, .text = Hex(nonce + sealed + tag)};
}

base::Secret Unseal(const Keyring& keyring, const Sealed& sealed, std::string_view place) {
  const Key* key = keyring.Find(sealed.key_id);
  if (key == nullptr) {
    throw base::Error(
        {.code = base::ErrorCode::kInvalidConfig,
         .operation = "open a secret",
         .subject = "service.db",
         .message = fmt::format("it was sealed with another key, {}", sealed.key_id),
         .remedy = "Start with the key that was used so far: --key-file FILE, or SLUICE_KEY. "
                   "Without it the secrets are lost: take another --data folder.",
         .reason = "wrong_key"});
  }
  auto bytes = FromHex(sealed.text);
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) ThrowChanged();
  const std::string_view all = *bytes;
  const std::string_view body = all.substr(kNonceBytes, all.size() - kNonceBytes - kTagBytes);
  std::string tag(all.substr(all.size() - kTagBytes));
  const Cipher cipher = NewCipher();
  std::string plain(body.size(), '\0');
  int written = 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key->bytes.Reveal()),
                         Bytes(all)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &written, Bytes(place), Count(place.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(plain), &written, Bytes(body), Count(body.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, Count(kTagBytes), tag.data()) == 1;
  if (!ready) ThrowCrypto("open a secret");
  // What was decrypted is nobody's before this.
  if (EVP_DecryptFinal_ex(cipher.get(), Bytes(plain) + written, &written) != 1) ThrowChanged();
  return base::Secret(std::move(plain));
}

}  // namespace sluice::serve
