// Goal: a type reads the same from the wire and from the catalog, and only what Parquet refuses is
// written as something else.
#include "redshift/types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

using model::Type;
using model::TypeKind;
using ::testing::ElementsAre;

struct OidRow {
  std::uint32_t oid;
  int type_modifier;
  const char* text;
};

TEST(TypeFromOid, KnowsEveryTypeOfRedshift) {
  const std::vector<OidRow> rows = {
      {16, -1, "boolean"},
      {21, -1, "smallint"},
      {23, -1, "integer"},
      {20, -1, "bigint"},
      {700, -1, "real"},
      {701, -1, "double precision"},
      {1700, ((18 << 16) | 2) + 4, "decimal(18,2)"},
      {1700, ((38 << 16) | 37) + 4, "decimal(38,37)"},
      {1700, -1, "decimal"},
      {1042, 14, "char(10)"},
      {1043, 44, "varchar(40)"},
      {1043, 65539, "varchar(65535)"},
      {1043, -1, "varchar"},
      {25, -1, "varchar"},
      {19, -1, "varchar(128)"},
      {705, -1, "varchar"},
      {1082, -1, "date"},
      {1114, -1, "timestamp"},
      {1184, -1, "timestamptz"},
      {1083, -1, "time"},
      {1266, -1, "timetz"},
      {1188, -1, "interval year to month"},
      {1190, -1, "interval day to second"},
      {4000, 16384000, "super"},
      {6551, 68, "varbyte(64)"},
      {3000, -1, "geometry"},
      {3001, -1, "geography"},
      {2935, -1, "hllsketch"},
  };
  for (const auto& row : rows) {
    const auto type = TypeFromOid(row.oid, row.type_modifier);
    ASSERT_TRUE(type) << row.oid;
    EXPECT_EQ(model::ToString(*type), row.text) << row.oid;
  }
  EXPECT_EQ(TypeFromOid(600, -1), std::nullopt);
}

struct CatalogRow {
  CatalogType type;
  const char* text;
};

TEST(TypeFromCatalog, ComparesByFamily) {
  const std::vector<CatalogRow> rows = {
      {{"boolean", {}, {}, {}}, "boolean"},
      {{"smallint", {}, 16, 0}, "smallint"},
      {{"integer", {}, 32, 0}, "integer"},
      {{"bigint", {}, 64, 0}, "bigint"},
      {{"real", {}, 24, {}}, "real"},
      {{"double precision", {}, 53, {}}, "double precision"},
      {{"numeric", {}, 18, 2}, "decimal(18,2)"},
      {{"numeric(12,3)", {}, {}, {}}, "decimal(12,3)"},
      {{"Decimal", {}, {}, {}}, "decimal"},
      {{"character", 10, {}, {}}, "char(10)"},
      {{"character(7)", {}, {}, {}}, "char(7)"},
      {{"character varying", 256, {}, {}}, "varchar(256)"},
      {{"CHARACTER  VARYING(40)", {}, {}, {}}, "varchar(40)"},
      {{"text", {}, {}, {}}, "varchar"},
      {{"date", {}, {}, {}}, "date"},
      {{"timestamp without time zone", {}, {}, {}}, "timestamp"},
      {{"timestamp(6) without time zone", {}, {}, {}}, "timestamp"},
      {{"timestamp with time zone", {}, {}, {}}, "timestamptz"},
      {{"time without time zone", {}, {}, {}}, "time"},
      {{"time with time zone", {}, {}, {}}, "timetz"},
      {{"interval year to month", {}, {}, {}}, "interval year to month"},
      {{"interval day to second (6)", {}, {}, {}}, "interval day to second"},
      {{"super", {}, {}, {}}, "super"},
      {{"binary varying", 64, {}, {}}, "varbyte(64)"},
      {{"varbyte", {}, {}, {}}, "varbyte"},
      {{"geometry", {}, {}, {}}, "geometry"},
      {{"geography", {}, {}, {}}, "geography"},
      {{"hllsketch", {}, {}, {}}, "hllsketch"},
  };
  for (const auto& row : rows) {
    const auto type = TypeFromCatalog(row.type);
    ASSERT_TRUE(type) << row.type.data_type;
    EXPECT_EQ(model::ToString(*type), row.text) << row.type.data_type;
  }
  for (const char* unknown : {"", "point", "interval", "array<int>", "(", "numeric(", "-"}) {
    const auto type = TypeFromCatalog({.data_type = unknown});
    EXPECT_EQ(type.has_value(), std::string_view(unknown).starts_with("numeric")) << unknown;
  }
}

TEST(Projection, WritesOnlyWhatParquetRefusesDifferently) {
  const auto of = [](TypeKind kind) { return Projection({.kind = kind}, "\"c\""); };
  for (const auto kind :
       {TypeKind::kBool, TypeKind::kInt16, TypeKind::kInt32, TypeKind::kInt64, TypeKind::kFloat32,
        TypeKind::kFloat64, TypeKind::kDecimal, TypeKind::kChar, TypeKind::kVarchar,
        TypeKind::kDate, TypeKind::kTimestamp, TypeKind::kTimestampTz, TypeKind::kSuper}) {
    EXPECT_EQ(of(kind), "\"c\"");
  }
  for (const auto kind : {TypeKind::kTime, TypeKind::kTimeTz, TypeKind::kIntervalYearToMonth,
                          TypeKind::kIntervalDayToSecond}) {
    EXPECT_EQ(of(kind), "CAST(\"c\" AS VARCHAR)");
  }
  EXPECT_EQ(of(TypeKind::kVarbyte), "TO_HEX(\"c\")");
  EXPECT_EQ(of(TypeKind::kGeometry), "ST_AsHexEWKB(\"c\")");
  EXPECT_EQ(of(TypeKind::kGeography), "ST_AsHexEWKB(\"c\")");
  EXPECT_EQ(of(TypeKind::kHllSketch), std::nullopt);
}

TEST(UniqueAliases, NumbersRepeatedNames) {
  EXPECT_THAT(UniqueAliases({"a", "b"}), ElementsAre("a", "b"));
  EXPECT_THAT(UniqueAliases({"a", "a", "A"}), ElementsAre("a", "a_2", "A_3"));
  EXPECT_THAT(UniqueAliases({"a", "a", "a_2"}), ElementsAre("a", "a_3", "a_2"));
  EXPECT_THAT(UniqueAliases({"", "column", ""}), ElementsAre("column_2", "column", "column_3"));
}

TEST(UniqueAliases, StayWithinWhatRedshiftKeepsOfAName) {
  const std::string longest(127, 'a');
  EXPECT_THAT(UniqueAliases({longest, longest}),
              ::testing::ElementsAre(longest, std::string(125, 'a') + "_2"));
  // 63 letters of two bytes and one more: the cut leaves whole letters.
  std::string letters;
  for (int i = 0; i < 63; ++i) letters += "ö";
  EXPECT_THAT(UniqueAliases({letters + "x", letters + "x"}),
              ::testing::ElementsAre(letters + "x", letters.substr(0, 124) + "_2"));
}

}  // namespace
}  // namespace sluice::redshift
