#include "destinations/duckdb/held_file.h"

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;

// The state of the process, as the lock that it makes up for is.
struct Registry {
  std::mutex mu;
  std::map<HeldFile::Key, std::string> paths;  // guarded by mu; what is held -> the path it has
};

Registry& TheRegistry() {
  static Registry registry;
  return registry;
}

// The file as an entry of its folder; nullopt: there is no such folder.
std::optional<HeldFile::Key> EntryOf(const fs::path& file) {
  std::error_code failed;
  fs::path real = fs::canonical(file, failed);  // fails if the file does not exist
  if (failed) real = file;
  struct stat folder {};
  if (stat(real.parent_path().c_str(), &folder) != 0) return std::nullopt;
  return HeldFile::Key{folder.st_dev, folder.st_ino, real.filename().string()};
}

}  // namespace

HeldFile::HeldFile(const fs::path& file) : file_(file) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mu);
  const auto entry = EntryOf(file);
  // Another thread may have made the file a moment ago, and hold it by its name until it is open.
  if (entry) {
    const auto made = registry.paths.find(*entry);
    if (made != registry.paths.end()) ThrowHeld(made->second);
  }
  struct stat status {};
  if (stat(file.c_str(), &status) == 0) {
    TakeLocked({status.st_dev, status.st_ino, {}});
  } else if (entry) {
    TakeLocked(*entry);
  }
}

void HeldFile::Opened(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return;
  const std::lock_guard lock(TheRegistry().mu);
  TakeLocked({status.st_dev, status.st_ino, {}});
}

void HeldFile::Release() noexcept {
  if (!key_) return;
  const std::lock_guard lock(TheRegistry().mu);
  TheRegistry().paths.erase(*key_);
  key_.reset();
}

// REQUIRES: the registry's lock.
void HeldFile::TakeLocked(Key key) {
  if (key == key_) return;
  Registry& registry = TheRegistry();
  const auto [held, fresh] = registry.paths.emplace(key, file_.string());
  if (!fresh) ThrowHeld(held->second);
  if (key_) registry.paths.erase(*key_);
  key_ = std::move(key);
}

void HeldFile::ThrowHeld(const std::string& as) const {
  const bool same = as == file_.string();
  throw base::Error({.code = base::ErrorCode::kConflict,
                     .operation = "open",
                     .subject = "DuckDB file " + file_.string(),
                     .message = same ? "this process has the file open already"
                                     : "this process has the same file open already, as " + as,
                     .remedy = "Close the first one before you open it again, or give each of the "
                               "two a file of its own: together they would lose tables."});
}

}  // namespace sluice::destinations::duckdb
