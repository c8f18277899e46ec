// Goal: a run says what became of it, however its child ended; what was committed before a death is
// told, and only an end without a word is lost.
#include "serve/runs/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

namespace sluice::serve {
namespace {

using testing::HasSubstr;

Outcome Read(const std::string& document, const std::string& events = "",
             std::optional<Ended> ended = Ended{}, bool stop_requested = false) {
  return ReadOutcome(
      document, [&] { return events; }, ended, stop_requested);
}

constexpr std::string_view kStreams = R"("streams": [
  {"stream": "a", "status": "done", "rows": 3, "bytes": 100, "counts": {"inserted": 2, "updated": 1}, "error": null},
  {"stream": "b", "status": "failed", "rows": 0, "bytes": 7, "counts": {"inserted": 1}, "error": {"code": "source", "message": "no"}}])";

std::string Document(int exit_code, const std::string& more = "") {
  return R"({"sluice": "1", "command": "sync", "exit_code": )" + std::to_string(exit_code) +
         R"(, "error": null, "interrupted": false, "cost": {"amount": 0.5, "billed_seconds": 61.5, "rpu_seconds": 492}, )" +
         std::string(kStreams) + more + "}\n";
}

TEST(Outcome, StateFollowsTheExitCodeOfTheDocument) {
  EXPECT_EQ(Read(Document(0)).end.state, RunState::kSucceeded);
  EXPECT_EQ(Read(Document(3)).end.state, RunState::kPartly);
  EXPECT_EQ(Read(Document(1)).end.state, RunState::kFailed);
  EXPECT_EQ(Read(Document(130)).end.state, RunState::kStopped);
  EXPECT_EQ(Read(Document(1, R"(, "interrupted": true)")).end.state, RunState::kStopped);
}

TEST(Outcome, SumsRowsBytesCountsAndTakesTheCost) {
  const RunEnd end = Read(Document(3)).end;
  EXPECT_EQ(end.rows, 3);
  EXPECT_EQ(end.bytes, 107);
  EXPECT_EQ(end.counts, Json::parse(R"({"inserted": 3, "updated": 1})"));
  EXPECT_EQ(end.amount, 0.5);
  EXPECT_EQ(end.billed_seconds, 61.5);
  EXPECT_EQ(end.rpu_seconds, 492);
  EXPECT_EQ(end.error["message"], "no");  // of the first stream that failed
  EXPECT_EQ(end.streams.size(), 2U);
}

TEST(Outcome, AnErrorOfTheWholeNamesNoDescriptor) {
  const RunEnd end = Read(R"({"exit_code": 2, "error": {"code": "invalid_config",
      "subject": "/dev/fd/3", "message": "name is missing"}})")
                         .end;
  EXPECT_EQ(end.state, RunState::kFailed);
  EXPECT_EQ(end.error["subject"], "the pipeline's configuration");
}

constexpr std::string_view kEvents =
    R"({"v":1,"event":"run_began","time":1,"run":"r"}
{"v":1,"event":"stream_ended","time":2,"stream":"a","status":"done","rows":3,"bytes":9,"counts":{"inserted":3},"error":null}
{"v":1,"event":"stream_ended","time":2,"stream":"b","sta)";

TEST(Outcome, AChildThatWasKilledIsLostAndWhatItCommittedIsTold) {
  const Outcome outcome = Read("", std::string(kEvents), Ended{.exit_code = -1, .signal = SIGKILL});
  EXPECT_TRUE(outcome.lost);
  EXPECT_EQ(outcome.end.state, RunState::kFailed);
  EXPECT_EQ(outcome.end.rows, 3);
  ASSERT_EQ(outcome.end.streams.size(), 1U);
  EXPECT_EQ(outcome.end.streams[0]["stream"], "a");
  EXPECT_FALSE(outcome.end.streams[0].contains("event"));
  EXPECT_THAT(outcome.end.error["message"].get<std::string>(), HasSubstr("signal 9"));
  EXPECT_THAT(outcome.end.error["remedy"].get<std::string>(), HasSubstr("memory"));
}

TEST(Outcome, OneThatWasKilledOnRequestIsStoppedAndNotLost) {
  const Outcome outcome =
      Read("", std::string(kEvents), Ended{.exit_code = -1, .signal = SIGKILL}, true);
  EXPECT_FALSE(outcome.lost);
  EXPECT_EQ(outcome.end.state, RunState::kStopped);
  EXPECT_TRUE(outcome.end.error.is_null());
}

TEST(Outcome, ItsEventsTellTheEndWhereTheDocumentIsCutAtAnyLength) {
  const std::string document = Document(0);
  const std::string events = "{\"event\":\"command_ended\",\"exit_code\":0,\"error\":null}\n";
  for (std::size_t length = 0; length < document.size(); ++length) {
    const Outcome outcome = Read(document.substr(0, length), events, std::nullopt);
    EXPECT_FALSE(outcome.lost) << length;
    EXPECT_EQ(outcome.end.state, RunState::kSucceeded) << length;
  }
  for (std::size_t length = 0; length + 1 < events.size(); ++length) {
    EXPECT_TRUE(Read("", events.substr(0, length)).lost) << length;
  }
}

TEST(AppendsInFull, LooksAtEachStreamAndAtTheDefaults) {
  const auto appends = [](const char* text) { return AppendsInFull(Json::parse(text)); };
  EXPECT_FALSE(appends(R"({"streams": [{"table": "a"}]})"));
  EXPECT_TRUE(appends(R"({"streams": [{"table": "a"}, {"table": "b", "write_mode": "append"}]})"));
  EXPECT_TRUE(appends(R"({"defaults": {"write_mode": "append"}, "streams": [{"table": "a"}]})"));
  EXPECT_FALSE(appends(R"({"defaults": {"write_mode": "append", "sync_mode": "incremental"},
                           "streams": [{"table": "a", "cursor": "c"}]})"));
  EXPECT_TRUE(appends(R"({"defaults": {"write_mode": "append", "sync_mode": "incremental"},
                          "streams": [{"table": "a"}]})"));
  EXPECT_TRUE(appends(R"({"defaults": {"write_mode": "append", "sync_mode": "incremental"},
                          "streams": [{"table": "a", "sync_mode": "full_refresh"}]})"));
  EXPECT_FALSE(appends("{}"));
}

TEST(Outcome, DamagedFilesAreALossAndNoCrash) {
  for (const std::string text : {"[]", "null", "{\"exit_code\": \"0\"}", "\xff\xfe", "{{{{"}) {
    EXPECT_TRUE(Read(text, text + "\n").lost) << text;
  }
  EXPECT_FALSE(Read(R"({"exit_code": 0, "streams": 5, "cost": []})").lost);
}

}  // namespace
}  // namespace sluice::serve
