#include "serve/store/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"
#include "base/errno_error.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

void WriteAll(int fd, std::string_view text, std::string_view operation, const fs::path& file) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowErrno(operation, file, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string RemedyOf(base::FileFault fault) {
  switch (fault) {
    case base::FileFault::kFull: return "Make room on that disk; then try again.";
    case base::FileFault::kBarred:
      return "Allow the user that runs sluice to write there: chown, or another --data folder.";
    case base::FileFault::kMissing: return "Create the folder, or correct the path.";
    case base::FileFault::kOther: return "Look at that path.";
  }
  return {};
}

}  // namespace

void ThrowErrno(std::string_view operation, const fs::path& file, int number) {
  const base::FileFault fault = base::FaultOf(number);
  throw base::Error({.code = base::CodeOf(fault, base::ErrorCode::kUnavailable),
                     .operation = std::string(operation),
                     .subject = file.string(),
                     .message = base::ErrnoText(number),
                     .remedy = RemedyOf(fault),
                     .retryable = fault == base::FileFault::kFull});
}

void KeepOwner(const fs::path& of, int fd, std::string_view operation) {
  struct stat owner {};
  if (geteuid() != 0 || stat(of.c_str(), &owner) != 0 || owner.st_uid == 0) return;
  if (fchown(fd, owner.st_uid, owner.st_gid) != 0) ThrowErrno(operation, of, errno);
}

void WritePrivateFile(const fs::path& file, std::string_view text, std::string_view operation) {
  const fs::path fresh = file.string() + ".new";
  {
    const base::Descriptor out(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (out.get() < 0) ThrowErrno(operation, fresh, errno);
    if (fchmod(out.get(), 0600) != 0) ThrowErrno(operation, fresh, errno);
    KeepOwner(file, out.get(), operation);
    WriteAll(out.get(), text, operation, fresh);
    if (fsync(out.get()) != 0) ThrowErrno(operation, fresh, errno);
  }
  if (rename(fresh.c_str(), file.c_str()) != 0) ThrowErrno(operation, file, errno);
  // The rename itself is on disk when the folder is.
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const base::Descriptor above(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (above.get() < 0 || fsync(above.get()) != 0) ThrowErrno(operation, folder, errno);
}

void MakePrivateFolder(const fs::path& folder, std::string_view operation) {
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    std::error_code ignored;
    if (!fs::exists(folder.parent_path(), ignored)) {
      MakePrivateFolder(folder.parent_path(), operation);
    }
  }
  if (mkdir(folder.c_str(), 0700) == 0) return;
  const int number = errno;
  struct stat status {};
  if (number == EEXIST && stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
  ThrowErrno(operation, folder, number == EEXIST ? ENOTDIR : number);
}

}  // namespace sluice::serve
