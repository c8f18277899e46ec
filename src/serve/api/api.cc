#include "serve/api/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "serve/api/cookie.h"
#include "serve/api/routes.h"
#include "serve/api/site.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::size_t kIdempotencyKeyMax = 200;

[[noreturn]] void ThrowNoPath() {
  throw base::Error({.code = ErrorCode::kNotFound,
                     .operation = "read request",
                     .subject = "path",
                     .message = "there is nothing at this path",
                     .remedy = "/api/v1/openapi.json tells what there is."});
}

[[noreturn]] void ThrowNoMethod(const std::string& methods) {
  throw StatusError(405, "Not for this method",
                    {.code = ErrorCode::kInvalidConfig,
                     .operation = "read request",
                     .subject = "method",
                     .message = "the path is there, but not for this method",
                     .remedy = "It takes " + methods + "."});
}

// A token of a tenant is told the same of another's things as of things that are not there.
void RequireTenant(const ApiContext& context, const Route& route, const Call& call) {
  if (!route.path.starts_with("/tenants/{tenant}")) return;
  if (call.token->tenant && *call.token->tenant != call.ids[0]) context.store.GetTenant("");
  context.store.GetTenant(call.ids[0]);
}

void RequireScope(const Route& route, const Call& call) {
  if (May(route.who, call.token->scope)) return;
  throw base::Error(
      {.code = ErrorCode::kPermission,
       .operation = fmt::format("{} {}", route.method, route.path),
       .subject = "token " + call.token->name,
       .message = fmt::format("a token of scope {} may not do this", ToText(call.token->scope)),
       .remedy = route.who == Who::kAdmin
                     ? "Take an administrator's token."
                     : "Take a token of scope tenant, or an administrator's."});
}

// A name that is not known would be left out in silence, a filter with it.
Query RequireQuery(const Route& route, const Request& request) {
  auto query = ParseQuery(request.query);
  const auto refuse = [&](std::string message) {
    throw StatusError(400, "Bad request",
                      {.code = ErrorCode::kInvalidConfig,
                       .operation = "read request",
                       .subject = "query",
                       .message = std::move(message),
                       .remedy = route.query.empty() ? "Leave out all behind the '?'."
                                                     : fmt::format("Known are: {}.",
                                                                   fmt::join(route.query, ", "))});
  };
  if (!query) refuse("what stands behind the '?' cannot be read, or says one thing twice");
  for (const auto& [name, value] : *query) {
    if (std::find(route.query.begin(), route.query.end(), name) == route.query.end()) {
      refuse("a name behind the '?' is not known here");
    }
  }
  return std::move(*query);
}

Response Replayed(const Call& call, const SavedAnswer& saved) {
  const Json json = Json::parse(saved.body);
  Response response =
      saved.status == 201 ? ResourceResponse(call, 201, json) : JsonResponse(saved.status, json);
  response.fields.emplace_back("Idempotency-Replayed", "true");
  return response;
}

// A POST that is sent again, because its answer was lost, must not be done again.
Reply Once(const ApiContext& context, const Route& route, const Call& call, std::string_view key) {
  if (key.empty() || key.size() > kIdempotencyKeyMax) {
    RefuseField("request", "Idempotency-Key", "has no length from 1 to 200",
                "Send a new UUID for each call, and the same one when you repeat it.");
  }
  Store& store = context.store;
  const std::string& owner = call.token->id;
  const std::string what =
      fmt::format("{} {}\n{}", route.method, call.request.path, call.request.body);
  if (const auto saved = store.ClaimKey(owner, key, what)) {
    return {.response = Replayed(call, *saved)};
  }
  Reply reply;
  try {
    reply = route.answer(context, call);
  } catch (...) {
    store.ForgetKey(owner, key);
    throw;
  }
  store.SaveAnswer(owner, key, {.status = reply.response.status, .body = reply.response.body});
  return reply;
}

Reply Answer(const ApiContext& context, const Request& request) {
  if (!request.path.starts_with(kPrefix) ||
      (request.path.size() > kPrefix.size() && request.path[kPrefix.size()] != '/')) {
    return {.response = SiteResponse(context, request)};
  }
  RequireOwnHost(context.options, request);
  RequireOwnOrigin(context, request);
  auto found = FindRoute(request.method == "HEAD" ? "GET" : request.method,
                         std::string_view(request.path).substr(kPrefix.size()));
  if (!found) ThrowNoPath();
  Call call{
      .request = request, .ids = std::move(found->ids), .query = {}, .token = {}, .credential = {}};
  if (found->route == nullptr || found->route->who != Who::kAnyone) Authenticate(context, call);
  if (found->route == nullptr) ThrowNoMethod(found->methods);
  const Route& route = *found->route;
  if (route.who != Who::kAnyone) {
    RequireTenant(context, route, call);
    RequireScope(route, call);
  }
  call.query = RequireQuery(route, request);
  const auto key = request.Field("Idempotency-Key");
  return route.makes && key ? Once(context, route, call, *key) : route.answer(context, call);
}

// What every answer carries: a browser is told to take it for nothing but what it says it is.
void Secure(const ApiOptions& options, Response& response) {
  const auto has = [&](std::string_view name) {
    return std::any_of(response.fields.begin(), response.fields.end(),
                       [&](const auto& field) { return field.first == name; });
  };
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!has(name)) response.fields.emplace_back(name, value);
  };
  add("Cache-Control", "no-store");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  if (options.tls) add("Strict-Transport-Security", "max-age=31536000");
}

}  // namespace

struct Api::Parts {
  const ApiOptions options;
  SignIns sign_ins;
  const ApiContext context;

  Parts(ApiOptions given, Store& store, Runs& runs, const DataFolder& data,
        const base::Clock& clock, base::Logger& log)
      : options(std::move(given)), sign_ins(clock), context{options, store, runs,    data,
                                                            clock,   log,   sign_ins} {}
};

Api::Api(ApiOptions options, Store& store, Runs& runs, const DataFolder& data,
         const base::Clock& clock, base::Logger& log)
    : parts_(std::make_unique<Parts>(std::move(options), store, runs, data, clock, log)) {}
Api::~Api() = default;

Reply Api::Handle(const Request& request) {
  const ApiContext& context = parts_->context;
  Reply reply;
  try {
    reply = Answer(context, request);
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    if (error.code() == ErrorCode::kInternal) {
      context.log.Write(base::LogLevel::kError, "a request failed",
                        {{"method", request.method}, {"error", error.what()}});
    }
    reply = {.response = ProblemAnswer(std::current_exception())};
  }
  Secure(parts_->options, reply.response);
  if (reply.work && !reply.streams) {
    reply.work = [work = std::move(reply.work), this](Writer& writer, std::stop_token stop) {
      Response response = work(writer, std::move(stop));
      Secure(parts_->options, response);
      return response;
    };
  }
  return reply;
}

}  // namespace sluice::serve
