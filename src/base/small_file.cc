#include "base/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/descriptor.h"

namespace sluice::base {
namespace {

constexpr int kPollMs = 50;

// A pipe without a writer ends at once, and looks like one whose writer is done: told apart by
// whether anybody ever wrote.
bool EndsForGood(int fd, bool pipe, bool any) {
  if (!pipe || any) return true;
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  poll(&waiting, 1, kPollMs);
  return (waiting.revents & (POLLHUP | POLLIN)) == POLLHUP;
}

}  // namespace

bool IsOutOfFiles(int number) { return number == EMFILE || number == ENFILE; }

std::string OpenFailure(int number) {
  rlimit files{};
  if (!IsOutOfFiles(number) || getrlimit(RLIMIT_NOFILE, &files) != 0) return std::strerror(number);
  if (number == ENFILE) return "too many open files on this machine (sysctl fs.file-max)";
  return "too many open files (limit " + std::to_string(files.rlim_cur) +
         "): raise it with ulimit -n";
}

std::string OutOfFiles() {
  const Descriptor probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return probe.get() < 0 && IsOutOfFiles(errno) ? OpenFailure(errno) : "";
}

SmallFile ReadSmallFile(const std::string& path, std::size_t bytes_max,
                        std::chrono::milliseconds patience) {
  SmallFile file;
  const auto fail = [&](std::string problem) {
    file.text.clear();
    file.problem = std::move(problem);
    return file;
  };
  const Descriptor in(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (in.get() < 0) {
    file.missing = errno == ENOENT || errno == ENOTDIR;
    return fail(file.missing ? "does not exist" : "cannot be opened: " + OpenFailure(errno));
  }
  struct stat status {};
  if (fstat(in.get(), &status) != 0) return fail("cannot be looked at");
  if (S_ISDIR(status.st_mode)) return fail("is a folder, not a file");
  const bool pipe = S_ISFIFO(status.st_mode);
  const SystemClock clock;
  const Deadline deadline = Deadline::After(clock, patience);
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t n = read(in.get(), buffer.data(), buffer.size());
    if (n > 0) {
      if (static_cast<std::size_t>(n) > bytes_max - file.text.size()) {
        return fail("has no end, or is longer than the " + std::to_string(bytes_max) +
                    " bytes that are read");
      }
      file.text.append(buffer.data(), static_cast<std::size_t>(n));
    } else if (n == 0 && EndsForGood(in.get(), pipe, !file.text.empty())) {
      return file;
    } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
      return fail(std::string("cannot be read: ") + std::strerror(errno));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd waiting{.fd = in.get(), .events = POLLIN, .revents = 0};
      poll(&waiting, 1, kPollMs);
    }
    if (deadline.Expired(clock)) {
      return fail(fmt::format("is a pipe or a device that did not end within {} s",
                              std::chrono::ceil<std::chrono::seconds>(patience).count()));
    }
  }
}

}  // namespace sluice::base
