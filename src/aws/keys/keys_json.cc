#include "aws/keys/keys_json.h"

#include "aws/header_guard.h"
#include "aws/json_text.h"
#include "aws/time_text.h"
#include "base/error.h"

namespace sluice::aws {
namespace {

[[noreturn]] void Refuse(base::ErrorCode code, const std::string& from, std::string message,
                         std::string remedy) {
  throw base::Error({.code = code,
                     .operation = "get AWS keys",
                     .subject = from,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

}  // namespace

SessionKeys ReadKeysJson(std::string_view text, std::string_view token_member,
                         const std::string& from, base::UtcTime now) {
  const auto json = JsonText::Parse(text);
  const auto member = [&](std::string_view name) {
    return json ? json->String(name).value_or("") : "";
  };
  SessionKeys keys{member("AccessKeyId"), base::Secret(member("SecretAccessKey")),
                   base::Secret(member(token_member)), std::nullopt};
  const std::string expiration = member("Expiration");
  keys.expiration = ParseIsoTime(expiration);
  if (keys.access_key_id.empty() || keys.secret_access_key.empty() ||
      (!expiration.empty() && !keys.expiration)) {
    Refuse(base::ErrorCode::kUnavailable, from,
           "what it gave is not JSON with AccessKeyId, SecretAccessKey and a readable Expiration",
           "Look what it gives by hand; Sluice shows nothing of it, as it may hold secrets.");
  }
  CheckKeys(keys, from);
  if (keys.expiration && *keys.expiration <= now) {
    Refuse(base::ErrorCode::kAuthentication, from, "it gave keys that have expired already",
           "Renew what it hands out, and compare this machine's clock with the time in UTC.");
  }
  return keys;
}

}  // namespace sluice::aws
