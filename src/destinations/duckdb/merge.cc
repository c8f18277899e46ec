#include "destinations/duckdb/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;

class Merge {
 public:
  Merge(columnar::Connection& connection, const MergeInput& input, std::stop_token stop)
      : connection_(connection), input_(input), stop_(std::move(stop)) {}

  model::Counts Run() {
    CheckNulls(input_.text.NullsInKeys(), "rows");
    if (input_.keys) CheckNulls(input_.text.NullsInScannedKeys(), "keys of the key scan");
    DropDuplicates();
    if (input_.into_empty) {
      TakeAll();
    } else {
      Compare();
    }
    CheckCounts();
    return counts_;
  }

 private:
  columnar::Task Task() const {
    return {.operation = "merge", .subject = "table " + input_.target.table.ToString()};
  }

  columnar::Result Do(const std::string& sql) { return connection_.Run(sql, {}, Task(), stop_); }

  static std::uint64_t Number(const std::optional<std::string>& cell) {
    std::uint64_t value = 0;
    if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
    return value;
  }

  std::vector<std::uint64_t> Ask(const std::string& sql) {
    std::vector<std::uint64_t> out;
    const columnar::Result result = Do(sql);
    for (const auto& cell : result.rows.at(0)) out.push_back(Number(cell));
    return out;
  }

  std::uint64_t RowsThere() {
    return Ask(fmt::format("SELECT CAST(count(*) AS UBIGINT) FROM {}", input_.table))[0];
  }

  [[noreturn]] void Throw(ErrorCode code, std::string message, std::string remedy) const {
    throw base::Error({.code = code,
                       .operation = "merge",
                       .subject = fmt::format("stream {} into table {}", input_.target.stream,
                                              input_.target.table.ToString()),
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
  }

  std::string Key() const {
    return fmt::format("({})", fmt::join(input_.target.primary_key, ", "));
  }

  void CheckNulls(const std::string& sql, std::string_view what) {
    const std::vector<std::uint64_t> nulls = Ask(sql);
    std::vector<std::string> found;
    for (std::size_t i = 0; i < nulls.size(); ++i) {
      if (nulls[i] == 0) continue;
      found.push_back(
          fmt::format("column {} in {} {}", input_.target.primary_key[i], nulls[i], what));
    }
    if (found.empty()) return;
    Throw(ErrorCode::kUnsupported,
          fmt::format("the primary key has no value (NULL): {}", fmt::join(found, ", ")),
          "Choose a `primary_key` whose columns always have a value, or leave such rows out with a "
          "query (`sql: SELECT ... WHERE ... IS NOT NULL`).");
  }

  void DropDuplicates() {
    const std::vector<std::uint64_t> found = Ask(input_.text.DuplicateKeys());
    if (found[0] == 0) return;
    if (input_.target.complete && !input_.target.allow_duplicate_keys) {
      Throw(ErrorCode::kConflict,
            fmt::format("{} values of the primary key {} come more than once, in {} of {} rows",
                        found[0], Key(), found[1], input_.rows),
            "Redshift does not enforce keys. Choose a `primary_key` that tells the rows apart, or "
            "set `duplicate_keys: newest` for the stream: then one row of each key stays, the "
            "one with the greatest cursor.");
    }
    counts_.duplicates = Do(input_.text.DropDuplicates()).rows_changed;
    counts_.skipped = counts_.duplicates;
  }

  void TakeAll() {
    before_ = 0;
    if (input_.text.DropsFlagged()) counts_.skipped += Do(input_.text.DropFlagged()).rows_changed;
    counts_.inserted = input_.rows - counts_.skipped;
  }

  // Few against many: then what the merge costs is what it reads of the table.
  bool AreFew() {
    constexpr std::uint64_t kManyMore = 8;
    if (!input_.text.CursorTells()) return false;
    // Rows that were deleted count until DuckDB drops them; it is a guess all the same.
    const auto found = connection_.Run(
        "SELECT CAST(estimated_size AS UBIGINT) FROM duckdb_tables() WHERE database_name = "
        "current_database() AND schema_name = $1 AND table_name = $2",
        {input_.target.table.schema, input_.target.table.table}, Task(), stop_);
    return !found.rows.empty() && input_.rows < Number(found.rows[0][0]) / kManyMore;
  }

  std::vector<std::uint64_t> Classify(bool few) {
    Do(few ? input_.text.ClassifyByCursor() : input_.text.Classify());
    std::vector<std::uint64_t> actions = Ask(input_.text.CountActions());
    if (actions[static_cast<std::size_t>(MergeAction::kUndecided)] == 0) return actions;
    Do(input_.text.Decide());
    return Ask(input_.text.CountActions());
  }

  void Compare() {
    const bool few = AreFew();
    const std::vector<std::uint64_t> actions = Classify(few);
    const auto count = [&](MergeAction action) {
      return actions[static_cast<std::size_t>(action)];
    };
    counts_.skipped += count(MergeAction::kSkip);
    counts_.deleted = count(MergeAction::kDelete);
    counts_.inserted = count(MergeAction::kInsert);
    counts_.updated = count(MergeAction::kUpdate);
    counts_.unchanged = count(MergeAction::kUnchanged);
    if (!counts_.AddUpTo(input_.rows)) RefuseRepeated();
    const bool finds_absent = input_.target.complete || input_.keys;
    // Counting a table that has deleted rows reads the marks of all: 20 ms for 10 M rows.
    if (!few || finds_absent || counts_.deleted > 0) before_ = RowsThere();
    const std::uint64_t matched = actions.back();
    if (finds_absent && matched < *before_) {
      counts_.deleted_absent = Do(input_.text.DeleteAbsent(input_.keys)).rows_changed;
      counts_.deleted += counts_.deleted_absent;
    }
    CheckShare();
    Write(count(MergeAction::kDelete));
  }

  // A row that came has met more than one row there.
  void RefuseRepeated() {
    const std::uint64_t keys = Ask(input_.text.RepeatedThere())[0];
    if (keys == 0) return;  // CheckCounts tells
    Throw(ErrorCode::kConflict,
          fmt::format("{} values of the primary key {} stand more than once in the table there",
                      keys, Key()),
          "The table was not made by merges on this key. Load it once with `write_mode: "
          "overwrite`, or drop it at the destination; then run with --full.");
  }

  void CheckShare() const {
    const model::DeletePolicy& policy = input_.target.deletes;
    if (policy.Allows(counts_.deleted, before_.value_or(0))) return;
    const double share = static_cast<double>(counts_.deleted) / static_cast<double>(*before_);
    Throw(ErrorCode::kConflict,
          fmt::format("{} of the table's {} rows would be removed ({:.1f} %, allowed are {:.1f} %)",
                      counts_.deleted, *before_, share * 100, *policy.share_max * 100),
          "Nothing was changed. Look whether the source is complete; if the rows were deleted on "
          "purpose, run again with `--allow-deletes`.");
  }

  void Write(std::uint64_t flagged) {
    const std::uint64_t old = counts_.updated + flagged;
    const std::uint64_t fresh = counts_.updated + counts_.inserted;
    const std::uint64_t deleted = old == 0 ? 0 : Do(input_.text.DeleteOld()).rows_changed;
    const std::uint64_t inserted = fresh == 0 ? 0 : Do(input_.text.InsertNew()).rows_changed;
    written_as_counted_ = deleted == old && inserted == fresh;
  }

  // Within the transaction, so that what does not add up is never seen.
  void CheckCounts() {
    const bool written = written_as_counted_ && counts_.AddUpTo(input_.rows);
    if (!before_ && written) return;
    const std::uint64_t after = RowsThere();
    if (before_ && written && after == *before_ + counts_.inserted - counts_.deleted) return;
    Throw(
        ErrorCode::kCorrupt,
        fmt::format("the counts do not add up: {} rows came, {} were inserted, {} updated, {} "
                    "unchanged, {} deleted (of them {} absent), {} skipped; the table had {} rows "
                    "and would have {}",
                    input_.rows, counts_.inserted, counts_.updated, counts_.unchanged,
                    counts_.deleted, counts_.deleted_absent, counts_.skipped,
                    before_ ? std::to_string(*before_) : "uncounted", after),
        "Nothing was changed. Run again; if it stays, report it with these numbers.");
  }

  columnar::Connection& connection_;
  const MergeInput& input_;
  const std::stop_token stop_;
  model::Counts counts_;
  std::optional<std::uint64_t> before_;  // rows of the table; nullopt: not counted
  bool written_as_counted_ = true;
};

}  // namespace

model::Counts RunMerge(columnar::Connection& connection, const MergeInput& input,
                       std::stop_token stop) {
  return Merge(connection, input, std::move(stop)).Run();
}

}  // namespace sluice::destinations
