// Waits for a socket, a deadline or a stop, whichever comes first.
#pragma once
#include <optional>
#include <stop_token>

#include "base/clock.h"

namespace sluice::pq {

enum class Ready { kSocket, kStopped, kExpired };
enum class Direction { kRead, kWrite, kReadWrite };

// An eventfd that a stop_token rings, so that poll() wakes at once. One thread at a time.
class Waiter {
 public:
  // Throws kInternal if the system has no descriptor left.
  explicit Waiter(std::stop_token stop);
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  // kStopped and kExpired win over kSocket.
  Ready Wait(int socket, Direction direction, const base::Deadline& deadline,
             const base::Clock& clock) const;

 private:
  struct Ring {
    int fd;
    void operator()() const noexcept;
  };
  std::stop_token stop_;
  int event_ = -1;
  std::optional<std::stop_callback<Ring>> ring_;
};

}  // namespace sluice::pq
