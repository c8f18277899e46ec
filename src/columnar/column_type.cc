#include "columnar/column_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"

namespace sluice::columnar {
namespace {

using model::TypeKind;

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool IsInteger(std::string_view type) {
  return IsOneOf(type, {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT",
                        "UINTEGER", "UBIGINT"});
}

// A column without an annotation is BLOB in the footer and VARCHAR when read, as part_select.cc
// asks.
bool IsText(std::string_view type) { return IsOneOf(type, {"VARCHAR", "BLOB"}); }

constexpr std::string_view kZoned = "TIMESTAMP WITH TIME ZONE";

bool IsTimestamp(std::string_view type) {
  return IsOneOf(type, {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", kZoned});
}

std::string Cast(const std::string& input, std::string_view type) {
  return fmt::format("CAST({} AS {})", input, type);
}

// The one range check, for every way to a destination: `value`, an expression of `type`, unless it
// lies outside. The text of error() is what engine_error.cc knows.
std::string InRange(const std::string& value, std::string_view type, std::string_view first,
                    std::string_view last, std::string_view what) {
  return fmt::format(
      "CASE WHEN {0} < {1} '{2}' OR {0} > {1} '{3}' THEN CAST(error('{4} out of range') AS {1}) "
      "ELSE {0} END",
      value, type, first, last, what);
}

// Redshift's range begins with the first Julian day and ends in 294276, DuckDB's ends in 294247,
// where its last microsecond means infinity. Its INT96 reader wraps values that lie between the two
// around to before 290000 BC, so whatever lies before the first Julian day is refused, too, rather
// than stored wrong. What a reader of a copied file sees is the same.
std::string TimeInRange(const std::string& value, std::string_view type) {
  const std::string_view zone = type == kZoned ? "+00" : "";
  return InRange(value, type, fmt::format("4714-11-24 (BC) 00:00:00{}", zone),
                 fmt::format("294247-01-10 04:00:54.775806{}", zone), "timestamp");
}

// Redshift's. Beyond it lie the two numbers that mean infinity to DuckDB.
std::string DateInRange(const std::string& value) {
  return InRange(value, "DATE", "4714-11-24 (BC)", "5874897-12-31", "date");
}

// As TIMESTAMP.
std::string Timestamp(const std::string& input, std::string_view file_type) {
  if (file_type == kZoned) {
    return fmt::format("make_timestamp(epoch_us({}))", TimeInRange(input, kZoned));
  }
  return TimeInRange(file_type == "TIMESTAMP" ? input : Cast(input, "TIMESTAMP"), "TIMESTAMP");
}

// Through microseconds: the cast to TIMESTAMP WITH TIME ZONE asks ICU's calendar about every value,
// which took 1.2 s for 20 M rows where this took 0.07 s, for the same result in UTC.
std::string TimestampTz(const std::string& input, std::string_view file_type) {
  if (file_type == kZoned) return TimeInRange(input, kZoned);
  return fmt::format("make_timestamptz(epoch_us({}))", Timestamp(input, file_type));
}

std::optional<std::string> If(bool holds, std::string expression) {
  return holds ? std::optional(std::move(expression)) : std::nullopt;
}

}  // namespace

std::string EngineType(const model::Column& column) {
  switch (column.type.kind) {
    case TypeKind::kBool: return "BOOLEAN";
    case TypeKind::kInt16: return "SMALLINT";
    case TypeKind::kInt32: return "INTEGER";
    case TypeKind::kInt64: return "BIGINT";
    case TypeKind::kFloat32: return "FLOAT";
    case TypeKind::kFloat64: return "DOUBLE";
    case TypeKind::kDecimal:
      // Still unknown: no part was there to tell, so no value either. NUMERIC's default in
      // Redshift.
      if (column.type.precision == 0) return "DECIMAL(18,0)";
      return fmt::format("DECIMAL({},{})", column.type.precision, column.type.scale);
    case TypeKind::kChar:
    case TypeKind::kVarchar: return "VARCHAR";
    case TypeKind::kDate: return "DATE";
    case TypeKind::kTimestamp: return "TIMESTAMP";
    case TypeKind::kTimestampTz: return std::string(kZoned);
    case TypeKind::kTime: return "TIME";
    case TypeKind::kTimeTz: return "TIME WITH TIME ZONE";
    // As the source writes them: DuckDB's INTERVAL does not parse every form ('-1 years +3 days').
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond: return "VARCHAR";
    case TypeKind::kSuper: return "JSON";
    case TypeKind::kVarbyte: return "BLOB";
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return "VARCHAR";  // hex EWKB, which the spatial extension reads
    case TypeKind::kHllSketch: break;
  }
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "map types",
                     .subject = "column " + column.name,
                     .message = "type " + model::ToString(column.type) + " cannot be unloaded",
                     .remedy = "Leave the column out of the stream's `columns`."});
}

std::optional<std::string> ReadExpression(const model::Column& column, std::string_view file_type,
                                          const std::string& input) {
  const std::string target = EngineType(column);
  switch (column.type.kind) {
    case TypeKind::kBool: return If(file_type == "BOOLEAN", input);
    // SMALLINT arrives wider than 16 bits; the cast checks the range.
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
      return If(IsInteger(file_type), file_type == target ? input : Cast(input, target));
    case TypeKind::kFloat32: return If(file_type == "FLOAT", input);
    case TypeKind::kFloat64:
      return If(IsOneOf(file_type, {"DOUBLE", "FLOAT"}),
                file_type == target ? input : Cast(input, target));
    case TypeKind::kDecimal: return If(file_type == target, input);
    // Padded to its length in the file; blanks at the end mean nothing in a CHAR.
    case TypeKind::kChar: return If(IsText(file_type), fmt::format("rtrim({}, ' ')", input));
    case TypeKind::kVarchar:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return If(IsText(file_type), input);
    case TypeKind::kDate:
      if (file_type == "DATE") return DateInRange(input);
      return If(IsTimestamp(file_type), Cast(Timestamp(input, file_type), "DATE"));
    case TypeKind::kTimestamp: return If(IsTimestamp(file_type), Timestamp(input, file_type));
    case TypeKind::kTimestampTz: return If(IsTimestamp(file_type), TimestampTz(input, file_type));
    case TypeKind::kTime:
    case TypeKind::kTimeTz:
      return If(IsText(file_type) || file_type == target, Cast(input, target));
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
      return If(IsText(file_type) || file_type == "INTERVAL", Cast(input, target));
    case TypeKind::kSuper:
      return If(IsText(file_type) || file_type == "JSON",
                file_type == "JSON" ? input : Cast(input, target));
    case TypeKind::kVarbyte: return If(IsText(file_type), fmt::format("unhex({})", input));
    case TypeKind::kHllSketch: break;
  }
  return std::nullopt;
}

}  // namespace sluice::columnar
