// Goal: whatever dies, no run is lost and none is done twice; what goes wrong with one run is no
// other's trouble; and who wants to know is told.
#include "serve/runs/supervisor.h"

#include <signal.h>

#include "serve/runs/alert_text.h"
#include "serve/runs/testing/runs_fixture.h"
#include "tests/support/matchers.h"

namespace sluice::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class SupervisorTest : public RunsFixture {
 protected:
  // Counts its starts, then waits until the file "go" is there.
  std::string Patient() const {
    return "echo x >> " + Here("starts") + "; touch " + Here("began") + "\nwhile [ ! -e " +
           Here("go") + " ]; do sleep 0.01; done; " + Document(0);
  }
  bool Began() const { return std::filesystem::exists(Here("began")); }
  void Go() const { std::ofstream(Here("go")) << ""; }
};

TEST_F(SupervisorTest, ARunIsAChildWhoseFilesTellWhatBecameOfIt) {
  auto runs = NewSupervisor();
  const auto pipeline =
      AddPipeline("say '{\"v\":1,\"event\":\"run_began\"}'; echo \"$all\" > " + Here("arguments") +
                  "; pwd > " + Here("folder") + "; " + Document(0));
  const auto id = runs->Start({.tenant = tenant_,
                               .pipeline = pipeline,
                               .streams = {"sales.orders", "--json"},
                               .full = true,
                               .allow_deletes = true});
  TurnUntil(*runs, id, RunState::kSucceeded);
  const serve::Run run = Get(id);
  EXPECT_EQ(run.rows, 3);
  EXPECT_EQ(run.counts["inserted"], 3);
  EXPECT_EQ(run.cost["amount"], 0.25);
  EXPECT_TRUE(run.started_at && run.ended_at);
  EXPECT_EQ(run.error, Json());
  EXPECT_THAT(Text("arguments"), StartsWith("--config /dev/fd/3 sync --json --events "));
  EXPECT_THAT(Text("arguments"), HasSubstr("--full --allow-deletes -- sales.orders --json\n"));
  EXPECT_EQ(Text("folder"), data_.pipeline(tenant_, pipeline).string() + "\n");
  const RunEvents events = runs->Events(tenant_, id, 0, 1000);
  ASSERT_THAT(events.events, SizeIs(1));
  EXPECT_TRUE(events.over);
  EXPECT_THAT(runs->Events(tenant_, id, events.events[0].id, 1000).events, IsEmpty());
  EXPECT_THAT([&] { runs->Events("ten_other", id, 0, 1000); },
              test::ThrowsError(base::ErrorCode::kNotFound));
}

// G73: No run of the service is lost and none is done twice, whichever process dies.
TEST_F(SupervisorTest, AnotherSupervisorGoesOnWithTheChildOfOneThatDied) {
  auto first = NewSupervisor();
  const auto id = Start(*first, AddPipeline(Patient()));
  Turn(*first, [&] { return Began(); });
  first.reset();
  auto second = NewSupervisor();
  second->Adopt();
  second->Turn();
  EXPECT_EQ(Get(id).state, RunState::kRunning);
  EXPECT_EQ(second->children(), 1U);
  Go();
  TurnUntil(*second, id, RunState::kSucceeded);
  EXPECT_EQ(Get(id).rows, 3);
  EXPECT_EQ(Text("starts"), "x\n");
}

TEST_F(SupervisorTest, WhatEndedWhileNobodyWatchedIsReadFromItsFiles) {
  auto first = NewSupervisor();
  const auto id = Start(*first, AddPipeline(Patient()));
  Turn(*first, [&] { return Began(); });
  const auto process = Identify(Get(id).process.value().pid);
  first.reset();
  Go();
  while (IsAlive(*process)) real_.Sleep(std::chrono::milliseconds(2), {});
  auto second = NewSupervisor();
  second->Adopt();
  TurnUntil(*second, id, RunState::kSucceeded);
  EXPECT_EQ(Text("starts"), "x\n");
  EXPECT_THAT(store_->Queue(), IsEmpty());
}

TEST_F(SupervisorTest, AChildThatDiedWithItsSupervisorIsRunAgainOnce) {
  auto first = NewSupervisor();
  const auto pipeline = AddPipeline(Patient());
  const auto id = Start(*first, pipeline);
  Turn(*first, [&] { return Began(); });
  const ProcessId process = *Identify(Get(id).process.value().pid);
  first.reset();
  Signal(process, SIGKILL);
  Go();
  auto second = NewSupervisor();
  second->Adopt();
  TurnUntilIdle(*second);
  EXPECT_EQ(Get(id).state, RunState::kFailed);
  const serve::Run retry = Newest(pipeline);
  EXPECT_EQ(retry.trigger, Trigger::kRetry);
  EXPECT_EQ(retry.retry_of, id);
  EXPECT_EQ(retry.state, RunState::kSucceeded);
  EXPECT_EQ(Text("starts"), "x\nx\n");
}

// What it committed is not known, and would stand there twice.
TEST_F(SupervisorTest, OneThatAppendsAFullRefreshIsNotRunAgainUnasked) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline("say '{}'; kill -KILL $$");
  Resource resource = store_->Get(Kind::kPipeline, tenant_, pipeline, true);
  resource.fields["streams"] = Json::array({{{"table", "s.t"}, {"write_mode", "append"}}});
  store_->Update(resource, std::nullopt);
  const auto id = Start(*runs, pipeline);
  TurnUntilIdle(*runs);
  EXPECT_EQ(Newest(pipeline).id, id);
  EXPECT_EQ(Get(id).state, RunState::kFailed);
  // But one that never got a child committed nothing.
  const auto next = Start(*runs, pipeline);
  ASSERT_TRUE(store_->Begin(next, clock_.Utc()));
  runs->Adopt();
  scripts_[pipeline] = Document(0);
  TurnUntilIdle(*runs);
  EXPECT_EQ(Newest(pipeline).retry_of, next);
  EXPECT_EQ(Newest(pipeline).state, RunState::kSucceeded);
}

// It was marked as running, and then the machine went down before there was a child.
TEST_F(SupervisorTest, ARunThatNeverGotAChildIsRunAgain) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline(Document(0));
  const auto id = Start(*runs, pipeline);
  ASSERT_TRUE(store_->Begin(id, clock_.Utc()));
  runs->Adopt();
  TurnUntilIdle(*runs);
  EXPECT_EQ(Newest(pipeline).state, RunState::kSucceeded);
  EXPECT_EQ(Newest(pipeline).retry_of, id);
}

// A supervisor that dies at the last moment leaves no run that is marked as running and has no
// child.
TEST_F(SupervisorTest, ARunIsMarkedAsRunningOnlyWhenItsChildIsThere) {
  auto runs = NewSupervisor();
  options_.program = dir_.path() / "absent";
  auto broken = NewSupervisor();
  const auto id = Start(*broken, AddPipeline(Document(0)));
  broken->Turn();
  EXPECT_EQ(Get(id).state, RunState::kFailed);
  const auto process = ProcessId::FromText(TextOf(data_.run(id) / "process", 200));
  ASSERT_TRUE(process);
  EXPECT_FALSE(IsAlive(*process));
  EXPECT_THAT(store_->Running(), IsEmpty());
}

// Its number went to another process, which is neither waited for nor stopped.
TEST_F(SupervisorTest, ANumberThatIsAnotherProcessNowIsNoChild) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline(Document(0));
  const auto id = Start(*runs, pipeline);
  ASSERT_TRUE(store_->Begin(id, clock_.Utc()));
  const ProcessId us = *Identify(getpid());
  std::filesystem::create_directories(data_.run(id));
  std::ofstream(data_.run(id) / "process")
      << ProcessId{us.pid, us.start_ticks, "before the machine started"}.ToText();
  store_->SetProcess(id, {.pid = us.pid, .started = us.start_ticks});
  runs->Adopt();
  runs->Stop(tenant_, id);
  TurnUntilIdle(*runs);
  EXPECT_EQ(Get(id).state, RunState::kStopped);
}

// G74: A crash of one run touches no other.
TEST_F(SupervisorTest, ACrashOfOneRunTouchesNoOther) {
  auto runs = NewSupervisor();
  const auto crashes = AddPipeline("kill -SEGV $$");
  const auto fills = AddPipeline("head -c 3000000 /dev/zero; exit 1");
  const auto lies = AddPipeline("echo '{\"exit_code\": \"no\", \"streams\": 7}'");
  const auto works = AddPipeline(Document(0));
  for (const auto& one : {crashes, fills, lies, works}) Start(*runs, one);
  TurnUntilIdle(*runs);
  EXPECT_EQ(Newest(works).state, RunState::kSucceeded);
  for (const auto& one : {crashes, fills, lies}) {
    EXPECT_EQ(Newest(one).state, RunState::kFailed);
    // Again once, and then no more.
    EXPECT_EQ(Newest(one).trigger, Trigger::kRetry);
  }
  EXPECT_THAT(Newest(crashes).error["message"].get<std::string>(), HasSubstr("signal 11"));
}

// A child that has gone wrong does not take the machine with it, whoever began it.
TEST_F(SupervisorTest, OneThatTakesFarMoreMemoryThanItMayIsEndedAndSaysSo) {
  memory_mb_ = 10;
  auto first = NewSupervisor();
  // Bounded, for a machine on which nobody ends it.
  const auto pipeline =
      AddPipeline("touch " + Here("began") + "; while [ ! -e " + Here("go") +
                  " ]; do sleep 0.01; done; x=$(head -c 400000000 /dev/zero | tr '\\0' x); " +
                  "sleep 20; " + Document(0));
  const auto id = Start(*first, pipeline);
  Turn(*first, [&] { return Began(); });
  first.reset();
  auto second = NewSupervisor();
  second->Adopt();
  second->Turn();
  EXPECT_EQ(Get(id).state, RunState::kRunning);
  Go();
  TurnUntil(*second, id, RunState::kFailed);
  const serve::Run run = Get(id);
  EXPECT_EQ(run.error["code"], "no_space");
  EXPECT_THAT(run.error["message"].get<std::string>(), HasSubstr("170 MB"));
  EXPECT_THAT(run.error["remedy"].get<std::string>(), HasSubstr("limits.memory_mb"));
  EXPECT_EQ(Newest(pipeline).id, id);  // it is not done again unasked
}

// As long as a run waits, planned or queued, the clock may show what it likes.
TEST_F(SupervisorTest, AClockThatJumpsRunsNothingTwiceAndKeepsNothingWaiting) {
  const auto pipeline =
      AddPipeline(Document(0), tenant_, {{"cron", "0 * * * *"}, {"time_zone", "UTC"}});
  auto runs = NewSupervisor();
  const auto turn = [&] {
    clock_.Advance(std::chrono::milliseconds(1100));
    runs->Turn();
    TurnUntilIdle(*runs);
    return store_->Runs({.tenant = {}, .pipeline = pipeline, .state = {}}, {.limit = 100}).items;
  };
  EXPECT_THAT(turn(), IsEmpty());
  clock_.Jump(std::chrono::hours(72));
  EXPECT_THAT(turn(), SizeIs(1));  // what was missed, once
  EXPECT_THAT(turn(), SizeIs(1));
  clock_.Advance(std::chrono::hours(1));
  EXPECT_THAT(turn(), SizeIs(2));
  // By a little, over an hour that had its run, and again over it.
  clock_.Jump(-std::chrono::minutes(10));
  EXPECT_THAT(turn(), SizeIs(2));
  clock_.Advance(std::chrono::minutes(30));
  EXPECT_THAT(turn(), SizeIs(2));
  // By days: it goes on as the clock shows it.
  clock_.Jump(-std::chrono::hours(72));
  EXPECT_THAT(turn(), SizeIs(2));
  clock_.Advance(std::chrono::hours(1));
  EXPECT_THAT(turn(), SizeIs(3));
  clock_.Advance(std::chrono::hours(1));
  EXPECT_THAT(turn(), SizeIs(4));
  EXPECT_EQ(Newest(pipeline).state, RunState::kSucceeded);
}

TEST_F(SupervisorTest, OldRunsAreForgottenWithTheirFilesButNotBecauseTheClockJumps) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline(Document(0));
  const auto old = Start(*runs, pipeline);
  TurnUntil(*runs, old, RunState::kSucceeded);
  const auto newest = Start(*runs, pipeline);
  TurnUntil(*runs, newest, RunState::kSucceeded);
  const auto turn_later = [&](std::chrono::hours later) {
    clock_.Advance(later);
    runs->Turn();
    return std::filesystem::exists(data_.run(old));
  };
  clock_.Jump(std::chrono::hours(24 * 365));
  EXPECT_TRUE(turn_later(std::chrono::hours(2)));
  EXPECT_EQ(Get(old).state, RunState::kSucceeded);
  clock_.Jump(-std::chrono::hours(24 * 365));
  EXPECT_FALSE(turn_later(options_.keep_runs));
  EXPECT_THAT([&] { Get(old); }, test::ThrowsError(base::ErrorCode::kNotFound));
  EXPECT_EQ(Get(newest).state, RunState::kSucceeded);
  EXPECT_TRUE(std::filesystem::exists(data_.run(newest)));
}

TEST_F(SupervisorTest, TheAuditLogIsKeptForAYearAndLittleMore) {
  auto runs = NewSupervisor();
  store_->Audit({.at = clock_.Utc(), .action = "test", .subject = "old"});
  clock_.Advance(options_.keep_audit - std::chrono::hours(1));
  store_->Audit({.at = clock_.Utc(), .action = "test", .subject = "new"});
  runs->Turn();
  EXPECT_THAT(store_->AuditLog(std::nullopt, {}).items, SizeIs(2));
  clock_.Advance(std::chrono::hours(2));
  runs->Turn();
  const auto left = store_->AuditLog(std::nullopt, {}).items;
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left.at(0).subject, "new");
}

TEST_F(SupervisorTest, MoreOldRunsThanOneTurnForgetsAreForgottenInTheNext) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline(Document(0));
  for (int i = 0; i < 502; ++i) {
    const auto run = store_->Enqueue({.tenant = tenant_, .pipeline = pipeline}).id;
    store_->End(run, {.state = RunState::kSucceeded});
  }
  clock_.Advance(options_.keep_runs + std::chrono::hours(1));
  runs->Turn();
  EXPECT_THAT(store_->Runs({}, {}).items, SizeIs(2));
  clock_.Advance(std::chrono::seconds(2));
  runs->Turn();
  EXPECT_THAT(store_->Runs({}, {}).items, SizeIs(1));
}

TEST_F(SupervisorTest, StopAsksAndKillsAfterTheGraceAlone) {
  auto runs = NewSupervisor();
  const std::string wait = "touch " + Here("began") + "; while :; do sleep 0.01; done";
  const auto polite =
      Start(*runs, AddPipeline("trap 'echo \\{\\\"exit_code\\\":130\\}; exit 130' INT; " + wait));
  Turn(*runs, [&] { return Began(); });
  runs->Stop(tenant_, polite);
  TurnUntil(*runs, polite, RunState::kStopped);

  std::filesystem::remove(Here("began"));
  const auto deaf = Start(*runs, AddPipeline("trap '' INT; " + wait));
  Turn(*runs, [&] { return Began(); });
  runs->Stop(tenant_, deaf);
  runs->Turn();
  runs->Turn();
  EXPECT_EQ(Get(deaf).state, RunState::kRunning);
  clock_.Advance(options_.stop_grace);
  TurnUntil(*runs, deaf, RunState::kStopped);
  EXPECT_THAT(store_->Queue(), IsEmpty());  // stopped is not lost
}

TEST_F(SupervisorTest, OneThatWaitsIsStoppedAtOnceAndNeverBegins) {
  auto runs = NewSupervisor();
  const auto id = Start(*runs, AddPipeline("touch " + Here("began")));
  runs->Stop(tenant_, id);
  EXPECT_EQ(Get(id).state, RunState::kStopped);
  runs->Turn();
  EXPECT_EQ(runs->children(), 0U);
  runs->Stop(tenant_, id);  // again is allowed
}

TEST_F(SupervisorTest, WhatCannotBeBegunFailsWithItsReason) {
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline("");
  scripts_.clear();
  const auto id = Start(*runs, pipeline);
  TurnUntil(*runs, id, RunState::kFailed);
  EXPECT_EQ(Get(id).error["message"], "no such script");
  EXPECT_EQ(runs->children(), 0U);
}

TEST_F(SupervisorTest, NoMoreRunAtATimeThanAreAllowed) {
  options_.parallel_runs = 2;
  options_.parallel_runs_per_tenant = 1;
  auto runs = NewSupervisor();
  const auto other = store_->AddTenant("Other", std::nullopt).id;
  for (int i = 0; i < 3; ++i) Start(*runs, AddPipeline(Patient()));
  runs->Start({.tenant = other, .pipeline = AddPipeline(Patient(), other)});
  runs->Start({.tenant = other, .pipeline = AddPipeline(Patient(), other)});
  runs->Turn();
  const auto running = store_->Running();
  ASSERT_THAT(running, SizeIs(2));
  EXPECT_NE(running[0].tenant, running[1].tenant);
  Go();
  TurnUntilIdle(*runs);
  EXPECT_EQ(Text("starts"), "x\nx\nx\nx\nx\n");
}

TEST_F(SupervisorTest, ASchedulesTimeIsOneRunHoweverLongNobodyLooked) {
  auto runs = NewSupervisor();
  const auto pipeline =
      AddPipeline("echo x >> " + Here("starts") + "; " + Document(0), tenant_,
                  {{"cron", "0 * * * *"}, {"time_zone", "UTC"}, {"paused", false}});
  runs->Turn();
  EXPECT_THAT(store_->Queue(), IsEmpty());
  clock_.Advance(std::chrono::hours(5));
  runs = NewSupervisor();
  runs->Adopt();
  Turn(*runs, [&] { return Text("starts") == "x\n"; });
  TurnUntilIdle(*runs);
  EXPECT_EQ(Newest(pipeline).trigger, Trigger::kSchedule);
  clock_.Advance(std::chrono::hours(1));
  Turn(*runs, [&] { return Text("starts") == "x\nx\n"; });
  TurnUntilIdle(*runs);
  EXPECT_EQ(Text("starts"), "x\nx\n");
}

TEST_F(SupervisorTest, WhoWantsToKnowIsToldOfAFailureAndThatItWorksAgain) {
  AddAlert({"failed", "recovered"});
  auto runs = NewSupervisor();
  const auto pipeline = AddPipeline(Document(1));
  TurnUntil(*runs, Start(*runs, pipeline), RunState::kFailed);
  scripts_[pipeline] = Document(0);
  TurnUntil(*runs, Start(*runs, pipeline), RunState::kSucceeded);
  TurnUntil(*runs, Start(*runs, pipeline), RunState::kSucceeded);
  const auto messages = store_->DueMessages(clock_.Utc(), 10);
  ASSERT_THAT(messages, SizeIs(2));
  std::vector<std::string> events = {messages[0].event, messages[1].event};
  std::sort(events.begin(), events.end());
  EXPECT_THAT(events, ElementsAre("failed", "recovered"));
}

TEST_F(SupervisorTest, ARunThatWaitsThoughItWasDueIsToldOnceAndStandsInTheOverview) {
  AddAlert({"late"});
  options_.parallel_runs = 1;
  auto runs = NewSupervisor();
  Start(*runs, AddPipeline(Patient()));
  Turn(*runs, [&] { return Began(); });
  AddPipeline(Document(0), tenant_, {{"cron", "0 * * * *"}, {"time_zone", "UTC"}});
  runs->Wake();
  clock_.Advance(std::chrono::seconds(2));
  runs->Turn();
  clock_.Advance(std::chrono::hours(1));
  runs->Turn();
  ASSERT_THAT(store_->Queue(), SizeIs(1));
  clock_.Advance(kLateAfter + std::chrono::seconds(1));
  runs->Turn();
  clock_.Advance(std::chrono::seconds(2));
  runs->Turn();
  ASSERT_THAT(store_->DueMessages(clock_.Utc(), 10), SizeIs(1));
  const Json overview = Json::parse(runs->Overview(tenant_));
  ASSERT_EQ(overview["tenants"].size(), 1U);
  EXPECT_EQ(overview["tenants"][0]["late"].size(), 1U);
  EXPECT_EQ(overview["queue"]["queued"], 1);
  EXPECT_THAT(runs->Metrics(), HasSubstr("sluice_runs_queued 1\n"));
  EXPECT_THAT(runs->Metrics(), HasSubstr("name=\"p2\"} 1\n"));
  Go();
  TurnUntilIdle(*runs);
}

TEST_F(SupervisorTest, FiguresAddUp) {
  auto runs = NewSupervisor();
  TurnUntil(*runs, Start(*runs, AddPipeline(Document(0))), RunState::kSucceeded);
  TurnUntil(*runs, Start(*runs, AddPipeline(Document(1))), RunState::kFailed);
  const std::string metrics = runs->Metrics();
  const std::string tenant = "{tenant=\"" + tenant_ + "\"";
  EXPECT_THAT(metrics, HasSubstr("sluice_runs_total" + tenant + ",state=\"failed\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("sluice_rows_total" + tenant + "} 6\n"));
  EXPECT_THAT(metrics, HasSubstr("sluice_cost_amount_total" + tenant + "} 0.5\n"));
  EXPECT_THAT(metrics, HasSubstr("# TYPE sluice_stream_lag_seconds gauge\n"));
  const Json overview = Json::parse(runs->Overview({}));
  const Json& acme = overview["tenants"][0];
  EXPECT_EQ(acme["name"], "Acme");
  EXPECT_EQ(acme["pipelines"], 2);
  EXPECT_EQ(acme["failed"].size(), 1U);
  EXPECT_EQ(acme["last_24h"]["succeeded"], 1);
  EXPECT_EQ(acme["last_24h"]["rows"], 6);
  EXPECT_EQ(acme["cost_30d"]["amount"], 0.5);
  EXPECT_EQ(acme["cost_30d"]["billed_seconds"], 120);
  EXPECT_EQ(acme["cost_30d"]["rpu_seconds"], 960);
}

TEST_F(SupervisorTest, WhatRunsByItsThreadEndsAndBeginsWithIt) {
  auto runs = NewSupervisor();
  EXPECT_FALSE(runs->Ready());
  runs->Begin();
  EXPECT_TRUE(runs->Ready());
  const auto id = Start(*runs, AddPipeline(Document(0)));
  while (!HasEnded(Get(id).state)) real_.Sleep(std::chrono::milliseconds(5), {});
  EXPECT_EQ(Get(id).state, RunState::kSucceeded);
  runs->End();
  EXPECT_FALSE(runs->Ready());
}

}  // namespace
}  // namespace sluice::serve
