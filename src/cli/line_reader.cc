#include "cli/line_reader.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"

namespace sluice::cli {
namespace {

constexpr int kLookForStopMs = 100;
// Nobody answers with more; a file that was piped in by mistake ends here.
constexpr std::size_t kLineBytesMax = 1U << 16U;

class EchoOff {
 public:
  explicit EchoOff(int fd) : fd_(fd) {
    termios quiet{};
    if (tcgetattr(fd_, &before_) != 0) return;
    quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    changed_ = tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;
  ~EchoOff() {
    if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  const int fd_;
  termios before_{};
  bool changed_ = false;
};

}  // namespace

std::optional<std::string> LineReader::Take() {
  const auto end = pending_.find('\n');
  if (end == std::string::npos && !(ended_ && !pending_.empty())) return std::nullopt;
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

std::optional<std::string> LineReader::Read(bool hidden, const std::function<void()>& prompt) {
  std::optional<EchoOff> quiet;
  if (hidden) quiet.emplace(fd_);
  if (prompt) prompt();
  for (;;) {
    if (stop_.stop_requested()) {
      throw base::Error({.code = base::ErrorCode::kCancelled, .operation = "read an answer"});
    }
    if (auto line = Take()) return line;
    if (ended_ || pending_.size() > kLineBytesMax) return std::nullopt;
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&wait, 1, kLookForStopMs) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t count = read(fd_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      ended_ = true;
    } else {
      pending_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    buffer.fill(0);
  }
}

}  // namespace sluice::cli
