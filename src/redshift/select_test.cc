// Goal: every column is named, in order, as Parquet can take it; a query is wrapped so that its
// LIMIT, its last comment and its repeated names do no harm.
#include "redshift/select.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using model::Column;
using model::Stream;
using model::TypeKind;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Stream kTable{.name = "sales.orders", .table = model::TableName{"sales", "orders"}};
const Stream kQueryStream{.name = "big", .sql = "SELECT a, a FROM t LIMIT 5 -- ten"};
const std::vector<Column> kSelectColumns = {{"id", {.kind = TypeKind::kInt64}},
                                            {"at\"x", {.kind = TypeKind::kTime}},
                                            {"raw", {.kind = TypeKind::kVarbyte}}};

TEST(BuildSelect, NamesEveryColumnOfATable) {
  EXPECT_EQ(BuildSelect(kTable, kSelectColumns),
            R"(SELECT "id" AS "id", CAST("at""x" AS VARCHAR) AS "at""x", TO_HEX("raw") AS "raw")"
            R"( FROM "sales"."orders")");
}

TEST(BuildSelect, RenamesTheColumnsOfAQueryByPosition) {
  EXPECT_EQ(BuildSelect(kQueryStream,
                        {{"a", {.kind = TypeKind::kInt64}}, {"a_2", {.kind = TypeKind::kTimeTz}}}),
            "SELECT \"a\" AS \"a\", CAST(\"a_2\" AS VARCHAR) AS \"a_2\" FROM "
            "(SELECT a, a FROM t LIMIT 5\n) AS \"sluice_stream\" (\"a\", \"a_2\")");
}

TEST(BuildSelect, KeepsTheNamesOfAQueryUnderASelection) {
  Stream stream = kQueryStream;
  stream.sql = "SELECT a, b FROM t";
  stream.columns = {"b"};
  EXPECT_EQ(BuildSelect(stream, {{"b", {.kind = TypeKind::kInt64}}}),
            "SELECT \"b\" AS \"b\" FROM (SELECT a, b FROM t\n) AS \"sluice_stream\"");
}

TEST(BuildSelect, RefusesSketchesByName) {
  EXPECT_THAT(
      [] {
        BuildSelect(kTable, {{"visitors", {.kind = TypeKind::kHllSketch}}});
      },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::subject,
                            AllOf(HasSubstr("sales.orders"), HasSubstr("visitors"))));
}

TEST(BuildSelect, RefusesStreamsThatCannotBeRead) {
  EXPECT_THAT([] { BuildSelect(kTable, {}); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { BuildSelect({.name = "none"}, kSelectColumns); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  Stream both = kTable;
  both.sql = "SELECT 1";
  EXPECT_THAT([&] { BuildSelect(both, kSelectColumns); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
}

TEST(AsDerivedTable, RefusesWhatIsNotOneSelect) {
  for (const auto* sql :
       {"  ", "SELECT 1; DROP TABLE t",
        "SELECT 1) AS x; CREATE TABLE p (i int); SELECT * FROM (SELECT 2", "SELECT 1 INTO t",
        "DELETE FROM t", "WITH x AS (DELETE FROM t) SELECT 1", "SELECT 'a"}) {
    EXPECT_THAT([&] { AsDerivedTable(sql, "stream big"); },
                test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                      HasSubstr("stream big")))
        << sql;
  }
}

TEST(AsDerivedTable, LeavesOutWhatMayStandAroundASelect) {
  constexpr char kWrapped[] = "(SELECT 1\n) AS \"sluice_stream\"";
  for (const auto* sql : {"SELECT 1  \n", "SELECT 1;", "SELECT 1 ; -- one", "-- one\nSELECT 1",
                          "/* a ; */ SELECT 1 -- b"}) {
    EXPECT_EQ(AsDerivedTable(sql), kWrapped) << sql;
  }
}

}  // namespace
}  // namespace sluice::redshift
