#include "notify/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>

namespace sluice::notify {
namespace {

constexpr std::string_view kPrefix = "whsec_";

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int count = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  if (count < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
  bytes.resize(static_cast<std::size_t>(count) - padding);
  return bytes;
}

base::Secret KeyOf(const base::Secret& secret) {
  const std::string_view text = secret.Reveal();
  if (text.starts_with(kPrefix)) {
    if (auto bytes = FromBase64(text.substr(kPrefix.size()))) return base::Secret(*bytes);
  }
  return secret;
}

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // with the zero that it writes
  const int count = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                    reinterpret_cast<const unsigned char*>(bytes.data()),
                                    static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(count));
  return text;
}

std::vector<http::Header> SignedHeaders(const base::Secret& secret, std::string_view id,
                                        std::int64_t timestamp, std::string_view body) {
  const std::string time = std::to_string(timestamp);
  std::string text(id);
  text.append(".").append(time).append(".").append(body);
  const base::Secret key = KeyOf(secret);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.Reveal().data(), static_cast<int>(key.Reveal().size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), size);
  return {{"webhook-id", std::string(id)},
          {"webhook-timestamp", time},
          {"webhook-signature", "v1," + Base64(bytes)}};
}

}  // namespace sluice::notify
