// How the program looks at environment variables: through a function it is given, so that tests and
// the command line decide what it may see.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::base {

// The variable's value; nullopt if it is not set. An empty value counts as not set everywhere in
// this program, as it does in AWS's own tools.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// `name` if it is set and not empty.
inline std::optional<std::string> Lookup(const Environment& environment, std::string_view name) {
  if (!environment) return std::nullopt;
  auto value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

}  // namespace sluice::base
