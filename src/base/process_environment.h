// The variables of this process, as an Environment (environment.h).
#pragma once
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::base {

// The variable's value; nullopt if it is not set. As thread-safe as getenv: nothing here sets any.
inline std::optional<std::string> ProcessEnvironment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace sluice::base
