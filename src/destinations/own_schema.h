// The schema in which a destination keeps what is Sluice's own. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "model/stream.h"

namespace sluice::destinations {

// Format, do not change: later versions look there.
inline constexpr std::string_view kOwnSchema = "_sluice";

// Throws kUnsupported if the target lies in it, whatever the case: not every destination tells
// names apart by that.
void RequireForeignSchema(const model::StreamTarget& target);

// The same for a schema that is the destination's own: `whose` is "DuckDB's".
[[noreturn]] void ThrowReservedSchema(const model::StreamTarget& target, std::string_view whose);

}  // namespace sluice::destinations
