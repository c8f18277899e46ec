// Goal: no row at a boundary is lost, values stay exact, and what cannot be followed is refused
// with a proposal.
#include "redshift/cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/select.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using model::Column;
using model::TypeKind;
using testing::HasSubstr;

Column Of(TypeKind kind, std::string name = "c") { return {std::move(name), {.kind = kind}}; }

TEST(RangeCondition, ReadsTheBoundaryAgainAndLooksBack) {
  EXPECT_EQ(RangeCondition(Of(TypeKind::kTimestamp), {.low = "2026-01-01 00:00:00.000001",
                                                      .overlap = std::chrono::minutes(5),
                                                      .high = "2026-01-02 00:00:00"}),
            "\"c\" >= (TIMESTAMP '2026-01-01 00:00:00.000001' - INTERVAL '300 seconds') AND "
            "\"c\" <= TIMESTAMP '2026-01-02 00:00:00'");
}

TEST(RangeCondition, AppendTakesEachValueOnce) {
  EXPECT_EQ(RangeCondition(Of(TypeKind::kInt64), {.low = "41", .low_included = false, .high = "7"}),
            "\"c\" > 41 AND \"c\" <= 7");
}

TEST(RangeCondition, LooksBackWholeDaysInADateAndNotAtAllInANumber) {
  const std::chrono::seconds overlap = std::chrono::hours(25);
  EXPECT_EQ(RangeCondition(Of(TypeKind::kDate),
                           {.low = "2026-01-03", .overlap = overlap, .high = "2026-01-04"}),
            "\"c\" >= (DATE '2026-01-03' - 2) AND \"c\" <= DATE '2026-01-04'");
  EXPECT_EQ(
      RangeCondition(Of(TypeKind::kDecimal), {.low = "1.50", .overlap = overlap, .high = "2.00"}),
      "\"c\" >= 1.50 AND \"c\" <= 2.00");
}

TEST(RangeCondition, RowsWithoutAValueComeIfAskedFor) {
  EXPECT_EQ(RangeCondition(Of(TypeKind::kInt64), {.high = "7", .nulls = true}),
            "((\"c\" <= 7) OR \"c\" IS NULL)");
  EXPECT_EQ(RangeCondition(Of(TypeKind::kInt64), {.low = "1", .nulls = true}), "\"c\" IS NULL");
  EXPECT_EQ(RangeCondition(Of(TypeKind::kInt64), {.low = "1"}), "1 = 0");
  EXPECT_FALSE(CanHoldRows({.low = "1"}));
  EXPECT_TRUE(CanHoldRows({.nulls = true}));
}

TEST(CanHoldRows, KnowsThatNothingLiesBetweenAValueAndItself) {
  EXPECT_FALSE(CanHoldRows({.low = "7", .low_included = false, .high = "7"}));
  EXPECT_TRUE(CanHoldRows({.low = "7", .low_included = false, .high = "8"}));
  EXPECT_TRUE(CanHoldRows({.low = "7", .high = "7"}));  // ties come again
  EXPECT_TRUE(CanHoldRows(
      {.low = "7", .low_included = false, .overlap = std::chrono::seconds(1), .high = "7"}));
  EXPECT_TRUE(CanHoldRows({.low = "7", .low_included = false, .high = "7", .nulls = true}));
}

TEST(RangeCondition, QuotesTextsAndRefusesWhatIsNoNumber) {
  EXPECT_EQ(RangeCondition(Of(TypeKind::kVarchar, "a\"b"), {.high = "it's \\"}),
            R"("a""b" <= 'it''s \\')");
  EXPECT_THAT([] { RangeCondition(Of(TypeKind::kInt64), {.high = "1; DROP"}); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

TEST(BuildMaxCursor, AsksForTheExactValueAndWhetherItWentBack) {
  const model::Stream stream{
      .name = "s.t", .table = model::TableName{"s", "t"}, .cursor = "updated"};
  const std::vector<Column> columns = {Of(TypeKind::kTimestampTz, "updated")};
  EXPECT_EQ(BuildMaxCursor(stream, columns, {}),
            "SELECT CAST(max(\"updated\") AS VARCHAR), NULL FROM \"s\".\"t\"");
  EXPECT_EQ(BuildMaxCursor(stream, columns, {.low = "2026-01-01 00:00:00+00"}),
            "SELECT CAST(max(\"updated\") AS VARCHAR), max(\"updated\") < TIMESTAMPTZ "
            "'2026-01-01 00:00:00+00' FROM \"s\".\"t\"");
}

TEST(CursorColumn, RefusesWithAProposal) {
  model::Stream stream{.name = "s.t", .table = model::TableName{"s", "t"}, .cursor = "ratio"};
  const std::vector<Column> columns = {Of(TypeKind::kInt64, "id"), Of(TypeKind::kFloat64, "ratio"),
                                       Of(TypeKind::kTimestamp, "updated")};
  EXPECT_THAT([&] { CursorColumn(stream, columns); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::remedy,
                                    HasSubstr("updated, id")));
  stream.cursor = "changed";
  EXPECT_THAT([&] { CursorColumn(stream, columns); }, test::ThrowsError(ErrorCode::kNotFound));
  stream.cursor = "id";
  EXPECT_EQ(CursorColumn(stream, columns).name, "id");
}

TEST(BuildKeySelect, NamesTheKeysInTheirOrder) {
  const model::Stream stream{.name = "q", .sql = "SELECT a, b FROM t"};
  const std::vector<Column> columns = {Of(TypeKind::kInt64, "a"), Of(TypeKind::kTime, "b")};
  EXPECT_EQ(BuildKeySelect(stream, columns, {"b", "a"}),
            "SELECT CAST(\"b\" AS VARCHAR) AS \"b\", \"a\" AS \"a\" FROM (SELECT a, b FROM t\n) AS "
            "\"sluice_stream\" (\"a\", \"b\")");
  EXPECT_THAT([&] { BuildKeySelect(stream, columns, {"x"}); },
              test::ThrowsError(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace sluice::redshift
