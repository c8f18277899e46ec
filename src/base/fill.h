// Puts words into the forms of error and finding tables.
#pragma once
#include <map>
#include <string>
#include <string_view>

namespace sluice::base {

using Words = std::map<std::string, std::string, std::less<>>;

// `form` with each "{name}" replaced by its word, or by "<name>" if there is none, as a person
// reads a gap. A name is of a-z, 0-9 and _; any other brace stays. What a word brings is not looked
// through again. Pure.
std::string Fill(std::string_view form, const Words& words);

}  // namespace sluice::base
