#include "destinations/merge_refusals.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;

[[noreturn]] void Throw(const model::StreamTarget& target, ErrorCode code, std::string message,
                        std::string remedy) {
  throw base::Error(
      {.code = code,
       .operation = "merge",
       .subject = fmt::format("stream {} into table {}", target.stream, target.table.ToString()),
       .message = std::move(message),
       .remedy = std::move(remedy)});
}

std::string Key(const model::StreamTarget& target) {
  return fmt::format("({})", fmt::join(target.primary_key, ", "));
}

}  // namespace

void RequireMergeColumns(const model::StreamTarget& target) {
  const auto refuse = [&](std::string message, std::string remedy) {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "prepare table",
                       .subject = "stream " + target.stream,
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
  };
  const auto need = [&](const std::string& name, std::string_view role) {
    const bool there = std::any_of(target.columns.begin(), target.columns.end(),
                                   [&](const model::Column& c) { return c.name == name; });
    if (there) return;
    refuse(fmt::format("column {}, its {}, is not among its columns", name, role),
           "Correct the name, or add it to the stream's `columns`.");
  };
  if (target.primary_key.empty()) {
    refuse("it has no primary key, by which rows could be merged",
           "Set `primary_key: [...]`, or `write_mode: overwrite` or `append`.");
  }
  for (const std::string& name : target.primary_key) need(name, "primary key");
  if (target.cursor) need(*target.cursor, "cursor");
  if (target.deletes.column) need(*target.deletes.column, "soft-delete column");
}

void RefuseNullsInKey(const model::StreamTarget& target, std::span<const std::uint64_t> nulls,
                      std::string_view what) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < nulls.size(); ++i) {
    if (nulls[i] == 0) continue;
    found.push_back(fmt::format("column {} in {} {}", target.primary_key[i], nulls[i], what));
  }
  if (found.empty()) return;
  Throw(target, ErrorCode::kUnsupported,
        fmt::format("the primary key has no value (NULL): {}", fmt::join(found, ", ")),
        "Choose a `primary_key` whose columns always have a value, or leave such rows out with a "
        "query (`sql: SELECT ... WHERE ... IS NOT NULL`).");
}

void RefuseDuplicateKeys(const model::StreamTarget& target, std::uint64_t keys, std::uint64_t among,
                         std::uint64_t rows) {
  if (keys == 0 || !target.complete || target.allow_duplicate_keys) return;
  Throw(target, ErrorCode::kConflict,
        fmt::format("{} values of the primary key {} come more than once, in {} of {} rows", keys,
                    Key(target), among, rows),
        "Redshift does not enforce keys. Choose a `primary_key` that tells the rows apart, or "
        "set `duplicate_keys: newest` for the stream: then one row of each key stays, the "
        "one with the greatest cursor.");
}

void RefuseRepeatedThere(const model::StreamTarget& target, std::uint64_t keys) {
  if (keys == 0) return;
  if (target.write_mode == model::WriteMode::kHistory) {
    Throw(
        target, ErrorCode::kConflict,
        fmt::format("{} values of the primary key {} have more than one current version in the "
                    "table at the destination",
                    keys, Key(target)),
        "Something else wrote to the table, or it was made with another key. Leave one row of "
        "each key with _is_current true there; or rename or drop the table, and run with --full.");
  }
  Throw(target, ErrorCode::kConflict,
        fmt::format(
            "{} values of the primary key {} stand more than once in the table at the destination",
            keys, Key(target)),
        "The table was not made by merges on this key. Load it once with `write_mode: "
        "overwrite`, or drop it at the destination; then run with --full.");
}

void RefuseShareOfDeletes(const model::StreamTarget& target, const model::Counts& counts,
                          std::uint64_t rows_before) {
  const model::DeletePolicy& policy = target.deletes;
  if (policy.Allows(counts.deleted, rows_before)) return;
  const double share = static_cast<double>(counts.deleted) / static_cast<double>(rows_before);
  Throw(target, ErrorCode::kConflict,
        fmt::format("{} of the table's {} rows would be removed ({:.1f} %, allowed are {:.1f} %)",
                    counts.deleted, rows_before, share * 100, *policy.share_max * 100),
        "Nothing was changed. Look whether the source is complete; if the rows were deleted on "
        "purpose, run again with `--allow-deletes`.");
}

void ThrowCountsDisagree(const model::StreamTarget& target, const model::Counts& counts,
                         std::uint64_t rows, std::optional<std::uint64_t> rows_before,
                         std::optional<std::uint64_t> rows_after) {
  std::string there;
  if (rows_before && rows_after) {
    there = fmt::format("; the table had {} rows and would have {}", *rows_before, *rows_after);
  }
  Throw(target, ErrorCode::kCorrupt,
        fmt::format("the counts do not add up: {} rows came, {} were inserted, {} updated, {} "
                    "unchanged, {} deleted (of them {} absent), {} skipped{}",
                    rows, counts.inserted, counts.updated, counts.unchanged, counts.deleted,
                    counts.deleted_absent, counts.skipped, there),
        "Nothing was changed. Run again; if it stays, look for a trigger on the table that leaves "
        "rows out, or report it with these numbers.");
}

}  // namespace sluice::destinations
