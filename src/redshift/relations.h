// The tables that a SELECT names, read from its text: enough to fill in a remedy, no SQL parser.
// Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace sluice::redshift {

// What stands after FROM and JOIN as schema.table, quoted or not, also within UNLOAD ('...');
// unquoted names folded to lower case. Literals and comments are skipped.
std::vector<model::TableName> RelationsIn(std::string_view sql);

// The name among `names` that is nearest to `misspelt` by edits, if near enough to be worth
// proposing (a third of its length, at least 1). The case of letters does not count.
std::optional<std::string> NearestName(std::string_view misspelt,
                                       const std::vector<std::string>& names);

}  // namespace sluice::redshift
