#include "destinations/duckdb/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "destinations/merge_refusals.h"

namespace sluice::destinations {
namespace {

class Merge {
 public:
  Merge(columnar::Connection& connection, const MergeInput& input, std::stop_token stop)
      : connection_(connection), input_(input), stop_(std::move(stop)) {}

  model::Counts Run() {
    RefuseNullsInKey(input_.target, Ask(input_.text.NullsInKeys()), "rows");
    if (input_.keys) {
      RefuseNullsInKey(input_.target, Ask(input_.text.NullsInScannedKeys()),
                       "keys of the key scan");
    }
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

  void DropDuplicates() {
    const std::vector<std::uint64_t> found = Ask(input_.text.DuplicateKeys());
    if (found[0] == 0) return;
    RefuseDuplicateKeys(input_.target, found[0], found[1], input_.rows);
    counts_.duplicates = Do(input_.text.DropDuplicates()).rows_changed;
    counts_.skipped = counts_.duplicates;
  }

  void TakeAll() {
    before_ = 0;
    if (input_.text.DropsFlagged()) counts_.skipped += Do(input_.text.DropFlagged()).rows_changed;
    counts_.inserted = input_.rows - counts_.skipped;
  }

  // Rows that were deleted count until DuckDB drops them.
  std::uint64_t RowsAboutThere() {
    if (!about_there_) {
      const auto found = connection_.Run(
          "SELECT CAST(estimated_size AS UBIGINT) FROM duckdb_tables() WHERE database_name = "
          "current_database() AND schema_name = $1 AND table_name = $2",
          {input_.target.table.schema, input_.target.table.table}, Task(), stop_);
      about_there_ = found.rows.empty() ? 0 : Number(found.rows[0][0]);
    }
    return *about_there_;
  }

  // Few against many: then what the merge costs is what it reads of the table.
  bool AreFew() {
    constexpr std::uint64_t kManyMore = 8;
    return input_.text.CursorTells() && input_.rows < RowsAboutThere() / kManyMore;
  }

  // DuckDB keeps the marks of deleted rows in memory until the commit, 16 KB for each vector of
  // 2,048 rows that has one: 10,000 rows anywhere among 10 M took 85 MB (measured).
  void AllowMarks(std::uint64_t deleted) {
    constexpr std::uint64_t kVectorRows = 2048;
    constexpr std::uint64_t kMarkBytes = 16 * 1024;
    const std::uint64_t vectors = std::min(deleted, RowsAboutThere() / kVectorRows + 1);
    if (input_.allow_memory) input_.allow_memory(vectors * kMarkBytes);
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
    if (!counts_.AddUpTo(input_.rows)) {
      // A row that came has met more than one row there; if none did, CheckCounts tells.
      RefuseRepeatedThere(input_.target, Ask(input_.text.RepeatedThere())[0]);
    }
    const bool finds_absent = input_.target.complete || input_.keys;
    // Counting a table that has deleted rows reads the marks of all: 20 ms for 10 M rows.
    if (!few || finds_absent || counts_.deleted > 0) before_ = RowsThere();
    const std::uint64_t matched = actions.back();
    const std::uint64_t absent = finds_absent && matched < *before_ ? *before_ - matched : 0;
    AllowMarks(counts_.updated + counts_.deleted + absent);
    if (absent > 0) {
      counts_.deleted_absent = Do(input_.text.DeleteAbsent(input_.keys)).rows_changed;
      counts_.deleted += counts_.deleted_absent;
    }
    RefuseShareOfDeletes(input_.target, counts_, before_.value_or(0));
    Write(count(MergeAction::kDelete));
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
    ThrowCountsDisagree(input_.target, counts_, input_.rows, before_, after);
  }

  columnar::Connection& connection_;
  const MergeInput& input_;
  const std::stop_token stop_;
  model::Counts counts_;
  std::optional<std::uint64_t> about_there_;
  std::optional<std::uint64_t> before_;  // rows of the table; nullopt: not counted
  bool written_as_counted_ = true;
};

}  // namespace

model::Counts RunMerge(columnar::Connection& connection, const MergeInput& input,
                       std::stop_token stop) {
  return Merge(connection, input, std::move(stop)).Run();
}

}  // namespace sluice::destinations
