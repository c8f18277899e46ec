#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::cli {
namespace {

std::string JoinedLines(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

// Up to the block's first line, then erase to the screen's end.
std::string Screen::EraseLocked() {
  if (block_.empty()) return {};
  return "\r\x1b[" + std::to_string(block_.size()) + "A\x1b[J";
}

void Screen::PrintLine(std::string_view line) {
  const std::lock_guard lock(mu_);
  sink_(EraseLocked() + std::string(line) + "\n" + JoinedLines(block_));
}

void Screen::ShowBlock(const std::vector<std::string>& lines) {
  if (!live()) return;
  const std::lock_guard lock(mu_);
  if (lines == block_) return;
  // Written over line by line: erasing all first would flicker.
  std::string text;
  if (!block_.empty()) text += "\r\x1b[" + std::to_string(block_.size()) + "A";
  for (const auto& line : lines) text += line + "\x1b[K\n";
  if (lines.size() < block_.size()) text += "\x1b[J";
  block_ = lines;
  sink_(text);
}

void Screen::EndBlock(bool keep) {
  const std::lock_guard lock(mu_);
  if (!keep && !block_.empty()) sink_(EraseLocked());
  block_.clear();
}

bool IsTerminal(int fd) { return isatty(fd) == 1; }

TerminalSize SizeOf(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

int WriteAll(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written > 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      // The reader may have made the pipe non-blocking; wait until it takes more.
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      if (poll(&ready, 1, -1) < 0 && errno != EINTR) return errno;
    } else if (written == 0 || errno != EINTR) {
      return written == 0 ? EIO : errno;
    }
  }
  return 0;
}

}  // namespace sluice::cli
