// Goal: pieces lack no row and share none: at the bounds, beyond them, without a value.
#include "redshift/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {
using base::ErrorCode;
using model::Column;
using model::TypeKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Column OfScale(TypeKind kind, int scale = 0) {
  return {"c", {.kind = kind, .precision = 38, .scale = scale}};
}

TEST(HashPieces, TakesEachRemainderOfEitherSignOnce) {
  EXPECT_THAT(HashPieces({"id"}, 3),
              ElementsAre("COALESCE(MOD(FNV_HASH(\"id\") / 65536, 3), 0) = 0",
                          "COALESCE(MOD(FNV_HASH(\"id\") / 65536, 3), 0) IN (1, -2)",
                          "COALESCE(MOD(FNV_HASH(\"id\") / 65536, 3), 0) IN (2, -1)"));
  EXPECT_THAT(HashPieces({"id"}, 1), ElementsAre(""));
}

TEST(HashPieces, ChainsTheColumnsOfAKey) {
  EXPECT_THAT(HashPieces({"a", "b\"c"}, 2).at(0),
              HasSubstr("FNV_HASH(\"b\"\"c\", COALESCE(FNV_HASH(\"a\"), 0))"));
}

TEST(RangePieces, AreOpenAtBothEndsAndMeet) {
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kInt32), "-10", "10", 4),
              ElementsAre("(\"c\" < -5 OR \"c\" IS NULL)", "\"c\" >= -5 AND \"c\" < 0",
                          "\"c\" >= 0 AND \"c\" < 5", "\"c\" >= 5"));
}

TEST(RangePieces, AreFewerWhereValuesAreFew) {
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kInt32), "1", "2", 8),
              ElementsAre("(\"c\" < 2 OR \"c\" IS NULL)", "\"c\" >= 2"));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kInt32), "7", "7", 8), ElementsAre(""));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kInt32), std::nullopt, std::nullopt, 8),
              ElementsAre(""));
}

TEST(RangePieces, CutTheWholeRangeOfTheWidestNumbers) {
  EXPECT_THAT(
      RangePieces(OfScale(TypeKind::kInt64), "-9223372036854775808", "9223372036854775807", 2),
      ElementsAre("(\"c\" < 0 OR \"c\" IS NULL)", "\"c\" >= 0"));
  const std::string nines(36, '9');
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kDecimal, 2), "-" + nines + ".99", nines + ".99", 1000),
              SizeIs(1000));
}

TEST(RangePieces, CountInTheLastDecimalPlace) {
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kDecimal, 2), "0.01", "0.05", 2),
              ElementsAre("(\"c\" < 0.03 OR \"c\" IS NULL)", "\"c\" >= 0.03"));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kDecimal, 3), "-1.000", "-0.998", 2),
              ElementsAre("(\"c\" < -0.999 OR \"c\" IS NULL)", "\"c\" >= -0.999"));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kDecimal, 2), "-1.00", "1.00", 2).at(1),
              ::testing::StrEq("\"c\" >= 0.00"));
}

TEST(RangePieces, CutDatesAndTimes) {
  EXPECT_THAT(
      RangePieces(OfScale(TypeKind::kDate), "2023-12-31", "2024-03-02", 2),
      ElementsAre("(\"c\" < DATE '2024-01-31' OR \"c\" IS NULL)", "\"c\" >= DATE '2024-01-31'"));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kTimestamp), "1969-12-31 23:59:59.5",
                          "1970-01-01 00:00:00.5", 2),
              ElementsAre("(\"c\" < TIMESTAMP '1970-01-01 00:00:00.000000' OR \"c\" IS NULL)",
                          "\"c\" >= TIMESTAMP '1970-01-01 00:00:00.000000'"));
  EXPECT_THAT(
      RangePieces(OfScale(TypeKind::kTimestamp), "1969-12-31 23:59:58", "1969-12-31 23:59:59", 2)
          .at(1),
      ::testing::StrEq("\"c\" >= TIMESTAMP '1969-12-31 23:59:58.500000'"));
  EXPECT_THAT(RangePieces(OfScale(TypeKind::kTimestampTz), "2026-01-01 00:00:00+00",
                          "2026-01-01 00:00:02.000002+00", 2)
                  .at(1),
              ::testing::StrEq("\"c\" >= TIMESTAMPTZ '2026-01-01 00:00:01.000001+00'"));
}

TEST(RangePieces, RefuseWhatCannotBeCounted) {
  EXPECT_THAT([] { RangePieces(OfScale(TypeKind::kDate), "0044-03-15 BC", "2026-01-01", 2); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::remedy,
                                    HasSubstr("pieces: 8")));
}

model::Stream SplitBy(std::string column) {
  return {.name = "s",
          .table = model::TableName{"sales", "orders"},
          .split = model::Split{.pieces = 4, .column = std::move(column)}};
}

TEST(SplitColumn, MustBeThereAndHaveSteps) {
  const std::vector<Column> columns = {{"n", {.kind = TypeKind::kInt32}},
                                       {"t", {.kind = TypeKind::kVarchar}},
                                       {"f", {.kind = TypeKind::kFloat64}}};
  EXPECT_EQ(SplitColumn(SplitBy("n"), columns).name, "n");
  EXPECT_THAT([&] { SplitColumn(SplitBy("x"), columns); }, test::ThrowsError(ErrorCode::kNotFound));
  for (const char* name : {"t", "f"}) {
    EXPECT_THAT([&] { SplitColumn(SplitBy(name), columns); },
                test::ThrowsError(ErrorCode::kUnsupported));
  }
}

TEST(BuildBounds, AsksOfTheRowsThatWillBeRead) {
  const std::vector<Column> columns = {{"n", {.kind = TypeKind::kInt32}}};
  EXPECT_EQ(BuildBounds(SplitBy("n"), columns, "\"n\" > 4"),
            "SELECT CAST(min(\"n\") AS VARCHAR), CAST(max(\"n\") AS VARCHAR) FROM "
            "\"sales\".\"orders\" WHERE \"n\" > 4");
}

TEST(BySize, AsksForRowsAndTheirWidth) {
  const model::Stream stream{.name = "s.t", .table = model::TableName{"s", "t"}};
  const std::vector<Column> columns{{"id", {.kind = TypeKind::kInt64}},
                                    {"a\"b", {.kind = TypeKind::kVarchar}},
                                    {"j", {.kind = TypeKind::kSuper}}};
  EXPECT_EQ(BuildSize(stream, columns, "id > 7"),
            "SELECT CAST(a.n AS VARCHAR), CAST(b.width AS VARCHAR) FROM (SELECT COUNT(*) AS n FROM "
            "\"s\".\"t\" WHERE id > 7) AS a CROSS JOIN (SELECT CAST(AVG(s.w) AS BIGINT) AS width "
            "FROM (SELECT 8 + COALESCE(OCTET_LENGTH(\"a\"\"b\"), 0) + 512 AS w FROM \"s\".\"t\" "
            "WHERE id > 7 LIMIT 1000) AS s) AS b");
  EXPECT_THAT(BuildSize(stream, columns, ""), ::testing::Not(HasSubstr("WHERE")));
}

TEST(BySize, ReadsAnswersOfTablesWithoutRows) {
  EXPECT_EQ(ReadSizeOf({"12", "34"}).rows, 12U);
  EXPECT_EQ(ReadSizeOf({"12", "34"}).row_bytes, 34U);
  EXPECT_EQ(ReadSizeOf({"0", std::nullopt}).row_bytes, 0U);
}

TEST(BySize, NoPieceTakesLongerThanItMay) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  constexpr seconds kHalf{1500};
  EXPECT_EQ(PiecesBySize({.rows = 0, .row_bytes = 0}, kHalf, std::nullopt), 1);
  // 16 MB a second: 1 KB each, 1,500 s.
  constexpr std::uint64_t kFits = 16ULL * 1024 * 1500;
  EXPECT_EQ(PiecesBySize({.rows = kFits, .row_bytes = 1024}, kHalf, std::nullopt), 1);
  EXPECT_EQ(PiecesBySize({.rows = kFits + 1, .row_bytes = 1024}, kHalf, std::nullopt), 2);
  // As it went last time, slower and faster; but what took seconds tells nothing.
  const Pace slow{.rows = 100, .took = minutes(5)};
  EXPECT_EQ(PiecesBySize({.rows = 10'000, .row_bytes = 8}, kHalf, slow), 20);
  const Pace quick{.rows = kFits * 4, .took = minutes(10)};
  EXPECT_EQ(PiecesBySize({.rows = kFits * 2, .row_bytes = 1024}, kHalf, quick), 1);
  const Pace short_one{.rows = 1, .took = seconds(59)};
  EXPECT_EQ(PiecesBySize({.rows = 10'000, .row_bytes = 8}, kHalf, short_one), 1);
  EXPECT_EQ(PiecesBySize({.rows = ~0ULL, .row_bytes = ~0ULL}, kHalf, std::nullopt), 1000);
}

}  // namespace
}  // namespace sluice::redshift
