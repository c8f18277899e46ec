// DuckDB's errors as ours: one pure table. Any thread.
// DuckDB's own text may hold row values ("Could not convert string 'x' to INT32") and SQL ("LINE 1:
// ..."), so only the kinds of message known to hold neither are passed on, as the cause.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice::columnar {

// What was being done, on what: for the error's operation and subject.
struct Task {
  std::string operation;  // "load", "commit", "read footer"
  std::string subject;    // "table sales.orders", "DuckDB file acme.duckdb"
};

// Which of DuckDB's error kinds; the names of its `duckdb_error_type`, so that the header of DuckDB
// stays inside this room.
enum class EngineErrorKind {
  kOther,
  kConversion,    // a value does not fit or is not what it should be: conversion, out of range
  kInvalidInput,  // malformed Parquet and the like
  kTransaction,   // conflict with another transaction
  kCatalog,       // a table or schema exists, does not exist, or has another kind
  kIo,
  kInterrupt,
  kFatal,  // DuckDB gave up on the database: it must be opened again
  kOutOfMemory,
  kPermission,
  kInternal,
};

// Of ErrorInfo::message when memory ran out: the statement may pass with a higher limit.
inline constexpr std::string_view kOutOfMemoryMessage = "DuckDB ran out of its memory limit";
// Of ErrorInfo::reason: the source holds a date or time that DuckDB cannot. kUnsupported, because
// it stays so however often it is read.
inline constexpr std::string_view kTimeRange = "time_range";

// `text` is DuckDB's message.
base::ErrorInfo ToErrorInfo(EngineErrorKind kind, std::string_view text, const Task& task);

// The process that a message about a held lock names; nullopt if it names none.
struct LockHolder {
  int pid = 0;
  std::string program;  // its path; empty if DuckDB may not see it
};
std::optional<LockHolder> ParseLockHolder(std::string_view text);
// The error of a file that `holder` holds; `since`, "2026-01-01 00:00:00 UTC", may be empty.
base::ErrorInfo HeldBy(const std::optional<LockHolder>& holder, const std::string& since,
                       const Task& task);

}  // namespace sluice::columnar
