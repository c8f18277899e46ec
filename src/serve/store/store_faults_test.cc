// Goal: a database that another process holds, and a clock that jumps, cost nobody what was done
// and have nothing done twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "serve/base/testing/jumping_clock.h"
#include "serve/store/schema.h"
#include "serve/store/seal.h"
#include "serve/store/store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::minutes;
using testing::IsEmpty;
using testing::SizeIs;

class StoreFaultsTest : public testing::Test {
 protected:
  StoreFaultsTest() : store_(Store::Open(dir_.path(), keyring_, clock_)) {}

  // As another process would, until it is destroyed.
  std::unique_ptr<sqlite::Database> Hold() {
    auto other = std::make_unique<sqlite::Database>(dir_.path() / "service.db",
                                                    sqlite::Open::kExisting, ExplainStore);
    other->Execute("BEGIN EXCLUSIVE");
    return other;
  }

  test::TempDir dir_;
  JumpingClock clock_;
  const Keyring keyring_{{NewKey()}};
  const std::unique_ptr<Store> store_;
};

TEST_F(StoreFaultsTest, WhatIsWrittenTogetherIsThereAsAWholeOrNotAtAll) {
  const auto add = [&](bool fails) {
    const Tenant tenant = store_->AddTenant("Acme", std::nullopt);
    EXPECT_EQ(store_->GetTenant(tenant.id).name, "Acme");  // the writer sees it
    std::thread([&] {
      EXPECT_FALSE(store_->FindTenantByName("Acme"));  // and nobody else yet
    }).join();
    store_->Audit({.at = clock_.Utc(), .action = "tenant.create", .subject = tenant.id});
    if (fails) throw std::runtime_error("no");
  };
  EXPECT_THROW(store_->Together([&] { add(true); }), std::runtime_error);
  EXPECT_FALSE(store_->FindTenantByName("Acme"));
  EXPECT_THAT(store_->AuditLog(std::nullopt, {}).items, IsEmpty());
  store_->Together([&] { add(false); });
  EXPECT_TRUE(store_->FindTenantByName("Acme"));
  EXPECT_THAT(store_->AuditLog(std::nullopt, {}).items, SizeIs(1));
}

TEST_F(StoreFaultsTest, AHeldDatabaseIsToldAndKeepsNobodyFromReading) {
  const auto [token, text] = store_->AddToken("t", Scope::kAdmin, std::nullopt, std::nullopt);
  store_->Ping();
  auto other = Hold();
  EXPECT_EQ(store_->FindToken(text)->id, token.id);  // its use would be written
  EXPECT_THAT([&] { store_->Ping(); },
              test::ThrowsErrorWith(ErrorCode::kUnavailable, &base::ErrorInfo::reason, "busy"));
  other.reset();
  store_->Ping();
  EXPECT_TRUE(store_->FindToken(text));
  EXPECT_TRUE(store_->FindToken(text)->last_used_at);
}

// Each of twenty calls would take its thread for five seconds, and nobody else would be
// answered.
TEST_F(StoreFaultsTest, OnceOneHasWaitedForAHeldDatabaseInVainOthersAreToldAtOnce) {
  auto other = Hold();
  const base::SystemClock clock;
  const auto until = base::Deadline::After(clock, std::chrono::seconds(50));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT([&] { store_->AddTenant("Acme", std::nullopt); },
                test::ThrowsErrorWith(ErrorCode::kUnavailable, &base::ErrorInfo::reason, "busy"));
    ASSERT_FALSE(until.Expired(clock)) << i;
  }
  other.reset();
  EXPECT_TRUE(store_->FindTenantByName(store_->AddTenant("Acme", std::nullopt).name));
}

// What was done must not be done again, and what was not done must not be taken for done, whatever
// became of the disk in the meantime. Nor does one writer wait for longer than another.
TEST_F(StoreFaultsTest, AnAnswerThatCannotBeWrittenIsKnownAllTheSame) {
  ASSERT_FALSE(store_->ClaimKey("tok", "done", "POST /x"));
  ASSERT_FALSE(store_->ClaimKey("tok", "failed", "POST /x"));
  auto other = Hold();
  {
    const std::jthread saves(
        [&] { store_->SaveAnswer("tok", "done", {.status = 201, .body = "{}"}); });
    const std::jthread forgets([&] { store_->ForgetKey("tok", "failed"); });
  }
  other.reset();
  EXPECT_EQ(store_->ClaimKey("tok", "done", "POST /x")->status, 201);
  EXPECT_EQ(store_->ClaimKey("tok", "done", "POST /x")->body, "{}");
  EXPECT_FALSE(store_->ClaimKey("tok", "failed", "POST /x"));
  EXPECT_THAT([&] { store_->ClaimKey("tok", "failed", "POST /x"); },
              test::ThrowsError(ErrorCode::kConflict));
}

TEST_F(StoreFaultsTest, AClockThatJumpsMakesNoAnswerOlder) {
  ASSERT_FALSE(store_->ClaimKey("tok", "k", "POST /x"));
  store_->SaveAnswer("tok", "k", {.status = 201, .body = "{}"});
  clock_.Jump(hours(24 * 30));
  EXPECT_TRUE(store_->ClaimKey("tok", "k", "POST /x"));
  clock_.Jump(-hours(24 * 60));
  EXPECT_TRUE(store_->ClaimKey("tok", "k", "POST /x"));
  clock_.Jump(hours(24 * 30));
  clock_.Advance(hours(23));
  EXPECT_TRUE(store_->ClaimKey("tok", "k", "POST /x"));
  clock_.Advance(hours(2));
  EXPECT_FALSE(store_->ClaimKey("tok", "k", "POST /x"));
}

TEST_F(StoreFaultsTest, ATokenIsGoodUntilTheClockSaysItsTimeAndNoLonger) {
  const std::string tenant = store_->AddTenant("Acme", std::nullopt).id;
  const auto [form, text] =
      store_->AddToken("form", Scope::kConnect, tenant, clock_.Utc() + hours(1));
  const auto [own, own_text] = store_->AddToken("own", Scope::kTenant, tenant, std::nullopt);
  const base::Secret session = store_->AddSession(own.id, clock_.Utc() + hours(12));
  clock_.Jump(-hours(48));  // shuts nobody out
  EXPECT_TRUE(store_->FindToken(text));
  EXPECT_TRUE(store_->FindSession(session));
  clock_.Jump(hours(49));
  EXPECT_FALSE(store_->FindToken(text));
  EXPECT_TRUE(store_->FindSession(session));
  clock_.Jump(hours(12));
  EXPECT_FALSE(store_->FindSession(session));
  EXPECT_TRUE(store_->FindToken(own_text));
}

TEST_F(StoreFaultsTest, AMessageIsSentThoughTheClockWasSetBackAndNotMoreOftenForIt) {
  const std::string tenant = store_->AddTenant("Acme", std::nullopt).id;
  const Resource alert = store_->Add(
      {.kind = Kind::kAlert, .tenant = tenant, .name = "a", .fields = {{"kind", "slack"}}});
  store_->AddMessage({.id = "m",
                      .tenant = tenant,
                      .alert = alert.id,
                      .event = "failed",
                      .payload = Json::object(),
                      .next_at = clock_.Utc()});
  clock_.Jump(-hours(48));
  ASSERT_THAT(store_->DueMessages(clock_.Utc(), 10), SizeIs(1));
  store_->PutOffMessage("m", clock_.Utc() + minutes(5));
  EXPECT_THAT(store_->DueMessages(clock_.Utc(), 10), IsEmpty());
  clock_.Advance(minutes(5));
  EXPECT_THAT(store_->DueMessages(clock_.Utc(), 10), SizeIs(1));
}

}  // namespace
}  // namespace sluice::serve
