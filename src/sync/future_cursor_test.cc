// Goal: a row dated in the future hides no row that comes after it, deletes none, and is told.
// G20: A row dated in the future hides no row that comes after it.
#include "sync/plan.h"
#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {
using redshift::testing::Contains;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const base::UtcTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);

model::Stream Following(model::WriteMode mode) {
  return {.name = "orders",
          .sql = "SELECT n, u FROM orders",
          .sync_mode = model::SyncMode::kIncremental,
          .write_mode = mode,
          .primary_key = {"n"},
          .cursor = "u",
          .null_cursor = model::NullCursor::kSkip};
}

StreamPlan Decide(const model::Stream& stream, model::TypeKind kind,
                  std::optional<std::string> watermark = std::nullopt,
                  const RunOptions& options = {}) {
  std::optional<model::Watermark> committed;
  if (watermark) committed = {.stream = "orders", .value = watermark, .cursor = "u"};
  return DecidePlan(stream, {{"n", {.kind = model::TypeKind::kInt32}}, {"u", {.kind = kind}}},
                    committed, options, kNow);
}

TEST(DecidePlan, FollowsTimesByTheServersClockAndNothingElse) {
  for (const auto mode : {model::WriteMode::kAppend, model::WriteMode::kMerge}) {
    auto stream = Following(mode);
    for (const auto kind :
         {model::TypeKind::kDate, model::TypeKind::kTimestamp, model::TypeKind::kTimestampTz}) {
      EXPECT_EQ(Decide(stream, kind).range->ahead_max, std::chrono::seconds(0));
    }
    EXPECT_EQ(Decide(stream, model::TypeKind::kInt64).range->ahead_max, std::nullopt);
    stream.cursor_ahead_max.reset();
    EXPECT_EQ(Decide(stream, model::TypeKind::kDate).range->ahead_max, std::nullopt);
  }
}

TEST(DecidePlan, ACompleteMergeIntoRowsThatAreThereLeavesNothingOut) {
  const RunOptions full{.full = true};
  const auto merge = Following(model::WriteMode::kMerge);
  const auto kind = model::TypeKind::kTimestamp;
  EXPECT_TRUE(Decide(merge, kind, "2026-01-01 00:00:00", full).range->whole);
  EXPECT_FALSE(Decide(merge, kind, "2026-01-01 00:00:00").range->whole);
  EXPECT_FALSE(Decide(merge, kind).range->whole);
  EXPECT_FALSE(
      Decide(Following(model::WriteMode::kAppend), kind, "2026-01-01 00:00:00", full).range->whole);
}

TEST(DecidePlan, TellsAWatermarkThatLiesInTheFuture) {
  const auto stream = Following(model::WriteMode::kAppend);
  const auto kind = model::TypeKind::kTimestamp;
  EXPECT_THAT(Decide(stream, kind, "9999-12-31 00:00:00").warnings,
              ElementsAre(HasSubstr("sluice sync orders --full")));
  EXPECT_THAT(Decide(stream, kind, "2026-05-31 23:59:59").warnings, IsEmpty());
  EXPECT_THAT(Decide(stream, kind, "9999-12-31 00:00:00", {.full = true}).warnings, IsEmpty());
  EXPECT_THAT(Decide(stream, model::TypeKind::kInt64, "9999").warnings, IsEmpty());
}

TEST(DecidePlan, TellsACursorThatLosesRows) {
  EXPECT_THAT(Decide(Following(model::WriteMode::kMerge), model::TypeKind::kVarchar).warnings,
              ElementsAre(HasSubstr("letter by letter")));
}

class FutureCursorTest : public RunFixture {
 protected:
  FutureCursorTest() {
    streams_ = {Following(model::WriteMode::kAppend)};
    described_->When(Contains("LIMIT 0"))
        .Describes({{.name = "n", .type_oid = 23}, {.name = "u", .type_oid = 1114}});
    workgroup_ = described_;
  }
  // The answer to the question for the greatest value: value, went back, beyond, far, low beyond.
  void ServerSays(std::vector<std::optional<std::string>> row) {
    workgroup_->When(Contains("max(CASE")).Once().Rows({"a", "b", "c", "d", "e"}, {std::move(row)});
  }
  StreamResult RunOne() { return Run().streams.at(0); }

  std::shared_ptr<redshift::testing::FakeWorkgroup> described_ =
      std::make_shared<redshift::testing::FakeWorkgroup>();
};

TEST_F(FutureCursorTest, RowsThatWaitAreToldWithTheirNumber) {
  ServerUnloads();
  ServerSays({"2026-05-01 00:00:00", std::nullopt, "3", "t", std::nullopt});
  const auto result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.watermark, "2026-05-01 00:00:00");
  EXPECT_THAT(result.warnings, ElementsAre(AllOf(HasSubstr("3 rows"), HasSubstr("future_cursor"))));
  for (const auto& sql : workgroup_->statements()) {
    if (!sql.starts_with("UNLOAD")) continue;
    EXPECT_THAT(sql, HasSubstr("<= TIMESTAMP ''2026-05-01 00:00:00''"));
  }
}

TEST_F(FutureCursorTest, WhatIsAMomentAheadIsNotToldAndWaits) {
  ServerUnloads();
  ServerSays({"2026-05-01 00:00:00", std::nullopt, "3", "f", std::nullopt});
  EXPECT_THAT(RunOne().warnings, IsEmpty());
}

TEST_F(FutureCursorTest, AWatermarkInTheFutureStaysAndIsToldOnce) {
  ServerUnloads();
  ServerSays({"9999-12-31 00:00:00", std::nullopt, "0", "f", std::nullopt});
  ASSERT_EQ(RunOne().watermark, "9999-12-31 00:00:00");
  const auto unloads = CountOf("UNLOAD");
  ServerSays({"2026-05-01 00:00:00", "t", "1", "t", "t"});
  const auto result = RunOne();
  ASSERT_EQ(result.error, std::nullopt) << result.error->message;
  EXPECT_EQ(result.watermark, "9999-12-31 00:00:00") << "nothing is skipped by going on from less";
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("--full")));
  EXPECT_EQ(CountOf("UNLOAD"), unloads) << "there is nothing to read";
}

}  // namespace
}  // namespace sluice::sync
