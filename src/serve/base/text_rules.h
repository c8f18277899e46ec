// Small rules for names and texts from outside. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::serve {

// UTF-8 without control characters.
bool IsOneLine(std::string_view text);
bool IsBlank(std::string_view text);
// The name of a field as a message may show it: "prot", else "(a name that is not shown)".
std::string ShownName(std::string_view name);
// "https://hooks.slack.com/..." -> "https://hooks.slack.com": what may be shown of an address whose
// path is a secret. Empty if it is none.
std::string ShownAddress(std::string_view url);

}  // namespace sluice::serve
