#include "destinations/duckdb/duckdb_dialect.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"

namespace sluice::destinations {
namespace {

struct Decimal {
  int precision = 0;
  int scale = 0;
};

std::optional<Decimal> ParseDecimal(std::string_view type) {
  Decimal out;
  const std::string text(type);
  if (std::sscanf(text.c_str(), "DECIMAL(%d,%d)", &out.precision, &out.scale) != 2) {
    return std::nullopt;
  }
  return out;
}

template <std::size_t N>
bool Climbs(const std::array<std::string_view, N>& ladder, std::string_view from,
            std::string_view to) {
  const auto low = std::find(ladder.begin(), ladder.end(), from);
  return low != ladder.end() && std::find(low + 1, ladder.end(), to) != ladder.end();
}

}  // namespace

std::string DuckDbDialect::TypeOf(const model::Column& column) const {
  return columnar::EngineType(column);
}

bool DuckDbDialect::Widens(std::string_view from, std::string_view to) const {
  static constexpr std::array<std::string_view, 4> kIntegers{"TINYINT", "SMALLINT", "INTEGER",
                                                             "BIGINT"};
  static constexpr std::array<std::string_view, 2> kFloats{"FLOAT", "DOUBLE"};
  if (Climbs(kIntegers, from, to) || Climbs(kFloats, from, to)) return true;
  const auto low = ParseDecimal(from);
  const auto high = ParseDecimal(to);
  return low && high && from != to && high->scale >= low->scale &&
         high->precision - high->scale >= low->precision - low->scale;
}

bool DuckDbDialect::IsDecimal(std::string_view type) const {
  return ParseDecimal(type).has_value();
}

std::string DuckDbDialect::Fold(std::string_view name) const { return columnar::FoldName(name); }

std::string DuckDbDialect::Quote(std::string_view name) const { return columnar::QuoteName(name); }

}  // namespace sluice::destinations
