// Standard error as the progress painter and the logger share it: log lines scroll, the block of
// progress lines stays at the bottom. Standard output is written by whoever prints the result.
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// Bytes to a terminal or file. Must not throw.
using Sink = std::function<void(std::string_view)>;

// Thread-safe. Never hides the cursor nor changes a mode, so that nothing needs restoring however
// the process ends.
class Screen {
 public:
  // `size`: empty if there is no terminal; then the block is never shown.
  Screen(Sink sink, std::function<TerminalSize()> size)
      : sink_(std::move(sink)), size_(std::move(size)) {}

  bool live() const { return size_ != nullptr; }
  TerminalSize size() const { return size_ ? size_() : TerminalSize{}; }

  // A line above the block; `line` without its end.
  void PrintLine(std::string_view line);
  // Replaces the block. Lines are cut by the caller to the terminal's width.
  void ShowBlock(const std::vector<std::string>& lines);
  // Leaves the block's last state in the scrolled text, or takes it away.
  void EndBlock(bool keep);

 private:
  std::string EraseLocked();

  const Sink sink_;
  const std::function<TerminalSize()> size_;
  std::mutex mu_;
  std::vector<std::string> block_;  // guarded by mu_: what stands above the cursor now
};

// File descriptors of this process.
bool IsTerminal(int fd);
TerminalSize SizeOf(int fd);
// All of `text`, or as much as can be written. Returns 0, or why not all of it: an errno.
int WriteAll(int fd, std::string_view text) noexcept;

}  // namespace sluice::cli
