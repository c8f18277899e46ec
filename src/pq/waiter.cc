#include "pq/waiter.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/error.h"

namespace sluice::pq {
namespace {

int OpenEvent() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "wait for the server",
                       .message = "the system has no file descriptor left",
                       .remedy = "Raise the limit of open files: ulimit -n 4096"});
  }
  return fd;
}

short Events(Direction direction) {
  switch (direction) {
    case Direction::kRead: return POLLIN;
    case Direction::kWrite: return POLLOUT;
    case Direction::kReadWrite: return POLLIN | POLLOUT;
  }
  return POLLIN;
}

// poll() sleeps by the system's clock while deadlines are told by ours, so it looks up this often.
constexpr std::chrono::milliseconds kLookUp{250};

int PollTime(const std::optional<std::chrono::nanoseconds>& remaining) {
  if (!remaining) return -1;
  // Rounded up: rounding down would spin through the last millisecond.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*remaining);
  return static_cast<int>(std::min(left, kLookUp).count());
}

}  // namespace

void Waiter::Ring::operator()() const noexcept {
  const std::uint64_t one = 1;
  // Fails only if the counter is full, and then it rings already.
  [[maybe_unused]] const auto written = write(fd, &one, sizeof one);
}

Waiter::Waiter(std::stop_token stop) : stop_(std::move(stop)), event_(OpenEvent()) {
  ring_.emplace(stop_, Ring{event_});
}

Waiter::~Waiter() {
  // First the callback, then its descriptor: otherwise it could ring a stranger's.
  ring_.reset();
  close(event_);
}

Ready Waiter::Wait(int socket, Direction direction, const base::Deadline& deadline,
                   const base::Clock& clock) const {
  for (;;) {
    if (stop_.stop_requested()) return Ready::kStopped;
    if (deadline.Expired(clock)) return Ready::kExpired;
    pollfd polled[2] = {{.fd = socket, .events = Events(direction), .revents = 0},
                        {.fd = event_, .events = POLLIN, .revents = 0}};
    const int ready = poll(polled, 2, PollTime(deadline.Remaining(clock)));
    // An error or hang-up of the socket is for libpq to read and to name.
    if (ready > 0 && polled[0].revents != 0 && polled[1].revents == 0) return Ready::kSocket;
    if (ready < 0 && errno != EINTR) return Ready::kSocket;
  }
}

}  // namespace sluice::pq
