// Goal: whoever reads the events sees what happens, in order, and no flood; a line is one event.
#include "contract/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/fake_clock.h"

namespace sluice::contract {
namespace {

using sync::Phase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class EventsTest : public testing::Test {
 protected:
  std::vector<nlohmann::json> All() {
    std::vector<nlohmann::json> all;
    for (const auto& line : lines_) all.push_back(nlohmann::json::parse(line));
    return all;
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& event : All()) names.push_back(event["event"]);
    return names;
  }
  static sync::Progress Loading(const std::string& stream, std::uint64_t rows) {
    return {.stream = stream, .phase = Phase::kLoad, .rows_loaded = rows};
  }

  test::FakeClock clock_;
  std::vector<std::string> lines_;
  std::vector<Worth> worths_;
  Events events_{[this](std::string_view line, Worth worth) {
                   lines_.emplace_back(line);
                   worths_.push_back(worth);
                 },
                 clock_};
};

TEST_F(EventsTest, TellASyncInOrder) {
  events_.CommandBegan("sync");
  events_.OnRunBegan("r1", {"a"});
  for (const auto phase :
       {Phase::kPlan, Phase::kUnload, Phase::kLoad, Phase::kCommit, Phase::kDone}) {
    events_.OnProgress({.stream = "a", .phase = phase});
  }
  sync::StreamResult result{.stream = "a"};
  result.proof = {.notice_rows = 7, .manifest_rows = 7, .footer_rows = 7, .loaded_rows = 7};
  result.counts.inserted = 7;
  events_.OnStreamEnded(result);
  events_.RunEnded({.run = "r1", .streams = {result}});
  clock_.Advance(std::chrono::seconds(2));
  events_.CommandEnded(0, nullptr);
  EXPECT_THAT(Names(), ElementsAre("command_began", "run_began", "stream_phase", "stream_phase",
                                   "stream_phase", "stream_phase", "stream_ended", "run_ended",
                                   "command_ended"));
  const auto all = All();
  EXPECT_EQ(all[0]["command"], "sync");
  EXPECT_EQ(all[1]["streams"], nlohmann::json({"a"}));
  EXPECT_EQ(all[3]["phase"], "unload");
  EXPECT_EQ(all[6]["status"], "done");
  EXPECT_EQ(all[6]["proof"]["loaded_rows"], 7);
  EXPECT_EQ(all[6]["counts"]["inserted"], 7);
  EXPECT_EQ(all[7]["done"], 1);
  EXPECT_EQ(all[8]["exit_code"], 0);
  EXPECT_EQ(all[8]["seconds"], 2.0);
  EXPECT_TRUE(all[8]["error"].is_null());
  for (const auto& event : all) {
    EXPECT_EQ(event["v"], 1);
    EXPECT_GT(event["time"], 1.7e9);
  }
}

TEST_F(EventsTest, ProgressIsToldOnceASecondForEachStream) {
  for (int i = 0; i <= 300; ++i) {
    events_.OnProgress(Loading("a", static_cast<std::uint64_t>(i)));
    events_.OnProgress(Loading("b", static_cast<std::uint64_t>(i)));
    clock_.Advance(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(Names(), ElementsAre("stream_phase", "stream_phase", "stream_progress",
                                   "stream_progress", "stream_progress", "stream_progress",
                                   "stream_progress", "stream_progress"));
  EXPECT_EQ(All().back()["rows_loaded"], 300);
  EXPECT_TRUE(All().back()["rows_total"].is_null());
}

TEST_F(EventsTest, OnlyWhatLaterEventsRepeatMayBeLeftOut) {
  events_.OnProgress(Loading("a", 1));
  clock_.Advance(std::chrono::seconds(1));
  events_.OnProgress(Loading("a", 2));
  events_.OnStreamEnded({.stream = "a"});
  EXPECT_THAT(worths_, ElementsAre(Worth::kAlways, Worth::kIfReadInTime, Worth::kAlways));
}

TEST_F(EventsTest, AnAttemptThatIsMadeAgainIsAChangeOfPhase) {
  for (const auto phase : {Phase::kPlan, Phase::kUnload, Phase::kPlan, Phase::kUnload}) {
    events_.OnProgress({.stream = "a", .phase = phase});
  }
  EXPECT_EQ(lines_.size(), 4U);
}

TEST_F(EventsTest, FailuresCarryTheirErrors) {
  const base::ErrorInfo error{.code = base::ErrorCode::kPermission, .message = "m", .remedy = "r"};
  events_.OnStreamEnded({.stream = "a", .error = error});
  events_.CommandEnded(1, &error);
  EXPECT_EQ(All()[0]["status"], "failed");
  EXPECT_EQ(All()[0]["rows"], 0);
  EXPECT_EQ(All()[0]["error"]["code"], "permission");
  EXPECT_EQ(All()[1]["error"]["remedy"], "r");
}

TEST_F(EventsTest, TellFindingsSchemasAndResets) {
  events_.Found({.id = "login.failed", .severity = check::Severity::kFailure});
  events_.SchemaListed({.name = "s", .tables = {{}, {}}});
  events_.StreamReset("a");
  EXPECT_EQ(All()[0]["id"], "login.failed");
  EXPECT_EQ(All()[0]["severity"], "failure");
  EXPECT_EQ(All()[1]["tables"], 2);
  EXPECT_EQ(All()[2]["stream"], "a");
}

TEST_F(EventsTest, ANameIsNoLineOfItsOwn) {
  events_.OnRunBegan("r", {"a\n{\"v\":1}\x1b[2J", "b\xFF"});
  EXPECT_THAT(lines_[0], Not(HasSubstr("\n")));
  EXPECT_THAT(lines_[0], Not(HasSubstr("\x1b")));
  EXPECT_EQ(All()[0]["streams"][0], "a\n{\"v\":1}\x1b[2J");
}

TEST_F(EventsTest, ComeFromManyThreadsAsWholeLines) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 200; ++n) events_.StreamReset(std::to_string(i));
    });
  }
  threads.clear();
  EXPECT_EQ(All().size(), 800U);
}

}  // namespace
}  // namespace sluice::contract
