// The signature of a message to a web address, as the Standard Webhooks convention has it:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
// Pure; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "http/transport.h"

namespace sluice::notify {

// webhook-id, webhook-timestamp and webhook-signature ("v1," and the HMAC-SHA256 of
// "id.timestamp.body"). `id`: the message's own; the same when it is sent again, so that its
// receiver knows it. `secret`: "whsec_" and base64, as the convention writes it; any other text
// counts as its own bytes.
std::vector<http::Header> SignedHeaders(const base::Secret& secret, std::string_view id,
                                        std::int64_t timestamp, std::string_view body);

std::string Base64(std::string_view bytes);

}  // namespace sluice::notify
