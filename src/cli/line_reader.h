// Lines of answers from a terminal or a pipe, byte for byte as they come.
#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

namespace sluice::cli {

// One thread. Reads nothing beyond what was asked for but what came along in the same bytes.
class LineReader {
 public:
  LineReader(int fd, std::stop_token stop) : fd_(fd), stop_(std::move(stop)) {}

  // Without its end. nullopt: the input has ended (an unfinished last line counts as a line).
  // Throws kCancelled within 0.1 s of a stop. `hidden`: a terminal shows nothing of it; its mode is
  // restored on every way out. `prompt` is called once the terminal is quiet: what is typed after
  // it never shows, and none of it is lost.
  std::optional<std::string> Read(bool hidden = false, const std::function<void()>& prompt = {});

 private:
  std::optional<std::string> Take();

  const int fd_;
  const std::stop_token stop_;
  std::string pending_;
  bool ended_ = false;
};

}  // namespace sluice::cli
