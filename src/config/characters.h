// What a character of a value may be: ASCII alone, whatever the locale says. Pure.
#pragma once
#include <algorithm>
#include <string_view>

namespace sluice::config {

constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsAlpha(char c) { return IsLower(c) || IsUpper(c); }
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlnum(char c) { return IsAlpha(c) || IsDigit(c); }
constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }
constexpr bool IsOneOf(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// True if `predicate` holds for each character; so for an empty value.
template <typename Predicate>
constexpr bool All(std::string_view value, Predicate predicate) {
  return std::all_of(value.begin(), value.end(), predicate);
}

// What a field's name at the top begins with if it is there for YAML anchors alone, and read by
// nobody.
inline constexpr std::string_view kExtension = "x-";

}  // namespace sluice::config
