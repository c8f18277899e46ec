#include "serve/http/status_text.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace sluice::serve {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 26> kTexts = {{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
}};

struct Words {
  std::string_view code;
  std::string_view remedy;
};

// In the closed list of error codes.
Words WordsOf(int status) {
  switch (status) {
    case 408: return {"timeout", "Send the request as a whole, without waiting in it."};
    case 413: return {"invalid_config", "A body may have up to 1 MB."};
    case 431: return {"invalid_config", "A header may have up to 16 KB."};
    case 503: return {"throttled", "Ask again in a few seconds."};
    default: return {"invalid_config", "Send a request of HTTP/1.1 for a path of this server."};
  }
}

}  // namespace

std::string_view StatusText(int status) {
  for (const auto& [one, text] : kTexts) {
    if (one == status) return text;
  }
  return "Error";
}

Response ProblemResponse(int status, std::string_view title) {
  const Words words = WordsOf(status);
  Response response{
      .status = status,
      .fields = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}},
      .body = fmt::format(
          R"({{"type":"about:blank","title":"{}","status":{},"detail":"{}","code":"{}",)"
          R"("operation":"","subject":"request","remedy":"{}","retryable":{},"problems":[]}})",
          StatusText(status), status, title, words.code, words.remedy, status == 503)};
  if (status == 503) response.fields.emplace_back("Retry-After", "2");
  return response;
}

}  // namespace sluice::serve
