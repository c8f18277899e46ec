// Tokens, and the record of who did what.
#include <tuple>

#include "serve/api/routes.h"

namespace sluice::serve {
namespace {

constexpr std::chrono::hours kConnectLife{1};

// Its text is in this answer alone.
Reply NewTokenReply(const ApiContext& context, const Call& call, std::string_view name, Scope scope,
                    const std::optional<std::string>& tenant,
                    std::optional<base::UtcTime> expires_at) {
  Token token;
  base::Secret text;
  context.store.Together([&] {
    std::tie(token, text) = context.store.AddToken(name, scope, tenant, expires_at);
    Note(context, call, "token.create", token.id, token.tenant);
  });
  Json json = ToJson(token);
  json["token"] = text.Reveal();
  json["url"] = OriginOf(context, call.request) +
                (token.scope == Scope::kConnect ? "/connect?token=" : "/#token=") + text.Reveal();
  return {.response = ResourceResponse(call, 201, json)};
}

std::optional<std::string> TenantFor(const ApiContext& context, const Call& call, const Json& body,
                                     Scope scope) {
  auto tenant = TextField(body, "token", "tenant", 40);
  if (call.token->tenant) {
    // A tenant's token makes its like, and less.
    if (tenant && *tenant != *call.token->tenant) {
      context.store.GetTenant("");  // as if it were not there
    }
    return call.token->tenant;
  }
  if (tenant) return context.store.GetTenant(*tenant).id;
  if (scope == Scope::kTenant) {
    RefuseField("token", "tenant", "is missing", "Give the id of the tenant that it is for.");
  }
  return std::nullopt;
}

}  // namespace

Reply ListTokens(const ApiContext& context, const Call& call) {
  return {.response =
              JsonResponse(200, ListJson(context.store.Tokens(call.token->tenant, PageOf(call))))};
}

Reply MakeToken(const ApiContext& context, const Call& call) {
  const Json body = BodyOf(call);
  RequireFields(body, "token", {"name", "scope", "tenant", "expires_in_days"});
  const std::string name = NameField(body, "token");
  const auto scope = ParseScope(TextField(body, "token", "scope", 20).value_or(""));
  if (!scope || *scope == Scope::kConnect) {
    RefuseField("token", "scope", "is none of admin, tenant, read",
                "For the form: POST /api/v1/tenants/{tenant}/connect-tokens.");
  }
  if (*scope == Scope::kAdmin && call.token->scope != Scope::kAdmin) {
    RefuseField("token", "scope", "may be tenant or read", "Ask the operator for an admin token.");
  }
  const auto tenant = TenantFor(context, call, body, *scope);
  if (*scope == Scope::kAdmin && tenant) {
    RefuseField("token", "tenant", "is of no use for scope admin", "Leave it out.");
  }
  std::optional<base::UtcTime> expires_at;
  if (const auto days = NumberField(body, "token", "expires_in_days", 1, 3650)) {
    expires_at = context.clock.Utc() + std::chrono::hours(24 * *days);
  }
  // What was given for a time gives nothing beyond it.
  const auto& own_end = call.token->expires_at;
  if (own_end && (!expires_at || *expires_at > *own_end)) expires_at = own_end;
  return NewTokenReply(context, call, name, *scope, tenant, expires_at);
}

Reply MakeConnectToken(const ApiContext& context, const Call& call) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const Json body = BodyOf(call, Json::object());
  RequireFields(body, "token", {"name"});
  const std::string name = body.contains("name") && !body["name"].is_null()
                               ? NameField(body, "token")
                               : "form of " + tenant.name;
  return NewTokenReply(context, call, name, Scope::kConnect, tenant.id,
                       context.clock.Utc() + kConnectLife);
}

Reply DeleteToken(const ApiContext& context, const Call& call) {
  context.store.Together([&] {
    context.store.DeleteToken(call.token->tenant, call.ids[0]);
    Note(context, call, "token.delete", call.ids[0], call.token->tenant);
  });
  return {.response = NoContent()};
}

Reply ListAudit(const ApiContext& context, const Call& call) {
  return {.response = JsonResponse(
              200, ListJson(context.store.AuditLog(call.token->tenant, PageOf(call))))};
}

}  // namespace sluice::serve
