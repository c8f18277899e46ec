// Goal: what the ledger tells of a run afterwards is why each stream failed and what to do, and it
// does not grow for ever.
#include <fstream>

#include "sync/ledger/history.h"
#include "sync/ledger/known_table.h"
#include "sync/ledger/ledger.h"
#include "sync/run.h"
#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using redshift::testing::StartsWith;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RunRecordsTest : public RunFixture {
 protected:
  RunRecordsTest() { streams_.resize(1); }
  RunRecord LastRun() { return ReadHistory(options_.ledger, 1).runs.at(0); }
};

TEST_F(RunRecordsTest, AFailureThatCameToNoAttemptIsKeptWithItsRemedy) {
  destination_.before = [](const std::string& step, const std::string&) {
    if (step != "examine") return;
    throw base::Error({.code = ErrorCode::kDestination,
                       .operation = "examine",
                       .subject = "table orders",
                       .message = "it is a view",
                       .remedy = "Name another schema."});
  };
  EXPECT_TRUE(Run().streams[0].error);
  const RunRecord run = LastRun();
  EXPECT_THAT(run.attempts, IsEmpty());
  ASSERT_THAT(run.failures, SizeIs(1));
  EXPECT_EQ(run.failures[0].stream, "orders");
  EXPECT_EQ(run.failures[0].code, "destination");
  EXPECT_EQ(run.failures[0].subject, "table orders");
  EXPECT_EQ(run.failures[0].message, "it is a view");
  EXPECT_EQ(run.failures[0].remedy, "Name another schema.");
}

TEST_F(RunRecordsTest, AnAttemptKeepsItsOwnAndTheStreamItsLast) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Fails({.code = ErrorCode::kPermission,
              .operation = "UNLOAD",
              .message = "permission denied",
              .remedy = "GRANT SELECT"});
  Run();
  const RunRecord run = LastRun();
  ASSERT_THAT(run.attempts, SizeIs(1));
  EXPECT_EQ(run.attempts[0].error, "permission");
  EXPECT_EQ(run.attempts[0].message, "permission denied");
  EXPECT_EQ(run.attempts[0].remedy, "GRANT SELECT");
  ASSERT_THAT(run.failures, SizeIs(1));
  EXPECT_EQ(run.failures[0].message, "permission denied");
  // What it says is gone from `status` with the next commit.
  EXPECT_THAT(ReadHistory(options_.ledger, 1).last_failures, SizeIs(1));
}

TEST_F(RunRecordsTest, ALoginThatFailsIsTheRuns) {
  auto parts = Parts();
  parts.login = [](const base::Call&) -> std::unique_ptr<redshift::Session> {
    throw base::Error({.code = ErrorCode::kAuthentication,
                       .operation = "log in",
                       .message = "the keys were not accepted",
                       .remedy = "Run: sluice check"});
  };
  EXPECT_THAT([&] { sync::Run(streams_, options_, parts, {}); },
              test::ThrowsError(ErrorCode::kAuthentication));
  const RunRecord run = LastRun();
  EXPECT_EQ(run.outcome, "failed");
  ASSERT_THAT(run.failures, SizeIs(1));
  EXPECT_EQ(run.failures[0].stream, "");
  EXPECT_EQ(run.failures[0].message, "the keys were not accepted");
}

TEST_F(RunRecordsTest, CtrlCIsNoFailure) {
  after_effect_ = [&](Effect, std::string_view) { stop_.request_stop(); };
  workgroup_->When(StartsWith("UNLOAD")).HoldsUntilStopped();
  EXPECT_TRUE(Run().interrupted);
  EXPECT_EQ(LastRun().outcome, "interrupted");
  EXPECT_THAT(LastRun().failures, IsEmpty());
}

TEST_F(RunRecordsTest, RunsThatAreOldEnoughAreForgotten) {
  ServerUnloads();
  options_.history_keep = std::chrono::hours(1);
  const std::string first = Run().run;
  const std::string second = Run().run;
  EXPECT_THAT(ReadHistory(options_.ledger, 9).runs, SizeIs(2));
  clock_.Advance(std::chrono::hours(2));
  const std::string third = Run().run;
  const auto history = ReadHistory(options_.ledger, 9);
  ASSERT_THAT(history.runs, SizeIs(1));
  EXPECT_EQ(history.runs[0].run, third);
  EXPECT_THAT(history.last_commits, SizeIs(1));
}

// G5: A failed or interrupted sync leaves the destination as it was and the bucket clean, or names
// what is left.
TEST_F(RunRecordsTest, ADeadRunWhosePartsCannotBeRemovedIsNotForgotten) {
  ServerUnloads();
  options_.history_keep = std::chrono::seconds(0);
  {
    Ledger ledger(options_.ledger, clock_);
    ledger.BeginRun("dead");
    ledger.BeginRun("gone");
    clock_.Advance(std::chrono::seconds(5));
  }
  // No folder, and so not emptied as one: what a mount or a right in the way looks like from here.
  std::filesystem::create_directories(options_.work_dir);
  after_effect_ = [&](Effect effect, std::string_view) {
    if (effect == Effect::kCleaned) std::ofstream(options_.work_dir / "dead") << "rows";
  };
  Run();
  Ledger ledger(options_.ledger, clock_);
  EXPECT_THAT(ledger.UnendedRuns("now"), ElementsAre("dead"));
}

TEST_F(RunRecordsTest, WhatTheChoiceOfStreamsToldIsKept) {
  const KnownTable table{.pattern = "sales.*", .table = {"sales", "orders"}};
  RunParts parts = Parts();
  parts.tables = {table};
  sync::Run(streams_, options_, parts, {});
  EXPECT_THAT(ReadKnownTables(options_.ledger), ElementsAre(table));
}

TEST_F(RunRecordsTest, ARunThatFailedBeforeItKnewItsStreamsIsARunThatFailed) {
  RecordFailedRun(options_.ledger, clock_,
                  {.code = ErrorCode::kUnreachable, .message = "no answer", .remedy = "Wait."});
  const RunRecord run = LastRun();
  EXPECT_EQ(run.outcome, "failed");
  ASSERT_THAT(run.failures, SizeIs(1));
  EXPECT_EQ(run.failures[0].stream, "");
  EXPECT_EQ(run.failures[0].message, "no answer");
  RecordFailedRun(options_.ledger, clock_, {.code = ErrorCode::kCancelled});
  EXPECT_EQ(LastRun().run, run.run) << "who is stopped has not failed";
}

}  // namespace
}  // namespace sluice::sync
