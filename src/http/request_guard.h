// What may stand in a request. A line break in a value would end the header and begin another one,
// of whoever wrote the value. Pure; any thread.
#pragma once
#include "http/transport.h"

namespace sluice::http {

// Throws kInvalidConfig if the method, the address or a header holds a control character, naming
// the header. What every request passes at last.
void CheckRequest(const Request& request);

}  // namespace sluice::http
