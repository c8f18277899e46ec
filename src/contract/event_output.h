// Where events go: a descriptor that the parent process opened, or a file. Lines are written by a
// thread of their own, so that a reader which is slow, hangs or is gone never holds up a command.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/descriptor.h"

namespace sluice::contract {

// A line that others will make superfluous may be left out while the reader is behind.
enum class Worth { kAlways, kIfReadInTime };

// Thread-safe, but for Start.
class EventOutput {
 public:
  // `where`: the number of an open descriptor from 3 on, or a file: what it holds stays, lines are
  // added behind it. Throws kInvalidConfig if it cannot be opened, is not open, or only for
  // reading; for a named pipe that nobody reads; for 0, 1 and 2, which are input, result and log.
  // REQUIRES: nothing but the standard descriptors was opened by this process, or a number that the
  // parent forgot to open could be one of ours.
  static std::unique_ptr<EventOutput> Open(const std::string& where);
  // Closes.
  ~EventOutput();
  EventOutput(const EventOutput&) = delete;
  EventOutput& operator=(const EventOutput&) = delete;

  // Starts the thread. `on_stopped` is told once, on that thread or in Write, if no more events are
  // written, and why: "its reader closed it". It must not throw. REQUIRES: SIGPIPE is ignored by
  // the process; called once, before Write.
  void Start(std::function<void(std::string_view reason)> on_stopped);
  // `line` without its end. Never waits.
  void Write(std::string_view line, Worth worth) noexcept;
  // Waits until all is written, at most five seconds for a reader that takes nothing. May be called
  // again.
  void Close() noexcept;

 private:
  EventOutput(int fd, bool on_new_line);
  void Run();
  // What is left of `text` after as much as can be written now. Returns 0, or an errno.
  int WriteSome(std::string_view& text);
  void Stop(std::string_view reason) noexcept;

  const base::Descriptor fd_;
  const bool is_socket_;
  std::function<void(std::string_view)> on_stopped_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::string waiting_;      // guarded by mu_, as below
  std::size_t in_hand_ = 0;  // bytes that the thread took and has not written
  bool closing_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace sluice::contract
