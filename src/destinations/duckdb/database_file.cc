#include "destinations/duckdb/database_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/errno_error.h"
#include "base/error.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

constexpr std::string_view kDuckDbMagic = "DUCK";
constexpr std::size_t kDuckDbMagicAt = 8;  // after the header's checksum
constexpr std::size_t kLookBytes = 64;

[[noreturn]] void Refuse(const fs::path& file, std::string what) {
  throw base::Error({.code = ErrorCode::kUnsupported,
                     .operation = "open",
                     .subject = "destination.path " + file.string(),
                     .message = std::move(what),
                     .remedy = "Give the path of a DuckDB file, or of a file that does not exist "
                               "yet. Nothing was changed.",
                     .reason = "not_duckdb"});
}

[[noreturn]] void ThrowErrno(const fs::path& file, int number) {
  const base::FileFault fault = base::FaultOf(number);
  const bool denied = fault == base::FileFault::kBarred;
  const bool absent = fault == base::FileFault::kMissing;
  throw base::Error({.code = base::CodeOf(fault, ErrorCode::kDestination),
                     .operation = "open",
                     .subject = "DuckDB file " + file.string(),
                     .message = base::ErrnoText(number),
                     .remedy = denied   ? "Let this user read and write the file and its folder."
                               : absent ? "Make the folder, or correct `destination.path`."
                                        : "Look at the path and the disk that it is on."});
}

struct Mark {
  std::size_t at;
  std::string_view bytes;
  std::string_view what;
};

constexpr std::array<Mark, 11> kMarks = {{
    {0, "SQLite format 3", "it is an SQLite database"},
    {0, "PAR1", "it is a Parquet file"},
    {0, "PK\x03\x04", "it is a ZIP archive or an Excel file"},
    {0, "\x1f\x8b", "it is a compressed file (gzip)"},
    {0, "\x28\xb5\x2f\xfd", "it is a compressed file (zstd)"},
    {0, "BZh", "it is a compressed file (bzip2)"},
    {0, "Obj\x01", "it is an Avro file"},
    {0, "ARROW1", "it is an Arrow file"},
    {0, "ORC", "it is an ORC file"},
    {0, "SLUNDO01", "it is what Sluice keeps beside a DuckDB file to repair it"},
    {257, "ustar", "it is a tar archive"},
}};

// As much of the beginning as there is.
std::string Beginning(int fd, const fs::path& file) {
  std::string text(kLookBytes * 8, '\0');
  ssize_t got = 0;
  do {
    got = pread(fd, text.data(), text.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) ThrowErrno(file, errno);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

bool HasAt(std::string_view text, std::size_t at, std::string_view bytes) {
  return text.size() >= at + bytes.size() && text.substr(at, bytes.size()) == bytes;
}

void RequireMagic(int fd, const fs::path& file) {
  const std::string begins = Beginning(fd, file);
  if (HasAt(begins, kDuckDbMagicAt, kDuckDbMagic)) return;
  for (const Mark& mark : kMarks) {
    if (HasAt(begins, mark.at, mark.bytes)) Refuse(file, std::string(mark.what));
  }
  Refuse(file, "it is a file that exists, and not a DuckDB database");
}

std::string_view KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "it is a folder";
  if (S_ISFIFO(mode)) return "it is a pipe";
  if (S_ISSOCK(mode)) return "it is a socket";
  return "it is a device";
}

bool IsSame(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Has this process the file open by another descriptor than `own`? True where it cannot be told.
bool IsOpenElsewhere(const struct stat& file, int own) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open_files(opendir("/proc/self/fd"), &closedir);
  if (!open_files) return true;
  while (const dirent* entry = readdir(open_files.get())) {
    const std::string_view name = entry->d_name;
    int fd = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec != std::errc()) continue;
    struct stat status {};
    if (fd != own && fstat(fd, &status) == 0 && IsSame(status, file)) return true;
  }
  return false;
}

}  // namespace

void RequireDuckDbFile(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    if (errno == ELOOP) Refuse(file, "it is a symbolic link that leads to itself");
    if (errno != ENOENT) ThrowErrno(file, errno);
    if (lstat(file.c_str(), &status) == 0) Refuse(file, "it is a symbolic link to nothing");
    return;
  }
  if (!S_ISREG(status.st_mode)) Refuse(file, std::string(KindOf(status.st_mode)));
  // Nothing is in it: a file that DuckDB had just begun to make, or that was made to have a name.
  if (status.st_size == 0) return;
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) ThrowErrno(file, errno);
  try {
    RequireMagic(fd, file);
  } catch (...) {
    close(fd);
    throw;
  }
  close(fd);
}

void RequireInUse(columnar::Connection& connection, const fs::path& file, int fd) {
  const auto path = connection.Run(
      "SELECT path FROM duckdb_databases() WHERE database_name = current_database() AND NOT "
      "internal AND NOT readonly AND type = 'duckdb'",
      {}, {.operation = "open", .subject = "DuckDB file " + file.string()});
  if (fd < 0 || path.rows.size() != 1 || !path.rows[0][0]) {
    Refuse(file, "DuckDB did not open it as a database file");
  }
  RequireMagic(fd, file);
  struct stat named {};
  struct stat opened {};
  if (stat(file.c_str(), &named) == 0 && fstat(fd, &opened) == 0 && IsSame(named, opened) &&
      IsOpenElsewhere(opened, fd)) {
    return;
  }
  throw base::Error({.code = ErrorCode::kConflict,
                     .operation = "open",
                     .subject = "DuckDB file " + file.string(),
                     .message = "another file was put in its place while it was opened",
                     .remedy = "Let one program at a time use this path, then run again.",
                     .retryable = true});
}

}  // namespace sluice::destinations::duckdb
