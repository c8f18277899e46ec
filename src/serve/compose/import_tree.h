// A configuration's YAML -> JSON with its references and includes resolved. For import.
#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

#include "config/references.h"
#include "serve/base/json.h"
#include "serve/base/problem.h"

namespace sluice::serve {

// What cannot be said over the API, such as a mask of the text "last4", is added to `problems`.
// REQUIRES: config::Parse finds no problem in it.
Json TreeOf(std::string_view text, const std::filesystem::path& file,
            const config::Environment& environment, std::vector<FieldProblem>& problems);

}  // namespace sluice::serve
