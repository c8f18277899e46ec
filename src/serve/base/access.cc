#include "serve/base/access.h"

#include <array>
#include <utility>

namespace sluice::serve {
namespace {

constexpr auto kScopes = std::to_array<std::pair<Scope, std::string_view>>({
    {Scope::kAdmin, "admin"},
    {Scope::kTenant, "tenant"},
    {Scope::kRead, "read"},
    {Scope::kConnect, "connect"},
});

}  // namespace

std::string_view ToText(Scope scope) {
  for (const auto& [value, text] : kScopes) {
    if (value == scope) return text;
  }
  return "read";
}

std::optional<Scope> ParseScope(std::string_view text) {
  for (const auto& [value, name] : kScopes) {
    if (name == text) return value;
  }
  return std::nullopt;
}

Json ToJson(const Token& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"scope", ToText(token.scope)},
          {"tenant", OrNull(token.tenant)},
          {"created_at", TimeText(token.created_at)},
          {"expires_at", TimeJson(token.expires_at)},
          {"last_used_at", TimeJson(token.last_used_at)}};
}

Json ToJson(const AuditEntry& entry) {
  return {{"at", TimeText(entry.at)},
          {"token", OrNull(entry.token)},
          {"token_name", OrNull(entry.token_name)},
          {"tenant", OrNull(entry.tenant)},
          {"action", entry.action},
          {"subject", entry.subject},
          {"address", OrNull(entry.address)}};
}

}  // namespace sluice::serve
