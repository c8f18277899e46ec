#include "model/shape.h"

#include <string_view>

namespace sluice::model {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// A byte of a letter beyond ASCII counts as a letter without a case.
bool IsPart(char c) {
  return IsUpper(c) || IsLower(c) || IsDigit(c) || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

// A word begins at a capital behind a small letter or digit, and at the last of several capitals if
// a small letter follows: order|ID, HTTP|Server.
bool BeginsWord(std::string_view name, std::size_t i) {
  if (i == 0 || !IsUpper(name[i]) || !IsPart(name[i - 1])) return false;
  if (!IsUpper(name[i - 1])) return true;
  return i + 1 < name.size() && IsLower(name[i + 1]);
}

}  // namespace

std::string SnakeCase(std::string_view name) {
  std::string out;
  // Underscores at the start have a meaning of their own: _id.
  while (out.size() < name.size() && name[out.size()] == '_') out += '_';
  const std::size_t start = out.size();
  bool gap = false;
  for (std::size_t i = start; i < name.size(); ++i) {
    const char c = name[i];
    if (!IsPart(c)) {
      gap = true;
      continue;
    }
    if ((gap || BeginsWord(name, i)) && out.size() > start) out += '_';
    gap = false;
    out += IsUpper(c) ? static_cast<char>(c + 32) : c;
  }
  return out.size() == start ? std::string(name) : out;
}

}  // namespace sluice::model
