// Goal: a person reads off where each stream stands, what went wrong and what is left to do; a
// program reads the same.
#include "cli/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

TEST(StatusScreen, TellsHowFarEachStreamIsAndWhatIsLeft) {
  EXPECT_EQ(StatusScreen(Example(), {"sales.orders", "sales.items"}, "b", {}),
            "stream        last commit             rows  watermark\n"
            "sales.orders  2026-01-01 00:00:05Z  60,175  2025-12-31 23:59:59.123456\n"
            "sales.items   never\n"
            "\n"
            "Something may be left in the bucket beneath:\n"
            "    s3://b/sluice/acme/r1/sales-items/a2/\n"
            "The next sync loads or removes it; to remove it now: sluice clean\n");
}

TEST(StatusScreen, TellsThatAStreamWasReset) {
  sync::History history = Example();
  history.resets = {"sales.orders"};
  const std::string screen = StatusScreen(history, {"sales.orders"}, "b", {});
  EXPECT_THAT(screen, HasSubstr("60,175  reset: read from the beginning next\n"));
  const auto json = nlohmann::json::parse(StatusJson(history, {"sales.orders"}, "b"));
  EXPECT_EQ(json["streams"][0]["reset"], true);
  EXPECT_EQ(json["streams"][0]["watermark"], nullptr);
}

TEST(StatusScreen, TellsWhoSyncsNow) {
  sync::History history = Example();
  history.holder = "process 4711 since 2026-01-01 00:00:00 UTC";
  const std::string screen = StatusScreen(history, {"sales.orders"}, "b", {});
  EXPECT_THAT(screen, HasSubstr("Syncing now: process 4711"));
  EXPECT_THAT(screen, Not(HasSubstr("sluice clean")));
}

TEST(StatusScreen, BeginsWithWhatToDo) {
  EXPECT_THAT(StatusScreen({}, {"t"}, "b", {}), HasSubstr("Next: sluice sync"));
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
            "Removed 3 objects and 1 unfinished upload beneath s3://b/r/\n");
  EXPECT_EQ(CleanScreen({}, "s3://b/r/", {}), "Nothing to remove beneath s3://b/r/\n");
  const staging::CleanResult refused{
      .left_behind = {"s3://b/r/x"},
      .error = base::ErrorInfo{.message = "access denied", .remedy = "Allow s3:DeleteObject."}};
  EXPECT_THAT(CleanScreen(refused, "s3://b/r/", {}),
              testing::AllOf(HasSubstr("s3://b/r/x"), HasSubstr("Allow s3:DeleteObject.")));
}

TEST(RecordsJson, SaysTheSame) {
  const auto status = nlohmann::json::parse(StatusJson(Example(), {"sales.orders", "x"}, "b"));
  EXPECT_EQ(status["streams"][0]["watermark"], "2025-12-31 23:59:59.123456");
  EXPECT_EQ(status["streams"][0]["reset"], false);
  EXPECT_EQ(status["streams"][0]["committed"], 1767225605);
  EXPECT_EQ(status["streams"][1]["committed"], nullptr);
  EXPECT_EQ(status["unclean"][0], "s3://b/sluice/acme/r1/sales-items/a2/");
  const auto history = nlohmann::json::parse(HistoryJson(Example()));
  EXPECT_EQ(history["runs"][0]["outcome"], "failed");
  EXPECT_EQ(history["runs"][0]["streams"][1]["error"], "permission");
  EXPECT_EQ(history["runs"][0]["streams"][0]["counts"]["updated"], 175);
}

}  // namespace
}  // namespace sluice::cli
