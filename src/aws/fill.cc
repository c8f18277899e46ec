#include "aws/fill.h"

namespace sluice::aws {

std::string Fill(std::string_view form,
                 const std::vector<std::pair<std::string_view, std::string>>& words) {
  std::string text(form);
  for (const auto& [name, value] : words) {
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
      text.replace(at, name.size(), value);
      at += value.size();
    }
  }
  return text;
}

}  // namespace sluice::aws
