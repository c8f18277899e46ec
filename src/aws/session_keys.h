// AWS keys and where they come from.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"

namespace sluice::aws {

struct SessionKeys {
  std::string access_key_id;
  base::Secret secret_access_key;
  base::Secret session_token;               // empty for long-term keys
  std::optional<base::UtcTime> expiration;  // nullopt for long-term keys
};

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

}  // namespace sluice::aws
