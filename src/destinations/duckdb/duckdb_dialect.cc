#include "destinations/duckdb/duckdb_dialect.h"

#include <array>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/type_widening.h"

namespace sluice::destinations {
namespace {

constexpr std::array<std::string_view, 4> kIntegers = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"};
constexpr std::array<std::string_view, 2> kFloats = {"FLOAT", "DOUBLE"};
constexpr TypeSpelling kSpelling = {.integers = kIntegers, .floats = kFloats, .decimal = "DECIMAL"};

}  // namespace

std::string DuckDbDialect::TypeOf(const model::Column& column) const {
  return columnar::EngineType(column);
}

bool DuckDbDialect::Widens(std::string_view from, std::string_view to) const {
  return destinations::Widens(kSpelling, from, to);
}

bool DuckDbDialect::IsDecimal(std::string_view type) const {
  return destinations::IsDecimal(kSpelling, type);
}

std::string DuckDbDialect::Fold(std::string_view name) const { return columnar::FoldName(name); }

std::string DuckDbDialect::Quote(std::string_view name) const { return columnar::QuoteName(name); }

}  // namespace sluice::destinations
