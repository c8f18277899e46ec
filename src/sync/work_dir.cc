#include "sync/work_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "base/errno_error.h"
#include "base/error.h"

namespace sluice::sync {
namespace {

namespace fs = std::filesystem;

// Less than this is a full disk: one part of a small table does not fit.
constexpr off_t kProbeBytes = 1 << 20;

[[noreturn]] void Refuse(const fs::path& folder, int number) {
  const bool full = base::FaultOf(number) == base::FileFault::kFull;
  throw base::Error(
      {.code = full ? base::ErrorCode::kNoSpace : base::ErrorCode::kPermission,
       .operation = "make room for parts",
       .subject = "folder " + folder.string(),
       .message = base::ErrnoText(number),
       .remedy = "Set limits.work_dir to a folder that is writable and has room for parts.",
       .reason = full ? "disk_full" : "work_dir"});
}

// The folders that are missing on the way to `folder`, made; gone with it if they are empty.
class MadeFolders {
 public:
  explicit MadeFolders(const fs::path& folder) {
    std::error_code ignored;
    for (fs::path at = folder; !at.empty() && !fs::exists(at, ignored); at = at.parent_path()) {
      missing_.push_back(at);
    }
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (!failed) return;
    Remove();
    Refuse(folder, failed.value());
  }
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  ~MadeFolders() { Remove(); }

 private:
  void Remove() const {
    std::error_code ignored;
    for (const auto& folder : missing_) fs::remove(folder, ignored);
  }
  std::vector<fs::path> missing_;  // innermost first
};

// Open, and known by no name.
int MakeNamelessFile(const fs::path& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  // Some file systems know no such files.
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string name = (folder / "probe-XXXXXX").string();
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

void CheckWorkDir(const fs::path& folder) {
  const MadeFolders made(fs::absolute(folder).lexically_normal());
  const int fd = MakeNamelessFile(folder);
  if (fd < 0) Refuse(folder, errno);
  const int failed = posix_fallocate(fd, 0, kProbeBytes);
  close(fd);
  if (failed != 0) Refuse(folder, failed);
}

}  // namespace sluice::sync
