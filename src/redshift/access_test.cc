// Goal: one statement tells for every table asked why it can or cannot be read, names of any kind
// included, and nothing of one table is taken for another's.
#include "redshift/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using ::testing::AllOf;
using testing::Contains;
using ::testing::ElementsAre;
using testing::FakeWorkgroup;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const base::Call kCall{.deadline = base::Deadline::Never(), .stop = {}};

class LookUp : public ::testing::Test {
 protected:
  void Row(const std::string& kind, const std::string& schema, const std::string& table,
           const std::string& name, const std::string& flag) {
    rows_.push_back({schema, table, name, "1", flag, "integer", std::nullopt, std::nullopt,
                     std::nullopt, kind});
  }
  Access Ask(const std::vector<model::TableName>& tables, const std::vector<std::string>& users) {
    workgroup_->When(Contains("svv_all_columns"))
        .Rows({"schema_name", "table_name", "column_name", "ordinal_position", "is_nullable",
               "data_type", "length", "precision", "scale", "kind"},
              rows_);
    const auto session = workgroup_->Login();
    return LookUpAccess(*session, "dev", tables, users, kCall);
  }
  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
  std::vector<std::vector<std::optional<std::string>>> rows_;
};

TEST_F(LookUp, TellsTablesApart) {
  Row("schema", "s", "", "", "yes");
  Row("schema", "hidden", "", "", "no");
  Row("schema", "public", "", "", "yes");
  Row("sibling", "s", "a", "", "");
  Row("table", "s", "a", "ann", "yes");
  Row("table", "s", "b", "bob", "no");
  Row("attribute", "s", "b", "id", "");
  Row("attribute", "s", "b", "name", "");
  Row("other", "s", "b", "reader", "");
  Row("column", "s", "a", "id", "NO");
  const Access access = Ask({{"s", "a"}, {"s", "b"}, {"hidden", "a"}, {"gone", "a"}}, {"reader"});
  EXPECT_THAT(access.usable_schemas, ElementsAre("s", "public"));
  ASSERT_EQ(access.tables.size(), 4U);
  const auto& a = access.tables[0];
  EXPECT_TRUE(a.schema_usage && a.table_exists && a.select);
  ASSERT_TRUE(a.readable);
  EXPECT_EQ(a.readable->columns.at(0).name, "id");
  EXPECT_FALSE(a.readable->columns.at(0).nullable);
  EXPECT_THAT(a.others, IsEmpty());
  const auto& b = access.tables[1];
  EXPECT_TRUE(b.table_exists && !b.select && !b.readable);
  EXPECT_EQ(b.owner, "bob");
  EXPECT_EQ(b.sibling, "a");
  EXPECT_THAT(b.columns, ElementsAre("id", "name"));
  EXPECT_THAT(b.others, ElementsAre("reader"));
  EXPECT_TRUE(access.tables[2].schema_exists && !access.tables[2].schema_usage);
  EXPECT_FALSE(access.tables[2].table_exists) << "of another schema";
  EXPECT_FALSE(access.tables[3].schema_exists);
}

TEST_F(LookUp, QuotesNamesAndAsksOnce) {
  Ask({{"it's", R"(a\b)"}, {"it's", "c"}}, {"IAMR:Reader's"});
  ASSERT_EQ(workgroup_->statements().size(), 1U);
  EXPECT_THAT(workgroup_->statements().front(),
              AllOf(HasSubstr(R"(n.nspname = 'it''s' AND c.relname IN ('a\\b', 'c'))"),
                    HasSubstr("lower(u.usename) IN ('iamr:reader''s')")));
}

TEST_F(LookUp, WithoutUsersLeavesTheirBranchOut) {
  Ask({{"s", "a"}}, {});
  EXPECT_THAT(workgroup_->statements().front(), Not(HasSubstr("pg_user")));
}

TEST_F(LookUp, RefusalIsTheSessions) {
  workgroup_->When(Contains("svv_all_columns"))
      .Fails({.code = base::ErrorCode::kUnsupported, .operation = "query", .message = "no"});
  EXPECT_THAT([&] { Ask({{"s", "a"}}, {}); }, test::ThrowsError(base::ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace sluice::redshift
