// Child processes of this program: how they are begun, found again by another supervisor, and
// ended.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/secret.h"

namespace sluice::serve {

// A process of this machine, and no other that gets its number later. A value.
struct ProcessId {
  int pid = 0;
  std::uint64_t start_ticks = 0;  // since the machine started
  std::string boot;               // of the machine; a start of its own has another
  friend bool operator==(const ProcessId&, const ProcessId&) = default;

  // "4711 89123 5f0c…", as the store keeps it.
  std::string ToText() const;
  static std::optional<ProcessId> FromText(std::string_view text);
};

// Pure. Field 22 of /proc/PID/stat, proc(5); a process may be named anything, so the fields are
// counted from the last ')'. nullopt: it says less, or the process has ended and waits to be
// reaped.
std::optional<std::uint64_t> StartTicks(std::string_view stat);

// nullopt: there is none, or it has ended.
std::optional<ProcessId> Identify(int pid);
bool IsAlive(const ProcessId& process);
// False: it is gone. Never reaches another process.
bool Signal(const ProcessId& process, int number);

struct ChildSpec {
  std::filesystem::path program;
  // `--config /dev/fd/3` comes before them.
  std::vector<std::string> arguments;
  // On descriptor 3: memory that nobody can write to any more, and that no file system shows.
  base::Secret config;
  std::filesystem::path folder;          // where it runs; its paths are taken from here
  std::vector<std::string> environment;  // "NAME=value": all that it gets
  int output = -1;                       // its standard output
  int log = -1;                          // its standard error
  int events = -1;                       // becomes kEventsDescriptor; -1: none
  // It is asked to stop (SIGINT) when the thread that began it ends.
  bool ends_with_us = false;
  // Its limits.memory_mb; nullopt: nobody looks at its memory (OveruseOf).
  std::optional<std::int64_t> memory_mb;
};

// Forks; `record` is told whom before the child becomes the program, and if it throws, or we die in
// it, there is no child: none ever runs that nobody has written down. The child leads a session of
// its own, is nicer by kNicer, writes no core file, and is what the kernel ends first when memory
// is short. It must be reaped (Reap). Throws what `record` throws; kNoSpace if the system has no
// room for a process; kInternal if the program cannot be started.
ProcessId StartChild(const ChildSpec& spec, const std::function<void(const ProcessId&)>& record);
inline constexpr int kNicer = 5;
inline constexpr int kEventsDescriptor = 4;

// How a child of this process ended; nullopt: it runs. REQUIRES: it is ours, and was not reaped.
struct Ended {
  int exit_code = 0;
  int signal = 0;  // that ended it, or 0
};
std::optional<Ended> Reap(int pid);

// Memory that a child took beyond what it may. It keeps to its limits.memory_mb by itself, but for
// kMemoryBeyondMb (kBeyondMb of columnar/engine_share.h); one that takes kMemoryTimes as much has
// gone wrong, and would take the machine's. Neither RLIMIT_AS nor RLIMIT_DATA says that: a small
// sync that held 108 MB had reserved 904 MB of addresses, 193 MB of them for data (VmPeak, VmData),
// and more with each core; and an allocation that fails ends a program without a word.
struct Overuse {
  std::uint64_t taken_mb = 0;
  std::uint64_t allowed_mb = 0;
};
inline constexpr std::uint64_t kMemoryTimes = 2;
inline constexpr std::uint64_t kMemoryBeyondMb = 150;
// nullopt: it is within, or gone, or was begun without a limit. The child carries its own limit, so
// that another supervisor finds it: RLIMIT_RSS, which Linux keeps and does nothing about.
std::optional<Overuse> OveruseOf(const ProcessId& process);

// What children get of `environment`: PATH, LANG, LC_ALL, TZ, SSL_CERT_FILE, SSL_CERT_DIR and the
// proxies; `home` as HOME and TMPDIR. With `aws` also AWS_*. Without it no machine's or user's AWS
// files are looked at. Databases inside are out of reach, but for `allow_hosts` (pq/reach.h).
std::vector<std::string> ChildEnvironment(const base::Environment& environment,
                                          const std::filesystem::path& home, bool aws,
                                          const std::vector<std::string>& allow_hosts);

}  // namespace sluice::serve
