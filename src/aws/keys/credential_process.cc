#include "aws/keys/credential_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "aws/json_text.h"
#include "aws/keys/keys_json.h"
#include "base/error.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

constexpr std::size_t kOutputMax = 64 << 10;
constexpr int kPollMs = 20;
constexpr std::string_view kForm =
    R"({"Version": 1, "AccessKeyId": "...", "SecretAccessKey": "...", "SessionToken": "...", )"
    R"("Expiration": "2026-01-01T00:00:00Z"})";

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The child and whatever it started. Its end is waited for, at the latest in the destructor.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { Kill(); }

  // Once it has ended: waitpid's status. Those it left behind die too, or they would hold our end
  // of the pipe open; they are found by its group, whose number is ours only until it is reaped.
  std::optional<int> Ended() {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
      return info.si_pid == 0 ? std::nullopt : std::optional(Kill());
    }
    if (errno == EINTR) return std::nullopt;
    pid_ = -1;  // Reaped already, as where SIGCHLD is ignored: how it ended is lost.
    return 0;
  }
  int Kill() {
    int status = 0;
    if (pid_ < 0) return status;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

class Runner {
 public:
  Runner(const CredentialProcess& process, const base::Clock& clock, const base::Call& call)
      : process_(process),
        clock_(clock),
        call_(call),
        deadline_(call.deadline.Sooner(base::Deadline::After(clock, process.timeout))) {}

  SessionKeys Run() {
    const auto words = SplitCommand(process_.command);
    if (!words) {
      Refuse(ErrorCode::kInvalidConfig, "its credential_process leaves a quote open or is empty",
             "Put a word with blanks between double quotes.");
    }
    program_ = words->front();
    const base::Secret output = Output(*words);
    const auto json = JsonText::Parse(output.Reveal());
    const auto version = json ? json->Number("Version") : std::nullopt;
    if (version && *version != 1) {
      Refuse(ErrorCode::kUnsupported, Program() + " printed another Version than 1",
             "It must print " + std::string(kForm));
    }
    if (!version) {
      Refuse(ErrorCode::kUnavailable, Program() + " printed no JSON with Version 1",
             "Run the command by hand: it must print " + std::string(kForm));
    }
    return ReadKeysJson(output.Reveal(), "SessionToken",
                        Program() + ", credential_process of profile " + process_.profile,
                        clock_.Utc());
  }

 private:
  [[noreturn]] void Refuse(ErrorCode code, std::string message, std::string remedy) const {
    throw base::Error({.code = code,
                       .operation = "get AWS keys",
                       .subject = "profile " + process_.profile,
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
  }
  std::string Program() const { return "program " + program_; }

  pid_t Spawn(const std::vector<std::string>& words, int output) const {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    // Signals we block or handle are not the child's.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const int failed =
        posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) {
      Refuse(ErrorCode::kInvalidConfig, Program() + " cannot be started: " + std::strerror(failed),
             "Write its full path in credential_process, and make it executable.");
    }
    return pid;
  }

  base::Secret Output(const std::vector<std::string>& words) const {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
      Refuse(ErrorCode::kInternal, std::string("no pipe: ") + std::strerror(errno),
             "Raise the limit of open files (ulimit -n).");
    }
    const Descriptor reading(pipe_ends[0]);
    Descriptor writing(pipe_ends[1]);
    Child child(Spawn(words, writing.get()));
    writing.Close();
    std::string text = ReadAll(reading.get());
    const int status = Wait(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      base::Secret wiped(std::move(text));
      Refuse(ErrorCode::kAuthentication,
             Program() + (WIFEXITED(status)
                              ? " ended with status " + std::to_string(WEXITSTATUS(status))
                              : " was ended by signal " + std::to_string(WTERMSIG(status))),
             "Run the command of credential_process by hand to see why; Sluice shows nothing of "
             "what it prints.");
    }
    return base::Secret(std::move(text));
  }

  // Until the child and all that hold its output have closed it.
  std::string ReadAll(int fd) const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
      CheckTime();
      pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, kPollMs) <= 0) continue;
      const ssize_t count = read(fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(count));
      if (text.size() > kOutputMax) {
        Refuse(ErrorCode::kUnavailable, Program() + " printed more than 64 KiB",
               "It must print " + std::string(kForm));
      }
    }
  }

  int Wait(Child& child) const {
    for (;;) {
      if (const auto status = child.Ended()) return *status;
      CheckTime();
      poll(nullptr, 0, kPollMs);
    }
  }

  void CheckTime() const {
    if (call_.stop.stop_requested()) {
      base::ThrowCancelled("get AWS keys", "profile " + process_.profile);
    }
    if (deadline_.Expired(clock_)) {
      Refuse(ErrorCode::kTimeout, Program() + " did not end in time and was stopped",
             "Run the command of credential_process by hand: it must end by itself and ask "
             "nothing.");
    }
  }

  const CredentialProcess& process_;
  const base::Clock& clock_;
  const base::Call& call_;
  const base::Deadline deadline_;
  std::string program_;
};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::optional<std::vector<std::string>> SplitCommand(std::string_view command) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == '\0' && IsBlank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    const char next = i + 1 < command.size() ? command[i + 1] : '\0';
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && next != '\0' &&
               (quote == '\0' || (quote == '"' && (next == '"' || next == '\\')))) {
      words.back() += next;
      ++i;
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0' || words.empty() || words.front().empty()) return std::nullopt;
  return words;
}

SessionKeys RunCredentialProcess(const CredentialProcess& process, const base::Clock& clock,
                                 const base::Call& call) {
  return Runner(process, clock, call).Run();
}

}  // namespace sluice::aws
