// Text as protocols write it: ASCII letters and whole numbers, whatever the locale says. Pure.
#pragma once
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace sluice::base {

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `text` with its ASCII letters in lower case; other bytes stay.
std::string Lower(std::string_view text);

// True if both are equal but for the case of ASCII letters.
bool EqualFolded(std::string_view a, std::string_view b);

// `text` with `part` replaced wherever it stands; what `by` brings is not looked through again.
// REQUIRES: `part` is not empty.
std::string ReplaceAll(std::string text, std::string_view part, std::string_view by);

// The number that all of `text` is, without sign '+' or blanks; nullopt if it is none, or none that
// Number holds.
template <typename Number>
std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace sluice::base
