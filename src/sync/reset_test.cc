// Goal: after a reset nothing that was read before it is loaded, and no sync runs meanwhile.
#include "sync/reset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/ledger/history.h"
#include "sync/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_destination.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using ::testing::ElementsAre;

// What the test keeps, while Reset owns what it opened.
class Borrowed final : public destinations::Destination {
 public:
  explicit Borrowed(test::FakeDestination& home) : home_(home) {}
  destinations::Capabilities Describe() const override { return home_.Describe(); }
  std::string Name() const override { return home_.Name(); }
  std::optional<destinations::Committed> ReadCommitted(std::string_view stream,
                                                       const base::Call& call) override {
    return home_.ReadCommitted(stream, call);
  }
  void Forget(std::string_view stream, const base::Call& call) override {
    home_.Forget(stream, call);
  }
  std::unique_ptr<destinations::Load> Begin(const model::StreamTarget& target,
                                            const base::Call& call) override {
    return home_.Begin(target, call);
  }
  model::Landing Examine(const model::StreamTarget& target, const base::Call& call) override {
    return home_.Examine(target, call);
  }
  void Probe(const base::Call& call) override { home_.Probe(call); }
  void Close() override { home_.Close(); }

 private:
  test::FakeDestination& home_;
};

class ResetTest : public ::testing::Test {
 protected:
  ResetTest() {
    destination_.Restore({{"orders", {.rows = 5, .watermark = {.stream = "orders"}}},
                          {"items", {.rows = 7, .watermark = {.stream = "items"}}}});
    Ledger ledger(path_, clock_);
    ledger.AddAttempt({.run = "r1", .stream = "orders", .attempt = "o", .prefix = "p/"});
    ledger.AddAttempt({.run = "r1", .stream = "items", .attempt = "i", .prefix = "q/"});
  }
  std::unique_ptr<destinations::Destination> Open() {
    return std::make_unique<Borrowed>(destination_);
  }
  test::TempDir dir_;
  const std::filesystem::path path_ = dir_.path() / "acme.ledger";
  test::FakeClock clock_;
  test::FakeDestination destination_;
};

TEST_F(ResetTest, ForgetsTheStreamsThatAreNamedAndNoOther) {
  Reset({"orders"}, path_, [&] { return Open(); }, clock_, {});
  EXPECT_TRUE(destination_.tables().at("orders").forgotten);
  EXPECT_EQ(destination_.tables().at("orders").rows, 5U);
  EXPECT_FALSE(destination_.tables().at("items").forgotten);
  EXPECT_THAT(ReadHistory(path_, 1).resets, ElementsAre("orders"));
  Ledger ledger(path_, clock_);
  EXPECT_EQ(ledger.StateOf("o"), AttemptState::kAbandoned);  // swept, never loaded
  EXPECT_EQ(ledger.StateOf("i"), AttemptState::kPlanned);
}

TEST_F(ResetTest, WaitsForNoSyncThatRuns) {
  const Ledger sync(path_, clock_);
  bool opened = false;
  const auto open = [&] {
    opened = true;
    return Open();
  };
  EXPECT_THAT([&] { Reset({"orders"}, path_, open, clock_, {}); },
              test::ThrowsError(ErrorCode::kConflict));
  EXPECT_FALSE(opened);
}

}  // namespace
}  // namespace sluice::sync
