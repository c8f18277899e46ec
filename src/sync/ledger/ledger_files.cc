#include "sync/ledger/ledger_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/errno_error.h"
#include "base/error.h"
#include "base/small_file.h"

namespace sluice::sync {

std::string LedgerSubject(const std::filesystem::path& path) { return "ledger " + path.string(); }

void ThrowLedgerErrno(const std::filesystem::path& path, int number) {
  base::ErrorInfo info{.code = base::ErrorCode::kPermission,
                       .operation = "open ledger",
                       .subject = LedgerSubject(path),
                       .message = base::OpenFailure(number),
                       .remedy = "Make the folder writable for the user who runs Sluice."};
  if (base::FaultOf(number) == base::FileFault::kFull) {
    info.code = base::ErrorCode::kNoSpace;
    info.remedy = "Free space on that disk, or raise the limit on file sizes (ulimit -f).";
  } else if (base::IsOutOfFiles(number)) {
    info.code = base::ErrorCode::kNoSpace;
    info.remedy = "Raise the limit of open files for the user who runs Sluice: ulimit -n 4096.";
  } else if (number == ELOOP) {
    info.message = "it is a symbolic link, which is not followed";
    info.remedy = "Find out what made it, and remove the link.";
  } else if (number == EISDIR) {
    info.code = base::ErrorCode::kCorrupt;
    info.message = "it is a folder, not a file";
    info.remedy = std::string(kMoveLedgerAway);
  } else if (number == ENOTDIR || number == EEXIST) {
    info.message = "a file stands where its folder should be";
    info.remedy = std::string(kMoveLedgerAway);
  }
  throw base::Error(std::move(info));
}

// SQLite follows links, and makes what they point to.
void RequireOwnFiles(const std::filesystem::path& ledger) {
  for (const char* end : {"", "-wal", "-shm", "-journal"}) {
    const std::string file = ledger.string() + end;
    struct stat status {};
    if (lstat(file.c_str(), &status) != 0) {
      if (errno != ENOENT) ThrowLedgerErrno(file, errno);
      continue;
    }
    if (S_ISLNK(status.st_mode)) ThrowLedgerErrno(file, ELOOP);
    if (S_ISREG(status.st_mode)) continue;
    if (*end == '\0') ThrowLedgerErrno(file, EISDIR);
    throw base::Error({.code = base::ErrorCode::kPermission,
                       .operation = "open ledger",
                       .subject = LedgerSubject(file),
                       .message = "it is not a file",
                       .remedy =
                           "Find out what made it, and remove it: the folder must be writable for "
                           "the user who runs Sluice alone."});
  }
}

}  // namespace sluice::sync
