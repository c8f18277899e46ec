// What stands outside of /api/v1: the page's files, and what machines ask. For serve/api alone.
#pragma once
#include "serve/api/call.h"

namespace sluice::serve {

Response SiteResponse(const ApiContext& context, const Request& request);

}  // namespace sluice::serve
