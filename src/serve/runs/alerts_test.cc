// Goal: a message that nobody took is sent again, the same one, and at last given up and told so;
// one receiver that is slow or gone holds up no other.
#include "serve/runs/alerts.h"

#include "serve/runs/testing/runs_fixture.h"
#include "serve/store/schema.h"
#include "sqlite/sqlite.h"

namespace sluice::serve {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AlertsTest : public RunsFixture {
 protected:
  AlertsTest() {
    alerts_ = std::make_unique<Alerts>(
        options_, *store_,
        Senders{.post =
                    [this](const notify::WebMessage& message, bool, std::stop_token) {
                      const std::lock_guard lock(sent_mu_);
                      sent_.push_back(message);
                      return answer_;
                    },
                .mail =
                    [this](const notify::Mail& mail, bool, std::stop_token) {
                      const std::lock_guard lock(sent_mu_);
                      mails_.push_back(mail);
                      return answer_;
                    }},
        clock_, log_);
  }
  serve::Run Failed() {
    NewRun wanted;
    wanted.tenant = tenant_;
    wanted.pipeline = AddPipeline("");
    serve::Run run = store_->Enqueue(wanted);
    run.state = RunState::kFailed;
    return run;
  }
  static std::string Header(const notify::WebMessage& message, const std::string& name) {
    for (const auto& one : message.headers) {
      if (one.name == name) return one.value;
    }
    return {};
  }
  std::unique_ptr<Alerts> alerts_;
};

TEST_F(AlertsTest, AreSentToThoseWhoWantThemAndOnce) {
  AddAlert({"failed"});
  const serve::Run run = Failed();
  alerts_->Ended(run, {});
  alerts_->Ended(run, {});  // as after a death between message and end
  EXPECT_EQ(alerts_->SendDue({}), 1);
  ASSERT_THAT(sent_, SizeIs(1));
  EXPECT_EQ(sent_[0].url, base::Secret("https://example.com/hook"));
  EXPECT_EQ(Json::parse(sent_[0].body)["data"]["run"], run.id);
  EXPECT_THAT(Header(sent_[0], "webhook-signature"), HasSubstr("v1,"));
  EXPECT_EQ(alerts_->SendDue({}), 0);
  EXPECT_EQ(alerts_->counts().delivered, 1U);
}

TEST_F(AlertsTest, NobodyIsToldWhatHeDidNotAskFor) {
  AddAlert({"recovered", "late"});
  alerts_->Ended(Failed(), {});
  EXPECT_EQ(alerts_->SendDue({}), 0);
}

TEST_F(AlertsTest, WhatIsNotTakenIsSentAgainUnderItsOldNameAndAtLastGivenUp) {
  AddAlert({"failed"});
  alerts_->Ended(Failed(), {});
  answer_ = "example.com answered with status 500";
  int attempts = 0;
  for (int days = 0; days < 4 * 24 * 60; ++days) {  // minutes
    attempts += alerts_->SendDue({});
    clock_.Advance(std::chrono::minutes(1));
  }
  EXPECT_EQ(attempts, 8);
  ASSERT_THAT(sent_, SizeIs(8));
  for (const auto& one : sent_) {
    EXPECT_EQ(Header(one, "webhook-id"), Header(sent_[0], "webhook-id"));
    EXPECT_EQ(one.body, sent_[0].body);
  }
  EXPECT_NE(Header(sent_[1], "webhook-timestamp"), Header(sent_[0], "webhook-timestamp"));
  EXPECT_EQ(alerts_->counts().given_up, 1U);
  EXPECT_EQ(store_->AuditLog(tenant_, {}).items.at(0).action, "alert.given_up");
}

// The database is held, or its disk is full, at the moment at which a message was delivered.
TEST_F(AlertsTest, WhatWasDeliveredIsNotSentAgainBecauseThatCannotBeWrittenDown) {
  AddAlert({"failed"});
  alerts_->Ended(Failed(), {});
  {
    sqlite::Database other(data_.database(), sqlite::Open::kExisting, ExplainStore);
    other.Execute("BEGIN EXCLUSIVE");
    EXPECT_EQ(alerts_->SendDue({}), 0);  // and the thread takes a rest
  }
  EXPECT_THAT(sent_, SizeIs(1));
  EXPECT_EQ(alerts_->SendDue({}), 1);
  EXPECT_EQ(alerts_->SendDue({}), 0);
  EXPECT_THAT(sent_, SizeIs(1));
  EXPECT_EQ(alerts_->counts().delivered, 1U);
  EXPECT_EQ(store_->AuditLog(tenant_, {}).items.at(0).action, "alert.delivered");
}

TEST_F(AlertsTest, OneThatWasDeletedMeanwhileIsForgotten) {
  const auto id = AddAlert({"failed"});
  alerts_->Ended(Failed(), {});
  store_->Delete(Kind::kAlert, tenant_, id);
  alerts_->SendDue({});
  EXPECT_THAT(sent_, IsEmpty());
  EXPECT_EQ(alerts_->SendDue({}), 0);
}

TEST_F(AlertsTest, ATestIsSentAtOnceAndTold) {
  const Resource alert = store_->Get(Kind::kAlert, tenant_, AddAlert({"late"}), true);
  EXPECT_TRUE(alerts_->Test(alert).delivered);
  EXPECT_EQ(Json::parse(sent_.at(0).body)["type"], "alert.test");
  answer_ = "nobody answers";
  EXPECT_EQ(alerts_->Test(alert).problem, "nobody answers");
}

TEST_F(AlertsTest, MailGoesToWhereItsAddressSays) {
  Resource alert{.kind = Kind::kAlert, .tenant = tenant_, .name = "mail"};
  alert.fields = {{"kind", "email"},
                  {"smtp_url", "smtp://mail.example.com"},
                  {"from", "a@example.com"},
                  {"smtp_user", "u"}};
  alert.fields["to"] = {"b@example.com"};
  alert.secrets.emplace("smtp_password", base::Secret("shh"));
  alerts_->Test(alert);
  alert.fields["smtp_url"] = "smtps://[2001:db8::1]:9465";
  alerts_->Test(alert);
  ASSERT_THAT(mails_, SizeIs(2));
  EXPECT_EQ(mails_[0].host, "mail.example.com");
  EXPECT_EQ(mails_[0].port, 587);
  EXPECT_EQ(mails_[0].security, notify::MailSecurity::kStartTls);
  EXPECT_EQ(mails_[0].password, base::Secret("shh"));
  EXPECT_EQ(mails_[1].host, "2001:db8::1");
  EXPECT_EQ(mails_[1].port, 9465);
  EXPECT_EQ(mails_[1].security, notify::MailSecurity::kTls);
}

}  // namespace
}  // namespace sluice::serve
