#include "staging/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/errno_error.h"
#include "base/error.h"
#include "base/small_file.h"

namespace sluice::staging {
namespace {

[[noreturn]] void ThrowErrno(const std::filesystem::path& path, std::string operation, int number) {
  base::ErrorInfo info{.code = base::ErrorCode::kInternal,
                       .operation = std::move(operation),
                       .subject = "folder " + path.parent_path().string(),
                       .message = base::ErrnoText(number)};
  if (base::FaultOf(number) == base::FileFault::kFull) {
    info.code = base::ErrorCode::kNoSpace;
    info.message = "the disk is full";
    info.remedy =
        "Free space there, or set limits.work_dir to a folder on a larger disk, or lower "
        "limits.disk_mb: parts then wait in the bucket instead of on disk.";
  } else if (base::FaultOf(number) == base::FileFault::kBarred) {
    info.code = base::ErrorCode::kPermission;
    info.remedy = "Make the folder writable, or set limits.work_dir to one that is.";
  } else if (base::IsOutOfFiles(number)) {
    info.code = base::ErrorCode::kNoSpace;
    info.message = base::OpenFailure(number);
    info.remedy = "Raise the limit of open files for the user who runs Sluice: ulimit -n 4096.";
  }
  throw base::Error(std::move(info));
}

}  // namespace

PartFile::PartFile(std::filesystem::path path, std::uint64_t bytes) : path_(std::move(path)) {
  fd_ = open(path_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) ThrowErrno(path_, "create part file", errno);
  if (bytes == 0) return;
  const int failed = posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  if (failed != 0) {
    close(fd_);
    unlink(path_.c_str());
    ThrowErrno(path_, "reserve space for part", failed);
  }
}

PartFile::~PartFile() {
  close(fd_);
  unlink(path_.c_str());
}

void PartFile::Write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      ThrowErrno(path_, "write part", errno);
    }
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void PartFile::Read(const std::function<void(std::span<const std::byte>)>& take) const {
  // Stays in the processor's second cache, where the check of it finds it.
  std::vector<std::byte> buffer(256 << 10);
  for (off_t at = 0;;) {
    const ssize_t n = pread(fd_, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw base::Error({.code = base::ErrorCode::kCorrupt,
                         .operation = "read part",
                         .subject = "folder " + path_.parent_path().string(),
                         .message = base::ErrnoText(errno),
                         .remedy = "Nothing was committed. The disk of limits.work_dir may be "
                                   "faulty: set it to a folder on another one."});
    }
    if (n == 0) return;
    take(std::span(buffer).first(static_cast<std::size_t>(n)));
    at += n;
  }
}

}  // namespace sluice::staging
