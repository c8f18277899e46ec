// Goal: a failure that passes costs as little as it must, one that does not is told at once, and
// nothing in doubt is repeated.
// G14: Nothing in doubt is repeated blindly: after a lost COMMIT the destination is asked, after a
// lost UNLOAD the manifest.
#include "sync/stream_sync.h"

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

// -- lost connections ---------------------------------------------------------------------------

TEST_F(RecoveryTest, ALostUnloadThatEndedIsAdoptedByANewLogin) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Once()
      .Runs([this](std::string_view sql) { WriteParts(PrefixOf(sql), 2, 5); })
      .Fails(Lost());
  NothingRunsAtTheServer();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 2);
  EXPECT_TRUE(result.adopted_from);
  EXPECT_EQ(workgroup_->logins(), 2);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
}

TEST_F(RecoveryTest, FullAdoptsWhatItsOwnRunHasUnloaded) {
  options_.full = true;
  workgroup_->When(StartsWith("UNLOAD"))
      .Once()
      .Runs([this](std::string_view sql) { WriteParts(PrefixOf(sql), 2, 5); })
      .Fails(Lost());
  NothingRunsAtTheServer();
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
}

TEST_F(RecoveryTest, ALostUnloadThatLeftNothingIsSentAgainAtAPrefixOfItsOwn) {
  workgroup_->When(StartsWith("UNLOAD")).Once().Fails(Lost());
  NothingRunsAtTheServer();
  ServerUnloads();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_FALSE(result.adopted_from);
  std::set<std::string> prefixes;
  for (const auto& sql : workgroup_->statements()) {
    if (sql.starts_with("UNLOAD")) prefixes.insert(PrefixOf(sql));
  }
  EXPECT_THAT(prefixes, SizeIs(2));
  ExpectClean();
}

TEST_F(RecoveryTest, ThreeLostUnloadsAreEnough) {
  workgroup_->When(StartsWith("UNLOAD")).Fails(Lost());
  NothingRunsAtTheServer();
  const StreamResult result = RunOne();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.attempts, 3);
  EXPECT_EQ(CountOf("UNLOAD"), 3U);
  // Redshift may still write there; of the others it had said that nothing runs.
  EXPECT_THAT(result.left_behind, SizeIs(1));
}

TEST_F(RecoveryTest, ACommitOfTheReadThatIsLostCostsNothing) {
  MakeIncremental();
  workgroup_->When([](std::string_view sql) { return sql == "COMMIT"; }).Fails(Lost());
  ServerUnloads();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 1);
  ExpectClean();
}

TEST_F(RecoveryTest, ARefusedCommitOfTheReadEndsItsTransactionBeforeTheNextTry) {
  MakeIncremental();
  workgroup_->When([](std::string_view sql) { return sql == "COMMIT"; })
      .Once()
      .Fails({.code = ErrorCode::kConflict, .operation = "commit", .retryable = true});
  ServerUnloads();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(CountOf("ROLLBACK"), 1U);
  EXPECT_EQ(workgroup_->logins(), 1);
  ExpectClean();
}

// -- retries ------------------------------------------------------------------------------------

TEST_F(RecoveryTest, AConflictAtTheSourceIsReadAgain) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Times(2)
      .Fails({.code = ErrorCode::kConflict, .operation = "UNLOAD", .retryable = true});
  ServerUnloads();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 3);
  EXPECT_EQ(workgroup_->logins(), 1);
  ExpectClean();
}

TEST_F(RecoveryTest, ALockedDestinationIsAwaitedWithoutAnotherUnload) {
  ServerUnloads();
  int locked = 0;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "begin" && ++locked <= 3) {
      throw base::Error({.code = ErrorCode::kConflict, .operation = "open", .retryable = true});
    }
  };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(locked, 4);
  ExpectClean();
}

TEST_F(RecoveryTest, ALoadThatBreaksHalfWayBeginsAnewFromTheStagedParts) {
  ServerUnloads(3);
  int adds = 0;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "commit" && ++adds == 1) {
      throw base::Error({.code = ErrorCode::kDestination, .operation = "x", .retryable = true});
    }
  };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  EXPECT_EQ(RowsThere(), 15U);
  EXPECT_EQ(result.proof.loaded_rows, 15U);
  EXPECT_EQ(onlooker_.Last("orders").rows_loaded, 15U);
  ExpectClean();
}

TEST_F(RecoveryTest, ALockThatStaysEndsCleanAfterSixLoads) {
  ServerUnloads();
  int begun = 0;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step != "begin") return;
    ++begun;
    throw base::Error({.code = ErrorCode::kConflict, .operation = "open", .retryable = true});
  };
  EXPECT_EQ(RunOne().error->code, ErrorCode::kConflict);
  EXPECT_EQ(begun, 6);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

// G16: Of two syncs into one destination one is refused, and told who holds it or who committed.
TEST_F(RecoveryTest, WhatAnotherMachineCommittedMeanwhileIsNotLoadedTwice) {
  MakeIncremental();
  streams_[0].write_mode = model::WriteMode::kAppend;
  streams_[0].null_cursor = model::NullCursor::kSkip;
  ServerUnloads();
  bool overtaken = false;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step != "begin" || std::exchange(overtaken, true)) return;
    destination_.Restore({{"orders",
                           {.rows = 3,
                            .watermark = {.stream = "orders",
                                          .value = "65",
                                          .cursor = "n",
                                          .run = "other",
                                          .attempt = "machine"}}}});
  };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.attempts, 2);
  const auto statements = workgroup_->statements();
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  EXPECT_THAT(statements, ::testing::Contains(HasSubstr("\"n\" > 65 AND")));
  ExpectClean();
}

TEST_F(RecoveryTest, WhoIsOvertakenAgainAndAgainIsToldByWhom) {
  ServerUnloads();
  int other = 0;
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step != "begin") return;
    destination_.Restore(
        {{"orders", {.watermark = {.run = "run" + std::to_string(++other), .attempt = "x"}}}});
  };
  const StreamResult result = RunOne();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code, ErrorCode::kConflict);
  EXPECT_THAT(result.error->message, HasSubstr("run run3"));
  EXPECT_EQ(CountOf("UNLOAD"), 3U);
  ExpectClean();
}

TEST_F(RecoveryTest, APartThatVanishesIsUnloadedOnceMore) {
  ServerUnloads();
  store_.before = [&](const std::string& operation, const std::string& key) {
    // Also behind the UNLOAD's end: what is not there before it may still come.
    if (operation == "read" && CountOf("UNLOAD") == 1) {
      throw base::Error({.code = ErrorCode::kNotFound, .operation = "GetObject", .subject = key});
    }
  };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(CountOf("UNLOAD"), 2U);
  EXPECT_EQ(RowsThere(), 10U);
  ExpectClean();
}

TEST_F(RecoveryTest, AnErrorThatDoesNotPassIsNotTriedAgain) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Fails({.code = ErrorCode::kPermission, .operation = "UNLOAD"});
  const StreamResult result = RunOne();
  EXPECT_EQ(result.attempts, 1);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
}

TEST_F(RecoveryTest, CtrlCEndsTheRetries) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Runs([this](std::string_view) { stop_.request_stop(); })
      .Fails({.code = ErrorCode::kConflict, .operation = "UNLOAD", .retryable = true});
  const auto result = Run();
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

// -- commits in doubt ---------------------------------------------------------------------------

class DoubtTest : public RecoveryTest {
 protected:
  // Commit breaks off, having happened or not; afterwards the destination is away for `reads`.
  void CommitBreaks(bool happened, int reads) {
    destination_.commit_in_doubt = happened;
    destination_.before = [this, happened, reads](const std::string& step, const std::string&) {
      if (step == "commit" && !broken_) {
        broken_ = true;
        if (!happened) {
          throw base::Error(
              {.code = ErrorCode::kUnreachable, .operation = "commit", .in_doubt = true});
        }
      } else if (step == "read" && broken_ && away_ < reads) {
        ++away_;
        throw Failure(ErrorCode::kUnreachable);
      }
      if (away_ >= reads && step == "read") destination_.commit_in_doubt = false;
    };
  }
  bool broken_ = false;
  int away_ = 0;
};

TEST_F(DoubtTest, IsSettledOnceTheDestinationAnswers) {
  ServerUnloads();
  CommitBreaks(/*happened=*/true, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(result.counts.inserted, 10U);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

TEST_F(DoubtTest, ACommitThatDidNotHappenIsDoneAgainFromTheStagedParts) {
  ServerUnloads();
  CommitBreaks(/*happened=*/false, 5);
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(RowsThere(), 10U);
  EXPECT_EQ(CountOf("UNLOAD"), 1U);
  ExpectClean();
}

TEST_F(DoubtTest, ThatStaysIsToldKeptAndSettledByTheNextRun) {
  for (const bool happened : {true, false}) {
    SCOPED_TRACE(happened);
    destination_.Restore({});
    broken_ = false;
    away_ = 0;
    if (!happened) destination_.commit_in_doubt = false;
    const auto before = CountOf("UNLOAD");
    if (before == 0) ServerUnloads();
    CommitBreaks(happened, 1000000);
    const StreamResult result = RunOne();
    ASSERT_TRUE(result.error);
    EXPECT_TRUE(result.error->in_doubt);
    EXPECT_THAT(result.error->remedy, HasSubstr("run the sync again"));
    ASSERT_THAT(result.kept, SizeIs(1));
    EXPECT_THAT(store_.Keys(), Not(ElementsAre("sluice/neighbour/object")));
    destination_.before = nullptr;
    destination_.commit_in_doubt = false;
    const StreamResult next = RunOne();
    ASSERT_EQ(next.error, std::nullopt);
    EXPECT_EQ(RowsThere(), 10U);
    EXPECT_EQ(next.adopted_from.has_value(), !happened);
    EXPECT_EQ(CountOf("UNLOAD"), before + (happened ? 2U : 1U));
    ExpectClean();
  }
}

// -- staged copies ------------------------------------------------------------------------------

TEST_F(RecoveryTest, PartsThatTheDestinationTakesWhereTheyLieAreNotFetched) {
  ServerUnloads(100);
  destination_.capabilities.takes_staged = destination_.takes_staged = true;
  std::vector<std::string> steps;
  destination_.before = [&](const std::string& step, const std::string&) { steps.push_back(step); };
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_THAT(
      steps, ElementsAre("read", "examine", "begin", "read", "add_staged", "add_staged", "commit"));
  EXPECT_EQ(result.proof.fetched_bytes, 2000U);
  EXPECT_TRUE(result.proof.Agrees());
  EXPECT_EQ(RowsThere(), 500U);
  for (const auto& line : store_.log()) EXPECT_FALSE(line.starts_with("read")) << line;
  ExpectClean();
}

TEST_F(RecoveryTest, StagedPartsAreProvenAsOthersAre) {
  ServerUnloads();
  destination_.capabilities.takes_staged = destination_.takes_staged = true;
  destination_.lose_rows = 1;
  EXPECT_EQ(RunOne().error->code, ErrorCode::kCorrupt);
  EXPECT_THAT(destination_.tables(), IsEmpty());
  ExpectClean();
}

TEST_F(RecoveryTest, ATargetThatCannotTakeThemIsFetched) {
  ServerUnloads();
  destination_.capabilities.takes_staged = true;
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(RowsThere(), 10U);
}

}  // namespace
}  // namespace sluice::sync
