#include "init/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/error.h"

namespace sluice::init {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Fail(const fs::path& file, int reason) {
  throw base::Error({.code = base::ErrorCode::kDestination,
                     .operation = "write",
                     .subject = file.string(),
                     .message = fmt::format("it cannot be written: {}", std::strerror(reason)),
                     .remedy = "Check that the folder exists, that you may write there, and that "
                               "the disk has room."});
}

using base::Descriptor;

bool WriteBytes(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

void WriteWhole(const fs::path& file, std::string_view text, unsigned mode) {
  const fs::path folder = file.parent_path().empty() ? "." : file.parent_path();
  const fs::path beside = folder / fmt::format(".{}.{}.new", file.filename().string(), getpid());
  int reason = 0;
  {
    const Descriptor out(
        open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (out.get() < 0) Fail(file, errno);
    // fchmod: a umask may not narrow a mode that a file had before.
    if (fchmod(out.get(), mode) != 0 || !WriteBytes(out.get(), text) || fsync(out.get()) != 0) {
      reason = errno;
    }
  }
  if (reason == 0 && rename(beside.c_str(), file.c_str()) != 0) reason = errno;
  if (reason != 0) {
    unlink(beside.c_str());
    Fail(file, reason);
  }
  const Descriptor parent(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) fsync(parent.get());
}

}  // namespace sluice::init
