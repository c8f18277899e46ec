#include "destinations/postgres/pg_dialect.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <variant>

#include "destinations/postgres/pg_type.h"
#include "destinations/postgres/sql_text.h"
#include "destinations/type_widening.h"

namespace sluice::destinations::postgres {
namespace {

using model::TypeKind;

constexpr std::array<std::string_view, 3> kIntegers = {"smallint", "integer", "bigint"};
constexpr std::array<std::string_view, 2> kFloats = {"real", "double precision"};
constexpr TypeSpelling kSpelling = {.integers = kIntegers, .floats = kFloats, .decimal = "numeric"};

bool IsFloat(TypeKind kind) { return kind == TypeKind::kFloat32 || kind == TypeKind::kFloat64; }

bool IsText(TypeKind kind) {
  switch (kind) {
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return true;
    default: return false;
  }
}

// As something that has an order, and the same one in every database.
std::string Ordered(const std::string& name, TypeKind kind) {
  if (kind == TypeKind::kSuper) return fmt::format("CAST({} AS text) COLLATE \"C\"", name);
  return IsText(kind) ? name + " COLLATE \"C\"" : name;
}

struct Literal {
  std::string operator()(std::monostate) const { return "NULL"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(const std::string& text) const { return QuoteText(text); }
};

}  // namespace

const PgDialect& TheDialect() {
  static const PgDialect dialect;
  return dialect;
}

std::string PgDialect::TypeOf(const model::Column& column) const {
  return postgres::TypeOf(column);
}

bool PgDialect::Takes(std::string_view there, std::string_view type) const {
  if (there == type) return true;
  if (there == "numeric") return IsDecimal(type);
  return there == "character varying" && type == "text";
}

bool PgDialect::Widens(std::string_view from, std::string_view to) const {
  if (from.starts_with("character varying(") && to == "text") return true;
  return destinations::Widens(kSpelling, from, to);
}

bool PgDialect::IsDecimal(std::string_view type) const {
  return destinations::IsDecimal(kSpelling, type);
}

std::string PgDialect::Quote(std::string_view name) const { return QuoteName(name); }

std::string PgDialect::Put(sql::Statement&, sql::Value value) const {
  return std::visit(Literal(), value);
}

// Exact: an interval is a whole number of microseconds.
std::string PgDialect::PutTime(sql::Statement&, std::optional<base::UtcTime> time) const {
  if (!time) return "NULL";
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count();
  return fmt::format("timestamptz '1970-01-01 00:00:00+00' + interval '{} seconds {} microseconds'",
                     micros / 1'000'000, micros % 1'000'000);
}

std::string PgDialect::StateColumnsText() const {
  return "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN "
         "pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '_sluice' AND c.relname = "
         "'state' AND a.attnum > 0 AND NOT a.attisdropped";
}

std::string PgDialect::Micros(const std::string& column) const {
  return fmt::format("CAST(round(CAST(extract(epoch FROM {}) * 1000000 AS numeric)) AS bigint)",
                     column);
}

std::string PgDialect::Differ(const std::string& mine, const std::string& theirs,
                              TypeKind kind) const {
  if (kind == TypeKind::kSuper) {
    return fmt::format("CAST({} AS text) IS DISTINCT FROM CAST({} AS text)", mine, theirs);
  }
  std::string text = fmt::format("{} IS DISTINCT FROM {}", mine, theirs);
  if (IsFloat(kind)) {
    text += fmt::format(" OR ({0} = 0 AND {1} = 0 AND CAST({0} AS text) <> CAST({1} AS text))",
                        mine, theirs);
  }
  return text;
}

std::vector<std::string> PgDialect::GreatestFirst(const std::string& value, TypeKind kind) const {
  std::vector<std::string> terms{Ordered(value, kind) + " DESC NULLS LAST"};
  if (IsFloat(kind)) terms.push_back(fmt::format("CAST({} AS text) = '-0' NULLS LAST", value));
  return terms;
}

std::string PgDialect::Before(const std::string& mine, const std::string& theirs,
                              TypeKind kind) const {
  return fmt::format("{} < {}", Ordered(mine, kind), Ordered(theirs, kind));
}

std::string PgDialect::Moment(const std::string& value, TypeKind kind) const {
  if (kind == TypeKind::kTimestampTz) return fmt::format("({} AT TIME ZONE 'UTC')", value);
  if (kind == TypeKind::kDate) return fmt::format("CAST({} AS timestamp)", value);
  return value;
}

std::string PgDialect::MakeActions(const std::string& table) const {
  return fmt::format("CREATE UNLOGGED TABLE {} AS", table);
}

}  // namespace sluice::destinations::postgres
