#include "columnar/engine_error.h"

#include <fmt/format.h>

#include <optional>
#include <regex>

namespace sluice::columnar {
namespace {

using base::ErrorCode;
using base::ErrorInfo;

bool Has(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// The first line, without what follows "LINE n:": there DuckDB repeats the statement.
std::string FirstLine(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  if (const auto at = line.find("LINE "); at != std::string::npos) line.resize(at);
  return line;
}

ErrorInfo Make(const Task& task, ErrorCode code, std::string message, std::string remedy,
               std::string cause = {}) {
  return {.code = code,
          .operation = task.operation,
          .subject = task.subject,
          .message = std::move(message),
          .remedy = std::move(remedy),
          .cause = std::move(cause)};
}

ErrorInfo NoSpace(std::string_view text, const Task& task) {
  return Make(task, ErrorCode::kNoSpace, "the disk is full, or a limit on file sizes was reached",
              "Free space on the disks of the DuckDB file and of the work folder, then run again.",
              FirstLine(text));
}

ErrorInfo Io(std::string_view text, const Task& task) {
  if (Has(text, "Could not set lock")) return HeldBy(ParseLockHolder(text), "", task);
  // A short write without an error number is how a full disk looks between two writes.
  if (Has(text, "No space left") || Has(text, "File too large") || Has(text, "quota exceeded") ||
      Has(text, "Could not write all bytes")) {
    return NoSpace(text, task);
  }
  if (Has(text, "Permission denied") || Has(text, "Read-only file system") ||
      Has(text, "read-only mode")) {
    return Make(task, ErrorCode::kPermission, "it cannot be opened for writing",
                "Let this user write the file and its folder.", FirstLine(text));
  }
  if (Has(text, "No such file or directory") || Has(text, "No files found")) {
    return Make(task, ErrorCode::kNotFound, "the file or its folder does not exist",
                "Make the folder, or correct the path.", FirstLine(text));
  }
  if (Has(text, "not a valid DuckDB database file")) {
    return Make(task, ErrorCode::kCorrupt, "the file is not a DuckDB database",
                "Give the path of a DuckDB file, or of a file that does not exist yet.");
  }
  if (Has(text, "is encrypted") || Has(text, "encrypted database")) {
    return Make(
        task, ErrorCode::kUnsupported, "the file is an encrypted DuckDB database",
        "Give the path of one that is not encrypted, or of a file that does not exist yet.");
  }
  if (Has(text, "version number")) {
    return Make(
        task, ErrorCode::kUnsupported, "the file was written by another version of DuckDB",
        "Export it with the DuckDB that wrote it (EXPORT DATABASE) and import it with 1.5.");
  }
  return Make(task, ErrorCode::kDestination, "reading or writing a file failed",
              "Look at the disk and the file system, then run again.", FirstLine(text));
}

ErrorInfo OutOfMemory(std::string_view text, const Task& task) {
  // Spilling is bounded by the free disk: DuckDB reports its end as lack of memory.
  if (Has(text, "max_temp_directory_size")) return NoSpace(text, task);
  return Make(task, ErrorCode::kDestination, std::string(kOutOfMemoryMessage),
              "Raise limits.memory_mb (400 if it is not set), or lower streams_parallel.");
}

// What column_type.cc makes the engine say, and what its own casts of times say. The value is in
// the source: reading it once more changes nothing.
std::optional<ErrorInfo> OutOfRange(EngineErrorKind kind, std::string_view text, const Task& task) {
  if (kind != EngineErrorKind::kInvalidInput && kind != EngineErrorKind::kConversion) {
    return std::nullopt;
  }
  const bool date = Has(text, "date out of range");
  if (!date && !Has(text, "timestamp out of range") && !Has(text, "Could not convert Timestamp(")) {
    return std::nullopt;
  }
  ErrorInfo info = Make(
      task, ErrorCode::kUnsupported, date ? "date out of range" : "timestamp out of range",
      "The source holds a time before 4713 BC or after 294247-01-10 04:00:54 (a date: after "
      "5874897), "
      "which the destination cannot keep. Correct it at the source, leave such rows out in a query "
      "stream (`sql: ... WHERE`), or select the column as text: CAST(... AS VARCHAR) AS ...");
  info.reason = kTimeRange;
  return info;
}

}  // namespace

// 'IO Error: Could not set lock on file "x": Conflicting lock is held in /usr/bin/duckdb (PID 12)
// by user root. See also ...'; without the right to see the program, '... is held in PID 12 ...'.
std::optional<LockHolder> ParseLockHolder(std::string_view text) {
  static const std::regex kHolder(R"(held in (?:(.*?) \()?PID (\d{1,9})\b)");
  std::match_results<std::string_view::const_iterator> found;
  if (!std::regex_search(text.begin(), text.end(), found, kHolder)) return std::nullopt;
  return LockHolder{.pid = std::stoi(found[2].str()), .program = found[1].str()};
}

base::ErrorInfo HeldBy(const std::optional<LockHolder>& holder, const std::string& since,
                       const Task& task) {
  std::string who = "another process";
  std::string remedy = "Close the program that has the file open, then run again.";
  if (holder) {
    who = fmt::format("process {}", holder->pid);
    if (!holder->program.empty()) who += fmt::format(" ({})", holder->program);
    if (!since.empty()) who += ", running since " + since;
    remedy = fmt::format("Close process {} or wait until it ends, then run again.", holder->pid);
  }
  ErrorInfo info = Make(task, ErrorCode::kConflict, "it is held by " + who, remedy);
  info.retryable = true;
  return info;
}

ErrorInfo ToErrorInfo(EngineErrorKind kind, std::string_view text, const Task& task) {
  if (auto info = OutOfRange(kind, text, task)) return *std::move(info);
  switch (kind) {
    case EngineErrorKind::kConversion:
      return Make(task, ErrorCode::kCorrupt, "a value does not fit the column's type",
                  "Run again with a fresh UNLOAD; if it stays, report it.");
    case EngineErrorKind::kInvalidInput:
      return Make(task, ErrorCode::kCorrupt, "a part is not what it should be",
                  "Run again with a fresh UNLOAD; if it stays, report it.");
    case EngineErrorKind::kTransaction: {
      // A disk that fails under a commit: "TransactionContext Error: Failed to commit: Could not
      // write file ...". Only without that is it a conflict.
      if (Has(text, "Failed to commit: Could not")) return Io(text, task);
      ErrorInfo info = Make(task, ErrorCode::kConflict, "another transaction changed it meanwhile",
                            "Run again.", FirstLine(text));
      info.retryable = true;
      return info;
    }
    case EngineErrorKind::kCatalog:
      return Make(
          task, ErrorCode::kConflict, "what stands there is not what was expected",
          "Look at the table of that name in the DuckDB file: it may be a view, or may have "
          "been changed by somebody else.",
          FirstLine(text));
    case EngineErrorKind::kIo: return Io(text, task);
    case EngineErrorKind::kInterrupt:
      return Make(task, ErrorCode::kCancelled, "stopped on request", "");
    case EngineErrorKind::kFatal: {
      ErrorInfo info = Io(text, task);
      if (info.code == ErrorCode::kDestination) {
        info.message = "DuckDB gave up on the database file";
        info.remedy = "Run again: the file is opened again, at its last commit.";
      }
      return info;
    }
    case EngineErrorKind::kOutOfMemory: return OutOfMemory(text, task);
    case EngineErrorKind::kPermission:
      return Make(task, ErrorCode::kPermission, "DuckDB may not do this", "Check the file's mode.");
    case EngineErrorKind::kInternal:
    case EngineErrorKind::kOther: break;
  }
  return Make(task, ErrorCode::kDestination, "DuckDB refused a statement",
              "Run again; if it stays, report it with the version of Sluice.");
}

}  // namespace sluice::columnar
