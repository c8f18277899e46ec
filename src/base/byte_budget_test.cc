// Goal: never more bytes out than the bound, nobody starves, and a cancelled waiter blocks no one.
#include "base/byte_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/matchers.h"

namespace sluice::base {
namespace {

TEST(ByteBudget, CountsWhatIsOutAndTakesItBack) {
  ByteBudget budget(10);
  {
    const auto lease = budget.Acquire(7, {});
    EXPECT_EQ(lease.bytes(), 7u);
    EXPECT_EQ(budget.bytes_used(), 7u);
    EXPECT_FALSE(budget.TryAcquire(4).has_value());
    EXPECT_TRUE(budget.TryAcquire(3).has_value());
  }
  EXPECT_EQ(budget.bytes_used(), 0u);
  EXPECT_EQ(budget.bytes_peak(), 10u);
}

TEST(ByteBudget, AMovedLeaseIsGivenBackOnce) {
  ByteBudget budget(10);
  auto one = budget.Acquire(4, {});
  ByteBudget::Lease two = std::move(one);
  two = budget.Acquire(5, {});
  EXPECT_EQ(budget.bytes_used(), 5u);
}

TEST(ByteBudget, MoreThanAllPassesWhenNothingElseIsOut) {
  ByteBudget budget(10);
  {
    const auto lease = budget.Acquire(1000, {});
    EXPECT_EQ(lease.bytes(), 1000u);
    EXPECT_FALSE(budget.TryAcquire(1).has_value());
  }
  EXPECT_TRUE(budget.TryAcquire(1).has_value());
}

TEST(ByteBudget, AWaiterIsCancelled) {
  ByteBudget budget(10);
  const auto all = budget.Acquire(10, {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT([&] { budget.Acquire(1, stop.get_token()); },
              test::ThrowsError(ErrorCode::kCancelled));
  EXPECT_FALSE(budget.TryAcquire(1).has_value());
}

TEST(ByteBudget, ACancelledFirstWaiterLetsTheSecondPass) {
  ByteBudget budget(10);
  auto half = budget.Acquire(5, {});
  std::stop_source stop;
  std::jthread first([&] {
    EXPECT_THAT([&] { budget.Acquire(10, stop.get_token()); },
                test::ThrowsError(ErrorCode::kCancelled));
  });
  // The first is in line when nobody else is served out of turn.
  while (budget.TryAcquire(1).has_value()) std::this_thread::yield();
  std::jthread second([&] { EXPECT_EQ(budget.Acquire(5, {}).bytes(), 5u); });
  stop.request_stop();
  first.join();
  second.join();
}

TEST(ByteBudget, HoldsUnderManyThreads) {
  ByteBudget budget(100);
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (unsigned i = 0; i < 500; ++i) {
          const auto lease = budget.Acquire(1 + (i * 7 + t) % 60, {});
          EXPECT_LE(budget.bytes_used(), 100u);
        }
      });
    }
  }
  EXPECT_EQ(budget.bytes_used(), 0u);
  EXPECT_LE(budget.bytes_peak(), 100u);
}

}  // namespace
}  // namespace sluice::base
