#include "http/request_guard.h"

#include <algorithm>

#include "base/error.h"

namespace sluice::http {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

[[noreturn]] void Refuse(const Request& request, const std::string& where) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = request.operation,
                     .subject = request.subject,
                     .message = where + " holds a control character, so the request is not sent",
                     .remedy = "Look for line breaks in keys, tokens and names: in the "
                               "configuration, in the environment and in what "
                               "credential_process prints."});
}

bool HasControl(std::string_view text) { return std::any_of(text.begin(), text.end(), IsControl); }

}  // namespace

void CheckRequest(const Request& request) {
  if (HasControl(request.method) || HasControl(request.url)) Refuse(request, "the address");
  for (const Header& header : request.headers) {
    if (HasControl(header.name)) Refuse(request, "the name of a header");
    if (HasControl(header.value)) Refuse(request, "header " + header.name);
  }
}

}  // namespace sluice::http
