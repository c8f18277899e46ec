#include "destinations/lake/work_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/random.h"

namespace sluice::destinations {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStart = "lake-";
constexpr std::string_view kLockEnd = ".lock";

fs::path LockOf(const fs::path& folder) { return folder.string() + std::string(kLockEnd); }

// -1: somebody holds it, or it cannot be opened.
int TryLock(const fs::path& file, int flags) {
  const int lock = open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
  if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  if (lock >= 0) close(lock);
  return -1;
}

void RemoveDead(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kStart) || !name.ends_with(kLockEnd)) continue;
    const int lock = TryLock(entry.path(), 0);
    if (lock < 0) continue;
    fs::remove_all(parent / name.substr(0, name.size() - kLockEnd.size()), ignored);
    fs::remove(entry.path(), ignored);
    close(lock);
  }
}

[[noreturn]] void Throw(const fs::path& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  throw base::Error({.code = full ? base::ErrorCode::kNoSpace : base::ErrorCode::kPermission,
                     .operation = "make folder",
                     .subject = "folder " + path.string(),
                     .message = error.message(),
                     .remedy = "Set limits.work_dir to a folder that is writable and has room."});
}

}  // namespace

WorkFolder::WorkFolder(const fs::path& parent)
    : path_(fs::absolute(parent) / fmt::format("{}{:016x}", kStart, base::RandomBits())),
      lock_path_(LockOf(path_)) {
  RemoveDead(path_.parent_path());
}

void WorkFolder::Make() {
  if (lock_ >= 0) return;
  std::error_code failed;
  fs::create_directories(path_.parent_path(), failed);
  if (failed) Throw(path_.parent_path(), failed);
  // Again if another process took it for a dead one's between its making and its locking.
  struct stat status {};
  do {
    if (lock_ >= 0) close(lock_);
    lock_ = TryLock(lock_path_, O_CREAT);
    if (lock_ < 0 && errno != EWOULDBLOCK) {
      Throw(lock_path_, {errno, std::generic_category()});
    }
  } while (lock_ < 0 || fstat(lock_, &status) != 0 || status.st_nlink == 0);
  fs::create_directories(path_, failed);
  if (failed) Throw(path_, failed);
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
