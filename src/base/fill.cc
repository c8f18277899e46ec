#include "base/fill.h"

#include <algorithm>

namespace sluice::base {
namespace {

bool IsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

std::string Fill(std::string_view form, const Words& words) {
  std::string text;
  for (;;) {
    const auto open = form.find('{');
    text += form.substr(0, open);
    if (open == std::string_view::npos) return text;
    form.remove_prefix(open);
    const auto close = form.find('}');
    const std::string_view name =
        close == std::string_view::npos ? std::string_view() : form.substr(1, close - 1);
    if (!IsName(name)) {
      text += '{';
      form.remove_prefix(1);
      continue;
    }
    const auto word = words.find(name);
    text += word == words.end() ? "<" + std::string(name) + ">" : word->second;
    form.remove_prefix(close + 1);
  }
}

}  // namespace sluice::base
