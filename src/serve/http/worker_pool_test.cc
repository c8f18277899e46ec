// Goal: what is given is done, once; more than may wait is refused instead of kept.
#include "serve/http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace sluice::serve {
namespace {

TEST(WorkerPool, DoesAllBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 100);
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.Post([&] { ++done; }));
  }
  EXPECT_EQ(done, 50);
}

TEST(WorkerPool, RefusesWhatWouldWaitBehindTooMuch) {
  std::latch begun(2);
  std::latch go(1);
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2, 1);
    const auto hold = [&] {
      begun.count_down();
      go.wait();
      ++done;
    };
    EXPECT_TRUE(pool.Post(hold));
    EXPECT_TRUE(pool.Post(hold));
    begun.wait();
    EXPECT_TRUE(pool.Post([&] { ++done; }));
    EXPECT_FALSE(pool.Post([&] { ++done; }));
    go.count_down();
  }
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace sluice::serve
