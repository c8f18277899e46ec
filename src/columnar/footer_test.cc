// Goal: a NUMERIC whose size the source did not tell takes the parts' own, and nothing else
// changes.
#include "columnar/footer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::columnar {
namespace {
using model::Column;
using model::TypeKind;

TEST(ResolveDecimals, TakesTheFilesSizeWhereTheSourceToldNone) {
  const std::vector<Column> columns = {
      {.name = "total", .type = {.kind = TypeKind::kDecimal}},
      {.name = "price", .type = {.kind = TypeKind::kDecimal, .precision = 18, .scale = 2}},
      {.name = "n", .type = {.kind = TypeKind::kInt64}}};
  const Footer footer{.columns = {{.name = "total", .engine_type = "DECIMAL(38,2)"},
                                  {.name = "price", .engine_type = "DECIMAL(38,2)"},
                                  {.name = "n", .engine_type = "BIGINT"}}};
  ASSERT_TRUE(HasUnknownDecimals(columns));
  const auto resolved = ResolveDecimals(footer, columns);
  EXPECT_EQ(resolved[0].type,
            (model::Type{.kind = TypeKind::kDecimal, .precision = 38, .scale = 2}));
  EXPECT_EQ(resolved[1], columns[1]);
  EXPECT_EQ(resolved[2], columns[2]);
  EXPECT_FALSE(HasUnknownDecimals(resolved));
}

TEST(ResolveDecimals, LeavesWhatTheFileCannotTell) {
  const std::vector<Column> columns = {{.name = "total", .type = {.kind = TypeKind::kDecimal}},
                                       {.name = "more", .type = {.kind = TypeKind::kDecimal}}};
  const Footer footer{.columns = {{.name = "total", .engine_type = "VARCHAR"}}};
  EXPECT_EQ(ResolveDecimals(footer, columns), columns);
}

}  // namespace
}  // namespace sluice::columnar
