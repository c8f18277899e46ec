// Tokens and the record of who did what. Values; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "serve/base/json.h"

namespace sluice::serve {

enum class Scope {
  kAdmin,    // everything, of all tenants
  kTenant,   // everything of one tenant
  kRead,     // reads; of one tenant, or of all
  kConnect,  // the form of one tenant alone, for an hour
};
std::string_view ToText(Scope scope);
std::optional<Scope> ParseScope(std::string_view text);

struct Token {
  std::string id;
  std::string name;
  Scope scope = Scope::kRead;
  std::optional<std::string> tenant;  // nullopt: of all (admin, read)
  base::UtcTime created_at;
  std::optional<base::UtcTime> expires_at;
  std::optional<base::UtcTime> last_used_at;  // to the minute
};
Json ToJson(const Token& token);

struct AuditEntry {
  base::UtcTime at;
  std::optional<std::string> token;  // id; nullopt: the server itself, or the command line
  std::optional<std::string> token_name;
  std::optional<std::string> tenant;
  std::string action;                  // "source.create", "run.start", "session.refused"
  std::string subject;                 // id of what it was done to
  std::optional<std::string> address;  // where the call came from
};
Json ToJson(const AuditEntry& entry);

}  // namespace sluice::serve
