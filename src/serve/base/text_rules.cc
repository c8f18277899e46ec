#include "serve/base/text_rules.h"

#include <algorithm>

#include "base/printable.h"

namespace sluice::serve {

bool IsOneLine(std::string_view text) {
  // What would have to be escaped to be shown: control characters, what turns text around, no
  // UTF-8.
  return base::PrintableLine(text) == text;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(' ') == std::string_view::npos;
}

std::string ShownName(std::string_view name) {
  constexpr std::size_t kMax = 40;
  const bool plain =
      !name.empty() && name.size() <= kMax && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               (c >= '0' && c <= '9') || c == '-';
      });
  // Keys of AWS look like words, too.
  const bool key = name.size() >= 16 && name.find('_') == std::string_view::npos;
  return plain && !key ? std::string(name) : "(a name that is not shown)";
}

std::string ShownAddress(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto end = url.find_first_of("/?#", scheme + 3);
  std::string_view shown = url.substr(0, end);
  const auto at = shown.rfind('@');  // user and password
  if (at == std::string_view::npos) return std::string(shown);
  return std::string(shown.substr(0, scheme + 3)) + std::string(shown.substr(at + 1));
}

}  // namespace sluice::serve
