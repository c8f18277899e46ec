// What must be so of this process before it opens a file or a connection.
#pragma once
#include <string>
#include <string_view>

namespace sluice::cli {

// Called first of all, once, by the only thread, and by main alone: what holds for a whole process
// is not for a library to change.
// - Signals that a write may raise (SIGPIPE, SIGXFSZ) are ignored: the write then fails, which is
//   told; the signal would end the program without a word.
// - Standard input, output and error are open, whoever started this: a file that is opened later
//   would take the number of one that is closed, and be written to as the screen.
// - No core file, and no other process of this user may read the memory: keys stand in it. Nothing
//   that `execve` starts is bound by the latter.
// - As many open files as the hard limit allows, up to kOpenFilesWanted.
void PrepareProcess();

inline constexpr unsigned kOpenFilesWanted = 4096;
// A sync of one stream has 20 to 40 open.
inline constexpr unsigned kOpenFilesNeeded = 64;

// Throws kNoSpace if the machine allows fewer than kOpenFilesNeeded: libraries would tell a missing
// certificate or a name that does not resolve where in truth nothing can be opened.
void RequireOpenFiles();

// Standard output of one command. Any thread, one at a time.
class StandardOutput {
 public:
  // All of `text`, unless an earlier write failed.
  void Write(std::string_view text) noexcept;
  // `exit_code`, or after a failed write kFailed instead of 0; then standard error is told why.
  int ExitCode(int exit_code) const noexcept;

 private:
  int failure_ = 0;  // errno
};

}  // namespace sluice::cli
