// Goal: a shaped stream is read, followed and landed as its shape says; what is there is not mixed
// with what another shape brings; and the salt goes to UNLOAD alone.
#include "sync/plan.h"
#include "sync/rights.h"
#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Rule = model::ShapeRule::Kind;

class ShapeTest : public RunFixture {
 protected:
  ShapeTest() {
    workgroup_ = std::make_shared<redshift::testing::FakeWorkgroup>();
    streams_ = {{.name = "orders",
                 .sql = "SELECT n, Mail FROM orders",
                 .sync_mode = model::SyncMode::kIncremental,
                 .write_mode = model::WriteMode::kMerge,
                 .primary_key = {"Mail"},
                 .cursor = "n"}};
    stream().shape = {.rules = {{.kind = Rule::kRename, .column = "Mail", .name = "who"},
                                {.kind = Rule::kRename, .column = "n", .name = "number"},
                                {.kind = Rule::kHash, .column = "Mail"}},
                      .where = "n > 5",
                      .salt = base::Secret("pepper")};
    columns_ = {{"n", {.kind = model::TypeKind::kInt32}},
                {"Mail", {.kind = model::TypeKind::kVarchar, .bytes_max = 9}}};
  }
  model::Stream& stream() { return streams_.at(0); }
  StreamPlan Plan(std::optional<model::Watermark> committed = std::nullopt) {
    return DecidePlan(stream(), columns_, std::move(committed), options_, clock_.Utc());
  }
  static model::Watermark After(const StreamPlan& plan) {
    return {.stream = "orders", .value = "70", .cursor = "n", .shape = plan.shape};
  }
  std::string ReasonAfter(const model::Watermark& committed) {
    try {
      Plan(committed);
    } catch (const base::Error& error) {
      return error.info().reason;
    }
    return "";
  }

  void SourceTellsItsColumns() {
    workgroup_->When(redshift::testing::Contains("LIMIT 0"))
        .Describes({{.name = "n", .type_oid = 23}, {.name = "Mail", .type_oid = 1043}});
  }

  std::vector<model::Column> columns_;
};

TEST_F(ShapeTest, IsReadUnderTheSourcesNamesAndLandsUnderItsOwn) {
  stream().key_scan = std::chrono::hours(0);
  const StreamPlan plan = Plan(After(Plan()));
  EXPECT_EQ(plan.columns_read().at(1).name, "Mail");
  EXPECT_EQ(plan.target.columns.at(1).name, "who");
  EXPECT_THAT(plan.target.primary_key, ElementsAre("who"));
  EXPECT_EQ(plan.target.cursor, "number");
  EXPECT_EQ(plan.stream.cursor, "n") << "what the state keeps";
  ASSERT_TRUE(plan.key_select);
  for (const std::string& shown : {plan.select, *plan.key_select}) {
    EXPECT_THAT(shown,
                AllOf(HasSubstr("WHERE (n > 5)"), HasSubstr("[salt]"), Not(HasSubstr("pepper"))));
  }
}

TEST_F(ShapeTest, OfAnotherFilterSaltMaskOrKeyNameIsReadInFull) {
  const model::Watermark committed = After(Plan());
  EXPECT_EQ(ReasonAfter(committed), "");
  const model::Shape before = stream().shape;
  const auto with = [&](const std::function<void(model::Shape&)>& change) {
    stream().shape = before;
    change(stream().shape);
    return ReasonAfter(committed);
  };
  EXPECT_EQ(with([](auto& shape) { shape.where = "n > 6"; }), "other_shape");
  EXPECT_EQ(with([](auto& shape) { shape.where.reset(); }), "other_shape");
  EXPECT_EQ(with([](auto& shape) { shape.salt = base::Secret("salt"); }), "other_shape");
  EXPECT_EQ(with([](auto& shape) { shape.rules.at(0).name = "whom"; }), "other_shape");
  // These are the destination's to judge.
  EXPECT_EQ(with([](auto& shape) { shape.rules.at(1).name = "no"; }), "");
  EXPECT_EQ(with([](auto& shape) { shape.add_synced_at = true; }), "");
  stream().shape = before;
  model::Watermark plain = committed;
  plain.shape.reset();
  EXPECT_EQ(ReasonAfter(plain), "other_shape") << "of a stream that had no filter";
  options_.full = true;
  EXPECT_EQ(ReasonAfter(plain), "");
  options_.full = false;
  stream().sync_mode = model::SyncMode::kFullRefresh;
  EXPECT_EQ(ReasonAfter(plain), "") << "all of it is read again anyway";
}

TEST_F(ShapeTest, TellsOfRowsThatLeaveTheFilterAndStay) {
  EXPECT_THAT(Plan().notes, ElementsAre(HasSubstr("key_scan")));
  stream().key_scan = std::chrono::hours(24);
  EXPECT_THAT(Plan().notes, IsEmpty());
  stream().key_scan.reset();
  stream().shape.where.reset();
  EXPECT_THAT(Plan().notes, IsEmpty());
}

TEST_F(ShapeTest, GivesTheSaltToUnloadAlone) {
  SourceTellsItsColumns();
  workgroup_->When(redshift::testing::Contains("max(\"n\")")).Rows({"max", "below"}, {{"70", "f"}});
  workgroup_->When(redshift::testing::StartsWith("UNLOAD"))
      .Fails({.code = base::ErrorCode::kSource, .message = "near SHA2('pepper' || x)"});
  const RunResult result = Run();
  ASSERT_TRUE(result.streams.at(0).error);
  EXPECT_THAT(result.streams.at(0).error->message, "near SHA2('[secret]' || x)");
  for (const auto& sql : workgroup_->statements()) {
    if (sql.starts_with("UNLOAD")) {
      EXPECT_THAT(sql, HasSubstr("SHA2(''pepper'' || "));
    } else {
      EXPECT_THAT(sql, Not(HasSubstr("pepper")));
    }
  }
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
}

TEST_F(ShapeTest, AFilterThatCannotBeRunIsToldBeforeAnythingIsUnloaded) {
  workgroup_->When(redshift::testing::Contains("sluice_shape"))
      .Fails({.code = base::ErrorCode::kNotFound, .message = "column n does not exist"});
  SourceTellsItsColumns();
  const RunResult result = Run();
  ASSERT_TRUE(result.streams.at(0).error);
  EXPECT_EQ(result.streams.at(0).error->reason, "shape");
  EXPECT_THAT(result.streams.at(0).error->remedy, HasSubstr("Correct `where` or `cast`"));
  EXPECT_EQ(CountOf("UNLOAD"), 0U);
  // A dry run shows what cannot be run.
  const auto planned = sync::Plan(streams_, options_, Parts(), {});
  ASSERT_TRUE(planned.at(0).error && planned.at(0).plan);
  EXPECT_THAT(planned.at(0).plan->select, HasSubstr("WHERE (n > 5)"));
}

TEST_F(ShapeTest, NeedsNoRightToAColumnThatItDoesNotRead) {
  stream().sql.reset();
  stream().table = model::TableName{"sales", "orders"};
  EXPECT_THAT(RightsNeeded(Plan()),
              ElementsAre(R"(USAGE ON SCHEMA "sales")", R"(SELECT ON "sales"."orders")"));
  stream().primary_key = {"n"};
  stream().shape = {.rules = {{.kind = Rule::kMask, .column = "Mail"}}, .add_source = true};
  EXPECT_THAT(RightsNeeded(Plan()),
              ElementsAre(R"(USAGE ON SCHEMA "sales")", R"(SELECT ("n") ON "sales"."orders")"));
  stream().table.reset();
  stream().sql = "SELECT n, Mail FROM a.x JOIN a.y USING (n)";
  EXPECT_THAT(RightsNeeded(Plan()), ElementsAre(R"(USAGE ON SCHEMA "a")", R"(SELECT ON "a"."x")",
                                                R"(SELECT ON "a"."y")"));
}

}  // namespace
}  // namespace sluice::sync
