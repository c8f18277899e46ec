// Goal: the catalog's answers become columns we can read, and what is misspelt or may not be read
// is named together with its remedy, at the price of as few statements as possible.
#include "redshift/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using base::ErrorInfo;
using model::Column;
using model::Stream;
using model::TypeKind;
using testing::Contains;
using ::testing::ElementsAre;
using testing::FakeWorkgroup;
using ::testing::HasSubstr;
using testing::Is;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testing::StartsWith;

const std::vector<std::string> kColumnsHead = {"schema_name",
                                               "table_name",
                                               "column_name",
                                               "ordinal_position",
                                               "is_nullable",
                                               "data_type",
                                               "character_maximum_length",
                                               "numeric_precision",
                                               "numeric_scale"};

class Catalog : public ::testing::Test {
 protected:
  using Row = std::vector<std::optional<std::string>>;
  static Row KindOf(std::string table, std::string kind) {
    return {"sales", std::move(table), {}, "0", {}, std::move(kind), {}, {}, {}};
  }
  static Row ColumnOf(std::string table, std::string name, std::string type) {
    return {"sales", std::move(table), std::move(name), "1", "NO", std::move(type), {}, {}, {}};
  }
  static ErrorInfo Denied(const std::string& view) {
    return {.code = ErrorCode::kPermission, .message = view, .remedy = "GRANT SELECT ON " + view};
  }
  std::vector<Column> Describe(const Stream& stream) {
    return DescribeStream(session(), "dev", stream, {});
  }
  Session& session() {
    if (!session_) session_ = workgroup_->Login();
    return *session_;
  }
  void HasOrders() {
    workgroup_->When(Contains("svv_all_columns"))
        .Rows(kColumnsHead,
              {{"sales", "orders", "id", "1", "NO", "bigint", {}, "64", "0"},
               {"sales", "orders", "total", "2", "YES", "numeric", {}, "18", "2"},
               {"sales", "orders", "note", "3", "YES", "character varying", "40", {}, {}}});
  }
  static ErrorInfo Missing(std::string message) {
    return {.code = ErrorCode::kNotFound,
            .operation = "query",
            .message = std::move(message),
            .remedy = "look"};
  }

  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
  std::unique_ptr<Session> session_;
  const Stream orders_{.name = "sales.orders", .table = model::TableName{"sales", "orders"}};
  const Stream query_{.name = "big", .sql = "SELECT id, totl FROM sales.orders"};
};

TEST_F(Catalog, WhoAmIReadsUserVersionAndSuperuser) {
  workgroup_->When(Contains("FROM pg_user"))
      .Rows({"login", "usesuper", "db", "ver"},
            {{"IAMR:r", "t", "dev",
              std::string("PostgreSQL 8.0.2 on i686, Redshift 1.0.436211\0", 46)}});
  const auto who = WhoAmI(session(), {});
  EXPECT_EQ(who.user, "IAMR:r");
  EXPECT_EQ(who.superuser, true);
  EXPECT_EQ(who.database, "dev");
  EXPECT_EQ(who.version, "1.0.436211");
}

TEST_F(Catalog, WhoAmIManagesWithoutPgUser) {
  workgroup_->When(Contains("FROM pg_user")).Fails({.code = ErrorCode::kPermission});
  workgroup_->When(StartsWith("SELECT current_user"))
      .Rows({"login", "db", "ver"}, {{"IAMR:r", "dev", "PostgreSQL 15.3"}});
  const auto who = WhoAmI(session(), {});
  EXPECT_EQ(who.user, "IAMR:r");
  EXPECT_EQ(who.superuser, std::nullopt);
  EXPECT_EQ(who.version, "");
}

TEST_F(Catalog, ListsSchemasAndTablesOfADatabaseWithQuotesInItsName) {
  workgroup_->When(Contains("svv_all_schemas")).Rows({"n", "t"}, {{"sales", "local"}});
  workgroup_->When(Contains("svv_all_tables"))
      .Rows({"s", "t", "k", "r"},
            {{"sales", "mv_tbl__v__0", "TABLE", {}}, {"sales", "orders", "TABLE", "all of them"}});
  EXPECT_THAT(ListSchemas(session(), "d'v\\", {}), SizeIs(1));
  const auto tables = ListTables(session(), "d'v\\", "sales", {});
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].name.ToString(), "sales.orders");
  EXPECT_EQ(tables[0].remarks, "all of them");
  for (const auto& sql : workgroup_->statements()) {
    EXPECT_THAT(sql, HasSubstr("database_name = 'd''v\\\\'"));
  }
}

TEST_F(Catalog, DescribesManyTablesWithOneStatement) {
  HasOrders();
  const auto tables = DescribeTables(session(), "dev", "sales", {"orders", "gone"}, {});
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_THAT(
      tables.at("orders").columns,
      ElementsAre(Column{"id", {.kind = TypeKind::kInt64}, false},
                  Column{"total", {.kind = TypeKind::kDecimal, .precision = 18, .scale = 2}},
                  Column{"note", {.kind = TypeKind::kVarchar, .bytes_max = 40}}));
  ASSERT_THAT(workgroup_->statements(), SizeIs(1));
  EXPECT_THAT(workgroup_->statements()[0], HasSubstr("table_name IN ('orders', 'gone')"));
}

TEST_F(Catalog, KeepsColumnsOfUnknownTypesApart) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {{"s", "t", "a", "1", "YES", "array<int>", {}, {}, {}}});
  const auto tables = DescribeTables(session(), "dev", "s", {}, {});
  EXPECT_THAT(tables.at("t").columns, IsEmpty());
  EXPECT_EQ(tables.at("t").unknown.at(0).data_type, "array<int>");
  EXPECT_THAT(workgroup_->statements()[0], Not(HasSubstr("table_name IN")));
}

TEST_F(Catalog, StreamOfATableCostsOneStatement) {
  HasOrders();
  EXPECT_THAT(DescribeStream(session(), "dev", orders_, {}), SizeIs(3));
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
}

TEST_F(Catalog, SelectionKeepsItsOrderAndTakesTheSourcesSpelling) {
  HasOrders();
  Stream stream = orders_;
  stream.columns = {"TOTAL", "id"};
  const auto columns = DescribeStream(session(), "dev", stream, {});
  ASSERT_THAT(columns, SizeIs(2));
  EXPECT_EQ(columns[0].name, "total");
  EXPECT_EQ(columns[1].name, "id");
}

TEST_F(Catalog, NamesAMisspeltColumnAndTheNearest) {
  HasOrders();
  Stream stream = orders_;
  stream.columns = {"id", "totl"};
  EXPECT_THAT([&] { DescribeStream(session(), "dev", stream, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::message,
                                    HasSubstr("column totl does not exist")));
  EXPECT_THAT([&] { DescribeStream(session(), "dev", stream, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::remedy,
                                    HasSubstr("Did you mean total?")));
}

TEST_F(Catalog, NamesAMisspeltColumnOfAQueryAndTheNearest) {
  workgroup_->When(StartsWith("SELECT * FROM (")).Fails(Missing("column o.totl does not exist"));
  HasOrders();
  EXPECT_THAT([&] { DescribeStream(session(), "dev", query_, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::remedy,
                                    HasSubstr("Did you mean total?")));
}

TEST_F(Catalog, NamesAMisspeltTableAndTheNearest) {
  workgroup_->When(Contains("svv_all_columns")).Rows(kColumnsHead, {});
  workgroup_->When(Is("SELECT * FROM \"sales\".\"ordrs\" LIMIT 0"))
      .Fails(Missing("table ordrs does not exist"));
  workgroup_->When(Contains("svv_all_tables"))
      .Rows({"s", "t", "k", "r"}, {{"sales", "orders", "TABLE", {}}});
  Stream stream = orders_;
  stream.table->table = "ordrs";
  EXPECT_THAT([&] { DescribeStream(session(), "dev", stream, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::remedy,
                                    HasSubstr("Did you mean sales.orders?")));
}

TEST_F(Catalog, NamesAMisspeltSchemaAndTheNearest) {
  workgroup_->When(Contains("svv_all_columns")).Rows(kColumnsHead, {});
  workgroup_->When(StartsWith("SELECT * FROM \"Sales\"")).Fails(Missing("no"));
  workgroup_->When(Contains("schema_name = 'Sales'")).Rows({"s", "t", "k", "r"}, {});
  workgroup_->When(Contains("svv_all_schemas")).Rows({"n", "t"}, {{"sales", "local"}});
  workgroup_->When(Contains("schema_name = 'sales'"))
      .Rows({"s", "t", "k", "r"}, {{"sales", "orders", "TABLE", {}}});
  Stream stream = orders_;
  stream.table = model::TableName{"Sales", "Orders"};
  EXPECT_THAT([&] { DescribeStream(session(), "dev", stream, {}); },
              test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::remedy,
                                    HasSubstr("Did you mean sales.orders?")));
}

TEST_F(Catalog, TheFirstFailureIsToldWhenTheLookForNamesFailsToo) {
  workgroup_->When(StartsWith("SELECT * FROM (")).Fails(Missing("column totl does not exist"));
  workgroup_->When(Contains("svv_all_columns")).Fails({.code = ErrorCode::kUnavailable});
  EXPECT_THAT(
      [&] { DescribeStream(session(), "dev", query_, {}); },
      test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::message, HasSubstr("column totl")));
}

TEST_F(Catalog, AsksATableThatTheCatalogHidesForItself) {
  workgroup_->When(Contains("svv_all_columns")).Rows(kColumnsHead, {});
  workgroup_->When(Is("SELECT * FROM \"sales\".\"orders\" LIMIT 0"))
      .Describes({{.name = "id", .type_oid = 20}});
  EXPECT_THAT(DescribeStream(session(), "dev", orders_, {}),
              ElementsAre(Column{"id", {.kind = TypeKind::kInt64}}));
  Stream stream = orders_;
  stream.columns = {"id"};
  workgroup_->When(Is("SELECT \"id\" FROM \"sales\".\"orders\" LIMIT 0"))
      .Describes({{.name = "id", .type_oid = 20}});
  EXPECT_THAT(DescribeStream(session(), "dev", stream, {}), SizeIs(1));
}

TEST_F(Catalog, PassesARefusalOnWithItsRemedy) {
  workgroup_->When(Contains("svv_all_columns")).Rows(kColumnsHead, {});
  workgroup_->When(StartsWith("SELECT *"))
      .Fails({.code = ErrorCode::kPermission, .message = "no", .remedy = "GRANT"});
  EXPECT_THAT(
      [&] { DescribeStream(session(), "dev", orders_, {}); },
      test::ThrowsErrorWith(ErrorCode::kPermission, &ErrorInfo::remedy, HasSubstr("GRANT")));
}

// The catalog knew no precision for `CASE WHEN ... THEN a END`, and each sync took it for
// NUMERIC(18,0).
TEST_F(Catalog, AViewsTypesAreThoseOfItsEmptySelect) {
  for (const auto* type : {"numeric", "character varying", "character", "interval", "time",
                           "numeric(18,0)", "something new"}) {
    auto workgroup = std::make_shared<FakeWorkgroup>();
    workgroup->When(Contains("svv_all_columns"))
        .Rows(kColumnsHead, {KindOf("orders", "VIEW"), ColumnOf("orders", "c", type)});
    workgroup->When(Is("SELECT * FROM \"sales\".\"orders\" LIMIT 0"))
        .Describes({{.name = "c", .type_oid = 1700, .type_modifier = ((38 << 16) | 2) + 4}});
    const auto own = workgroup->Login();
    const auto columns = DescribeStream(*own, "dev", orders_, {});
    EXPECT_EQ(columns.at(0).type,
              (model::Type{.kind = TypeKind::kDecimal, .precision = 38, .scale = 2}))
        << type;
    EXPECT_EQ(columns.at(0).nullable,
              std::string_view(type) == "interval" || std::string_view(type) == "something new");
    EXPECT_THAT(workgroup->statements(), SizeIs(2)) << type;
  }
}

TEST_F(Catalog, ANumberOfNoToldPrecisionIsAskedForWhereverItStands) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {KindOf("orders", "EXTERNAL TABLE"), ColumnOf("orders", "c", "numeric"),
                           ColumnOf("orders", "n", "integer")});
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "c", .type_oid = 1700}});
  EXPECT_THAT(Describe(orders_), ElementsAre(Column{"c", {.kind = TypeKind::kDecimal}, false}));
  // One that is not selected is not asked for.
  Stream stream = orders_;
  stream.columns = {"N"};
  EXPECT_THAT(Describe(stream), ElementsAre(Column{"n", {.kind = TypeKind::kInt32}, false}));
  EXPECT_THAT(workgroup_->statements(), SizeIs(3));
}

TEST_F(Catalog, ATableIsTakenAtTheCatalogsWord) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {KindOf("orders", "TABLE"), ColumnOf("orders", "t", "character varying"),
                           ColumnOf("orders", "u", "time without time zone")});
  EXPECT_THAT(Describe(orders_), SizeIs(2));
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
}

TEST_F(Catalog, ABrokenViewTellsWhatItsSelectSays) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {KindOf("orders", "VIEW"), ColumnOf("orders", "n", "integer")});
  workgroup_->When(Contains("LIMIT 0")).Fails(Missing("table rawx.gone does not exist"));
  EXPECT_THAT(
      [&] { Describe(orders_); },
      test::ThrowsErrorWith(ErrorCode::kNotFound, &ErrorInfo::message, HasSubstr("rawx.gone")));
}

TEST_F(Catalog, WithoutTheViewOfTablesTheColumnsDecide) {
  workgroup_->When(Contains("FROM svv_all_tables")).Fails(Denied("svv_all_tables"));
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {ColumnOf("orders", "n", "integer"), ColumnOf("items", "n", "numeric")});
  EXPECT_THAT(Describe(orders_), SizeIs(1));
  EXPECT_THAT(workgroup_->statements(), SizeIs(2));
  Stream items = orders_;
  items.table->table = "items";
  workgroup_->When(Contains("LIMIT 0"))
      .Describes({{.name = "n", .type_oid = 1700, .type_modifier = ((5 << 16) | 1) + 4}});
  EXPECT_EQ(Describe(items).at(0).type.precision, 5);
}

TEST_F(Catalog, WithoutTheViewOfColumnsTheEmptySelectTells) {
  workgroup_->When(Contains("svv_all_columns")).Fails(Denied("svv_all_columns"));
  workgroup_->When(Is("SELECT * FROM \"sales\".\"orders\" LIMIT 0"))
      .Describes({{.name = "id", .type_oid = 20}});
  EXPECT_THAT(Describe(orders_), ElementsAre(Column{"id", {.kind = TypeKind::kInt64}}));
}

TEST_F(Catalog, ListsWithWhatIsLeftOfTheCatalog) {
  workgroup_->When(Contains("svv_all_schemas")).Fails(Denied("svv_all_schemas"));
  workgroup_->When(Contains("DISTINCT schema_name FROM svv_all_tables"))
      .Once()
      .Rows({"schema_name"}, {{"sales"}});
  workgroup_->When(Contains("svv_all_tables")).Fails(Denied("svv_all_tables"));
  workgroup_->When(Contains("DISTINCT schema_name, table_name FROM svv_all_columns"))
      .Rows({"schema_name", "table_name"}, {{"sales", "orders"}});
  workgroup_->When(Contains("svv_all_columns")).Fails(Denied("svv_all_columns"));
  EXPECT_EQ(ListSchemas(session(), "dev", {}).at(0).name, "sales");
  EXPECT_EQ(ListTables(session(), "dev", "sales", {}).at(0).name.table, "orders");
  // Nothing is left: the first refusal names the view to grant.
  EXPECT_THAT([&] { ListSchemas(session(), "dev", {}); },
              test::ThrowsErrorWith(ErrorCode::kPermission, &ErrorInfo::remedy,
                                    HasSubstr("GRANT SELECT ON svv_all_schemas")));
}

TEST_F(Catalog, RefusesSketchesByNameAndWritesTheSelectionWithoutThem) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(kColumnsHead, {{"sales", "orders", "id", "1", "NO", "bigint", {}, {}, {}},
                           {"sales", "orders", "seen", "2", "YES", "hllsketch", {}, {}, {}},
                           {"sales", "orders", "note", "3", "YES", "text", {}, {}, {}},
                           KindOf("orders", "TABLE")});
  EXPECT_THAT([&] { DescribeStream(session(), "dev", orders_, {}); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &ErrorInfo::subject,
                                    HasSubstr("column seen")));
  EXPECT_THAT([&] { DescribeStream(session(), "dev", orders_, {}); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &ErrorInfo::remedy,
                                    HasSubstr("columns: [id, note]")));
  Stream stream = orders_;
  stream.columns = {"id", "note"};
  EXPECT_THAT(DescribeStream(session(), "dev", stream, {}), SizeIs(2));
}

TEST_F(Catalog, NumbersTheRepeatedNamesOfAQuery) {
  workgroup_->When(Contains("AS \"sluice_stream\" LIMIT 0"))
      .Describes({{.name = "id", .type_oid = 20}, {.name = "id", .type_oid = 23}});
  const auto columns = DescribeStream(session(), "dev", query_, {});
  ASSERT_THAT(columns, SizeIs(2));
  EXPECT_EQ(columns[1].name, "id_2");
  EXPECT_EQ(columns[1].type.kind, TypeKind::kInt32);
  Stream stream = query_;
  stream.columns = {"id"};
  EXPECT_THAT([&] { DescribeStream(session(), "dev", stream, {}); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(Catalog, DescribeSelectNamesAColumnOfUnknownType) {
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "p", .type_oid = 600}});
  EXPECT_THAT(
      [&] { DescribeSelect(session(), "SELECT p FROM t LIMIT 0", {}); },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &ErrorInfo::subject, HasSubstr("column p")));
}

TEST_F(Catalog, PrimaryKeyComesInItsOwnOrder) {
  workgroup_->When(Is("SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE \"dev\".\"sales\".\"orders\""))
      .Rows({"database_name", "pk_name", "key_seq", "column_name"},
            {{"dev", "pk", "2", "line"}, {"dev", "pk", "1", "id"}});
  EXPECT_THAT(PrimaryKey(session(), "dev", *orders_.table, {}), ElementsAre("id", "line"));
}

TEST_F(Catalog, PrimaryKeyIsEmptyWhereTheServerDoesNotTell) {
  workgroup_->When(StartsWith("SHOW")).Once().Fails({.code = ErrorCode::kSource});
  EXPECT_THAT(PrimaryKey(session(), "dev", *orders_.table, {}), IsEmpty());
  workgroup_->When(StartsWith("SHOW")).Fails({.code = ErrorCode::kUnreachable});
  EXPECT_THAT([&] { PrimaryKey(session(), "dev", *orders_.table, {}); },
              test::ThrowsError(ErrorCode::kUnreachable));
}

}  // namespace
}  // namespace sluice::redshift
