#include "notify/command.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/descriptor.h"
#include "base/error.h"

namespace sluice::notify {
namespace {

constexpr const char* kKept[] = {"PATH",    "HOME",     "USER",   "LOGNAME",  "SHELL",
                                 "LANG",    "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES",
                                 "LC_TIME", "TZ",       "TMPDIR"};
constexpr std::chrono::milliseconds kLookAgain{20};

// A file of memory: a pipe would hold a command up that does not read.
int MemoryFile() { return memfd_create("sluice-result", MFD_CLOEXEC); }

void Fill(int file, std::string_view text) {
  std::size_t written = 0;
  while (file >= 0 && written < text.size()) {
    const ssize_t count = write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  if (file < 0 || written < text.size() || lseek(file, 0, SEEK_SET) != 0) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "start a command",
                       .message = std::strerror(errno),
                       .remedy = "Free memory, or raise the limit of open files (ulimit -n)."});
  }
}

class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  // Returns 0 or an errno.
  int Run(const std::string& command, int input, std::vector<std::string> variables, pid_t& pid) {
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    // Signals we block or handle are not the child's; Ctrl-C at our terminal is not for it either.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string shell = "/bin/sh";
    std::string option = "-c";
    std::string text = command;
    char* const arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    std::vector<char*> environment;
    environment.reserve(variables.size() + 1);
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    return posix_spawn(&pid, shell.c_str(), &actions_, &attributes_, arguments, environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// The status of `pid`, or nullopt while it runs.
std::optional<int> Ended(pid_t pid) {
  int status = 0;
  const pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  return ended < 0 ? 0 : status;  // reaped already: how it ended is lost
}

void Kill(pid_t pid) {
  kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::string RunCommand(const std::string& command, std::string_view input,
                       const base::Environment& environment, std::chrono::seconds patience,
                       const base::Clock& clock) {
  std::vector<std::string> variables;
  for (const char* name : kKept) {
    if (const auto value = environment(name))
      variables.push_back(fmt::format("{}={}", name, *value));
  }
  const base::Descriptor file(MemoryFile());
  Fill(file.get(), input);
  pid_t pid = -1;
  if (const int failed = Spawn().Run(command, file.get(), std::move(variables), pid)) {
    return fmt::format("cannot be started: {}", std::strerror(failed));
  }
  const auto deadline = base::Deadline::After(clock, patience);
  for (;;) {
    if (const auto status = Ended(pid)) {
      if (WIFSIGNALED(*status)) return fmt::format("was ended by signal {}", WTERMSIG(*status));
      const int code = WEXITSTATUS(*status);
      return code == 0 ? "" : fmt::format("ended with status {}", code);
    }
    if (deadline.Expired(clock)) {
      Kill(pid);
      return fmt::format("was killed, because it did not end within {} s", patience.count());
    }
    clock.Sleep(kLookAgain, {});
  }
}

}  // namespace sluice::notify
