#include "destinations/duckdb/checkpoint_undo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/errno_error.h"
#include "base/error.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kMagic = {'S', 'L', 'U', 'N', 'D', 'O', '0', '1'};
constexpr std::uint64_t kHeadersBytes = 3 * 4096;  // before block 0
constexpr std::array<char, 4> kMagicBytes = {'D', 'U', 'C', 'K'};
constexpr off_t kMagicOffset = 8;  // after the header's checksum

[[noreturn]] void ThrowFileErrno(std::string operation, const fs::path& path, int number) {
  const bool full = base::FaultOf(number) == base::FileFault::kFull;
  const bool denied = base::FaultOf(number) == base::FileFault::kBarred;
  throw base::Error({.code = full     ? base::ErrorCode::kNoSpace
                             : denied ? base::ErrorCode::kPermission
                                      : base::ErrorCode::kDestination,
                     .operation = std::move(operation),
                     .subject = "file " + path.string(),
                     .message = base::ErrnoText(number),
                     .remedy = full     ? "Free space on that disk."
                               : denied ? "Let this user write in the folder of the DuckDB file."
                               : number == ELOOP ? "Remove the symbolic link: Sluice made none."
                                                 : "Look at the disk that holds the file."});
}

class File {
 public:
  // What Sluice itself keeps there is no link: whoever can write in the folder could make one to
  // any file of ours.
  enum class Links { kFollow, kRefuse };
  File(fs::path path, int flags, Links links)
      : path_(std::move(path)),
        fd_(open(path_.c_str(), flags | (links == Links::kRefuse ? O_NOFOLLOW : 0), 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  bool opened() const { return fd_ >= 0; }

  struct stat Stat() const {
    struct stat found {};
    if (fstat(fd_, &found) != 0) ThrowFileErrno("look at", path_, errno);
    return found;
  }
  // False: it ends before that.
  bool ReadAt(std::uint64_t at, void* to, std::size_t bytes) const {
    return ReadAllAt(fd_, at, to, bytes, path_);
  }
  void WriteAt(std::uint64_t at, const void* from, std::size_t bytes) const {
    const auto* data = static_cast<const char*>(from);
    while (bytes > 0) {
      const ssize_t n = pwrite(fd_, data, bytes, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ThrowFileErrno("write", path_, n < 0 ? errno : ENOSPC);
      data += n;
      at += static_cast<std::uint64_t>(n);
      bytes -= static_cast<std::size_t>(n);
    }
  }
  void Sync() const {
    if (fsync(fd_) != 0) ThrowFileErrno("write", path_, errno);
  }
  // Nobody else writes it, by the lock that DuckDB takes. It goes when the file is closed.
  bool Lock() const {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return fcntl(fd_, F_SETLK, &lock) == 0;
  }

  static bool ReadAllAt(int fd, std::uint64_t at, void* to, std::size_t bytes,
                        const fs::path& path) {
    auto* data = static_cast<char*>(to);
    while (bytes > 0) {
      const ssize_t n = pread(fd, data, bytes, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) ThrowFileErrno("read", path, errno);
      if (n == 0) return false;
      data += n;
      at += static_cast<std::uint64_t>(n);
      bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }

 private:
  const fs::path path_;
  const int fd_;
};

using Headers = std::array<char, kHeadersBytes>;

// The undo file's beginning. Written and read by one machine.
struct Start {
  std::array<char, 8> magic = kMagic;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t blocks = 0;
  std::uint64_t block_bytes = 0;
  Headers headers{};
};

void SyncFolderOf(const fs::path& file) {
  const File folder(fs::absolute(file).parent_path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                    File::Links::kFollow);
  if (folder.opened()) folder.Sync();
}

void Remove(const fs::path& path) noexcept {
  std::error_code ignored;
  fs::remove(path, ignored);
}

// Of the checkpoint that was cut off? Its last act is a new header.
bool IsOf(const Start& start, const File& file) {
  const struct stat found = file.Stat();
  Headers now{};
  return start.device == found.st_dev && start.inode == found.st_ino &&
         file.ReadAt(0, now.data(), now.size()) && now == start.headers;
}

void PutBack(const Start& start, const File& undo, const File& file) {
  std::string block(start.block_bytes, '\0');
  std::uint64_t at = sizeof(Start);
  for (std::uint64_t i = 0; i < start.blocks; ++i) {
    std::int64_t number = 0;
    // The undo file was whole on disk before it got its name.
    if (!undo.ReadAt(at, &number, sizeof(number)) ||
        !undo.ReadAt(at + sizeof(number), block.data(), block.size())) {
      return;
    }
    at += sizeof(number) + block.size();
    file.WriteAt(kHeadersBytes + static_cast<std::uint64_t>(number) * start.block_bytes,
                 block.data(), block.size());
  }
  file.Sync();
}

// DuckDB makes a file by writing three headers of 4,096 bytes, one after the other. It does not
// open an empty one.
bool IsUnfinished(const fs::path& path) {
  std::error_code failed;
  const auto bytes = fs::file_size(path, failed);
  if (failed || bytes >= kHeadersBytes) return false;
  if (bytes == 0) return true;
  const File file(path, O_RDONLY | O_CLOEXEC, File::Links::kFollow);
  if (!file.opened()) return false;
  std::array<char, 4> magic{};
  return file.ReadAt(kMagicOffset, magic.data(), magic.size()) && magic == kMagicBytes;
}

bool UndoCheckpoint(const fs::path& path) {
  const fs::path undo_path = UndoFileOf(path);
  std::error_code ignored;
  if (!fs::exists(undo_path, ignored)) return false;
  bool repaired = false;
  {
    const File undo(undo_path, O_RDONLY | O_CLOEXEC, File::Links::kRefuse);
    if (!undo.opened()) ThrowFileErrno("read", undo_path, errno);
    const File file(path, O_RDWR | O_CLOEXEC, File::Links::kFollow);
    if (!file.opened() && errno != ENOENT) ThrowFileErrno("open", path, errno);
    if (file.opened() && !file.Lock()) return false;
    Start start;
    if (file.opened() && undo.ReadAt(0, &start, sizeof(start)) && start.magic == kMagic &&
        IsOf(start, file)) {
      PutBack(start, undo, file);
      repaired = true;
    }
  }
  Remove(undo_path);
  return repaired;
}

}  // namespace

fs::path UndoFileOf(const fs::path& file) { return file.string() + ".undo"; }

bool RepairAfterCrash(const fs::path& file) {
  if (IsUnfinished(file)) {
    const File made(file, O_RDWR | O_CLOEXEC, File::Links::kFollow);
    // Another process may be making it at this moment.
    if (!made.opened() || !made.Lock()) return false;
    Remove(file);
    Remove(UndoFileOf(file));
    return true;
  }
  return UndoCheckpoint(file);
}

CheckpointUndo::CheckpointUndo(const fs::path& file, int fd,
                               const std::vector<std::int64_t>& blocks, std::uint64_t block_bytes)
    : path_(UndoFileOf(file)) {
  Start start{.blocks = blocks.size(), .block_bytes = block_bytes};
  struct stat found {};
  if (fstat(fd, &found) != 0) ThrowFileErrno("look at", file, errno);
  start.device = found.st_dev;
  start.inode = found.st_ino;
  const auto read = [&](std::uint64_t at, void* to, std::size_t bytes) {
    if (!File::ReadAllAt(fd, at, to, bytes, file)) ThrowFileErrno("read", file, EIO);
  };
  read(0, start.headers.data(), start.headers.size());
  const fs::path making = path_.string() + ".new";
  Remove(making);  // of a run that died while it made one
  try {
    const File undo(making, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, File::Links::kRefuse);
    if (!undo.opened()) ThrowFileErrno("make", making, errno);
    undo.WriteAt(0, &start, sizeof(start));
    std::uint64_t at = sizeof(start);
    std::string block(block_bytes, '\0');
    for (const std::int64_t number : blocks) {
      read(kHeadersBytes + static_cast<std::uint64_t>(number) * block_bytes, block.data(),
           block.size());
      undo.WriteAt(at, &number, sizeof(number));
      undo.WriteAt(at + sizeof(number), block.data(), block.size());
      at += sizeof(number) + block.size();
    }
    undo.Sync();
    if (rename(making.c_str(), path_.c_str()) != 0) ThrowFileErrno("name", path_, errno);
  } catch (const base::Error&) {
    Remove(making);
    throw;
  }
  SyncFolderOf(path_);
}

void CheckpointUndo::Drop() noexcept { Remove(path_); }

}  // namespace sluice::destinations::duckdb
