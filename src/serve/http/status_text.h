// Answers of the server itself, where no handler could give one. Pure; any thread.
#pragma once
#include <string_view>

#include "serve/http/message.h"

namespace sluice::serve {

// "Not Found"; of a status that is not known "Error".
std::string_view StatusText(int status);

// application/problem+json (RFC 9457) of the form of the API's own.
Response ProblemResponse(int status, std::string_view title);

}  // namespace sluice::serve
