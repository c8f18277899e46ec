#include "serve/http/message.h"

#include "base/text.h"

namespace sluice::serve {

std::optional<std::string_view> Request::Field(std::string_view name) const {
  for (const auto& [one, value] : fields) {
    if (base::EqualFolded(one, name)) return value;
  }
  return std::nullopt;
}

}  // namespace sluice::serve
