// What no destination can land, whatever its kind. Pure; any thread.
#pragma once
#include <string>

#include "model/stream.h"

namespace sluice::destinations {

// kUnsupported, operation "prepare table".
[[noreturn]] void ThrowUnsupported(std::string subject, std::string message, std::string remedy,
                                   std::string reason = {});

// Throws kUnsupported for a table without a schema, a name or columns, and one in the schema that
// is Sluice's own.
void RequireTable(const model::StreamTarget& target);

}  // namespace sluice::destinations
