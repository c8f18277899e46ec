#include "sync/ledger/ledger_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "sync/ledger/ledger_files.h"

namespace sluice::sync {
namespace {

std::filesystem::path LockFileOf(const std::filesystem::path& ledger) {
  return ledger.string() + ".lock";
}

// Its text is written again: nothing but a file of our own may stand there.
void RequireFile(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1) return;
  throw base::Error({.code = base::ErrorCode::kPermission,
                     .operation = "open ledger",
                     .subject = LedgerSubject(path),
                     .message = "it is not a file of its own, but a pipe, a device, or a file "
                                "with a second name",
                     .remedy = "Find out what made it, and remove it while no sync runs."});
}

std::string ReadHolder(int fd) {
  std::array<char, 128> text{};
  const ssize_t n = pread(fd, text.data(), text.size(), 0);
  return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : "an unknown process";
}

}  // namespace

LedgerLock::LedgerLock(const std::filesystem::path& ledger, const base::Clock& clock)
    : file_(open(LockFileOf(ledger).c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                 0600)) {
  const auto path = LockFileOf(ledger);
  if (file_.get() < 0) ThrowLedgerErrno(path, errno);
  RequireFile(file_.get(), path);
  if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = "open ledger",
                       .subject = LedgerSubject(ledger),
                       .message = "another sync holds it: " + ReadHolder(file_.get()),
                       .remedy = "Wait until that sync has ended, or stop it with Ctrl-C or "
                                 "'kill' and its process id."});
  }
  const std::string text =
      fmt::format("process {} since {:%Y-%m-%d %H:%M:%S} UTC", getpid(),
                  fmt::gmtime(std::chrono::system_clock::to_time_t(clock.Utc())));
  if (ftruncate(file_.get(), 0) != 0 ||
      pwrite(file_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    ThrowLedgerErrno(path, errno);
  }
}

std::optional<std::string> LedgerHolder(const std::filesystem::path& ledger) {
  const base::Descriptor file(
      open(LockFileOf(ledger).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0 || flock(file.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
  return ReadHolder(file.get());
}

}  // namespace sluice::sync
