// AWS keys and where they come from.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

namespace sluice::aws {

// base::ErrorInfo::reason of keys that were refused for their age.
inline constexpr std::string_view kTokenExpired = "token_expired";

struct SessionKeys {
  std::string access_key_id;
  base::Secret secret_access_key;
  base::Secret session_token;               // empty for long-term keys
  std::optional<base::UtcTime> expiration;  // nullopt for long-term keys
};

// "AKIA...WXYZ": enough to find the key, too little to use it.
std::string MaskKeyId(std::string_view access_key_id);

// Thread-safe; keeps what it got and renews it under one lock before it expires, so parallel
// streams share one set of keys. Errors: kAuthentication, kPermission, kInvalidConfig (nothing
// configured: the message tells what was looked at), and those of the transport.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Keys that stay valid for at least `life_min` from now.
  virtual SessionKeys Get(std::chrono::seconds life_min, const base::Call& call) = 0;
  // A service refused `keys` for their age, whatever their expiration says: they are forgotten.
  // True if Get may then give others; false if there are no others to be had.
  virtual bool Reject(const SessionKeys& /*keys*/) { return false; }
  // What answered, for people: "role arn:aws:iam::...:role/x assumed with keys AKIA...
  // (environment)".
  virtual std::string Describe() const = 0;
};

// use(keys); if AWS calls them expired, whatever their expiration says, once more with others.
template <typename Use>
auto UseKeys(CredentialProvider& provider, std::chrono::seconds life_min, const base::Call& call,
             Use&& use) {
  const SessionKeys keys = provider.Get(life_min, call);
  try {
    return use(keys);
  } catch (const base::Error& error) {
    if (error.info().reason != kTokenExpired || !provider.Reject(keys)) throw;
  }
  return use(provider.Get(life_min, call));
}

}  // namespace sluice::aws
