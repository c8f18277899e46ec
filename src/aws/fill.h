// Puts words into the forms of this room's error tables.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::aws {

// `form` with each name, "{bucket}" for instance, replaced by its value wherever it stands. What a
// value brings is not looked through for the same name again. Pure.
std::string Fill(std::string_view form,
                 const std::vector<std::pair<std::string_view, std::string>>& words);

}  // namespace sluice::aws
