// Signing in and out, and who one is.
#include <fmt/format.h>

#include "serve/api/cookie.h"
#include "serve/api/openapi.h"
#include "serve/api/routes.h"

namespace sluice::serve {
namespace {

constexpr std::chrono::hours kSessionLife{12};

Json MeJson(const ApiContext& context, const Token& token) {
  Json tenant;
  if (token.tenant) {
    tenant = {{"id", *token.tenant}, {"name", context.store.GetTenant(*token.tenant).name}};
  }
  const ApiOptions& options = context.options;
  return {{"scope", ToText(token.scope)},
          {"tenant", std::move(tenant)},
          {"name", token.name},
          {"expires_at", TimeJson(token.expires_at)},
          {"version", SLUICE_VERSION},
          {"vendor", options.vendor.empty() ? Json() : Json(options.vendor)},
          {"frame_origins", options.frame_origins},
          {"features",
           {{"default_chain", options.rules.aws_environment},
            {"any_path", !options.rules.allow_paths.empty()}}}};
}

[[noreturn]] void RefuseSignIn(const ApiContext& context, const Call& call) {
  if (!context.sign_ins.MayFail(call.request.address)) ThrowTooManyFailures();
  Note(context, call, "session.refused", "", std::nullopt);
  ThrowNotSignedIn("the token is none of this service's, or has expired");
}

}  // namespace

Reply SignIn(const ApiContext& context, const Call& call) {
  RequirePageHeader(call.request);
  const Json body = BodyOf(call);
  RequireFields(body, "session", {"token"});
  const base::Secret text(TextField(body, "session", "token", 200).value_or(""));
  const auto token = context.store.FindToken(text);
  // What a connect token may do is done with itself: in a frame of another page no cookie is sent.
  if (!token || token->scope == Scope::kConnect) RefuseSignIn(context, call);
  const auto until = context.clock.Utc() + kSessionLife;
  const base::Secret session = context.store.AddSession(token->id, until);
  Response response = JsonResponse(200, MeJson(context, *token));
  response.fields.emplace_back("Set-Cookie",
                               SessionCookie(session.Reveal(), context.options.tls, kSessionLife));
  return {.response = std::move(response)};
}

Reply SignOut(const ApiContext& context, const Call& call) {
  RequirePageHeader(call.request);
  const auto session = CookieOf(call.request, context.options.tls);
  if (session) context.store.DeleteSession(*session);
  Response response = NoContent();
  response.fields.emplace_back("Set-Cookie",
                               SessionCookie("", context.options.tls, std::chrono::seconds(0)));
  return {.response = std::move(response)};
}

Reply Me(const ApiContext& context, const Call& call) {
  return {.response = JsonResponse(200, MeJson(context, *call.token))};
}

Reply OpenApi(const ApiContext&, const Call&) {
  static const std::string text = OpenApiJson();
  return {
      .response = {.status = 200, .fields = {{"Content-Type", "application/json"}}, .body = text}};
}

}  // namespace sluice::serve
