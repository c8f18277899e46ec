// Goal: what was paid for is not paid for twice, and what is old, other or broken is not used.
#include "sync/read/adoption.h"

#include <thread>

#include "sync/ledger/ledger.h"
#include "sync/run.h"
#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using redshift::testing::Contains;
using redshift::testing::StartsWith;
using std::chrono::hours;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// -- adoption -----------------------------------------------------------------------------------

class AdoptionTest : public RecoveryTest, public ::testing::WithParamInterface<Effect> {};

TEST_P(AdoptionTest, AFinishedUnloadIsNotPaidForTwice) {
  ServerUnloads();
  RunKilledAt(GetParam());
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_TRUE(result.adopted_from);
  EXPECT_EQ(result.proof.notice_rows, 10U);  // the ledger kept it
  EXPECT_TRUE(result.proof.Agrees());
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
  // No question was asked of the server: the ledger knew the end of it.
  EXPECT_EQ(CountOf("SELECT session_id"), 0U);
}
INSTANTIATE_TEST_SUITE_P(EachEffect, AdoptionTest,
                         ::testing::Values(Effect::kPieceUnloaded, Effect::kUnloaded,
                                           Effect::kLoaded),
                         [](const auto& effect) { return std::string(ToString(effect.param)); });

TEST_F(RecoveryTest, AnAdoptionThatDiesIsAdoptedAgain) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  RunKilledAt(Effect::kAdopted);
  RunKilledAt(Effect::kLoaded);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnEmptyUnloadIsAdoptedByItsNotice) {
  ServerUnloads(0, 0);
  RunKilledAt(Effect::kUnloaded);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(RowsThere(), 0U);
}

TEST_F(RecoveryTest, AFullRefreshTakesNothingOlderThanAnHour) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  clock_.Advance(hours(1));
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_FALSE(result.adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnIncrementalReadIsGoodForTwoDays) {
  MakeIncremental();
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  clock_.Advance(hours(47));
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(result.watermark, "70");
  EXPECT_EQ(CountOf("SELECT CAST(max"), 1U);  // `high` is the dead attempt's
  ExpectClean();
}

TEST_F(RecoveryTest, AndNotForLonger) {
  MakeIncremental();
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  clock_.Advance(hours(48));
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, WhatBeganInTheFutureIsNotAdopted) {
  MakeIncremental();
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  clock_.Advance(-hours(24));
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnotherSelectIsReadAnew) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  streams_[0].sql = "SELECT n FROM orders WHERE n > 1";
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnotherTypeIsReadAnew) {
  workgroup_ = std::make_shared<redshift::testing::FakeWorkgroup>();
  workgroup_->When(Contains("LIMIT 0")).Once().Describes({{.name = "n", .type_oid = 23}});
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "n", .type_oid = 20}});
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
}

TEST_F(RecoveryTest, FullReadsAnew) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  options_.full = true;
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnotherCommitSinceMakesItStale) {
  MakeIncremental();
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  auto tables = destination_.tables();
  tables["orders"].watermark = {
      .stream = "orders", .value = "60", .cursor = "n", .run = "other", .attempt = "machine"};
  destination_.Restore(tables);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  ExpectClean();
}

TEST_F(RecoveryTest, WhatWasCommittedIsNotLoadedAgain) {
  MakeIncremental();
  ServerUnloads();
  RunKilledAt(Effect::kCommitted);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_FALSE(result.adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);  // an ordinary sync from the watermark on
  ExpectClean();
}

TEST_F(RecoveryTest, APartThatIsGoneOrCutIsNotAdopted) {
  for (const bool cut : {false, true}) {
    destination_.Restore({});
    const auto before = CountOf("UNLOAD");
    if (before == 0) ServerUnloads();
    RunKilledAt(Effect::kUnloaded);
    const std::string part = DeadPrefix() + "rows/0000_part_00.parquet";
    store_.Remove(part);
    if (cut) store_.Add(part, "short");
    const StreamResult result = RunOne();
    ASSERT_EQ(result.error, std::nullopt);
    EXPECT_FALSE(result.adopted_from);
    EXPECT_EQ(CountOf("UNLOAD"), before + 2);
    ExpectClean();
  }
}

TEST_F(RecoveryTest, AdoptedPartsWhoseCountsDisagreeAreReadAnewOnce) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  destination_.lose_rows = 1;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "begin" && CountOf("UNLOAD") == 2) destination_.lose_rows = 0;
  };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  EXPECT_FALSE(result.adopted_from);
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
}

// The source may have changed since: "8 of 10 rows would go" must not come back for two days.
TEST_F(RecoveryTest, AnAdoptionThatTheDestinationRefusesIsReadAnew) {
  for (const ErrorCode code : {ErrorCode::kConflict, ErrorCode::kUnsupported}) {
    ServerUnloads();
    RunKilledAt(Effect::kUnloaded);
    const std::size_t before = CountOf("UNLOAD");
    destination_.before = [this, before, code](const std::string& step, const std::string&) {
      if (step == "commit" && CountOf("UNLOAD") == before) throw Failure(code);
    };
    const StreamResult result = RunOne();
    ASSERT_EQ(result.error, std::nullopt);
    destination_.before = nullptr;
    EXPECT_EQ(CountOf("UNLOAD"), before + 1);
    EXPECT_FALSE(result.adopted_from);
    ExpectClean();
  }
}

TEST_F(RecoveryTest, ARefusalOfWhatWasJustReadIsFinal) {
  ServerUnloads();
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "commit") throw Failure(ErrorCode::kConflict);
  };
  EXPECT_EQ(RunOne().error->code, ErrorCode::kConflict);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

TEST_F(RecoveryTest, KeyScansAreAdoptedWithTheirRows) {
  MakeIncremental();
  ServerUnloads();
  RunOne();
  streams_[0].key_scan = hours(0);
  RunKilledAt(Effect::kUnloaded);
  ASSERT_EQ(CountOf("UNLOAD"), 3U);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 3U);
  EXPECT_EQ(result.keys_compared, 10U);
  // The keys are as old as their snapshot.
  EXPECT_EQ(destination_.tables().at("orders").watermark.keys_compared, result.adopted_from);
  ExpectClean();
}

TEST_F(RecoveryTest, RowsAreAdoptedWithoutTheirKeysAndTheKeysReadAnew) {
  MakeIncremental();
  ServerUnloads();
  RunOne();
  streams_[0].key_scan = hours(0);
  RunKilledAt(Effect::kPieceUnloaded);  // the rows' own
  NothingRunsAtTheServer();
  const auto before = CountOf("UNLOAD");
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_TRUE(result.adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), before + 1);
  EXPECT_EQ(result.keys_compared, 10U);
  ExpectClean();
}

TEST_F(RecoveryTest, WhatMayYetBeAdoptedStaysIfTheDestinationIsAway) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  const std::string dead = DeadPrefix();
  destination_.before = [](const std::string& step, const std::string&) {
    if (step == "read") throw Failure(ErrorCode::kUnreachable);
  };
  const StreamResult result = RunOne();
  EXPECT_EQ(result.error->code, ErrorCode::kUnreachable);
  EXPECT_THAT(result.kept, ElementsAre("s3://b/" + dead));
  EXPECT_THAT(store_.Keys(), SizeIs(4));
  destination_.before = nullptr;
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

TEST_F(RecoveryTest, OtherStreamsDeadAttemptsAreSwept) {
  ServerUnloads();
  RunKilledAt(Effect::kUnloaded);
  streams_ = {{.name = "items", .sql = "SELECT n FROM items"}};
  ASSERT_EQ(RunOne().error, std::nullopt);
  ExpectClean();
}

// -- zombies ------------------------------------------------------------------------------------

TEST_F(RecoveryTest, AZombieThatEndsSoonIsAdopted) {
  ServerUnloads();
  RunKilledAt(Effect::kPrefixRecorded);
  std::string prefix;
  {
    Ledger ledger(options_.ledger, clock_);
    prefix = ledger.DeadAttempts("").at(0).prefix;
  }
  workgroup_->When(Contains("sys_unload_history"))
      .Rows({"session_id", "unloaded_location"}, {{"17", "s3://b/" + prefix + "rows/"}});
  int looks = 0;
  store_.before = [&](const std::string& operation, const std::string& key) {
    if (operation == "get" && key.starts_with(prefix) && ++looks == 3) {
      WriteParts(prefix + "rows/", 2, 5);
    }
  };
  const auto before = CountOf("UNLOAD");
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_TRUE(result.adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), before);
  EXPECT_EQ(CountOf("CANCEL"), 0U);
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
}

TEST_F(RecoveryTest, AZombieThatDoesNotEndIsCancelledAndReadAnew) {
  ServerUnloads();
  RunKilledAt(Effect::kPrefixRecorded);
  std::string prefix;
  {
    Ledger ledger(options_.ledger, clock_);
    prefix = ledger.DeadAttempts("").at(0).prefix;
  }
  workgroup_->When(Contains("sys_unload_history"))
      .Rows({"session_id", "unloaded_location"},
            {{"17", "s3://b/" + prefix + "rows/"}, {"18", "s3://b/sluice/acme/other/rows/"}});
  workgroup_->When(StartsWith("CANCEL"));
  const auto before = CountOf("UNLOAD");
  const auto began = clock_.Steady();
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_LT(clock_.Steady() - began, std::chrono::minutes(6));
  EXPECT_EQ(CountOf("CANCEL 17"), 1U);
  EXPECT_EQ(CountOf("CANCEL"), 1U);
  EXPECT_EQ(CountOf("SELECT session_id"), 1U);
  EXPECT_EQ(CountOf("UNLOAD"), before + 1);
  // It is swept for two days all the same, but the server is not asked again.
  WriteParts(prefix + "rows/", 1, 1);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("SELECT session_id"), 1U);
  ExpectClean();
}

TEST_F(RecoveryTest, FullCancelsAZombieToo) {
  ServerUnloads();
  RunKilledAt(Effect::kPrefixRecorded);
  std::string prefix;
  {
    Ledger ledger(options_.ledger, clock_);
    prefix = ledger.DeadAttempts("").at(0).prefix;
  }
  workgroup_->When(Contains("sys_unload_history"))
      .Rows({"session_id", "unloaded_location"}, {{"17", "s3://b/" + prefix + "rows/"}});
  workgroup_->When(StartsWith("CANCEL")).Fails({.code = ErrorCode::kSource});
  options_.full = true;
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("CANCEL 17"), 1U);
  ExpectClean();
}

// -- pieces -------------------------------------------------------------------------------------

class PiecesTest : public RecoveryTest {
 protected:
  PiecesTest() {
    MakeIncremental();
    streams_[0].split = model::Split{.pieces = 4};
    NothingRunsAtTheServer();
  }
  // The server goes away in the n-th UNLOAD, having written nothing of it.
  void DiesInUnload(int n) {
    workgroup_->When(StartsWith("UNLOAD"))
        .Times(n - 1)
        .Runs([this](std::string_view sql) { WriteParts(PrefixOf(sql), 1, 5); })
        .Unloads(5);
    workgroup_->When(StartsWith("UNLOAD")).Once().Fails(Lost());
  }
};

TEST_F(PiecesTest, AreOneTransactionOneLoadAndOneCommit) {
  ServerUnloads(1, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("BEGIN"), 1U);
  EXPECT_EQ(CountOf("UNLOAD"), 4U);
  EXPECT_EQ(CountOf("SELECT CAST(max"), 1U);
  EXPECT_EQ(result.proof.notice_rows, 20U);
  EXPECT_TRUE(result.proof.Agrees());
  EXPECT_EQ(RowsThere(), 20U);
  ExpectClean();
}

TEST_F(PiecesTest, FinishedOnesAreNotReadAgainAfterALostConnection) {
  DiesInUnload(3);
  ServerUnloads(1, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(CountOf("UNLOAD"), 5U);           // 2 + the lost one + the 2 that were missing
  EXPECT_EQ(CountOf("SELECT CAST(max"), 1U);  // all pinned to one `high`
  EXPECT_EQ(RowsThere(), 20U);
  EXPECT_EQ(result.watermark, "70");
  ExpectClean();
}

TEST_F(PiecesTest, TwiceLostOnesAreGatheredFromBothAttempts) {
  DiesInUnload(2);
  DiesInUnload(2);
  ServerUnloads(1, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 3);
  EXPECT_EQ(CountOf("UNLOAD"), 6U);
  EXPECT_EQ(RowsThere(), 20U);
  ExpectClean();
}

TEST_F(PiecesTest, FinishedOnesAreNotReadAgainAfterADeath) {
  ServerUnloads(1, 5);
  int piece = 0;
  std::shared_ptr<const test::FakeObjectStore::Image> bucket;
  const auto saved = dir_.path() / "third";
  after_effect_ = [&](Effect effect, std::string_view) {
    if (effect != Effect::kPieceUnloaded || ++piece != 3) return;
    bucket = store_.Save();
    CopyLedger(options_.ledger, saved);
  };
  RunOne();
  after_effect_ = nullptr;
  store_.Restore(*bucket);
  destination_.Restore({});
  CopyLedger(saved, options_.ledger);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 5U);
  EXPECT_EQ(RowsThere(), 20U);
  ExpectClean();
}

TEST_F(PiecesTest, AreReadAnewWhereAbsenceWouldDelete) {
  ServerUnloads(1, 5);
  RunOne();
  workgroup_ = std::make_shared<redshift::testing::FakeWorkgroup>();
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "n", .type_oid = 23}});
  workgroup_->When(Contains("max(\"n\")")).Rows({"max", "below"}, {{"70", "f"}});
  NothingRunsAtTheServer();
  DiesInUnload(3);
  ServerUnloads(1, 5);
  options_.full = true;
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 7U);
  ExpectClean();
}

TEST_F(PiecesTest, AreReadAnewWhereARowCouldBeInTwo) {
  streams_[0].write_mode = model::WriteMode::kAppend;
  streams_[0].null_cursor = model::NullCursor::kFirst;
  DiesInUnload(3);
  ServerUnloads(1, 5);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 7U);
  EXPECT_EQ(RowsThere(), 20U);
  ExpectClean();
}

TEST(MayMixSnapshots, OnlyWhereARowKeepsItsPieceUntilItIsStampedAnew) {
  StreamPlan plan;
  plan.stream = {.name = "s.t", .primary_key = {"id", "line"}, .cursor = "changed"};
  plan.stream.split = model::Split{.pieces = 2};
  plan.range.emplace();
  EXPECT_TRUE(MayMixSnapshots(plan));
  for (const char* column : {"id", "line", "changed"}) {
    plan.stream.split->column = column;
    EXPECT_TRUE(MayMixSnapshots(plan)) << column;
  }
  plan.stream.split->column = "price";
  EXPECT_FALSE(MayMixSnapshots(plan));
}

TEST_F(PiecesTest, OfAFullRefreshAreAllThereOrAllReadAnew) {
  streams_[0].sync_mode = model::SyncMode::kFullRefresh;
  DiesInUnload(3);
  ServerUnloads(1, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_FALSE(result.adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), 7U);
  RunKilledAt(Effect::kUnloaded);
  const auto before = CountOf("UNLOAD");
  EXPECT_TRUE(RunOne().adopted_from);
  EXPECT_EQ(CountOf("UNLOAD"), before);
  ExpectClean();
}

TEST_F(PiecesTest, ByRangesAskForTheBoundsInTheSameTransaction) {
  streams_[0].split->column = "n";
  workgroup_ = std::make_shared<redshift::testing::FakeWorkgroup>();
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "n", .type_oid = 23}});
  workgroup_->When(Contains("CAST(min(\"n\")")).Rows({"min", "max"}, {{"1", "9"}});
  workgroup_->When(Contains("max(\"n\")")).Rows({"max", "below"}, {{"9", std::nullopt}});
  ServerUnloads(1, 5);
  ASSERT_EQ(RunOne().error, std::nullopt);
  std::vector<std::string> order;
  for (const auto& sql : workgroup_->statements()) {
    for (const char* word : {"BEGIN", "SELECT CAST(max", "SELECT CAST(min", "UNLOAD", "COMMIT"}) {
      if (sql.starts_with(word)) order.emplace_back(word);
    }
  }
  EXPECT_THAT(order, ElementsAre("BEGIN", "SELECT CAST(max", "SELECT CAST(min", "UNLOAD", "UNLOAD",
                                 "UNLOAD", "UNLOAD", "COMMIT"));
  EXPECT_THAT(workgroup_->statements(),
              ::testing::Contains(AllOf(
                  ::testing::StartsWith("UNLOAD"),
                  HasSubstr("WHERE (((\"n\" <= 9) OR \"n\" IS NULL)) AND (\"n\" >= 3 AND \"n\" < "
                            "5)"))));
}

}  // namespace
}  // namespace sluice::sync
