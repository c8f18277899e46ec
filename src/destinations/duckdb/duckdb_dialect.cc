#include "destinations/duckdb/duckdb_dialect.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/type_widening.h"

namespace sluice::destinations::duckdb {
namespace {

constexpr std::array<std::string_view, 4> kIntegers = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"};
constexpr std::array<std::string_view, 2> kFloats = {"FLOAT", "DOUBLE"};
constexpr TypeSpelling kSpelling = {.integers = kIntegers, .floats = kFloats, .decimal = "DECIMAL"};

bool IsFloat(model::TypeKind kind) {
  return kind == model::TypeKind::kFloat32 || kind == model::TypeKind::kFloat64;
}

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

std::string DuckDbDialect::Put(sql::Statement& statement, sql::Value value) const {
  statement.values.push_back(std::move(value));
  return fmt::format("${}", statement.values.size());
}

std::string DuckDbDialect::PutTime(sql::Statement& statement,
                                   std::optional<base::UtcTime> time) const {
  sql::Value micros;
  if (time) {
    micros = std::int64_t{
        std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count()};
  }
  return fmt::format("make_timestamptz({})", Put(statement, std::move(micros)));
}

std::string DuckDbDialect::StateColumnsText() const {
  return "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() AND "
         "schema_name = '_sluice' AND table_name = 'state'";
}

std::string DuckDbDialect::Micros(const std::string& column) const {
  return fmt::format("CAST(epoch_us({}) AS BIGINT)", column);
}

std::string DuckDbDialect::Differ(const std::string& mine, const std::string& theirs,
                                  model::TypeKind kind) const {
  std::string text = fmt::format("{} IS DISTINCT FROM {}", mine, theirs);
  if (IsFloat(kind)) {
    text += fmt::format(" OR coalesce(signbit({}) <> signbit({}), false)", mine, theirs);
  }
  return text;
}

std::vector<std::string> DuckDbDialect::GreatestFirst(const std::string& value,
                                                      model::TypeKind kind) const {
  std::vector<std::string> terms{value + " DESC NULLS LAST"};
  if (IsFloat(kind)) terms.push_back(fmt::format("signbit({}) NULLS LAST", value));
  return terms;
}

std::string DuckDbDialect::Before(const std::string& mine, const std::string& theirs,
                                  model::TypeKind) const {
  return fmt::format("{} < {}", mine, theirs);
}

// Through microseconds, as the cast from a time with a zone asks the session's. Dates reach beyond
// timestamps.
std::string DuckDbDialect::Moment(const std::string& value, model::TypeKind kind) const {
  if (kind == model::TypeKind::kTimestampTz) {
    return fmt::format("make_timestamp(epoch_us({}))", value);
  }
  return kind == model::TypeKind::kDate ? fmt::format("TRY_CAST({} AS TIMESTAMP)", value) : value;
}

std::string DuckDbDialect::MakeActions(const std::string& table) const {
  return fmt::format("CREATE OR REPLACE TEMP TABLE {} AS", table);
}

const DuckDbDialect& TheDialect() {
  static const DuckDbDialect dialect;
  return dialect;
}

}  // namespace sluice::destinations::duckdb
