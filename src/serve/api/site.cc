#include "serve/api/site.h"

#include "serve/api/cookie.h"
#include "serve/page/page.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

Response Text(int status, std::string text) {
  return {.status = status,
          .fields = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(text)};
}

Response Ready(const ApiContext& context) {
  try {
    context.store.Ping();
  } catch (const base::Error& error) {
    return Text(503, "the database: " + error.info().message + "\n");
  }
  return context.runs.Ready() ? Text(200, "ready\n") : Text(503, "starting\n");
}

// It tells of all tenants.
Response Metrics(const ApiContext& context, const Request& request) {
  Call call{.request = request, .ids = {}, .query = {}, .token = {}, .credential = {}};
  Authenticate(context, call);
  const bool all = call.token->scope == Scope::kAdmin ||
                   (call.token->scope == Scope::kRead && !call.token->tenant);
  if (!all) {
    throw base::Error({.code = ErrorCode::kPermission,
                       .operation = "read metrics",
                       .subject = "token " + call.token->name,
                       .message = "it is of one tenant",
                       .remedy = "Take a token of scope read without a tenant, or an admin's."});
  }
  return {.status = 200,
          .fields = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = context.runs.Metrics()};
}

Response PageResponse(const ApiContext& context, const Request& request, const PageFile& file) {
  Response response{
      .status = 200,
      .fields = {{"Content-Type", std::string(file.content_type)},
                 {"ETag", std::string(file.etag)},
                 {"Cache-Control", std::string(PageCacheControl(file))},
                 {"Content-Security-Policy",
                  PagePolicy(request.path == "/connect"
                                 ? std::span<const std::string>(context.options.frame_origins)
                                 : std::span<const std::string>())}},
      .body = {}};
  if (request.Field("If-None-Match") == file.etag) {
    response.status = 304;
    return response;
  }
  response.fields.emplace_back("Content-Encoding", "gzip");
  response.body = std::string(file.bytes);
  return response;
}

}  // namespace

Response SiteResponse(const ApiContext& context, const Request& request) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && request.path == "/healthz") return Text(200, "ok\n");
  if (reads && request.path == "/readyz") return Ready(context);
  RequireOwnHost(context.options, request);
  if (reads && request.path == "/metrics") return Metrics(context, request);
  if (const PageFile* file = FindPageFile(request.path)) {
    if (reads) return PageResponse(context, request, *file);
    throw StatusError(405, "Not for this method",
                      {.code = ErrorCode::kInvalidConfig,
                       .operation = "read request",
                       .subject = "method",
                       .message = "the page's files can only be read",
                       .remedy = "Use GET. The API begins with /api/v1."});
  }
  throw base::Error({.code = ErrorCode::kNotFound,
                     .operation = "read request",
                     .subject = "path",
                     .message = "there is nothing at this path",
                     .remedy = "The page is at /, the API begins with /api/v1 and is described at "
                               "/api/v1/openapi.json."});
}

}  // namespace sluice::serve
