#include "destinations/type_widening.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::destinations {
namespace {

struct Decimal {
  int precision = 0;
  int scale = 0;
};

// "NAME(p,s)", to the letter.
std::optional<Decimal> ParseDecimal(std::string_view name, std::string_view type) {
  if (!type.starts_with(name)) return std::nullopt;
  type.remove_prefix(name.size());
  if (!type.starts_with('(') || !type.ends_with(')')) return std::nullopt;
  Decimal out;
  const char* const end = type.data() + type.size() - 1;
  const auto [comma, bad] = std::from_chars(type.data() + 1, end, out.precision);
  if (bad != std::errc() || comma == end || *comma != ',') return std::nullopt;
  const auto [rest, worse] = std::from_chars(comma + 1, end, out.scale);
  if (worse != std::errc() || rest != end) return std::nullopt;
  return out;
}

bool Climbs(std::span<const std::string_view> ladder, std::string_view from, std::string_view to) {
  const auto low = std::find(ladder.begin(), ladder.end(), from);
  return low != ladder.end() && std::find(low + 1, ladder.end(), to) != ladder.end();
}

}  // namespace

bool IsDecimal(const TypeSpelling& spelling, std::string_view type) {
  return ParseDecimal(spelling.decimal, type).has_value();
}

bool Widens(const TypeSpelling& spelling, std::string_view from, std::string_view to) {
  if (Climbs(spelling.integers, from, to) || Climbs(spelling.floats, from, to)) return true;
  const auto low = ParseDecimal(spelling.decimal, from);
  const auto high = ParseDecimal(spelling.decimal, to);
  return low && high && from != to && high->scale >= low->scale &&
         high->precision - high->scale >= low->precision - low->scale;
}

}  // namespace sluice::destinations
