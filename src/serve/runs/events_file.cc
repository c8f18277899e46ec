#include "serve/runs/events_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/descriptor.h"

namespace sluice::serve {
namespace {

// A line is a stream's result at most; a longer one is none of ours.
constexpr std::size_t kLineMax = 16U << 20U;

std::string ReadAt(int fd, std::uint64_t from, std::size_t count) {
  std::string text(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const ssize_t n = pread(fd, text.data() + got, count - got, static_cast<off_t>(from + got));
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

bool BeginsALine(int fd, std::uint64_t at, std::uint64_t size) {
  if (at == 0) return true;
  return at <= size && ReadAt(fd, at - 1, 1) == "\n";
}

}  // namespace

bool ReadEvents(const std::filesystem::path& file, std::uint64_t after, std::size_t bytes_max,
                std::vector<RunEvent>& events) {
  const base::Descriptor fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (fd.get() < 0 || fstat(fd.get(), &status) != 0) return false;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::uint64_t at = BeginsALine(fd.get(), after, size) ? after : 0;
  for (std::size_t window = bytes_max;; window *= 2) {
    const std::string text =
        ReadAt(fd.get(), at, static_cast<std::size_t>(std::min<std::uint64_t>(window, size - at)));
    std::string_view left = text;
    for (auto end = left.find('\n'); end != std::string_view::npos; end = left.find('\n')) {
      const std::string_view line = left.substr(0, end);
      at += end + 1;
      left.remove_prefix(end + 1);
      if (line.starts_with('{') && line.ends_with('}')) {
        events.push_back({.id = at, .json = std::string(line)});
      }
    }
    const bool whole = text.size() < window;  // all that there is
    if (whole) return false;
    if (!events.empty()) return true;
    if (window > kLineMax) return false;
  }
}

}  // namespace sluice::serve
