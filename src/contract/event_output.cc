#include "contract/event_output.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/write_failure.h"

namespace sluice::contract {
namespace {

// Some ten thousand lines: a reader that is this far behind does not read.
constexpr std::size_t kWaitingMax = 4U << 20U;
// Progress is left out above this.
constexpr std::size_t kBehind = 64U << 10U;
// A pipe that poll calls writable takes this much without blocking (PIPE_BUF, pipe(7)).
constexpr std::size_t kPieceMax = 4096;
constexpr int kPollMilliseconds = 100;
constexpr int kPollsAtEnd = 50;  // five seconds
constexpr mode_t kMode = 0644;

[[noreturn]] void Bad(const std::string& what, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "open events",
                     .subject = "--events " + what,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

bool IsNumber(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

int OfParent(const std::string& where) {
  int fd = -1;
  const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), fd);
  if (error == std::errc() && fd <= STDERR_FILENO) {
    Bad(where, "0, 1 and 2 are the input, the result and the log",
        "Use a number from 3 on, which the parent process has opened, for example: "
        "sluice sync --events 3 3> events.ndjson");
  }
  const int flags = error == std::errc() ? fcntl(fd, F_GETFL) : -1;
  if (flags < 0) {
    Bad(where, "no descriptor of that number is open",
        "The parent process must open it before it starts Sluice. A file of that name is written "
        "./" +
            where);
  }
  if ((flags & O_ACCMODE) == O_RDONLY) {
    Bad(where, "the descriptor is open for reading only", "Open it for writing.");
  }
  // Programs that give keys (credential_process) have no business with it.
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

int OfFile(const std::string& where) {
  // O_NONBLOCK: opening a named pipe that nobody reads fails instead of waiting for a reader.
  const int fd =
      open(where.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode);
  if (fd >= 0) return fd;
  const int reason = errno;
  if (reason == ENXIO) {
    Bad(where, "it is a named pipe that nobody reads", "Start its reader first.");
  }
  Bad(where, fmt::format("the file cannot be opened: {}", std::strerror(reason)),
      "Check that the folder exists and that you may write there.");
}

// A program that was killed may have left half a line.
bool EndsInALine(const std::string& where) {
  struct stat status {};
  if (stat(where.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
    return true;
  }
  const base::Descriptor fd(open(where.c_str(), O_RDONLY | O_CLOEXEC));
  char last = '\n';
  return fd.get() < 0 || pread(fd.get(), &last, 1, status.st_size - 1) != 1 || last == '\n';
}

bool IsSocket(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

std::unique_ptr<EventOutput> EventOutput::Open(const std::string& where) {
  if (IsNumber(where)) {
    return std::unique_ptr<EventOutput>(new EventOutput(OfParent(where), true));
  }
  const bool on_new_line = EndsInALine(where);
  return std::unique_ptr<EventOutput>(new EventOutput(OfFile(where), on_new_line));
}

EventOutput::EventOutput(int fd, bool on_new_line) : fd_(fd), is_socket_(IsSocket(fd)) {
  if (!on_new_line) waiting_ = "\n";
}

EventOutput::~EventOutput() { Close(); }

void EventOutput::Start(std::function<void(std::string_view)> on_stopped) {
  on_stopped_ = std::move(on_stopped);
  thread_ = std::thread([this] { Run(); });
}

void EventOutput::Write(std::string_view line, Worth worth) noexcept {
  bool full = false;
  try {
    const std::lock_guard lock(mu_);
    if (stopped_ || closing_) return;
    const std::size_t behind = waiting_.size() + in_hand_;
    if (worth == Worth::kIfReadInTime && behind > kBehind) return;
    full = behind + line.size() > kWaitingMax;
    if (!full) {
      waiting_ += line;
      waiting_ += '\n';
    }
  } catch (const std::exception&) {
    full = true;  // no memory
  }
  if (full) return Stop("its reader does not read");
  changed_.notify_one();
}

void EventOutput::Close() noexcept {
  {
    const std::lock_guard lock(mu_);
    closing_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EventOutput::Stop(std::string_view reason) noexcept {
  {
    const std::lock_guard lock(mu_);
    if (std::exchange(stopped_, true)) return;
    waiting_.clear();
  }
  changed_.notify_one();
  try {
    if (on_stopped_) on_stopped_(reason);
  } catch (const std::exception&) {
    // No memory for the warning: the command goes on all the same.
  }
}

int EventOutput::WriteSome(std::string_view& text) {
  const auto piece = text.substr(0, kPieceMax);
  const ssize_t count =
      is_socket_ ? send(fd_.get(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                 : write(fd_.get(), piece.data(), piece.size());
  if (count >= 0) {
    text.remove_prefix(static_cast<std::size_t>(count));
    return 0;
  }
  return errno == EINTR || errno == EAGAIN ? 0 : errno;
}

void EventOutput::Run() {
  std::string taken;
  int polls_left = kPollsAtEnd;
  for (;;) {
    bool closing = false;
    {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [&] { return !waiting_.empty() || closing_ || stopped_; });
      if (stopped_ || waiting_.empty()) return;
      taken.swap(waiting_);
      waiting_.clear();
      in_hand_ = taken.size();
    }
    for (std::string_view text = taken; !text.empty();) {
      pollfd ready{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
      const int count = poll(&ready, 1, kPollMilliseconds);
      {
        const std::lock_guard lock(mu_);
        if (stopped_) return;
        closing = closing_;
        in_hand_ = text.size();
      }
      if (count <= 0) {
        if (closing && --polls_left <= 0) return Stop("its reader does not read");
        continue;
      }
      if (const int reason = WriteSome(text); reason != 0) return Stop(base::WriteFailure(reason));
    }
    taken.clear();
    const std::lock_guard lock(mu_);
    in_hand_ = 0;
  }
}

}  // namespace sluice::contract
