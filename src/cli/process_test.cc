// Goal: whatever started the program, a failed write is told, nothing of its memory is for others,
// and no file takes the place of a closed standard file.
#include "cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

// In a process of its own: 0, or the number of what did not hold.
int InChild(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(PrepareProcess, KeepsTheMemoryPrivate) {
  EXPECT_EQ(InChild([] {
              PrepareProcess();
              rlimit core{};
              getrlimit(RLIMIT_CORE, &core);
              if (core.rlim_cur != 0 || core.rlim_max != 0) return 1;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
              if (prctl(PR_GET_DUMPABLE) != 0) return 2;
#endif
              return 0;
            }),
            0);
}

TEST(PrepareProcess, IgnoresTheSignalsOfFailedWrites) {
  EXPECT_EQ(InChild([] {
              PrepareProcess();
              raise(SIGPIPE);
              raise(SIGXFSZ);
              return 0;
            }),
            0);
}

TEST(PrepareProcess, GivesAwayNoNumberOfAStandardFile) {
  EXPECT_EQ(InChild([] {
              for (int fd = 0; fd <= 2; ++fd) close(fd);
              PrepareProcess();
              if (open("/dev/null", O_RDONLY) <= 2) return 1;
              if (write(STDOUT_FILENO, "x", 1) >= 0 || errno != EBADF) return 2;
              return 0;
            }),
            0);
}

TEST(PrepareProcess, RaisesTheLimitOfOpenFiles) {
  EXPECT_EQ(InChild([] {
              rlimit files{};
              getrlimit(RLIMIT_NOFILE, &files);
              files.rlim_cur = 16;
              files.rlim_max = 500;
              if (setrlimit(RLIMIT_NOFILE, &files) != 0) return 1;
              PrepareProcess();
              getrlimit(RLIMIT_NOFILE, &files);
              return files.rlim_cur == 500 ? 0 : 2;
            }),
            0);
}

// Standard output is `path` in a process that writes `text` to it.
int ExitCodeWith(const char* path, int flags, int exit_code) {
  return InChild([&] {
    signal(SIGPIPE, SIG_IGN);
    close(STDERR_FILENO);
    dup2(open(path, flags), STDOUT_FILENO);
    StandardOutput out;
    out.Write("a line\n");
    return out.ExitCode(exit_code);
  });
}

TEST(StandardOutput, ThatTakesAllChangesNothing) {
  EXPECT_EQ(ExitCodeWith("/dev/null", O_WRONLY, contract::kDone), contract::kDone);
  EXPECT_EQ(ExitCodeWith("/dev/null", O_WRONLY, contract::kSomeFailed), contract::kSomeFailed);
}

TEST(StandardOutput, ThatFailsIsNoSuccess) {
  EXPECT_EQ(ExitCodeWith("/dev/full", O_WRONLY, contract::kDone), contract::kFailed);
  EXPECT_EQ(ExitCodeWith("/dev/null", O_RDONLY, contract::kDone), contract::kFailed);
  EXPECT_EQ(ExitCodeWith("/dev/full", O_WRONLY, contract::kInterrupted), contract::kInterrupted);
}

}  // namespace
}  // namespace sluice::cli
