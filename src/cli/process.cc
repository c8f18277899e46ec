#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/write_failure.h"
#include "cli/screens.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "contract/exit_code.h"

// LeakSanitizer looks into the process from a thread that it attaches like a debugger.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_STAYS_DUMPABLE 1
#else
#define SLUICE_STAYS_DUMPABLE 0
#endif

namespace sluice::cli {
namespace {

// Writing to what stands in for a closed output fails, as it should, and is told.
void OpenStandardFiles() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free, which is `fd`: those below it are open by now.
    if (open("/dev/null", O_RDONLY) < 0) return;
  }
}

void KeepMemoryPrivate() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  if (SLUICE_STAYS_DUMPABLE == 0) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void AllowOpenFiles() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kOpenFilesWanted) return;
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, kOpenFilesWanted);
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

void PrepareProcess() {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  OpenStandardFiles();
  KeepMemoryPrivate();
  AllowOpenFiles();
}

void RequireOpenFiles() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kOpenFilesNeeded) return;
  throw base::Error({.code = base::ErrorCode::kNoSpace,
                     .operation = "start",
                     .subject = "limit of open files",
                     .message = "too many open files (limit " + std::to_string(files.rlim_cur) +
                                "): a sync needs " + std::to_string(kOpenFilesNeeded),
                     .remedy = "Raise it for the user who runs Sluice: ulimit -n 4096",
                     .reason = "open_files"});
}

void StandardOutput::Write(std::string_view text) noexcept {
  if (failure_ == 0) failure_ = WriteAll(STDOUT_FILENO, text);
}

int StandardOutput::ExitCode(int exit_code) const noexcept {
  if (failure_ == 0) return exit_code;
  try {
    const base::ErrorInfo error{
        .code = failure_ == ENOSPC || failure_ == EDQUOT || failure_ == EFBIG
                    ? base::ErrorCode::kNoSpace
                    : base::ErrorCode::kDestination,
        .operation = "write the result",
        .subject = "standard output",
        .message = base::WriteFailure(failure_),
        .remedy =
            "What the command did is done; only its result could not be shown. Send the "
            "output elsewhere, and look with: sluice status"};
    WriteAll(STDERR_FILENO, ErrorScreen(error, Style{}));
  } catch (const std::exception&) {
    // The exit code still tells.
  }
  return exit_code == contract::kDone ? contract::kFailed : exit_code;
}

}  // namespace sluice::cli
