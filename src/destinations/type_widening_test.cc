// Goal: a column widens only where no value is lost, and damaged type names are no decimals.
#include "destinations/type_widening.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice::destinations {
namespace {

constexpr std::array<std::string_view, 3> kIntegers = {"SMALLINT", "INTEGER", "BIGINT"};
constexpr std::array<std::string_view, 2> kFloats = {"FLOAT", "DOUBLE"};
constexpr TypeSpelling kSpelling = {.integers = kIntegers, .floats = kFloats, .decimal = "DECIMAL"};

TEST(Widens, ClimbsTheLaddersUpwardsOnly) {
  EXPECT_TRUE(Widens(kSpelling, "SMALLINT", "BIGINT"));
  EXPECT_TRUE(Widens(kSpelling, "FLOAT", "DOUBLE"));
  EXPECT_FALSE(Widens(kSpelling, "BIGINT", "INTEGER"));
  EXPECT_FALSE(Widens(kSpelling, "INTEGER", "INTEGER"));
  EXPECT_FALSE(Widens(kSpelling, "INTEGER", "DOUBLE"));
  EXPECT_FALSE(Widens(kSpelling, "VARCHAR", "BIGINT"));
}

TEST(Widens, KeepsTheDigitsOfADecimalOnBothSidesOfThePoint) {
  EXPECT_TRUE(Widens(kSpelling, "DECIMAL(18,2)", "DECIMAL(20,2)"));
  EXPECT_TRUE(Widens(kSpelling, "DECIMAL(18,2)", "DECIMAL(20,4)"));
  EXPECT_FALSE(Widens(kSpelling, "DECIMAL(18,2)", "DECIMAL(18,4)"));
  EXPECT_FALSE(Widens(kSpelling, "DECIMAL(18,2)", "DECIMAL(18,2)"));
  EXPECT_FALSE(Widens(kSpelling, "DECIMAL(18,2)", "DECIMAL(18,1)"));
}

TEST(IsDecimal, TakesNothingElse) {
  EXPECT_TRUE(IsDecimal(kSpelling, "DECIMAL(38,0)"));
  for (const char* type :
       {"DECIMAL", "DECIMAL(", "DECIMAL()", "DECIMAL(18)", "DECIMAL(18,)", "DECIMAL(18,2",
        "DECIMAL(a,b)", "DECIMAL(18,2)[]", "numeric(18,2)", ""}) {
    EXPECT_FALSE(IsDecimal(kSpelling, type)) << type;
  }
}

}  // namespace
}  // namespace sluice::destinations
