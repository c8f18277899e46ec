#include "destinations/postgres/merge.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/error.h"
#include "destinations/merge_refusals.h"
#include "destinations/postgres/sql_text.h"

namespace sluice::destinations::postgres {
namespace {

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
    RefuseNullsInKey(input_.target, Ask(input_.text.NullsInKeys()), "rows");
    if (input_.keys) {
      RefuseNullsInKey(input_.target, Ask(input_.text.NullsInScannedKeys()),
                       "keys of the key scan");
    }
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

  void DropDuplicates() {
    const std::vector<std::uint64_t> found = Ask(input_.text.DuplicateKeys());
    if (found[0] == 0) return;
    RefuseDuplicateKeys(input_.target, found[0], found[1], input_.rows);
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
    if (!counts_.AddUpTo(input_.rows)) {
      // A row that came has met more than one row there; if none did, CheckCounts tells.
      RefuseRepeatedThere(input_.target, Ask(input_.text.RepeatedThere())[0]);
    }
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
    RefuseShareOfDeletes(input_.target, counts_, *before_);
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
    std::optional<std::uint64_t> after;
    if (before_) {
      after = RowsThere();
      holds = holds && *after == *before_ + counts_.inserted - counts_.deleted;
    }
    if (!holds) ThrowCountsDisagree(input_.target, counts_, input_.rows, before_, after);
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
