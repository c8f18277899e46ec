// A small file of somebody else's, read whole: a profile, a token, a certificate. Its name comes
// from outside, so it may be anything: a pipe that nobody writes to, a device without an end.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>

namespace sluice::base {

struct SmallFile {
  std::string text;
  // Why there is no text, to stand behind "it": "cannot be opened: Permission denied". Empty: none.
  std::string problem;
  bool missing = false;  // there is no such file; `problem` says so, too
};

// Reads at most `bytes_max`, more is a problem; waits at most `patience` for a pipe. A pipe that
// no process has opened to write is waited for. /dev/null is an empty file. Any thread.
SmallFile ReadSmallFile(const std::string& path, std::size_t bytes_max,
                        std::chrono::milliseconds patience = std::chrono::seconds(10));

// What `number`, an errno of opening a file or a socket, means: strerror's words, or for EMFILE and
// ENFILE the limit that was reached and how to raise it.
std::string OpenFailure(int number);
// Whether it is one of these: then nothing is wrong with the file.
bool IsOutOfFiles(int number);
// OpenFailure if no file could be opened now, else empty: libraries tell a missing certificate, or
// a name that does not resolve, where in truth nothing can be opened.
std::string OutOfFiles();

}  // namespace sluice::base
