#include "destinations/postgres/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>

#include "base/error.h"
#include "destinations/postgres/sql_text.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;

class Merge {
 public:
  Merge(Session& session, const MergeInput& input, const Task& task, const base::Call& call)
      : session_(session), input_(input), task_(task), call_(call) {}

  model::Counts Run() {
    if (input_.into_empty && TryPrimaryKey()) {
      TakeAll();
      CheckCounts();
      return counts_;
    }
    CheckNulls(input_.text.NullsInKeys(), "rows");
    if (input_.keys) CheckNulls(input_.text.NullsInScannedKeys(), "keys of the key scan");
    DropDuplicates();
    if (input_.into_empty) {
      TakeAll();
      session_.Run(input_.text.AddPrimaryKey(), task_, call_);
    } else {
      Compare();
    }
    CheckCounts();
    return counts_;
  }

 private:
  std::uint64_t Change(const std::string& sql) { return session_.Change(sql, task_, call_); }

  std::vector<std::uint64_t> Ask(const std::string& sql) {
    std::vector<std::uint64_t> out;
    const Rows rows = session_.Ask(sql, task_, call_);
    for (const auto& cell : rows.at(0)) {
      std::uint64_t value = 0;
      if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
      out.push_back(value);
    }
    return out;
  }

  std::uint64_t RowsThere() {
    return Ask(fmt::format("SELECT count(*) FROM {}", input_.place.table))[0];
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
    counts_.duplicates = Change(input_.text.DropDuplicates());
    counts_.skipped = counts_.duplicates;
  }

  // The index has to be made anyway, and tells by the way that no key is missing or comes twice,
  // which is the rule: asked for first, that costs a sort of all rows.
  bool TryPrimaryKey() {
    session_.Run("SAVEPOINT before_key", task_, call_);
    try {
      session_.Run(input_.text.AddPrimaryKey(), task_, call_);
      return true;
    } catch (const base::Error& error) {
      const auto state = error.info().facts.find("state");
      if (state == error.info().facts.end() || !state->second.starts_with("23")) throw;
    }
    session_.Run("ROLLBACK TO SAVEPOINT before_key", task_, call_);
    return false;
  }

  void TakeAll() {
    if (input_.text.DropsFlagged()) counts_.skipped += Change(input_.text.DropFlagged());
    counts_.inserted = input_.rows - counts_.skipped;
    if (counts_.skipped > 0) before_ = 0;
  }

  void Compare() {
    // The planner knows nothing of tables this young, and would take the way for large ones.
    session_.Run("ANALYZE " + input_.place.rows, task_, call_);
    session_.Run(input_.text.Classify(), task_, call_);
    session_.Run("ANALYZE " + QuoteTable(input_.place.own.actions), task_, call_);
    const std::vector<std::uint64_t> actions = Ask(input_.text.CountActions());
    const auto count = [&](MergeAction action) {
      return actions[static_cast<std::size_t>(action)];
    };
    counts_.skipped += count(MergeAction::kSkip);
    counts_.deleted = count(MergeAction::kDelete);
    counts_.inserted = count(MergeAction::kInsert);
    counts_.updated = count(MergeAction::kUpdate);
    counts_.unchanged = count(MergeAction::kUnchanged);
    if (!counts_.AddUpTo(input_.rows)) RefuseRepeated();
    DeleteGone(actions.back());
    Write(count(MergeAction::kDelete));
  }

  // Counting a table means reading it, so it is done only where the number decides something.
  void DeleteGone(std::uint64_t matched) {
    const bool compares = input_.target.complete || input_.keys;
    if (!compares && counts_.deleted == 0) return;
    before_ = RowsThere();
    if (compares && matched < *before_) {
      counts_.deleted_absent = Change(input_.text.DeleteAbsent(input_.keys));
      counts_.deleted += counts_.deleted_absent;
    }
    CheckShare();
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
    if (policy.Allows(counts_.deleted, *before_)) return;
    const double share = static_cast<double>(counts_.deleted) / static_cast<double>(*before_);
    Throw(ErrorCode::kConflict,
          fmt::format("{} of the table's {} rows would be removed ({:.1f} %, allowed are {:.1f} %)",
                      counts_.deleted, *before_, share * 100, *policy.share_max * 100),
          "Nothing was changed. Look whether the source is complete; if the rows were deleted on "
          "purpose, run again with `--allow-deletes`.");
  }

  void Write(std::uint64_t flagged) {
    const std::uint64_t deleted = flagged == 0 ? 0 : Change(input_.text.DeleteFlagged());
    const std::uint64_t updated = counts_.updated == 0 ? 0 : Change(input_.text.UpdateChanged());
    const std::uint64_t inserted = counts_.inserted == 0 ? 0 : Change(input_.text.InsertNew());
    written_as_counted_ =
        deleted == flagged && updated == counts_.updated && inserted == counts_.inserted;
  }

  // Within the transaction, so that what does not add up is never seen.
  void CheckCounts() {
    bool holds = written_as_counted_ && counts_.AddUpTo(input_.rows);
    std::string there;
    if (before_) {
      const std::uint64_t after = RowsThere();
      holds = holds && after == *before_ + counts_.inserted - counts_.deleted;
      there = fmt::format("; the table had {} rows and would have {}", *before_, after);
    }
    if (holds) return;
    Throw(ErrorCode::kCorrupt,
          fmt::format("the counts do not add up: {} rows came, {} were inserted, {} updated, {} "
                      "unchanged, {} deleted (of them {} absent), {} skipped{}",
                      input_.rows, counts_.inserted, counts_.updated, counts_.unchanged,
                      counts_.deleted, counts_.deleted_absent, counts_.skipped, there),
          "Nothing was changed. Run again; if it stays, look for a trigger on the table that "
          "leaves rows out, or report it with these numbers.");
  }

  Session& session_;
  const MergeInput& input_;
  const Task& task_;
  const base::Call& call_;
  model::Counts counts_;
  std::optional<std::uint64_t> before_;
  bool written_as_counted_ = true;
};

}  // namespace

model::Counts RunMerge(Session& session, const MergeInput& input, const Task& task,
                       const base::Call& call) {
  return Merge(session, input, task, call).Run();
}

}  // namespace sluice::destinations::postgres
