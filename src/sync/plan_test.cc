// Goal: a plan says before anything is read what a sync could not do, and of whom.
#include "sync/plan.h"

#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PlanTest : public RunFixture {
 protected:
  PlanTest() {
    workgroup_->When(redshift::testing::Contains("LIMIT 0"))
        .Describes({{.name = "n", .type_oid = 23}, {.name = "m", .type_oid = 23}});
    session_ = workgroup_->Login();
    stream_ = {.name = "orders", .sql = "SELECT n, m FROM orders"};
  }
  Foreseen Foresee(destinations::Destination* destination) {
    RunCatalog catalog({stream_}, "dev", clock_);
    return sync::Foresee(*session_, catalog, destination, stream_, options_, clock_.Utc(), {});
  }
  Foreseen Foresee() { return Foresee(&destination_); }

  std::unique_ptr<redshift::Session> session_;
  model::Stream stream_;
};

TEST_F(PlanTest, IsTheOneOfASync) {
  const Foreseen foreseen = Foresee();
  ASSERT_TRUE(foreseen.plan);
  EXPECT_EQ(foreseen.error, std::nullopt);
  EXPECT_FALSE(foreseen.at_destination);
  RunCatalog catalog({stream_}, "dev", clock_);
  const StreamPlan plan =
      PlanStream(*session_, catalog, destination_, stream_, options_, clock_.Utc(), {});
  EXPECT_EQ(plan.select, foreseen.plan->select);
  EXPECT_EQ(plan.target.table, foreseen.plan->target.table);
}

TEST_F(PlanTest, NeedsItsKeyCursorAndMarkForAMerge) {
  stream_.write_mode = model::WriteMode::kMerge;
  stream_.primary_key = {"n", "key"};
  stream_.cursor = "c";
  stream_.deletes.column = "d";
  std::vector<std::string> needed;
  for (const auto& column : ColumnsNeeded(stream_))
    needed.push_back(column.field + " " + column.name);
  EXPECT_THAT(needed,
              ElementsAre("primary_key n", "primary_key key", "cursor c", "deletes.column d"));
  EXPECT_THAT(ColumnsIgnored(stream_), IsEmpty());
  const Foreseen foreseen = Foresee();
  ASSERT_TRUE(foreseen.error);
  EXPECT_EQ(foreseen.error->reason, "no_stream_column");
  EXPECT_EQ(foreseen.error->facts.at("column"), "key");
  EXPECT_FALSE(foreseen.at_destination);
}

TEST_F(PlanTest, NeedsTheKeyToCutPiecesAndNothingToOverwrite) {
  stream_.primary_key = {"key"};
  stream_.cursor = "c";
  EXPECT_TRUE(Foresee().plan) << "an overwrite looks at neither";
  stream_.split = model::Split{.pieces = 2, .column = std::nullopt};
  ASSERT_TRUE(Foresee().error);
  EXPECT_EQ(Foresee().error->facts.at("field"), "primary_key");
  stream_.split = model::Split{.pieces = 2, .column = "s"};
  ASSERT_TRUE(Foresee().error);
  EXPECT_EQ(Foresee().error->facts.at("field"), "split.column");
}

TEST_F(PlanTest, TellsWhenItIsTheDestinationThatRefuses) {
  destination_.before = [](const std::string& step, const std::string&) {
    if (step == "examine") throw Failure(base::ErrorCode::kUnsupported);
  };
  Foreseen foreseen = Foresee();
  ASSERT_TRUE(foreseen.error);
  EXPECT_TRUE(foreseen.at_destination);
  EXPECT_TRUE(Foresee(nullptr).plan) << "it could be read";
  destination_.before = nullptr;
  destination_.capabilities.overwrite = false;
  foreseen = Foresee();
  ASSERT_TRUE(foreseen.error);
  EXPECT_EQ(foreseen.error->reason, "stream_mode");
  EXPECT_TRUE(foreseen.at_destination);
}

TEST_F(PlanTest, OfATargetThatIsRefusedPaysForNoUnload) {
  streams_.resize(1);
  ServerUnloads();
  destination_.before = [](const std::string& step, const std::string&) {
    if (step == "examine") throw Failure(base::ErrorCode::kUnsupported);
  };
  const RunResult result = Run();
  ASSERT_TRUE(result.streams.at(0).error);
  EXPECT_EQ(result.streams.at(0).error->code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(CountOf("UNLOAD"), 0U);
}

TEST_F(PlanTest, AsksNothingOfTheCatalogThatWasTold) {
  stream_ = {.name = "s.t", .table = model::TableName{"s", "t"}};
  RunCatalog catalog({stream_}, "dev", clock_);
  catalog.Know(
      {.name = {"s", "t"}, .columns = {{.name = "n", .type = {.kind = model::TypeKind::kInt32}}}});
  const std::size_t before = workgroup_->statements().size();
  EXPECT_EQ(catalog.Describe(*session_, stream_, {}).size(), 1U);
  EXPECT_EQ(workgroup_->statements().size(), before);
}

TEST_F(PlanTest, TargetsClashWhereNamesFoldOrSchemasAreReplaced) {
  const auto table = [](std::string schema, std::string name) {
    return model::Stream{.name = schema + "." + name, .table = model::TableName{schema, name}};
  };
  std::vector<model::Stream> streams = {
      table("a", "t"), table("b", "t"), table("a", "T"), {.name = "t", .sql = "SELECT 1"}};
  auto clashes = TargetClashes(streams, options_);
  ASSERT_EQ(clashes.size(), 1U);
  EXPECT_EQ(clashes[0].subject, "stream a.T");
  EXPECT_EQ(clashes[0].reason, "one_target");
  options_.destination_schema = "b";
  clashes = TargetClashes(streams, options_);
  ASSERT_EQ(clashes.size(), 3U);
  EXPECT_THAT(clashes[2].message, HasSubstr("table b.t, as stream a.t does"));
  EXPECT_THAT([&] { CheckTargets(streams, options_); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
  options_.destination_schema.reset();
  streams = {table("a.b", "c"), table("a", "b.c")};
  EXPECT_THAT(TargetClashes(streams, options_), IsEmpty()) << "a dot may be part of a name";
}

TEST_F(PlanTest, NoFolderForPartsStopsARunBeforeItLogsIn) {
  options_.work_dir = "/proc/version/parts";
  EXPECT_THAT([&] { Run(); }, test::ThrowsError(base::ErrorCode::kPermission));
  EXPECT_EQ(workgroup_->logins(), 1) << "the one of this test";
}

}  // namespace
}  // namespace sluice::sync
