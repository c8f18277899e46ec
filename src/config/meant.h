// A field under another name or in another place -> the one that is meant: the set-up guide's form
// and other tools write its fields flat, and each spells them its own way. Pure; any thread.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "config/rules.h"

namespace sluice::config {

// For a field that is not `known` in the group `path` ("" at the top, "redshift", "streams[2]"):
// what is wrong and the right form, without any value. nullopt: nothing else is meant.
std::optional<Broken> MeantField(std::string_view path, std::string_view key,
                                 const std::vector<std::string_view>& known);

}  // namespace sluice::config
