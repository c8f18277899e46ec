#include "destinations/work_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/random.h"

namespace sluice::destinations {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLockEnd = ".lock";

fs::path LockOf(const fs::path& folder) { return folder.string() + std::string(kLockEnd); }

// -1: somebody holds it, or it cannot be opened.
int TryLock(const fs::path& file, int flags) {
  const int lock = open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0600);
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  if (lock >= 0) close(lock);
  return -1;
}

bool IsOwn(const struct stat& status) { return status.st_uid == geteuid(); }

bool IsOwnFolder(const fs::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && IsOwn(status);
}

// `start`: "lake-".
void RemoveDead(const fs::path& parent, const std::string& start) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(start) || !name.ends_with(kLockEnd)) continue;
    const int lock = TryLock(entry.path(), 0);
    if (lock < 0) continue;
    struct stat status {};
    if (fstat(lock, &status) == 0 && S_ISREG(status.st_mode) && IsOwn(status)) {
      const fs::path folder = parent / name.substr(0, name.size() - kLockEnd.size());
      if (IsOwnFolder(folder)) fs::remove_all(folder, ignored);
      fs::remove(entry.path(), ignored);
    }
    close(lock);
  }
}

// Files that are made in it get 0600 whatever the umask is, also those that DuckDB makes: the
// folder's default access list. Where a file system has none, the folder's own mode has to do.
void MakeContentPrivate(const fs::path& folder) {
  // Format of Linux (posix_acl_xattr.h): a version, then tag, permissions and id of each entry.
  struct Entry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
  };
  struct {
    std::uint32_t version = 2;
    std::array<Entry, 3> entries = {{{0x01, 7, ~0U}, {0x04, 0, ~0U}, {0x20, 0, ~0U}}};
  } list;
  static_assert(sizeof(list) == 28);
  setxattr(folder.c_str(), "system.posix_acl_default", &list, sizeof(list), 0);
}

[[noreturn]] void ThrowErrorCode(const fs::path& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  throw base::Error({.code = full ? base::ErrorCode::kNoSpace : base::ErrorCode::kPermission,
                     .operation = "make folder",
                     .subject = "folder " + path.string(),
                     .message = error.message(),
                     .remedy = "Set limits.work_dir to a folder that is writable and has room."});
}

}  // namespace

WorkFolder::WorkFolder(const fs::path& parent, std::string_view kind)
    : path_(fs::absolute(parent) / fmt::format("{}-{:016x}", kind, base::RandomBits())),
      lock_path_(LockOf(path_)) {
  RemoveDead(path_.parent_path(), std::string(kind) + "-");
}

void WorkFolder::Make() {
  if (lock_ >= 0) return;
  std::error_code failed;
  fs::create_directories(path_.parent_path(), failed);
  if (failed) ThrowErrorCode(path_.parent_path(), failed);
  // Again if another process took it for a dead one's between its making and its locking.
  struct stat status {};
  do {
    if (lock_ >= 0) close(lock_);
    lock_ = TryLock(lock_path_, O_CREAT);
    if (lock_ < 0 && errno != EWOULDBLOCK) {
      ThrowErrorCode(lock_path_, {errno, std::generic_category()});
    }
  } while (lock_ < 0 || fstat(lock_, &status) != 0 || status.st_nlink == 0);
  // Whatever has that name already was put there by somebody who guessed it.
  if (mkdir(path_.c_str(), 0700) != 0) ThrowErrorCode(path_, {errno, std::generic_category()});
  MakeContentPrivate(path_);
}

void WorkFolder::Remove() noexcept {
  if (lock_ < 0) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(lock_path_, ignored);
  close(lock_);
  lock_ = -1;
}

}  // namespace sluice::destinations
