#include "destinations/postgres/pg_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace sluice::destinations::postgres {
namespace {

using model::TypeKind;

[[noreturn]] void ThrowUnreadable(const model::Column& column) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "map types",
                     .subject = "column " + column.name,
                     .message = "type " + model::ToString(column.type) + " cannot be unloaded",
                     .remedy = "Leave the column out of the stream's `columns`."});
}

}  // namespace

std::string TypeOf(const model::Column& column) {
  switch (column.type.kind) {
    case TypeKind::kBool: return "boolean";
    case TypeKind::kInt16: return "smallint";
    case TypeKind::kInt32: return "integer";
    case TypeKind::kInt64: return "bigint";
    case TypeKind::kFloat32: return "real";
    case TypeKind::kFloat64: return "double precision";
    case TypeKind::kDecimal:
      // Still unknown: no part was there to tell, so no value either. NUMERIC's default in
      // Redshift.
      if (column.type.precision == 0) return "numeric(18,0)";
      return fmt::format("numeric({},{})", column.type.precision, column.type.scale);
    case TypeKind::kDate: return "date";
    case TypeKind::kTimestamp: return "timestamp without time zone";
    case TypeKind::kTimestampTz: return "timestamp with time zone";
    case TypeKind::kTime: return "time without time zone";
    case TypeKind::kTimeTz: return "time with time zone";
    case TypeKind::kSuper: return "json";
    case TypeKind::kVarbyte: return "bytea";
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kGeometry:  // hex EWKB, which PostGIS casts to its own
    case TypeKind::kGeography: return "text";
    case TypeKind::kHllSketch: break;
  }
  ThrowUnreadable(column);
}

Wire WireOf(const model::Column& column) {
  switch (column.type.kind) {
    case TypeKind::kBool: return Wire::kBool;
    case TypeKind::kInt16: return Wire::kInt2;
    case TypeKind::kInt32: return Wire::kInt4;
    case TypeKind::kInt64: return Wire::kInt8;
    case TypeKind::kFloat32: return Wire::kFloat4;
    case TypeKind::kFloat64: return Wire::kFloat8;
    case TypeKind::kDecimal: return Wire::kNumeric;
    case TypeKind::kDate: return Wire::kDate;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: return Wire::kTimestamp;
    case TypeKind::kTime: return Wire::kTime;
    case TypeKind::kTimeTz: return Wire::kTimeTz;
    case TypeKind::kVarbyte: return Wire::kBytea;
    case TypeKind::kSuper:
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return Wire::kText;
    case TypeKind::kHllSketch: break;
  }
  ThrowUnreadable(column);
}

}  // namespace sluice::destinations::postgres
