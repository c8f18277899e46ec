// Column types as Redshift names them, and what a column is. Plain values; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::model {

enum class TypeKind {
  kBool,
  kInt16,
  kInt32,
  kInt64,
  kFloat32,
  kFloat64,
  kDecimal,  // precision 1..38, scale 0..37; precision 0: only the parts can tell
  kChar,     // blanks at the end do not count
  kVarchar,  // length counts bytes, at most 65535
  kDate,
  kTimestamp,    // microseconds, no zone
  kTimestampTz,  // microseconds, UTC
  kTime,
  kTimeTz,
  kIntervalYearToMonth,
  kIntervalDayToSecond,
  kSuper,  // JSON text
  kVarbyte,
  kGeometry,  // hex EWKB
  kGeography,
  kHllSketch,  // cannot be read
};

struct Type {
  TypeKind kind = TypeKind::kVarchar;
  int precision = 0;  // kDecimal
  int scale = 0;      // kDecimal
  int bytes_max = 0;  // kChar, kVarchar, kVarbyte; 0 if unknown
  friend bool operator==(const Type&, const Type&) = default;
};

// "decimal(18,2)", "varchar(40)", "timestamp": as Redshift writes them.
std::string ToString(const Type& type);

struct Column {
  std::string name;  // exactly as the source has it
  Type type;
  bool nullable = true;  // Redshift enforces NOT NULL; the parts are optional all the same
  bool stamp = false;    // of the read, not of the row: a row that differs in it alone is unchanged
  friend bool operator==(const Column&, const Column&) = default;
};

struct TableName {
  std::string schema;
  std::string table;
  // "sales.orders": for people, not for SQL.
  std::string ToString() const { return schema + "." + table; }
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

}  // namespace sluice::model
