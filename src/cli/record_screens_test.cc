// Goal: a person reads off where each stream stands, what went wrong and what is left to do; a
// program reads the same.
#include "cli/record_screens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "contract/record_documents.h"

namespace sluice::cli {
namespace {
using testing::HasSubstr;
using testing::Not;

base::UtcTime At(int seconds) { return base::UtcTime(std::chrono::seconds(1767225600 + seconds)); }

sync::History Example() {
  const sync::AttemptRecord good{.stream = "sales.orders",
                                 .attempt = "a1",
                                 .state = "cleaned",
                                 .prefix = "sluice/acme/r1/sales-orders/a1/",
                                 .began = At(0),
                                 .committed = At(5),
                                 .rows = 60175,
                                 .bytes = 1200000,
                                 .counts = {.inserted = 60000, .updated = 175},
                                 .watermark = "2025-12-31 23:59:59.123456"};
  const sync::AttemptRecord bad{.stream = "sales.items",
                                .attempt = "a2",
                                .state = "failed",
                                .prefix = "sluice/acme/r1/sales-items/a2/",
                                .began = At(1),
                                .error = "permission"};
  return {.runs = {{.run = "r1",
                    .began = At(0),
                    .ended = At(7),
                    .outcome = "failed",
                    .attempts = {good, bad}}},
          .last_commits = {good},
          .unclean = {bad},
          .holder = std::nullopt};
}

const base::UtcTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);

std::vector<model::Stream> Named(const std::vector<std::string>& names) {
  std::vector<model::Stream> streams;
  for (const auto& name : names) {
    streams.push_back(
        {.name = name, .sync_mode = model::SyncMode::kIncremental, .cursor = "changed"});
  }
  return streams;
}

TEST(StatusScreen, TellsOfAWatermarkInTheFuture) {
  auto history = Example();
  for (const auto* far : {"9999-12-31 00:00:00", "2026-06-01 01:00:00.5", "2026-06-02",
                          "2026-06-01 00:11:00+00", "294276-12-31 23:59:59"}) {
    history.last_commits.at(0).watermark = far;
    auto streams = Named({history.last_commits.at(0).stream});
    const auto screen = StatusScreen(history, streams, "b", kNow, {});
    EXPECT_THAT(screen, HasSubstr("warning")) << far;
    EXPECT_THAT(screen, HasSubstr("--full"));
    const auto json = nlohmann::json::parse(contract::StatusJson(history, streams, "b", kNow));
    EXPECT_EQ(json["streams"][0]["warnings"].size(), 1U);
    // It is meant: nothing is told.
    streams[0].cursor_ahead_max.reset();
    EXPECT_THAT(StatusScreen(history, streams, "b", kNow, {}), Not(HasSubstr("warning")));
  }
  for (const auto* past : {"2026-06-01 00:00:00", "2026-06-01 00:09:00", "2026-06-01", "99999", "z",
                           "0044-03-15 BC", "9999-12-31x", "2999"}) {
    history.last_commits.at(0).watermark = past;
    EXPECT_THAT(StatusScreen(history, Named({history.last_commits.at(0).stream}), "b", kNow, {}),
                Not(HasSubstr("warning")))
        << past;
  }
}

TEST(StatusScreen, TellsHowFarEachStreamIsAndWhatIsLeft) {
  EXPECT_EQ(StatusScreen(Example(), Named({"sales.orders", "sales.items"}), "b", kNow, {}),
            "stream        last commit             rows  watermark\n"
            "sales.orders  2026-01-01 00:00:05Z  60,175  2025-12-31 23:59:59.123456\n"
            "sales.items   never\n"
            "\n"
            "Something may be left in the bucket under:\n"
            "    s3://b/sluice/acme/r1/sales-items/a2/\n"
            "The next sync loads or removes it; to remove it now: sluice clean\n");
}

TEST(StatusScreen, TellsThatAStreamWasReset) {
  sync::History history = Example();
  history.resets = {"sales.orders"};
  const std::string screen = StatusScreen(history, Named({"sales.orders"}), "b", kNow, {});
  EXPECT_THAT(screen, HasSubstr("60,175  reset: read from the beginning next\n"));
  const auto json =
      nlohmann::json::parse(contract::StatusJson(history, Named({"sales.orders"}), "b", kNow));
  EXPECT_EQ(json["streams"][0]["reset"], true);
  EXPECT_EQ(json["streams"][0]["watermark"], nullptr);
}

TEST(StatusScreen, TellsWhatFailedAndWhatToDo) {
  sync::History history = Example();
  history.last_failures = {{.run = "r1",
                            .stream = "sales.items",
                            .at = At(6),
                            .code = "permission",
                            .subject = "stream sales.items",
                            .message = "it may not be read",
                            .remedy = "GRANT SELECT ON sales.items TO sluice;"}};
  const auto streams = Named({"sales.orders", "sales.items"});
  EXPECT_THAT(StatusScreen(history, streams, "b", kNow, {}),
              HasSubstr("2026-01-01 00:00:06Z  failed: sales.items: it may not be read\n"
                        "    GRANT SELECT ON sales.items TO sluice;\n"));
  const auto json = nlohmann::json::parse(contract::StatusJson(history, streams, "b", kNow));
  EXPECT_EQ(json["streams"][0]["failure"], nullptr);
  EXPECT_EQ(json["streams"][1]["failure"],
            (nlohmann::json{{"run", "r1"},
                            {"stream", "sales.items"},
                            {"at", 1767225606},
                            {"code", "permission"},
                            {"subject", "stream sales.items"},
                            {"message", "it may not be read"},
                            {"remedy", "GRANT SELECT ON sales.items TO sluice;"}}));
  EXPECT_EQ(json["failure"], nullptr);
}

TEST(StatusScreen, TellsWhatEndedTheLastRunAsAWhole) {
  sync::History history = Example();
  history.runs[0].failures = {{.run = "r1",
                               .stream = "",
                               .at = At(6),
                               .code = "authentication",
                               .subject = "workgroup analytics",
                               .message = "the keys were not accepted",
                               .remedy = "Run: sluice check"}};
  const auto streams = Named({"sales.orders"});
  const char* line = "failed: the keys were not accepted (workgroup analytics)\n";
  EXPECT_THAT(StatusScreen(history, streams, "b", kNow, {}),
              HasSubstr(std::string("2026-01-01 00:00:06Z  ") + line + "    Run: sluice check\n"));
  const auto json = nlohmann::json::parse(contract::StatusJson(history, streams, "b", kNow));
  EXPECT_EQ(json["failure"]["code"], "authentication");
  EXPECT_EQ(json["failure"]["stream"], nullptr);
  EXPECT_THAT(HistoryScreen(history, {}),
              HasSubstr(std::string("    ") + line + "        Run: sluice check\n"));
  const auto told = nlohmann::json::parse(contract::HistoryJson(history))["runs"][0];
  EXPECT_EQ(told["failures"][0]["message"], "the keys were not accepted");
  EXPECT_EQ(told["streams"][1]["error"], "permission");
  EXPECT_EQ(told["streams"][1]["message"], nullptr);  // as an older version recorded it
}

TEST(StatusScreen, TellsWhoSyncsNow) {
  sync::History history = Example();
  history.holder = "process 4711 since 2026-01-01 00:00:00 UTC";
  const std::string screen = StatusScreen(history, Named({"sales.orders"}), "b", kNow, {});
  EXPECT_THAT(screen, HasSubstr("Syncing now: process 4711"));
  EXPECT_THAT(screen, Not(HasSubstr("sluice clean")));
}

TEST(StatusScreen, BeginsWithWhatToDo) {
  EXPECT_THAT(StatusScreen({}, Named({"t"}), "b", kNow, {}), HasSubstr("Next: sluice sync"));
  EXPECT_THAT(HistoryScreen({}, {}), HasSubstr("Next: sluice sync"));
}

TEST(HistoryScreen, TellsEachRunWithItsStreams) {
  EXPECT_EQ(HistoryScreen(Example(), {}),
            "2026-01-01 00:00:00Z  failed, 7 s  run r1\n"
            "    sales.orders  60,175 rows  1.2 MB\n"
            "    sales.items                        failed: permission\n"
            "\n");
}

TEST(HistoryScreen, ARunWithoutAnEndDiedOrIsUnderWay) {
  sync::History history = Example();
  history.runs[0].outcome.clear();
  history.runs[0].ended.reset();
  EXPECT_THAT(HistoryScreen(history, {}), HasSubstr("died"));
  history.holder = "process 1";
  EXPECT_THAT(HistoryScreen(history, {}), HasSubstr("under way"));
}

TEST(CleanScreen, TellsWhatWentAndWhatStayed) {
  EXPECT_EQ(CleanScreen({.objects_deleted = 3, .uploads_aborted = 1}, "s3://b/r/", {}),
            "Removed 3 objects and 1 unfinished upload under s3://b/r/\n");
  EXPECT_EQ(CleanScreen({}, "s3://b/r/", {}), "Nothing to remove under s3://b/r/\n");
  const staging::CleanResult refused{
      .left_behind = {"s3://b/r/x"},
      .error = base::ErrorInfo{.message = "access denied", .remedy = "Allow s3:DeleteObject."}};
  EXPECT_THAT(CleanScreen(refused, "s3://b/r/", {}),
              testing::AllOf(HasSubstr("s3://b/r/x"), HasSubstr("Allow s3:DeleteObject.")));
}

TEST(RecordsJson, SaysTheSame) {
  const auto status = nlohmann::json::parse(
      contract::StatusJson(Example(), Named({"sales.orders", "x"}), "b", kNow));
  EXPECT_EQ(status["streams"][0]["watermark"], "2025-12-31 23:59:59.123456");
  EXPECT_EQ(status["streams"][0]["reset"], false);
  EXPECT_EQ(status["streams"][0]["committed"], 1767225605);
  EXPECT_EQ(status["streams"][1]["committed"], nullptr);
  EXPECT_EQ(status["unclean"][0], "s3://b/sluice/acme/r1/sales-items/a2/");
  const auto history = nlohmann::json::parse(contract::HistoryJson(Example()));
  EXPECT_EQ(history["runs"][0]["outcome"], "failed");
  EXPECT_EQ(history["runs"][0]["streams"][1]["error"], "permission");
  EXPECT_EQ(history["runs"][0]["streams"][0]["counts"]["updated"], 175);
}

}  // namespace
}  // namespace sluice::cli
