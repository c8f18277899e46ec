// Goal: what a stream's rules say is in the statement that the source runs, for rows, keys, bounds
// and the greatest cursor alike; and a rule that would break the stream is refused.
#include "redshift/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/cursor.h"
#include "redshift/select.h"
#include "redshift/split.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using model::Column;
using model::Mask;
using model::ShapeRule;
using model::Stream;
using model::TypeKind;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Rule = model::ShapeRule::Kind;

const std::vector<Column> kShapeColumns = {{"id", {.kind = TypeKind::kInt64}},
                                           {"Email", {.kind = TypeKind::kVarchar, .bytes_max = 80}},
                                           {"at", {.kind = TypeKind::kTimestamp}}};

Stream Table(model::Shape shape) {
  return {.name = "sales.people",
          .table = model::TableName{"sales", "people"},
          .primary_key = {"id"},
          .cursor = "at",
          .shape = std::move(shape)};
}

ShapeRule Rename(std::string column, std::string name) {
  return {.kind = Rule::kRename, .column = std::move(column), .name = std::move(name)};
}
ShapeRule Cast(std::string column, model::Type type) {
  return {.kind = Rule::kCast, .column = std::move(column), .type = type};
}
ShapeRule Hash(std::string column) { return {.kind = Rule::kHash, .column = std::move(column)}; }
ShapeRule Masked(std::string column, Mask mask) {
  return {.kind = Rule::kMask, .column = std::move(column), .mask = std::move(mask)};
}

Stream Applied(const Stream& stream, const std::vector<Column>& columns = kShapeColumns) {
  return ApplyShape(stream, columns, "acme.sales.people");
}

std::string Select(const Stream& stream, const std::vector<Column>& columns = kShapeColumns) {
  const Stream applied = Applied(stream, columns);
  return BuildSelect(applied, ColumnsRead(applied, columns));
}

std::string Reason(const Stream& stream, const std::vector<Column>& columns = kShapeColumns) {
  try {
    Select(stream, columns);
  } catch (const base::Error& error) {
    return error.info().reason + ": " + error.info().subject + ": " + error.info().message;
  }
  return "accepted";
}

constexpr char kPlain[] =
    R"(SELECT "id" AS "id", "Email" AS "Email", "at" AS "at" FROM "sales"."people")";

TEST(ApplyShape, OfNothingChangesNoLetterOfTheStatement) { EXPECT_EQ(Select(Table({})), kPlain); }

TEST(ApplyShape, RenamesInTheOutermostSelectAlone) {
  EXPECT_EQ(Select(Table(
                {.rules = {Rename("id", "person"), Rename("at", "Email_at")}, .snake_case = true})),
            R"(SELECT "id" AS "person", "Email" AS "email", "at" AS "Email_at" FROM)"
            R"( "sales"."people")");
  const Stream applied = Applied(Table({.rules = {Rename("id", "at"), Rename("at", "id")}}));
  EXPECT_EQ(ColumnsRead(applied, kShapeColumns).at(0).name, "id");
  EXPECT_EQ(ColumnsLanding(applied, kShapeColumns).at(0).name, "at");
  EXPECT_EQ(LandingName(applied, "at"), "id");
}

TEST(ApplyShape, FiltersWithinADerivedTable) {
  EXPECT_EQ(Select(Table({.where = "a = 1 OR b = 2"})),
            R"(SELECT "id" AS "id", "Email" AS "Email", "at" AS "at" FROM (SELECT "id" AS "id",)"
            R"( "Email" AS "Email", "at" AS "at" FROM "sales"."people" WHERE (a = 1 OR b = 2)))"
            R"( AS "sluice_shape")");
}

TEST(ApplyShape, HoldsForKeysBoundsAndTheGreatestCursor) {
  Stream stream = Table({.rules = {Hash("id"), Rename("id", "person")},
                         .where = "x > 0",
                         .salt = base::Secret("pepper")});
  stream.split = model::Split{.pieces = 2, .column = "at"};
  const Stream applied = Applied(stream);
  const auto columns = ColumnsRead(applied, kShapeColumns);
  EXPECT_EQ(BuildMaxCursor(applied, columns, {}),
            R"(SELECT CAST(max("at") AS VARCHAR), NULL FROM (SELECT "at" AS "at" FROM)"
            R"( "sales"."people" WHERE (x > 0)) AS "sluice_shape")");
  EXPECT_THAT(BuildBounds(applied, columns, ""), HasSubstr("WHERE (x > 0)) AS \"sluice_shape\""));
  EXPECT_THAT(BuildBounds(applied, columns, ""), Not(HasSubstr("SHA2")));
  EXPECT_EQ(BuildKeySelectToRun(applied, columns, {"id"}).Reveal(),
            R"(SELECT "id" AS "person" FROM (SELECT CAST(CASE WHEN CAST("id" AS VARCHAR) IS NOT)"
            R"( NULL THEN SHA2('pepper' || CAST("id" AS VARCHAR), 256) END AS VARCHAR(64)) AS "id")"
            R"( FROM "sales"."people" WHERE (x > 0)) AS "sluice_shape")");
}

TEST(ApplyShape, HashesTheTextBehindTheSaltAndKeepsNull) {
  const Stream applied = Applied(Table({.rules = {Hash("Email")}, .salt = base::Secret("a'\\b")}));
  const auto columns = ColumnsRead(applied, kShapeColumns);
  EXPECT_THAT(BuildSelectToRun(applied, columns, "").Reveal(),
              HasSubstr(R"(CAST(CASE WHEN "Email" IS NOT NULL THEN SHA2('a''\\b' || "Email", 256))"
                        R"( END AS VARCHAR(64)) AS "Email")"));
  EXPECT_EQ(columns.at(1).type, (model::Type{.kind = TypeKind::kVarchar, .bytes_max = 64}));
  // Shown: never.
  EXPECT_THAT(BuildSelect(applied, columns),
              AllOf(HasSubstr("SHA2('[salt]' || \"Email\", 256)"), Not(HasSubstr("a''"))));
  EXPECT_THAT(BuildKeySelect(applied, columns, {"id"}), Not(HasSubstr("SHA2")));
}

TEST(ApplyShape, MasksSoThatNothingOfAShortValueIsLeft) {
  const auto with = [](Mask mask) {
    return Select(Table({.rules = {Masked("Email", std::move(mask))}}));
  };
  EXPECT_THAT(with({.kind = Mask::Kind::kLast4}),
              HasSubstr(R"((CASE WHEN LEN("Email") > 4 THEN RIGHT("Email", 4) WHEN "Email" IS NOT)"
                        R"( NULL THEN '***' END AS VARCHAR(16)) AS "Email")"));
  // The column itself is not read.
  EXPECT_THAT(with({.kind = Mask::Kind::kNull}),
              HasSubstr(R"(CAST(NULL AS VARCHAR(80)) AS "Email")"));
  EXPECT_THAT(with({.kind = Mask::Kind::kText, .text = "it's"}),
              HasSubstr(R"(CAST('it''s' AS VARCHAR(4)) AS "Email")"));
}

TEST(ApplyShape, CastsAsRedshiftCan) {
  const auto cast = [](TypeKind from, model::Type to) {
    const std::vector<Column> columns = {{"c", {.kind = from}}};
    Stream stream = Table({.rules = {Cast("c", to)}});
    stream.primary_key.clear();
    stream.cursor.reset();
    const std::string select = Select(stream, columns);
    const auto from_here = select.find("(SELECT ") + 8;
    return select.substr(from_here, select.find(" AS \"c\" FROM \"sales\"") - from_here);
  };
  const model::Type text{.kind = TypeKind::kVarchar, .bytes_max = 65535};
  EXPECT_EQ(cast(TypeKind::kInt32, text), R"(CAST(CAST("c" AS VARCHAR) AS VARCHAR(65535)))");
  EXPECT_EQ(cast(TypeKind::kBool, text),
            R"(CAST(CASE WHEN "c" THEN 'true' WHEN NOT "c" THEN 'false' END AS VARCHAR(65535)))");
  EXPECT_EQ(cast(TypeKind::kChar, text), R"(CAST(RTRIM("c") AS VARCHAR(65535)))");
  EXPECT_EQ(cast(TypeKind::kSuper, text), R"(CAST(JSON_SERIALIZE("c") AS VARCHAR(65535)))");
  EXPECT_EQ(cast(TypeKind::kVarbyte, text), R"(CAST(TO_HEX("c") AS VARCHAR(65535)))");
  EXPECT_EQ(cast(TypeKind::kVarchar, {.kind = TypeKind::kDecimal, .precision = 18, .scale = 2}),
            R"(CAST("c" AS DECIMAL(18,2)))");
  EXPECT_EQ(cast(TypeKind::kInt32, {.kind = TypeKind::kFloat64}),
            R"(CAST("c" AS DOUBLE PRECISION))");
}

TEST(ApplyShape, AddsWhenAndWhence) {
  const Stream applied = Applied(Table({.add_synced_at = true, .add_source = true}));
  const auto columns = ColumnsRead(applied, kShapeColumns);
  EXPECT_THAT(BuildSelect(applied, columns),
              HasSubstr(R"(CAST(SYSDATE AS TIMESTAMPTZ) AS "_synced_at", CAST('acme.sales.people')"
                        R"( AS VARCHAR(17)) AS "_source" FROM "sales"."people")"));
  EXPECT_TRUE(columns.at(3).stamp);
  EXPECT_FALSE(columns.at(4).stamp);
}

TEST(ApplyShape, WrapsAQueryWithTheNamesThatItHas) {
  Stream stream = Table({.where = "\"a_2\" > 0", .add_synced_at = true});
  stream.table.reset();
  stream.sql = "SELECT a, a FROM t";
  stream.primary_key.clear();
  stream.cursor.reset();
  const std::vector<Column> columns = {{"a", {.kind = TypeKind::kInt32}},
                                       {"a_2", {.kind = TypeKind::kInt32}}};
  EXPECT_THAT(Select(stream, columns),
              HasSubstr("FROM (SELECT a, a FROM t\n) AS \"sluice_stream\" (\"a\", \"a_2\") WHERE "
                        "(\"a_2\" > 0)) AS \"sluice_shape\""));
  stream.shape.rules = {{.kind = Rule::kExclude, .column = "b"}};
  EXPECT_THAT(Select(stream, columns),
              HasSubstr("FROM (SELECT a, a FROM t\n) AS \"sluice_stream\" WHERE"))
      << "an excluded column is among the query's, so that no position can be named";
}

TEST(ApplyShape, FindsAColumnAsTheServerWouldFoldIt) {
  EXPECT_THAT(Select(Table({.rules = {Rename("EMAIL", "mail")}})),
              HasSubstr(R"("Email" AS "mail")"));
}

TEST(ApplyShape, RefusesARuleWithoutItsColumn) {
  for (const ShapeRule& rule :
       {Rename("emial", "x"), Hash("emial"), Masked("emial", {}), Cast("emial", {})}) {
    model::Shape shape{.rules = {rule}, .salt = base::Secret("s")};
    EXPECT_THAT(Reason(Table(shape)), HasSubstr("no_stream_column: stream sales.people"));
    // Of `defaults`: this table's business it is not.
    shape.rules[0].by_default = true;
    EXPECT_EQ(Reason(Table(shape)), "accepted");
  }
}

TEST(ApplyShape, RefusesToChangeWhatDecidesAboutRows) {
  EXPECT_THAT(Reason(Table({.rules = {Masked("id", {})}})),
              HasSubstr("shape: stream sales.people, mask id: the column is the stream's "
                        "primary_key"));
  EXPECT_THAT(Reason(Table({.rules = {Masked("at", {})}})), HasSubstr("stream's cursor"));
  EXPECT_THAT(Reason(Table({.rules = {Hash("at")}, .salt = base::Secret("s")})),
              HasSubstr("hash at: the column is the stream's cursor"));
  EXPECT_EQ(Reason(Table({.rules = {Hash("id")}, .salt = base::Secret("s")})), "accepted");
  Stream deletes = Table({.rules = {Cast("Email", {.kind = TypeKind::kVarchar})}});
  deletes.deletes.column = "Email";
  EXPECT_THAT(Reason(deletes), HasSubstr("tells which rows are deleted"));
  Stream split = Table({.rules = {Hash("Email")}, .salt = base::Secret("s")});
  split.split = model::Split{.pieces = 2, .column = "Email"};
  EXPECT_THAT(Reason(split), HasSubstr("split.column"));
}

TEST(ApplyShape, CastsAKeyOnlyWhereTwoKeysStayTwo) {
  const auto key = [](model::Type from, model::Type to) {
    return Reason(Table({.rules = {Cast("id", to)}}),
                  {{"id", from}, {"at", {.kind = TypeKind::kTimestamp}}}) == "accepted";
  };
  const model::Type big{.kind = TypeKind::kInt64};
  const auto text = [](int bytes) {
    return model::Type{.kind = TypeKind::kVarchar, .bytes_max = bytes};
  };
  const auto decimal = [](int precision, int scale) {
    return model::Type{.kind = TypeKind::kDecimal, .precision = precision, .scale = scale};
  };
  EXPECT_TRUE(key(big, text(65535)));
  EXPECT_FALSE(key(big, text(5)));
  EXPECT_FALSE(key(big, {.kind = TypeKind::kInt32}));
  EXPECT_TRUE(key({.kind = TypeKind::kInt16}, {.kind = TypeKind::kInt32}));
  EXPECT_TRUE(key(big, decimal(19, 0)));
  EXPECT_FALSE(key(big, decimal(18, 0)));
  EXPECT_TRUE(key(decimal(10, 2), decimal(12, 4)));
  EXPECT_FALSE(key(decimal(10, 2), decimal(10, 1)));
  EXPECT_TRUE(key(text(10), text(20)));
  EXPECT_FALSE(key(text(20), text(10)));
  EXPECT_FALSE(key({.kind = TypeKind::kTimestamp}, {.kind = TypeKind::kDate}));
  EXPECT_TRUE(key({.kind = TypeKind::kDate}, {.kind = TypeKind::kTimestamp}));
  EXPECT_FALSE(key({.kind = TypeKind::kFloat64}, {.kind = TypeKind::kFloat32}));
}

TEST(ApplyShape, RefusesTwoColumnsOfOneName) {
  EXPECT_THAT(Reason(Table({.rules = {Rename("id", "EMAIL")}})),
              HasSubstr("shape: stream sales.people, column Email: would be called Email at the "
                        "destination, as column id is"));
  EXPECT_THAT(
      Reason(Table({.snake_case = true}), {{"id", {}}, {"a b", {}}, {"A-B", {}}, {"at", {}}}),
      HasSubstr("would be called a_b"));
  EXPECT_THAT(Reason(Table({.add_source = true}), {{"id", {}}, {"_source", {}}, {"at", {}}}),
              HasSubstr("would be called _source"));
}

TEST(ApplyShape, HashesNothingWithoutASalt) {
  EXPECT_THAT(Reason(Table({.rules = {Hash("Email")}})), HasSubstr("there is no salt"));
}

TEST(ShapeText, IsOfWhatATableHoldsAlready) {
  const auto text = [](model::Shape shape) {
    Stream stream = Table(std::move(shape));
    stream.write_mode = model::WriteMode::kMerge;
    return ShapeText(Applied(stream)).Reveal();
  };
  EXPECT_EQ(text({}), "");
  // Columns that come, go or change their type are told by the destination.
  EXPECT_EQ(text({.rules = {Rename("Email", "mail"), Cast("Email", {.kind = TypeKind::kVarchar})},
                  .add_synced_at = true}),
            "");
  const std::string hashed = text({.rules = {Hash("Email")}, .salt = base::Secret("a")});
  EXPECT_NE(hashed, "");
  EXPECT_NE(hashed, text({.rules = {Hash("Email")}, .salt = base::Secret("b")}));
  ShapeRule others = Hash("iban");
  others.by_default = true;
  EXPECT_EQ(text({.rules = {others}, .salt = base::Secret("b")}), "") << "of other tables";
  EXPECT_NE(text({.where = "a = 1"}), text({.where = "a = 2"}));
  EXPECT_NE(text({.rules = {Masked("Email", {.kind = Mask::Kind::kLast4})}}),
            text({.rules = {Masked("Email", {.kind = Mask::Kind::kNull})}}));
  EXPECT_NE(text({.rules = {Rename("id", "person")}}), "") << "no key would be found again";
  EXPECT_NE(text({.rules = {Cast("at", {.kind = TypeKind::kDate})}}), "");
  EXPECT_EQ(::testing::PrintToString(ShapeText(Table({.where = "secret"}))), "[secret]");
}

}  // namespace
}  // namespace sluice::redshift
