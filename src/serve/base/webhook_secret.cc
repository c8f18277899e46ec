#include "serve/base/webhook_secret.h"

#include <cstdint>

#include "base/random.h"

namespace sluice::serve {

base::Secret NewWebhookSecret() {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  // 24 bytes, so that nothing has to be filled up: the convention asks for 24 to 64.
  std::string text = "whsec_";
  for (int word = 0; word < 8; ++word) {
    std::uint64_t bits = base::RandomBits();
    for (int i = 0; i < 4; ++i, bits >>= 6U) text += kDigits[bits & 63U];
  }
  return base::Secret(std::move(text));
}

}  // namespace sluice::serve
