// Goal: whoever is told of a run knows which, what went wrong and what to do, in each kind of
// message, whatever the names hold.
#include "serve/runs/alert_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::serve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const base::UtcTime kNow{std::chrono::seconds(1767225600)};

Json News(std::string_view event, const std::string& name = "Orders") {
  Run run;
  run.id = "run_abcdefghijkl";
  run.pipeline = "pip_abcdefghijkl";
  run.state = RunState::kFailed;
  run.trigger = Trigger::kSchedule;
  run.queued_at = kNow;
  run.error = {{"code", "source"}, {"subject", "stream a"}, {"message", "no"}, {"remedy", "grant"}};
  Tenant tenant;
  tenant.id = "ten_abcdefghijkl";
  tenant.name = "Acme";
  return NewsOf(event, run, tenant, name, kNow, "https://sluice.example.com");
}

TEST(AlertEvent, FollowsTheStateAndTheOneBefore) {
  EXPECT_EQ(EventOf(RunState::kFailed, {}), "failed");
  EXPECT_EQ(EventOf(RunState::kFailed, RunState::kFailed), "failed");
  EXPECT_EQ(EventOf(RunState::kPartly, RunState::kSucceeded), "partly");
  EXPECT_EQ(EventOf(RunState::kSucceeded, RunState::kPartly), "recovered");
  EXPECT_EQ(EventOf(RunState::kSucceeded, RunState::kSucceeded), std::nullopt);
  EXPECT_EQ(EventOf(RunState::kSucceeded, {}), std::nullopt);
  EXPECT_EQ(EventOf(RunState::kStopped, RunState::kFailed), std::nullopt);
}

TEST(AlertText, AWebhookSaysItInTheConventionsForm) {
  const Json body = Json::parse(WebhookBody(News("failed")));
  EXPECT_EQ(body["type"], "run.failed");
  EXPECT_EQ(body["timestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(body["data"]["run"], "run_abcdefghijkl");
  EXPECT_EQ(body["data"]["error"]["remedy"], "grant");
  EXPECT_EQ(body["data"]["state"], "failed");
}

TEST(AlertText, MessagesForPeopleHoldCauseRemedyAndWhereToLook) {
  const auto whole = AllOf(HasSubstr("Orders of Acme"), HasSubstr("stream a: no"),
                           HasSubstr("grant"), HasSubstr("https://sluice.example.com/"));
  EXPECT_THAT(MailBody(News("failed")), whole);
  EXPECT_THAT(Json::parse(SlackBody(News("failed")))["text"].get<std::string>(), whole);
  EXPECT_EQ(MailSubject(News("recovered")), "[Sluice] Works again: Orders of Acme");
  EXPECT_THAT(MailBody(News("late")), HasSubstr("due at 2026-01-01T00:00:00Z"));
}

TEST(AlertText, NamesCallNobodyInSlackAndBreakNoJson) {
  const std::string evil = "<!channel> & \"q\" \xff";
  const Json body = Json::parse(SlackBody(News("failed", evil)));
  EXPECT_THAT(body["text"].get<std::string>(),
              AllOf(HasSubstr("&lt;!channel&gt; &amp; \"q\""), Not(HasSubstr("<!"))));
  EXPECT_FALSE(Json::parse(WebhookBody(News("failed", evil)))["data"].empty());
}

}  // namespace
}  // namespace sluice::serve
