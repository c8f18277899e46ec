// Which of a destination's types hold all values of another, given how it spells them. Pure; any
// thread.
#pragma once
#include <span>
#include <string_view>

namespace sluice::destinations {

struct TypeSpelling {
  std::span<const std::string_view> integers;  // from the narrowest on
  std::span<const std::string_view> floats;    // likewise
  std::string_view decimal;                    // "DECIMAL": of "DECIMAL(18,2)"
};

// Is the type a decimal with precision and scale?
bool IsDecimal(const TypeSpelling& spelling, std::string_view type);
// No value of `from` is lost or changed in `to`, which is another type.
bool Widens(const TypeSpelling& spelling, std::string_view from, std::string_view to);

}  // namespace sluice::destinations
