// The key that a webhook's messages are signed with.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#pragma once
#include "base/secret.h"

namespace sluice::serve {

// "whsec_" and 24 random bytes in base64. Any thread.
base::Secret NewWebhookSecret();

}  // namespace sluice::serve
