// The one JSON form in which programs and endpoints hand out keys. Pure.
#pragma once
#include <string>
#include <string_view>

#include "aws/session_keys.h"
#include "base/clock.h"

namespace sluice::aws {

// Reads AccessKeyId, SecretAccessKey, `token_member` ("Token", "SessionToken") and Expiration; the
// last two may be missing (keys without a token are long-term ones). Throws, with `from` as
// subject and nothing of the text: kUnavailable if it is no such JSON or lacks a key or holds an
// unreadable Expiration, kInvalidConfig if one holds what no header may hold (header_guard.h),
// kAuthentication if the keys have expired at `now`.
SessionKeys ReadKeysJson(std::string_view text, std::string_view token_member,
                         const std::string& from, base::UtcTime now);

}  // namespace sluice::aws
