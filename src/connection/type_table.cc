#include "connection/type_table.h"

#include "columnar/column_type.h"
#include "destinations/lake/lake_schema.h"
#include "destinations/postgres/pg_type.h"
#include "redshift/types.h"

namespace sluice::connection {
namespace {

using model::Type;
using model::TypeKind;

constexpr std::string_view kTimesRefused =
    "A value outside of that, infinity among them, fails the stream: the error names the column, "
    "and "
    "nothing is committed.";

// Sizes that no table of types prints by chance.
constexpr int kPrecision = 37;
constexpr int kScale = 29;
constexpr int kBytes = 4321;

struct Told {
  std::string values;
  std::string refused;
};

Told ToldOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool: return {"true, false", ""};
    case TypeKind::kInt16: return {"-32768 to 32767", ""};
    case TypeKind::kInt32: return {"-2147483648 to 2147483647", ""};
    case TypeKind::kInt64: return {"-9223372036854775808 to 9223372036854775807", ""};
    case TypeKind::kFloat32:
    case TypeKind::kFloat64:
      return {"IEEE 754, bit for bit: NaN, infinities and -0 as they are", ""};
    case TypeKind::kDecimal:
      return {
          "precision 1 to 38, scale 0 to 37, exactly; where the catalog tells none, as for "
          "computed columns, the parts do",
          "A part with another precision or scale than the table's fails the stream. With rows in "
          "the table a column of another scale is a schema change that is refused."};
    case TypeKind::kChar:
      return {"text in UTF-8, without the blanks at its end, which mean nothing in a CHAR", ""};
    case TypeKind::kVarchar:
      return {"text in UTF-8, to the byte; the length is not kept",
              "Into PostgreSQL: a NUL character within a text fails the stream."};
    case TypeKind::kDate: return {"4714-11-24 BC to 5874897-12-31", std::string(kTimesRefused)};
    case TypeKind::kTimestamp:
      return {"4714-11-24 BC to 294247-01-10 04:00:54, microseconds", std::string(kTimesRefused)};
    case TypeKind::kTimestampTz:
      return {"the same, as a moment in UTC", std::string(kTimesRefused)};
    case TypeKind::kTime: return {"00:00:00 to 24:00:00, microseconds", ""};
    case TypeKind::kTimeTz: return {"the same, in UTC: Redshift keeps no other zone", ""};
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond: return {"as Redshift writes it", ""};
    case TypeKind::kSuper:
      return {"JSON, as Redshift writes it: order of members and spelling of numbers stay",
              "Not as a primary key in PostgreSQL, where JSON has no equality."};
    case TypeKind::kVarbyte: return {"any bytes", ""};
    case TypeKind::kGeometry:
    case TypeKind::kGeography:
      return {"EWKB in hexadecimal digits, which PostGIS and DuckDB's spatial extension read", ""};
    case TypeKind::kHllSketch:
      return {"",
              "The table is planned without it only if `columns` leaves it out; else the stream is "
              "refused before anything is billed."};
  }
  return {};
}

// Names in place of the sizes of a sample.
std::string Named(std::string text) {
  const auto put = [&](const std::string& number, std::string_view name) {
    if (const auto at = text.find(number); at != std::string::npos) {
      text.replace(at, number.size(), name);
    }
  };
  put(std::to_string(kPrecision), "p");
  put(std::to_string(kScale), "s");
  put(std::to_string(kBytes), "n");
  return text;
}

TypeRow RowOf(TypeKind kind) {
  model::Column column{.name = "c", .type = {.kind = kind}};
  const bool sized =
      kind == TypeKind::kChar || kind == TypeKind::kVarchar || kind == TypeKind::kVarbyte;
  if (sized) column.type.bytes_max = kBytes;
  if (kind == TypeKind::kDecimal) {
    column.type.precision = kPrecision;
    column.type.scale = kScale;
  }
  Told told = ToldOf(kind);
  TypeRow row{.redshift = Named(model::ToString(column.type)),
              .read = redshift::Projection(column.type, "c").value_or(""),
              .values = std::move(told.values),
              .refused = std::move(told.refused)};
  if (row.read.empty()) return row;
  row.duckdb = Named(columnar::EngineType(column));
  row.postgres = Named(destinations::postgres::TypeOf(column));
  row.lake = row.duckdb;
  row.lake_copies = destinations::lake::TakesParts({.columns = {column}}, {.lands_in = {"c"}});
  return row;
}

}  // namespace

std::vector<TypeRow> TypeTable() {
  std::vector<TypeRow> rows;
  for (int kind = 0; kind <= static_cast<int>(TypeKind::kHllSketch); ++kind) {
    rows.push_back(RowOf(static_cast<TypeKind>(kind)));
  }
  return rows;
}

}  // namespace sluice::connection
