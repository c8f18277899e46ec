#include "serve/runs/child.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/descriptor.h"
#include "base/errno_error.h"
#include "base/error.h"
#include "base/text.h"

extern "C" char** environ;

namespace sluice::serve {
namespace {

constexpr int kConfig = 3;
constexpr int kPipe = kEventsDescriptor + 1;  // to the parent, until exec
constexpr char kGo = 'g';

[[noreturn]] void Fail(const char* what, int number) {
  const bool room = number == EAGAIN || number == ENOMEM || number == EMFILE || number == ENFILE;
  throw base::Error(
      {.code = room ? base::ErrorCode::kNoSpace : base::ErrorCode::kInternal,
       .operation = "start a child process",
       .subject = what,
       .message = base::ErrnoText(number),
       .remedy = "Free memory, or allow this user more processes and open files (ulimit -u, -n), "
                 "or run less at a time.",
       .retryable = room});
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string& BootId() {
  static const std::string id = [] {
    std::string text = Contents("/proc/sys/kernel/random/boot_id");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.empty() ? std::string("-") : text;
  }();
  return id;
}

// The n-th word behind the name, from 0.
std::string_view Word(std::string_view text, int n) {
  for (; n >= 0; --n) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    if (n > 0) text.remove_prefix(std::min(text.find_first_of(" \n"), text.size()));
  }
  return text.substr(0, text.find_first_of(" \n"));
}

// Sealed: whoever reads it reads what was written here, to the end.
int SealedMemory(const base::Secret& text) {
  const int fd = memfd_create("sluice-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) Fail("memory for the configuration", errno);
  std::string_view left = text.Reveal();
  while (!left.empty()) {
    const ssize_t count = write(fd, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  // The program warns of a file with secrets that others may read.
  const bool done =
      left.empty() && fchmod(fd, S_IRUSR) == 0 &&
      fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
  if (!done) {
    const int number = errno;
    close(fd);
    Fail("memory for the configuration", number);
  }
  return fd;
}

// All that the child needs, made before the fork: behind it nothing may be allocated, because
// another thread may have held the lock of the heap.
struct Prepared {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::string program;
  std::string folder;
  std::array<int, 6> from{};  // which descriptor becomes number i
  bool ends_with_us = false;
  rlim_t memory = RLIM_INFINITY;
  pid_t parent = 0;
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

void Tell(int fd, int number) {
  [[maybe_unused]] const ssize_t count = write(fd, &number, sizeof number);
}

// Each becomes the number that it shall have. Those that stand in the way are copied up first.
int Arrange(const std::array<int, 6>& from) {
  std::array<int, 6> high{};
  for (std::size_t i = 0; i < from.size(); ++i) {
    high[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD, 64);
    if (from[i] >= 0 && high[i] < 0) return errno;
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const int number = static_cast<int>(i);
    if (high[i] < 0) {
      close(number);
    } else if (dup2(high[i], number) < 0) {
      return errno;
    }
  }
  return close_range(kPipe + 1, UINT_MAX, 0) == 0 ? 0 : errno;
}

// Between fork and exec: system calls alone.
[[noreturn]] void BecomeChild(const Prepared& prepared) {
  // First of all: the pipes of other children, and our own end's other half, so that the death of
  // the parent is seen.
  if (const int failed = Arrange(prepared.from)) {
    Tell(kPipe, failed);
    _exit(127);
  }
  fcntl(kPipe, F_SETFD, FD_CLOEXEC);
  setsid();
  if (prepared.ends_with_us) {
    prctl(PR_SET_PDEATHSIG, SIGINT);
    if (getppid() != prepared.parent) _exit(127);
  }
  errno = 0;
  [[maybe_unused]] const int nicer = nice(kNicer);
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  const rlimit memory{.rlim_cur = prepared.memory, .rlim_max = prepared.memory};
  setrlimit(RLIMIT_RSS, &memory);
  const int oom = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0) {
    [[maybe_unused]] const ssize_t count = write(oom, "500", 3);
    close(oom);
  }
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t nothing;
  sigemptyset(&nothing);
  sigprocmask(SIG_SETMASK, &nothing, nullptr);
  char go = 0;
  ssize_t count = 0;
  do {
    count = read(kPipe, &go, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1 || go != kGo) _exit(127);  // nobody wrote us down
  if (chdir(prepared.folder.c_str()) == 0) {
    execve(prepared.program.c_str(), prepared.argv.data(), prepared.envp.data());
  }
  Tell(kPipe, errno);
  _exit(127);
}

void AwaitEnd(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// 0: it has become the program.
int AwaitExec(int fd) {
  int number = 0;
  ssize_t count = 0;
  do {
    count = read(fd, &number, sizeof number);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof number) ? number : 0;
}

bool SaysGo(int fd) {
  ssize_t count = 0;
  do {
    count = send(fd, &kGo, 1, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

}  // namespace

std::string ProcessId::ToText() const { return fmt::format("{} {} {}", pid, start_ticks, boot); }

std::optional<ProcessId> ProcessId::FromText(std::string_view text) {
  const auto pid = base::ParseNumber<int>(Word(text, 0));
  const auto ticks = base::ParseNumber<std::uint64_t>(Word(text, 1));
  const std::string_view boot = Word(text, 2);
  if (!pid || *pid <= 0 || !ticks || boot.empty()) return std::nullopt;
  return ProcessId{.pid = *pid, .start_ticks = *ticks, .boot = std::string(boot)};
}

std::optional<std::uint64_t> StartTicks(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 1);
  constexpr int kState = 0;  // counted after the name
  constexpr int kStartTime = 19;
  const std::string_view state = Word(stat, kState);
  if (state == "Z" || state == "X" || state == "x") return std::nullopt;
  return base::ParseNumber<std::uint64_t>(Word(stat, kStartTime));
}

std::optional<ProcessId> Identify(int pid) {
  if (pid <= 0) return std::nullopt;
  const auto ticks = StartTicks(Contents(fmt::format("/proc/{}/stat", pid)));
  if (!ticks) return std::nullopt;
  return ProcessId{.pid = pid, .start_ticks = *ticks, .boot = BootId()};
}

bool IsAlive(const ProcessId& process) { return Identify(process.pid) == process; }

bool Signal(const ProcessId& process, int number) {
  // Opened first: from then on the number is no other's.
  const base::Descriptor fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (fd.get() < 0 || !IsAlive(process)) return false;
  return syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0) == 0;
}

ProcessId StartChild(const ChildSpec& spec, const std::function<void(const ProcessId&)>& record) {
  const base::Descriptor config(SealedMemory(spec.config));
  const base::Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2] = {-1, -1};
  if (nothing.get() < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    Fail("descriptors", errno);
  }
  const base::Descriptor ours(ends[0]);
  auto theirs = std::make_unique<base::Descriptor>(ends[1]);

  Prepared prepared{
      .program = spec.program.string(),
      .folder = spec.folder.string(),
      .from = {nothing.get(), spec.output, spec.log, config.get(), spec.events, theirs->get()},
      .ends_with_us = spec.ends_with_us,
      .parent = getpid()};
  prepared.arguments = {"sluice", "--config", fmt::format("/dev/fd/{}", kConfig)};
  prepared.arguments.insert(prepared.arguments.end(), spec.arguments.begin(), spec.arguments.end());
  prepared.environment = spec.environment;
  if (spec.memory_mb) {
    const auto mb = static_cast<rlim_t>(*spec.memory_mb);
    prepared.memory = (mb * kMemoryTimes + kMemoryBeyondMb) << 20U;
  }
  prepared.argv = Pointers(prepared.arguments);
  prepared.envp = Pointers(prepared.environment);

  const pid_t pid = fork();
  if (pid < 0) Fail("a process", errno);
  if (pid == 0) BecomeChild(prepared);
  theirs.reset();
  try {
    const auto process = Identify(pid);
    if (!process) Fail("a process", ESRCH);
    record(*process);
    const int failed = SaysGo(ours.get()) ? AwaitExec(ours.get()) : ESRCH;
    if (failed != 0) Fail("the program", failed);
    return *process;
  } catch (...) {
    kill(pid, SIGKILL);
    AwaitEnd(pid);
    throw;
  }
}

std::optional<Overuse> OveruseOf(const ProcessId& process) {
  rlimit limit{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  if (prlimit(process.pid, RLIMIT_RSS, nullptr, &limit) != 0) return std::nullopt;
  if (limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  // All its pages, and those of files and of memory that it shares.
  const std::string pages = Contents(fmt::format("/proc/{}/statm", process.pid));
  const auto all = base::ParseNumber<std::uint64_t>(Word(pages, 1));
  const auto shared = base::ParseNumber<std::uint64_t>(Word(pages, 2));
  if (!all || !shared || *all < *shared) return std::nullopt;
  const std::uint64_t taken = (*all - *shared) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (taken <= limit.rlim_cur || !IsAlive(process)) return std::nullopt;
  return Overuse{.taken_mb = taken >> 20U, .allowed_mb = limit.rlim_cur >> 20U};
}

std::optional<Ended> Reap(int pid) {
  int status = 0;
  const pid_t ended = waitpid(pid, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
  if (ended < 0) return Ended{.exit_code = -1};  // reaped already: how it ended is lost
  if (WIFSIGNALED(status)) return Ended{.exit_code = -1, .signal = WTERMSIG(status)};
  return Ended{.exit_code = WEXITSTATUS(status)};
}

std::vector<std::string> ChildEnvironment(const base::Environment& environment,
                                          const std::filesystem::path& home, bool aws,
                                          const std::vector<std::string>& allow_hosts) {
  constexpr std::array kKept = {"PATH",          "LANG",         "LC_ALL",      "TZ",
                                "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy",
                                "HTTP_PROXY",    "http_proxy",   "NO_PROXY",    "no_proxy",
                                "ALL_PROXY",     "all_proxy",    "TZDIR"};
  std::vector<std::string> variables;
  for (const char* name : kKept) {
    if (const auto value = environment(name)) {
      variables.push_back(fmt::format("{}={}", name, *value));
    }
  }
  variables.push_back("HOME=" + home.string());
  std::string outside = "SLUICE_OUTSIDE_ONLY=1";
  for (const std::string& host : allow_hosts) outside += "," + host;
  variables.push_back(std::move(outside));
  if (!aws) {
    // Neither the machine's role nor a user's files: a tenant's run has the tenant's rights alone.
    variables.emplace_back("AWS_EC2_METADATA_DISABLED=true");
    variables.emplace_back("AWS_CONFIG_FILE=/dev/null");
    variables.emplace_back("AWS_SHARED_CREDENTIALS_FILE=/dev/null");
    return variables;
  }
  for (char** one = environ; one != nullptr && *one != nullptr; ++one) {
    const std::string_view variable = *one;
    if (variable.starts_with("AWS_")) variables.emplace_back(variable);
  }
  return variables;
}

}  // namespace sluice::serve
