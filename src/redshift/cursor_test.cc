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
using ::testing::HasSubstr;

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

TEST(BuildMaxCursor, FollowsATimeNoFurtherThanTheServersClock) {
  const model::Stream stream{.name = "s.t", .table = model::TableName{"s", "t"}, .cursor = "u"};
  const auto sql = [&](TypeKind kind, std::optional<std::string> low, std::chrono::seconds ahead) {
    return BuildMaxCursor(stream, {Of(kind, "u")}, {.low = std::move(low), .ahead_max = ahead});
  };
  EXPECT_EQ(sql(TypeKind::kTimestamp, std::nullopt, std::chrono::seconds(0)),
            "SELECT CAST(max(CASE WHEN \"u\" <= SYSDATE THEN \"u\" END) AS VARCHAR), NULL, "
            "count(CASE WHEN \"u\" > SYSDATE THEN 1 END), max(\"u\") > (SYSDATE + INTERVAL '60 "
            "seconds'), NULL FROM \"s\".\"t\"");
  EXPECT_THAT(sql(TypeKind::kDate, "2026-01-01", std::chrono::seconds(0)),
              ::testing::AllOf(HasSubstr("\"u\" <= CAST(SYSDATE AS DATE)"),
                               HasSubstr("DATE '2026-01-01' > CAST(SYSDATE AS DATE)")));
  EXPECT_THAT(sql(TypeKind::kTimestampTz, std::nullopt, std::chrono::hours(14)),
              HasSubstr("\"u\" <= CAST((SYSDATE + INTERVAL '50400 seconds') AS TIMESTAMPTZ)"));
  // Numbers and texts have no clock.
  EXPECT_EQ(sql(TypeKind::kInt64, std::nullopt, std::chrono::seconds(0)),
            "SELECT CAST(max(\"u\") AS VARCHAR), NULL FROM \"s\".\"t\"");
}

TEST(ReadMaxCursor, TellsWhatWasAsked) {
  auto max = ReadMaxCursor({"7", "t"});
  EXPECT_EQ(max.high, "7");
  EXPECT_TRUE(max.went_back);
  EXPECT_EQ(max.beyond, 0U);
  max = ReadMaxCursor({std::nullopt, std::nullopt, "12", "t", "t"});
  EXPECT_FALSE(max.high || max.went_back);
  EXPECT_EQ(max.beyond, 12U);
  EXPECT_TRUE(max.far_beyond && max.low_beyond);
  max = ReadMaxCursor({"2026-01-01", "f", "1", "f", "f"});
  EXPECT_FALSE(max.far_beyond || max.low_beyond);
}

TEST(RangeCondition, LeavesOutNothingOfACompleteMerge) {
  EXPECT_EQ(
      RangeCondition(Of(TypeKind::kDate), {.high = "2026-01-04", .nulls = true, .whole = true}),
      "");
  EXPECT_EQ(RangeCondition(Of(TypeKind::kDate), {.whole = true}), "\"c\" IS NOT NULL");
  EXPECT_TRUE(CanHoldRows({.whole = true}));
}

TEST(CursorWarnings, TellsWhereACursorLosesRows) {
  model::Stream stream{.name = "s.t", .cursor = "c"};
  const auto warnings = [&](TypeKind kind) { return CursorWarnings(stream, {Of(kind)}); };
  for (const auto mode : {model::WriteMode::kAppend, model::WriteMode::kMerge}) {
    stream.write_mode = mode;
    EXPECT_THAT(warnings(TypeKind::kVarchar),
                ::testing::ElementsAre(HasSubstr("letter by letter")));
    EXPECT_THAT(warnings(TypeKind::kChar),
                ::testing::ElementsAre(HasSubstr("CAST(\"c\" AS BIGINT)")));
    EXPECT_THAT(warnings(TypeKind::kInt64), ::testing::IsEmpty());
    EXPECT_THAT(warnings(TypeKind::kTimestamp), ::testing::IsEmpty());
  }
  EXPECT_THAT(warnings(TypeKind::kDate), ::testing::IsEmpty());
  stream.write_mode = model::WriteMode::kAppend;
  EXPECT_THAT(warnings(TypeKind::kDate), ::testing::ElementsAre(HasSubstr("write_mode: merge")));
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
