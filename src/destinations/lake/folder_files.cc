// A lake in a folder. What is durable was flushed (fsync), and so were the folders its name is in:
// else a power cut could keep a commit file and lose what it lists.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/errno_error.h"
#include "base/random.h"
#include "destinations/lake/lake_files.h"
#include "destinations/lake/lake_path.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr mode_t kFolderMode = 0777;  // what the umask leaves
constexpr mode_t kFileMode = 0666;

[[noreturn]] void ThrowErrno(const char* operation, const fs::path& path, int number,
                             bool in_doubt = false) {
  const base::FileFault fault = base::FaultOf(number);
  std::string remedy = "Look at the disk and the file system, then run again.";
  switch (fault) {
    case base::FileFault::kFull:
      remedy = "Free space on the disk of the lake's folder, then run again.";
      break;
    case base::FileFault::kBarred:
      remedy = "Let this user write the lake's folder and what is in it.";
      break;
    case base::FileFault::kMissing: remedy = "Make the folder, or correct destination.path."; break;
    case base::FileFault::kOther: break;
  }
  throw base::Error({.code = base::CodeOf(fault, ErrorCode::kDestination),
                     .operation = operation,
                     .subject = path.string(),
                     .message = base::ErrnoText(number),
                     .remedy = std::move(remedy),
                     .in_doubt = in_doubt});
}

// An open file or folder.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags)
      : number_(open(path.c_str(), flags | O_CLOEXEC, kFileMode)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }

 private:
  const int number_;
};

void Flush(const fs::path& path, bool in_doubt = false) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0 || fsync(file.get()) != 0) ThrowErrno("flush", path, errno, in_doubt);
}

void MakeFolder(const fs::path& folder) {
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return;
  MakeFolder(folder.parent_path());
  if (mkdir(folder.c_str(), kFolderMode) == 0) {
    Flush(folder.parent_path());
  } else if (errno != EEXIST) {
    ThrowErrno("make folder", folder, errno);
  }
}

void Write(const fs::path& path, std::string_view text) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0) ThrowErrno("write", path, errno);
  while (!text.empty()) {
    const ssize_t written = write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ThrowErrno("write", path, written < 0 ? errno : ENOSPC);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(file.get()) != 0) ThrowErrno("write", path, errno);
}

// A file under a name that nobody looks at, gone when it is.
class HiddenFile {
 public:
  HiddenFile(const fs::path& folder, std::string_view text)
      : path_(folder / HiddenName(base::RandomBits())) {
    try {
      Write(path_, text);
    } catch (...) {
      unlink(path_.c_str());
      throw;
    }
  }
  HiddenFile(const HiddenFile&) = delete;
  HiddenFile& operator=(const HiddenFile&) = delete;
  ~HiddenFile() { unlink(path_.c_str()); }
  const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

// Passes where there is nothing: folders are made as they are needed.
void RequireFolder(const fs::path& root) {
  struct stat status {};
  std::string what;
  if (stat(root.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return;
    what = S_ISREG(status.st_mode) ? "it is a file, and a lake is a folder"
                                   : "it is no folder, and a lake is one";
  } else if (errno == ELOOP) {
    what = "it is a symbolic link that leads to itself";
  } else if (errno == ENOTDIR) {
    what = "one of the folders above it is a file";
  } else if (lstat(root.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
    what = "it is a symbolic link to nothing";
  }
  if (what.empty()) return;
  throw base::Error({.code = ErrorCode::kUnsupported,
                     .operation = "open lake",
                     .subject = "destination.path " + root.string(),
                     .message = std::move(what),
                     .remedy = "Give the path of a folder, or of one that does not exist yet. For "
                               "a DuckDB file write type: duckdb.",
                     .reason = "not_a_folder"});
}

class FolderFiles final : public LakeFiles {
 public:
  explicit FolderFiles(const fs::path& root) : root_(fs::absolute(root).lexically_normal()) {}

  std::string Where(std::string_view name) const override { return (root_ / name).string(); }

  std::vector<FileInfo> List(const std::string& folder, const base::Call& call) override {
    CheckStop("list", folder, call);
    return ListOpened(open((root_ / folder).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder);
  }

  std::vector<FileInfo> ListOwn(const std::string& folder, const base::Call& call) override {
    CheckStop("list", folder, call);
    const int opened = OpenOwn(folder);
    if (opened < 0 && (errno == ELOOP || errno == ENOTDIR)) ThrowLinked(folder);
    return ListOpened(opened, folder);
  }

  std::optional<std::string> Read(const std::string& name, std::uint64_t bytes_max,
                                  const base::Call& call) override {
    CheckStop("read", name, call);
    const fs::path path = root_ / name;
    const Descriptor file(path, O_RDONLY);
    if (file.get() < 0) {
      if (errno == ENOENT) return std::nullopt;
      ThrowErrno("read", path, errno);
    }
    std::string text;
    std::string piece(64 << 10, '\0');
    for (;;) {
      const ssize_t got = read(file.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) ThrowErrno("read", path, errno);
      if (got == 0) return text;
      text.append(piece, 0, static_cast<std::size_t>(got));
      if (text.size() > bytes_max) break;
    }
    throw base::Error({.code = ErrorCode::kCorrupt,
                       .operation = "read",
                       .subject = path.string(),
                       .message = "the file is longer than it may be",
                       .remedy = "Look what put it there: Sluice did not."});
  }

  bool Create(const std::string& name, const std::string& text, const base::Call& call) override {
    CheckStop("create", name, call);
    const fs::path path = root_ / name;
    MakeFolder(path.parent_path());
    const HiddenFile written(path.parent_path(), text);
    // link, not rename: it fails if the name is taken, on every kernel and over the network too.
    if (link(written.path().c_str(), path.c_str()) != 0) {
      if (errno != EEXIST) ThrowErrno("commit", path, errno);
      // A server of files may answer so to the repeat of a request it has carried out.
      return Read(name, text.size(), {}) == text;
    }
    Flush(path.parent_path(), /*in_doubt=*/true);
    return true;
  }

  void Replace(const std::string& name, const std::string& text, const base::Call& call) override {
    CheckStop("write", name, call);
    const fs::path path = root_ / name;
    MakeFolder(path.parent_path());
    const HiddenFile written(path.parent_path(), text);
    if (rename(written.path().c_str(), path.c_str()) != 0) ThrowErrno("write", path, errno);
    Flush(path.parent_path());
  }

  std::vector<std::string> Remove(const std::vector<std::string>& names,
                                  const base::Call& call) override {
    std::vector<std::string> failures;
    for (const std::string& name : names) {
      CheckStop("remove", name, call);
      const int number = RemoveOwn(name);
      if (number != 0 && number != ENOENT) {
        failures.push_back(Where(name) + ": " +
                           (number == ELOOP || number == ENOTDIR
                                ? "a symbolic link leads there, which is not followed"
                                : std::strerror(number)));
      }
    }
    return failures;
  }

  // Right there: a name that no commit file lists is seen by nobody.
  fs::path Place(const std::string& name) override {
    fs::path path = root_ / name;
    MakeFolder(path.parent_path());
    return path;
  }

  void Bring(const std::string& name, const base::Call& call) override {
    CheckStop("write", name, call);
    const fs::path path = root_ / name;
    Flush(path);
    Flush(path.parent_path());
  }

  void Copy(const aws::CopySource&, const std::string& name, const base::Call&) override {
    throw base::Error({.code = ErrorCode::kInternal,
                       .operation = "copy",
                       .subject = Where(name),
                       .message = "a folder takes no object of S3"});
  }

  void Probe(const base::Call& call) override {
    CheckStop("probe", "", call);
    std::error_code ignored;
    fs::path there = root_;
    while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
    if (!fs::is_directory(there, ignored)) ThrowErrno("probe", there, ENOTDIR);
    if (access(there.c_str(), W_OK | X_OK) != 0) ThrowErrno("probe", there, errno);
    // A name taken twice must be refused the second time.
    const HiddenFile first(there, "probe");
    const fs::path linked = first.path().string() + "-2";
    if (link(first.path().c_str(), linked.c_str()) == 0) {
      unlink(linked.c_str());
      return;
    }
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "probe",
                       .subject = there.string(),
                       .message = fmt::format("its file system makes no hard links ({}), by which "
                                              "a version appears in one step",
                                              std::strerror(errno)),
                       .remedy = "Put the lake on another file system, or into S3."});
  }

 private:
  void CheckStop(const char* operation, std::string_view name, const base::Call& call) const {
    if (call.stop.stop_requested()) base::ThrowCancelled(operation, Where(name));
  }

  // A descriptor of the folder below the root, each of whose parts is a folder and no link; -1 and
  // errno. The root itself may be a link: somebody named it.
  int OpenOwn(const std::string& folder) const {
    int at = open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const fs::path& part : fs::path(folder)) {
      if (at < 0) return at;
      const int next = openat(at, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      const int error = errno;
      close(at);
      errno = error;
      at = next;
    }
    return at;
  }

  // 0, or an error's number.
  int RemoveOwn(const std::string& name) const {
    const fs::path path(name);
    const int folder = OpenOwn(path.parent_path().string());
    if (folder < 0) return errno;
    const int number = unlinkat(folder, path.filename().c_str(), 0) == 0 ? 0 : errno;
    close(folder);
    return number;
  }

  // Takes over the descriptor; negative: errno says why there is none.
  std::vector<FileInfo> ListOpened(int descriptor, const std::string& folder) const {
    if (descriptor < 0) {
      if (errno == ENOENT) return {};
      ThrowErrno("list", root_ / folder, errno);
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> opened(fdopendir(descriptor), &closedir);
    if (!opened) {
      const int number = errno;
      close(descriptor);
      ThrowErrno("list", root_ / folder, number);
    }
    std::vector<FileInfo> found;
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(opened.get());
      if (entry == nullptr) break;
      struct stat status {};
      // Gone since: as if it had never been listed.
      if (fstatat(dirfd(opened.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (!S_ISREG(status.st_mode)) continue;
      found.push_back({entry->d_name, static_cast<std::uint64_t>(status.st_size),
                       base::UtcTime(std::chrono::seconds(status.st_mtim.tv_sec))});
    }
    if (errno != 0) ThrowErrno("list", root_ / folder, errno);
    std::sort(found.begin(), found.end(),
              [](const FileInfo& a, const FileInfo& b) { return a.name < b.name; });
    return found;
  }

  [[noreturn]] void ThrowLinked(const std::string& folder) const {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "remove old files",
                       .subject = Where(folder),
                       .message = "a symbolic link leads there, so nothing is removed",
                       .remedy = "Mount the other disk there, or put the whole lake on it."});
  }

  const fs::path root_;
};

}  // namespace

std::unique_ptr<LakeFiles> OpenFolder(const fs::path& root) {
  RequireFolder(root);
  return std::make_unique<FolderFiles>(root);
}

}  // namespace sluice::destinations::lake
