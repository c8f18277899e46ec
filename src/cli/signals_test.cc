// Goal: the first Ctrl-C asks the work to stop, the second ends the process with 130. Each in a
// process of its own, so that no other test sees a signal.
#include "cli/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace sluice::cli {
namespace {

// Runs `body` in a child and returns how it ended.
template <typename Body>
int StatusOf(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void AwaitStop(const std::stop_token& token) {
  std::mutex mu;
  std::condition_variable_any wake;
  std::unique_lock lock(mu);
  wake.wait(lock, token, [] { return false; });
}

class StopSignalsTest : public testing::TestWithParam<int> {};

TEST_P(StopSignalsTest, FirstAsksToStop) {
  const int status = StatusOf([] {
    bool told = false;
    const StopSignals signals([&] { told = true; }, [] {});
    if (signals.token().stop_requested()) _exit(3);
    kill(getpid(), GetParam());
    AwaitStop(signals.token());
    _exit(told ? 0 : 4);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_P(StopSignalsTest, SecondEndsWith130) {
  const int status = StatusOf([] {
    // A stop callback that never returns stands for work that does not stop.
    int done[2];
    if (pipe(done) != 0) _exit(5);
    const StopSignals signals([] {}, [&] { (void)!write(done[1], "x", 1); });
    kill(getpid(), GetParam());
    AwaitStop(signals.token());
    kill(getpid(), GetParam());
    for (;;) pause();
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
}

INSTANTIATE_TEST_SUITE_P(All, StopSignalsTest, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST(StopSignals, EndQuietlyWithoutASignal) {
  EXPECT_EQ(StatusOf([] { const StopSignals signals([] {}, [] {}); }), 0);
}

TEST(StopSignals, ASigtermDrainsFirstThenStops) {
  const int status = StatusOf([] {
    bool told = false;
    const StopSignals signals([] {}, [] {}, [&] { told = true; });
    kill(getpid(), SIGTERM);
    AwaitStop(signals.drain());
    if (!told || signals.token().stop_requested()) _exit(3);
    kill(getpid(), SIGTERM);
    AwaitStop(signals.token());
    _exit(0);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(StopSignals, CtrlCStopsAtOnceWhereASigtermWouldDrain) {
  const int status = StatusOf([] {
    const StopSignals signals([] {}, [] {}, [] { _exit(3); });
    kill(getpid(), SIGINT);
    AwaitStop(signals.token());
    _exit(signals.drain().stop_requested() ? 4 : 0);
  });
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace sluice::cli
