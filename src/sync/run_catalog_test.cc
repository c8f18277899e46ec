// Goal: one statement for all tables of a schema, and none of its answers used when it is old.
#include "sync/run_catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::sync {
namespace {
using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;

std::vector<std::optional<std::string>> Row(const std::string& table, const std::string& type) {
  return {"s", table, "n", "1", "YES", type, std::nullopt, std::nullopt, std::nullopt};
}

class RunCatalogTest : public ::testing::Test {
 protected:
  RunCatalogTest() {
    const std::vector<std::string> names(9, "x");
    workgroup_->When(Contains("IN ('a', 'b')"))
        .Rows(names, {Row("a", "integer"), Row("b", "integer")});
    workgroup_->When(Contains("IN ('b')")).Rows(names, {Row("b", "bigint")});
    workgroup_->When(Contains("IN ('a')")).Rows(names, {Row("a", "bigint")});
    session_ = workgroup_->Login();
  }
  model::TypeKind TypeOf(int stream) {
    return catalog_.Describe(*session_, streams_[static_cast<std::size_t>(stream)], {})
        .at(0)
        .type.kind;
  }
  std::size_t Statements() const { return workgroup_->statements().size(); }

  test::FakeClock clock_;
  const std::vector<model::Stream> streams_ = {
      {.name = "s.a", .table = model::TableName{"s", "a"}},
      {.name = "q", .sql = "SELECT 1"},
      {.name = "s.b", .table = model::TableName{"s", "b"}}};
  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
  std::unique_ptr<redshift::Session> session_;
  RunCatalog catalog_{streams_, "dev", clock_};
};

TEST_F(RunCatalogTest, AsksOnceForASchema) {
  EXPECT_EQ(TypeOf(0), model::TypeKind::kInt32);
  EXPECT_EQ(TypeOf(2), model::TypeKind::kInt32);
  EXPECT_EQ(Statements(), 1U);
}

TEST_F(RunCatalogTest, TellsWhatIsTrueNowToWhoAsksAgain) {
  TypeOf(0);
  EXPECT_EQ(TypeOf(0), model::TypeKind::kInt64);
  EXPECT_EQ(TypeOf(2), model::TypeKind::kInt32);
  EXPECT_EQ(Statements(), 2U);
}

TEST_F(RunCatalogTest, AsksAgainForTheRestAfterAWhile) {
  TypeOf(0);
  clock_.Advance(kFreshFor + std::chrono::seconds(1));
  EXPECT_EQ(TypeOf(2), model::TypeKind::kInt64);
  EXPECT_EQ(Statements(), 2U);
}

TEST_F(RunCatalogTest, AsksADeniedCatalogOnce) {
  workgroup_ = std::make_shared<FakeWorkgroup>();
  workgroup_->When(Contains("svv_all_columns")).Fails({.code = base::ErrorCode::kPermission});
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "n", .type_oid = 20}});
  session_ = workgroup_->Login();
  EXPECT_EQ(TypeOf(0), model::TypeKind::kInt64);
  EXPECT_EQ(TypeOf(2), model::TypeKind::kInt64);
  EXPECT_EQ(TypeOf(2), model::TypeKind::kInt64);
  // With the kinds and without them, then one select for each.
  EXPECT_EQ(Statements(), 5U);
}

}  // namespace
}  // namespace sluice::sync
