// Goal: a database is described in as many statements as there are kinds of answers, and what may
// not be asked is left out.
#include "redshift/overview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"

namespace sluice::redshift {
namespace {
using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Row = std::vector<std::optional<std::string>>;

class OverviewTest : public ::testing::Test {
 protected:
  static std::vector<std::string> Names(std::size_t count) {
    return std::vector<std::string>(count, "x");
  }
  std::string Statement(std::size_t at = 0) const { return workgroup_->statements().at(at); }

  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
};

TEST_F(OverviewTest, ListsTheTablesOfAllSchemasButTheSystems) {
  workgroup_->When(Contains("svv_all_tables"))
      .Rows(Names(4),
            {{"a", "t", "TABLE", "r"}, {"b", "mv_tbl__v__0", "TABLE", {}}, {"b", "v", "VIEW", {}}});
  const auto session = workgroup_->Login();
  const auto tables = ListAllTables(*session, "dev", {});
  ASSERT_THAT(tables, SizeIs(2));
  EXPECT_EQ(tables[1].name, (model::TableName{"b", "v"}));
  EXPECT_EQ(tables[1].type, "VIEW");
  EXPECT_THAT(Statement(), AllOf(HasSubstr("database_name = 'dev'"), HasSubstr("<> 'pg_'"),
                                 HasSubstr("information_schema")));
}

TEST_F(OverviewTest, ListsWhatHasColumnsWhereTheListIsDenied) {
  workgroup_->When(Contains("svv_all_tables")).Fails({.code = base::ErrorCode::kPermission});
  workgroup_->When(Contains("svv_all_columns")).Rows(Names(2), {{"a", "t"}});
  const auto session = workgroup_->Login();
  const auto tables = ListAllTables(*session, "dev", {});
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(tables[0].type, "");
}

TEST_F(OverviewTest, DescribesSeveralSchemasInOneStatement) {
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(Names(9), {{"a", "t", {}, "0", {}, "TABLE", {}, {}, {}},
                       {"a", "t", "id", "1", "NO", "integer", {}, "32", "0"},
                       {"a", "t", "odd", "2", "YES", "hllsketch", {}, {}, {}},
                       {"b", "t", {}, "0", {}, "VIEW", {}, {}, {}},
                       {"b", "u", "id", "1", "YES", "integer", {}, "32", "0"}});
  const auto session = workgroup_->Login();
  const auto tables = DescribeSchemas(*session, "dev", {"a", "b'"}, {});
  ASSERT_THAT(tables, SizeIs(3));
  EXPECT_EQ(tables[0].kind, "TABLE");
  EXPECT_THAT(tables[0].columns, SizeIs(2));
  EXPECT_EQ(tables[1].kind, "VIEW");
  EXPECT_THAT(tables[1].columns, IsEmpty());
  EXPECT_EQ(tables[2].kind, "");
  EXPECT_THAT(Statement(), HasSubstr("schema_name IN ('a', 'b''')"));
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
}

TEST_F(OverviewTest, KnowsTheTablesWhereColumnsAreDeniedAndTheColumnsWhereTablesAre) {
  for (const auto* denied : {"svv_all_columns", "svv_all_tables"}) {
    workgroup_ = std::make_shared<FakeWorkgroup>();
    workgroup_->When(Contains(denied)).Fails({.code = base::ErrorCode::kPermission});
    workgroup_->When(Contains("svv_all_"))
        .Rows(Names(9), {{"a", "t", {}, "0", {}, "TABLE", {}, {}, {}}});
    const auto session = workgroup_->Login();
    EXPECT_THAT(DescribeSchemas(*session, "dev", {}, {}), SizeIs(1)) << denied;
  }
}

TEST_F(OverviewTest, LooksOverSchemasAndTablesAtOnceUnlessAViewIsDenied) {
  const std::vector<Row> rows = {{"a", "t", {}, "0", {}, "TABLE", {}, {}, {}},
                                 {"a", "t", "id", "1", "NO", "integer", {}, "32", "0"},
                                 {"a", {}, {}, "0", {}, "local", {}, {}, {}},
                                 {"b", {}, {}, "0", {}, "shared", {}, {}, {}}};
  workgroup_->When(Contains("svv_all_schemas")).Once().Rows(Names(9), rows);
  auto session = workgroup_->Login();
  auto overview = LookOver(*session, "dev", {}, {});
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
  ASSERT_THAT(overview.schemas, SizeIs(2));
  EXPECT_EQ(overview.schemas[1].name, "b");
  EXPECT_EQ(overview.schemas[1].type, "shared");
  ASSERT_THAT(overview.tables, SizeIs(1));
  EXPECT_THAT(overview.tables[0].columns, SizeIs(1));

  workgroup_ = std::make_shared<FakeWorkgroup>();
  workgroup_->When(Contains("svv_all_schemas")).Fails({.code = base::ErrorCode::kPermission});
  workgroup_->When(Contains("DISTINCT schema_name")).Rows(Names(1), {{"a"}});
  workgroup_->When(Contains("svv_all_columns")).Rows(Names(9), {rows[0], rows[1]});
  session = workgroup_->Login();
  overview = LookOver(*session, "dev", {}, {});
  EXPECT_THAT(overview.schemas, SizeIs(1));
  EXPECT_THAT(overview.tables, SizeIs(1));
}

TEST_F(OverviewTest, PutsTheColumnsOfAKeyInItsOwnOrder) {
  workgroup_->When(Contains("pg_constraint"))
      .Rows(
          Names(5),
          {{"a", "t", "x", "1", "3 1"}, {"a", "t", "y", "3", "3 1"}, {"b", "t", "id", "11", "11"}});
  const auto session = workgroup_->Login();
  const auto keys = PrimaryKeys(*session, {}, {});
  EXPECT_THAT(keys.at({"a", "t"}), ElementsAre("y", "x"));
  EXPECT_THAT(keys.at({"b", "t"}), ElementsAre("id"));
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
}

TEST_F(OverviewTest, ReadsSizes) {
  workgroup_->When(Contains("svv_table_info"))
      .Rows(Names(4), {{"a", "t", "1200", "3"}, {"a", "u", {}, "3"}});
  const auto session = workgroup_->Login();
  const auto sizes = TableSizes(*session, {"a"}, {});
  ASSERT_THAT(sizes, SizeIs(1));
  EXPECT_EQ(sizes.at({"a", "t"}).rows, 1200U);
  EXPECT_EQ(sizes.at({"a", "t"}).bytes, 3U << 20U);
}

TEST_F(OverviewTest, LeavesOutWhatMayNotBeAskedButTellsABrokenSession) {
  workgroup_->When(Contains("pg_constraint")).Fails({.code = base::ErrorCode::kSource});
  workgroup_->When(Contains("svv_table_info")).Once().Fails({.code = base::ErrorCode::kPermission});
  workgroup_->When(Contains("svv_table_info")).Fails({.code = base::ErrorCode::kUnreachable});
  const auto session = workgroup_->Login();
  EXPECT_THAT(PrimaryKeys(*session, {}, {}), IsEmpty());
  EXPECT_THAT(TableSizes(*session, {}, {}), IsEmpty());
  EXPECT_THROW(TableSizes(*session, {}, {}), base::Error);
}

}  // namespace
}  // namespace sluice::redshift
