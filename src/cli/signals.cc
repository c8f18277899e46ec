#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "base/descriptor.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

// Throws std::system_error if it is none.
int Opened(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

sigset_t BlockAll() {
  const sigset_t set = StopSet();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  return before;
}

int MakeSignalFd() {
  const sigset_t set = StopSet();
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

struct StopSignals::State {
  State(std::function<void()> first, std::function<void()> second, std::function<void()> term)
      : on_first(std::move(first)), on_second(std::move(second)), on_term(std::move(term)) {
    thread = std::thread([this] { Watch(); });
  }
  ~State() {
    const std::uint64_t one = 1;
    while (write(ended.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    thread.join();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void Watch() {
    for (;;) {
      pollfd ready[] = {{signals.get(), POLLIN, 0}, {ended.get(), POLLIN, 0}};
      if (poll(ready, 2, -1) < 0) continue;
      if (ready[1].revents != 0) return;
      signalfd_siginfo info{};
      if (read(signals.get(), &info, sizeof info) != sizeof info) continue;
      if (stop.stop_requested()) {
        on_second();
        _exit(contract::kInterrupted);
      }
      if (info.ssi_signo == SIGTERM && on_term && !drain.stop_requested()) {
        on_term();
        drain.request_stop();
        continue;
      }
      on_first();
      stop.request_stop();
    }
  }

  const std::function<void()> on_first;
  const std::function<void()> on_second;
  const std::function<void()> on_term;
  std::stop_source stop;
  std::stop_source drain;
  const sigset_t before = BlockAll();
  const base::Descriptor signals{Opened(MakeSignalFd(), "signalfd")};
  const base::Descriptor ended{Opened(eventfd(0, EFD_CLOEXEC), "eventfd")};
  std::thread thread;
};

StopSignals::StopSignals(std::function<void()> on_first, std::function<void()> on_second,
                         std::function<void()> on_term)
    : state_(
          std::make_unique<State>(std::move(on_first), std::move(on_second), std::move(on_term))) {}
StopSignals::~StopSignals() = default;
std::stop_token StopSignals::token() const { return state_->stop.get_token(); }
std::stop_token StopSignals::drain() const { return state_->drain.get_token(); }

}  // namespace sluice::cli
