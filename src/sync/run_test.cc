// Goal: every stream ends committed and clean, or untouched and clean, or tells exactly what is
// left; and the order of effects holds at every joint.
#include "sync/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <thread>

#include "staging/clean.h"
#include "sync/ledger/ledger.h"
#include "sync/testing/run_fixture.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using redshift::testing::StartsWith;
using RunTest = RunFixture;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(RunTest, BringsEveryStreamAndAccountsForEveryRow) {
  ServerUnloads();
  const auto result = Run();
  ASSERT_THAT(result.streams, SizeIs(3));
  for (const auto& stream : result.streams) {
    EXPECT_EQ(stream.error, std::nullopt) << stream.stream;
    EXPECT_EQ(stream.proof.notice_rows, 10u);
    EXPECT_EQ(stream.proof.loaded_rows, 10u);
    EXPECT_EQ(stream.proof.fetched_bytes, 40u);
    EXPECT_TRUE(stream.proof.Agrees());
    EXPECT_EQ(stream.counts.inserted, 10u);
    EXPECT_EQ(onlooker_.Last(stream.stream).phase, Phase::kDone);
    EXPECT_EQ(onlooker_.Last(stream.stream).rows_loaded, 10u);
  }
  EXPECT_THAT(destination_.tables(), SizeIs(3));
  EXPECT_EQ(workgroup_->sessions_open(), 0);
  ExpectClean();
}

TEST_F(RunTest, OnlookerIsToldTheRunAndHowEachStreamEnded) {
  workgroup_
      ->When([](std::string_view sql) {
        return sql.starts_with("UNLOAD") && sql.find("items") != std::string_view::npos;
      })
      .Fails({.code = ErrorCode::kPermission, .operation = "UNLOAD"});
  ServerUnloads();
  const auto result = Run();
  ASSERT_THAT(onlooker_.runs(), SizeIs(1));
  EXPECT_EQ(onlooker_.runs()[0], result.run);
  ASSERT_THAT(onlooker_.order(), SizeIs(result.streams.size()));
  ASSERT_THAT(onlooker_.ended(), SizeIs(result.streams.size()));
  for (const auto& stream : result.streams) {
    const auto ended = std::find_if(onlooker_.ended().begin(), onlooker_.ended().end(),
                                    [&](const auto& one) { return one.stream == stream.stream; });
    ASSERT_NE(ended, onlooker_.ended().end()) << stream.stream;
    EXPECT_EQ(ended->error.has_value(), stream.error.has_value()) << stream.stream;
    EXPECT_EQ(ended->proof.loaded_rows, stream.proof.loaded_rows) << stream.stream;
    EXPECT_EQ(ended->counts.inserted, stream.counts.inserted) << stream.stream;
  }
}

TEST_F(RunTest, OneFailingStreamDoesNotStopTheOthers) {
  workgroup_
      ->When([](std::string_view sql) {
        return sql.starts_with("UNLOAD") && sql.find("items") != std::string_view::npos;
      })
      .Fails({.code = ErrorCode::kPermission, .operation = "UNLOAD"});
  ServerUnloads();
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_EQ(result.streams[1].error->code, ErrorCode::kPermission);
  EXPECT_EQ(result.streams[2].error, std::nullopt);
  EXPECT_FALSE(result.interrupted);
  ExpectClean();
}

TEST_F(RunTest, AnEmptySelectEmptiesTheTable) {
  streams_.resize(1);
  ServerUnloads(0, 0);
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_EQ(destination_.tables().at("orders").rows, 0u);
  ExpectClean();
}

// G2: A part is loaded only if the manifest lists it and its size and row count agree.
TEST_F(RunTest, CommitsNothingWhenCountsDisagree) {
  streams_.resize(1);
  ServerUnloads();
  destination_.lose_rows = 1;
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error->code, ErrorCode::kCorrupt);
  EXPECT_THAT(result.streams[0].error->message, HasSubstr("parts hold 10, 9 were loaded"));
  EXPECT_THAT(destination_.tables(), IsEmpty());
  ExpectClean();
}

TEST_F(RunTest, CommitsNothingWhenRowsWereAnnouncedButNoManifestIsThere) {
  streams_.resize(1);
  workgroup_->When(StartsWith("UNLOAD")).Unloads(7);
  EXPECT_EQ(Run().streams[0].error->code, ErrorCode::kCorrupt);
  EXPECT_THAT(destination_.tables(), IsEmpty());
}

TEST_F(RunTest, AsksTheServerWhenThereIsNeitherNoticeNorManifest) {
  streams_.resize(2);
  options_.streams_parallel = 1;
  workgroup_->When(StartsWith("UNLOAD"));
  workgroup_->When(Contains("pg_last_unload_count")).Once().Rows({"count"}, {{"0"}});
  workgroup_->When(Contains("pg_last_unload_count")).Rows({"count"}, {{"3"}});
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_EQ(result.streams[1].error->code, ErrorCode::kCorrupt);
}

// G1: The ledger holds the staging prefix before UNLOAD is sent.
TEST_F(RunTest, RecordsThePrefixBeforeUnloadIsSent) {
  streams_.resize(1);
  ServerUnloads();
  std::vector<std::string> order;
  after_effect_ = [&](Effect effect, std::string_view) {
    const auto statements = workgroup_->statements();
    const bool sent = std::any_of(statements.begin(), statements.end(),
                                  [](const auto& sql) { return sql.starts_with("UNLOAD"); });
    order.push_back(std::string(ToString(effect)) + (sent ? " sent" : " unsent"));
  };
  Run();
  EXPECT_THAT(order, ElementsAre("prefix_recorded unsent", "piece_unloaded sent", "unloaded sent",
                                 "loaded sent", "committed sent", "recorded sent", "cleaned sent"));
}

TEST_F(RunTest, ALedgerThatFailsAfterTheLastCommitHidesNoResult) {
  streams_.resize(1);
  ServerUnloads();
  after_effect_ = [&](Effect effect, std::string_view) {
    if (effect != Effect::kCleaned) return;
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(options_.ledger.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, "DROP TABLE run", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  };
  const RunResult result = Run();
  ASSERT_EQ(result.streams.size(), 1U);
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_THAT(log_.warnings,
              ::testing::Contains(std::string("the end of this run could not be recorded")));
}

// G4: Files go only after the commit is confirmed, and only beneath our own prefix.
TEST_F(RunTest, DeletesOnlyAfterTheCommitAndOnlyItsOwn) {
  streams_.resize(1);
  ServerUnloads();
  bool committed = false;
  after_effect_ = [&](Effect effect, std::string_view) {
    committed |= effect == Effect::kCommitted;
  };
  store_.before = [&](const std::string& operation, const std::string& key) {
    if (operation != "delete") return;
    EXPECT_TRUE(committed) << key;
    EXPECT_TRUE(key.starts_with("sluice/acme/")) << key;
  };
  EXPECT_EQ(Run().streams[0].error, std::nullopt);
  ExpectClean();
}

TEST_F(RunTest, ACommitInDoubtIsAskedForAndNotRepeated) {
  streams_.resize(1);
  ServerUnloads();
  destination_.commit_in_doubt = true;
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_EQ(result.streams[0].counts.inserted, 10u);
  ExpectClean();
}

TEST_F(RunTest, AFailedCommitLeavesTheBucketClean) {
  streams_.resize(1);
  ServerUnloads();
  destination_.before = [](const std::string& step, const std::string&) {
    if (step == "commit") throw Failure(ErrorCode::kNoSpace);
  };
  EXPECT_EQ(Run().streams[0].error->code, ErrorCode::kNoSpace);
  ExpectClean();
}

TEST_F(RunTest, NamesWhatCouldNotBeRemovedAndStillCounts) {
  streams_.resize(1);
  ServerUnloads();
  store_.before = [&](const std::string& operation, const std::string& key) {
    if (operation == "put" || operation == "read") store_.undeletable.insert(key);
  };
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_THAT(result.streams[0].left_behind, SizeIs(2));
  EXPECT_THAT(result.streams[0].warnings, SizeIs(1));
}

TEST_F(RunTest, NamesThePrefixWhenTheConnectionBrokeDuringUnload) {
  streams_.resize(1);
  workgroup_->When(StartsWith("UNLOAD"))
      .Fails({.code = ErrorCode::kUnreachable, .operation = "UNLOAD", .in_doubt = true});
  const auto result = Run();
  ASSERT_THAT(result.streams[0].left_behind, SizeIs(1));
  EXPECT_THAT(result.streams[0].left_behind[0], HasSubstr("s3://b/sluice/acme/" + result.run));
  // Redshift goes on writing; the next run removes it.
  WriteParts("sluice/acme/" + result.run + "/orders/1-late/", 1, 1);
  workgroup_ = std::make_shared<FakeWorkgroup>();
  workgroup_->When(Contains("LIMIT 0")).Describes({{.name = "n", .type_oid = 23}});
  NothingRunsAtTheServer();
  ServerUnloads();
  EXPECT_EQ(Run().streams[0].error, std::nullopt);
  ExpectClean();
}

TEST_F(RunTest, CtrlCDuringUnloadEndsCleanAndTouchesNothing) {
  workgroup_->When(StartsWith("UNLOAD")).HoldsUntilStopped();
  std::jthread presser([&] {
    workgroup_->AwaitStatement(StartsWith("UNLOAD"));
    stop_.request_stop();
  });
  const auto result = Run();
  EXPECT_TRUE(result.interrupted);
  for (const auto& stream : result.streams) EXPECT_EQ(stream.error->code, ErrorCode::kCancelled);
  EXPECT_THAT(destination_.tables(), IsEmpty());
  ExpectClean();
}

TEST_F(RunTest, CtrlCDuringFetchEndsCleanAndTouchesNothing) {
  streams_.resize(1);
  ServerUnloads();
  destination_.before = [&](const std::string& step, const std::string&) {
    if (step == "begin") stop_.request_stop();
  };
  const auto result = Run();
  EXPECT_TRUE(result.interrupted);
  EXPECT_THAT(destination_.tables(), IsEmpty());
  ExpectClean();
}

TEST_F(RunTest, ALoginThatFailsConcernsTheWholeRun) {
  auto parts = Parts();
  parts.login = [](const base::Call&) -> std::unique_ptr<redshift::Session> {
    throw Failure(ErrorCode::kAuthentication);
  };
  EXPECT_THAT([&] { sync::Run(streams_, options_, parts, {}); },
              test::ThrowsError(ErrorCode::kAuthentication));
}

TEST_F(RunTest, ABucketThatNoStreamCouldUseIsToldOnceAndCostsNoUnload) {
  ServerUnloads();
  store_.before = [](const std::string& operation, const std::string&) {
    if (operation == "list") throw Failure(ErrorCode::kInvalidConfig);
  };
  EXPECT_THAT([&] { Run(); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  for (const auto& sql : workgroup_->statements()) EXPECT_FALSE(sql.starts_with("UNLOAD"));
}

TEST_F(RunTest, ASecondRunIsToldThatTheFirstHoldsTheLedger) {
  const Ledger held(options_.ledger, clock_);
  EXPECT_THAT([&] { Run(); }, test::ThrowsError(ErrorCode::kConflict));
}

TEST_F(RunTest, StreamsThatWouldLandInOneTableAreRefusedByName) {
  streams_[1] = {.name = "shop.Orders", .table = model::TableName{"shop", "Orders"}};
  options_.destination_schema = "main";
  EXPECT_THAT([&] { Run(); },
              test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::message,
                                    HasSubstr("as stream orders does")));
}

const std::string kWhoMerges = "Or choose a destination that merges: type duckdb or postgres.";

TEST_F(RunTest, AModeThatIsNotThereIsRefusedForThatStreamAlone) {
  destination_.capabilities.merge = destination_.capabilities.append = false;
  streams_.resize(2);
  streams_[0].write_mode = model::WriteMode::kMerge;
  ServerUnloads();
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error->code, ErrorCode::kUnsupported);
  EXPECT_EQ(result.streams[0].error->remedy,
            "For this stream, set write_mode: overwrite. " + kWhoMerges);
  EXPECT_EQ(result.streams[1].error, std::nullopt);
}

TEST_F(RunTest, AModeThatIsNotThereIsAnsweredByThoseThatCanBe) {
  destination_.capabilities.merge = false;
  streams_.resize(1);
  streams_[0].write_mode = model::WriteMode::kMerge;
  streams_[0].sync_mode = model::SyncMode::kIncremental;
  streams_[0].cursor = "n";
  EXPECT_EQ(Run().streams[0].error->remedy,
            "For this stream, set write_mode: append. " + kWhoMerges);
  streams_[0].sync_mode = model::SyncMode::kFullRefresh;
  EXPECT_EQ(Run().streams[0].error->remedy,
            "For this stream, set write_mode: overwrite or write_mode: append. " + kWhoMerges);
  destination_.capabilities.append = false;
  streams_[0].sync_mode = model::SyncMode::kIncremental;
  EXPECT_EQ(Run().streams[0].error->remedy,
            "Set sync_mode: full_refresh and write_mode: overwrite for this stream. " + kWhoMerges);
}

TEST_F(RunTest, SweepsWhatADeadRunLeft) {
  streams_.resize(1);
  {
    Ledger ledger(options_.ledger, clock_);
    ledger.AddAttempt({.run = "dead",
                       .stream = "orders",
                       .attempt = "a1",
                       .prefix = "sluice/acme/dead/orders/a1/"});
  }
  store_.Add("sluice/acme/dead/orders/a1/0000_part_00.parquet", "left");
  store_.AddUpload("sluice/acme/dead/orders/a1/0001_part_00.parquet");
  std::filesystem::create_directories(options_.work_dir / "dead");
  ServerUnloads();
  EXPECT_EQ(Run().streams[0].error, std::nullopt);
  ExpectClean();
}

TEST_F(RunTest, SweepsWhatADeadRunLeftBeneathAnEarlierRootAndLoadsNothingOfIt) {
  streams_.resize(1);
  const std::string run = staging::MakeRunId(clock_.Utc() - std::chrono::minutes(5), 7);
  const std::string prefix = "sluice/ac-me/" + run + "/orders/a1/";
  const std::string neighbour = "sluice/ac-me/" + staging::MakeRunId(clock_.Utc(), 8) + "/t/b/x";
  {
    Ledger ledger(options_.ledger, clock_);
    ledger.AddAttempt({.run = run,
                       .stream = "orders",
                       .attempt = "a1",
                       .prefix = prefix,
                       .basis = "",
                       .unloads = {{.what = "rows", .condition = "", .fingerprint = "f"}}});
    ledger.SetUnloaded("a1", "rows", 10);
  }
  store_.Add(prefix + "rows/0000_part_00.parquet", "left");
  store_.AddUpload(prefix + "rows/0001_part_00.parquet");
  store_.Add(neighbour, "alive");
  ServerUnloads();
  const auto result = Run();
  EXPECT_EQ(result.streams[0].error, std::nullopt);
  EXPECT_EQ(result.streams[0].adopted_from, std::nullopt);
  EXPECT_THAT(store_.Keys(), ElementsAre(neighbour, "sluice/neighbour/object"));
}

TEST_F(RunTest, LeavesOtherFilesOfTheWorkFolderAlone) {
  streams_.resize(1);
  ServerUnloads();
  std::filesystem::create_directories(options_.work_dir / "somebody-else");
  Run();
  EXPECT_TRUE(std::filesystem::exists(options_.work_dir / "somebody-else"));
}

// -- incremental ------------------------------------------------------------------------------

class IncrementalTest : public RunTest {
 protected:
  IncrementalTest() {
    streams_ = {{.name = "orders",
                 .sql = "SELECT n FROM orders",
                 .sync_mode = model::SyncMode::kIncremental,
                 .write_mode = model::WriteMode::kMerge,
                 .primary_key = {"n"},
                 .cursor = "n"}};
  }
  // The server's answer to max(cursor), for the next run.
  void MaxIs(std::optional<std::string> high, std::optional<std::string> below = "f") {
    workgroup_->When(Contains("max(\"n\")")).Once().Rows({"max", "below"}, {{high, below}});
  }
  std::string LastUnload() const {
    std::string last;
    for (const auto& sql : workgroup_->statements()) {
      if (sql.starts_with("UNLOAD")) last = sql;
    }
    return last;
  }
  model::Watermark Mark() { return destination_.tables().at("orders").watermark; }
  StreamResult RunOne() {
    auto result = Run();
    EXPECT_EQ(result.streams.size(), 1U);
    return result.streams.at(0);
  }
};

TEST_F(IncrementalTest, FirstReadsAllThenFromTheWatermarkOn) {
  ServerUnloads();
  MaxIs("70", std::nullopt);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(Mark().value, "70");
  EXPECT_EQ(Mark().cursor, "n");
  EXPECT_TRUE(destination_.tables().at("orders").target.complete);
  EXPECT_THAT(LastUnload(), HasSubstr("WHERE ((\"n\" <= 70) OR \"n\" IS NULL)"));
  MaxIs("90");
  const StreamResult second = RunOne();
  ASSERT_EQ(second.error, std::nullopt);
  EXPECT_EQ(second.watermark, "90");
  EXPECT_EQ(Mark().value, "90");
  EXPECT_FALSE(destination_.tables().at("orders").target.complete);
  EXPECT_THAT(LastUnload(), HasSubstr("(\"n\" >= 70 AND \"n\" <= 90)"));
  ExpectClean();
}

TEST_F(IncrementalTest, AsksForTheMaximumInTheTransactionThatUnloads) {
  ServerUnloads();
  MaxIs("70", std::nullopt);
  RunOne();
  std::vector<std::string> order;
  for (const auto& sql : workgroup_->statements()) {
    for (const char* word : {"BEGIN", "SELECT CAST(max", "UNLOAD", "COMMIT"}) {
      if (sql.starts_with(word)) order.emplace_back(word);
    }
  }
  EXPECT_THAT(order, ElementsAre("BEGIN", "SELECT CAST(max", "UNLOAD", "COMMIT"));
}

TEST_F(IncrementalTest, KeepsTheWatermarkWhenNothingIsThereAndSendsNoUnload) {
  ServerUnloads();
  streams_[0].null_cursor = model::NullCursor::kSkip;
  MaxIs("70", std::nullopt);
  RunOne();
  MaxIs(std::nullopt, std::nullopt);
  const auto unloads = workgroup_->statements();
  const StreamResult result = RunOne();
  ASSERT_EQ(result.error, std::nullopt);
  EXPECT_EQ(Mark().value, "70");
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("--full")));
  const auto count = [](const std::vector<std::string>& all) {
    return std::count_if(all.begin(), all.end(),
                         [](const auto& sql) { return sql.starts_with("UNLOAD"); });
  };
  EXPECT_EQ(count(workgroup_->statements()), count(unloads));
}

TEST_F(IncrementalTest, ACursorThatWentBackChangesNothing) {
  ServerUnloads();
  MaxIs("70", std::nullopt);
  RunOne();
  MaxIs("12", "t");
  const StreamResult result = RunOne();
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code, ErrorCode::kConflict);
  EXPECT_THAT(result.error->remedy, HasSubstr("sluice sync orders --full"));
  EXPECT_EQ(Mark().value, "70");
  ExpectClean();
}

TEST_F(IncrementalTest, AnotherCursorThanBeforeIsRefused) {
  ServerUnloads();
  MaxIs("70", std::nullopt);
  RunOne();
  workgroup_->When(Contains("LIMIT 0"))
      .Describes({{.name = "n", .type_oid = 23}, {.name = "m", .type_oid = 23}});
  streams_[0].cursor = "m";
  EXPECT_EQ(RunOne().error->code, ErrorCode::kNotFound);  // not among the columns as described
}

TEST_F(IncrementalTest, FullReadsEverythingAgain) {
  ServerUnloads();
  MaxIs("70", std::nullopt);
  RunOne();
  options_.full = true;
  MaxIs("60", std::nullopt);
  ASSERT_EQ(RunOne().error, std::nullopt);
  EXPECT_EQ(Mark().value, "60");
  EXPECT_TRUE(destination_.tables().at("orders").target.complete);
}

TEST_F(IncrementalTest, AppendTakesEachRowOnce) {
  ServerUnloads();
  streams_[0].write_mode = model::WriteMode::kAppend;
  streams_[0].null_cursor = model::NullCursor::kFirst;
  MaxIs("70", std::nullopt);
  RunOne();
  EXPECT_EQ(destination_.tables().at("orders").target.write_mode, model::WriteMode::kOverwrite);
  MaxIs("90");
  RunOne();
  EXPECT_EQ(destination_.tables().at("orders").target.write_mode, model::WriteMode::kAppend);
  EXPECT_THAT(LastUnload(), HasSubstr("WHERE \"n\" > 70 AND \"n\" <= 90"));
}

TEST_F(IncrementalTest, ComparesAllKeysWhenTheyAreDue) {
  ServerUnloads();
  streams_[0].key_scan = std::chrono::hours(0);
  MaxIs("70", std::nullopt);
  RunOne();
  ASSERT_TRUE(Mark().keys_compared);
  EXPECT_EQ(destination_.tables().at("orders").keys, std::nullopt);  // a complete merge needs none
  MaxIs("90");
  const StreamResult second = RunOne();
  ASSERT_EQ(second.error, std::nullopt);
  EXPECT_EQ(second.keys_compared, 10U);
  EXPECT_EQ(destination_.tables().at("orders").keys, 10U);
  streams_[0].key_scan = std::chrono::hours(24);
  MaxIs("91");
  EXPECT_EQ(RunOne().keys_compared, std::nullopt);
  EXPECT_TRUE(Mark().keys_compared);
  ExpectClean();
}

TEST_F(RunTest, PlanSendsNoUnload) {
  const auto plans = Plan(streams_, options_, Parts(), {});
  ASSERT_THAT(plans, SizeIs(3));
  ASSERT_TRUE(plans[0].plan);
  EXPECT_EQ(plans[0].plan->target.table.ToString(), "main.orders");
  EXPECT_THAT(plans[0].plan->select, HasSubstr("\"n\""));
  ASSERT_TRUE(plans[0].plan->landing);
  EXPECT_EQ(plans[0].plan->landing->columns.at(0).name, "n");
  for (const auto& sql : workgroup_->statements()) EXPECT_FALSE(sql.starts_with("UNLOAD"));
  EXPECT_FALSE(std::filesystem::exists(options_.ledger));
}

TEST_F(RunTest, PlanTellsOfEveryStreamAlthoughOneFails) {
  streams_[1].primary_key = {"x"};
  streams_[1].write_mode = model::WriteMode::kMerge;
  auto plans = Plan(streams_, options_, Parts(), {});
  ASSERT_THAT(plans, SizeIs(3));
  EXPECT_TRUE(plans[0].plan && !plans[0].error);
  ASSERT_TRUE(plans[1].error);
  EXPECT_EQ(plans[1].error->reason, "no_stream_column");
  EXPECT_TRUE(plans[2].plan && !plans[2].error);
  // Nobody is woken up for streams that cannot work.
  const int logins = workgroup_->logins();
  destination_.capabilities = {};
  plans = Plan(streams_, options_, Parts(), {});
  EXPECT_TRUE(plans[0].error && plans[1].error && plans[2].error);
  EXPECT_EQ(workgroup_->logins(), logins);
}

}  // namespace
}  // namespace sluice::sync
