#include "model/types.h"

#include <fmt/format.h>

namespace sluice::model {
namespace {
std::string Sized(std::string_view name, int bytes_max) {
  return bytes_max > 0 ? fmt::format("{}({})", name, bytes_max) : std::string(name);
}
}  // namespace

std::string ToString(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool: return "boolean";
    case TypeKind::kInt16: return "smallint";
    case TypeKind::kInt32: return "integer";
    case TypeKind::kInt64: return "bigint";
    case TypeKind::kFloat32: return "real";
    case TypeKind::kFloat64: return "double precision";
    case TypeKind::kDecimal:
      return type.precision == 0 ? "decimal"
                                 : fmt::format("decimal({},{})", type.precision, type.scale);
    case TypeKind::kChar: return Sized("char", type.bytes_max);
    case TypeKind::kVarchar: return Sized("varchar", type.bytes_max);
    case TypeKind::kDate: return "date";
    case TypeKind::kTimestamp: return "timestamp";
    case TypeKind::kTimestampTz: return "timestamptz";
    case TypeKind::kTime: return "time";
    case TypeKind::kTimeTz: return "timetz";
    case TypeKind::kIntervalYearToMonth: return "interval year to month";
    case TypeKind::kIntervalDayToSecond: return "interval day to second";
    case TypeKind::kSuper: return "super";
    case TypeKind::kVarbyte: return Sized("varbyte", type.bytes_max);
    case TypeKind::kGeometry: return "geometry";
    case TypeKind::kGeography: return "geography";
    case TypeKind::kHllSketch: return "hllsketch";
  }
  return "unknown";
}

}  // namespace sluice::model
