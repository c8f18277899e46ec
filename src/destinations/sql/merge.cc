#include "destinations/sql/merge.h"

#include <charconv>

#include "destinations/merge_refusals.h"

namespace sluice::destinations::sql {

model::Counts Merge::Run() {
  if (input_.into_empty && ProveKeys()) {
    TakeAll();
    CheckCounts();
    return counts_;
  }
  CheckKeys();
  DropDuplicates();
  if (input_.into_empty) {
    TakeAll();
    OnTaken();
  } else {
    Compare();
  }
  CheckCounts();
  return counts_;
}

std::vector<std::uint64_t> Merge::Numbers(const Statement& statement) {
  std::vector<std::uint64_t> out;
  const Rows rows = runner_.Ask(statement);
  for (const auto& cell : rows.at(0)) {
    std::uint64_t value = 0;
    if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
    out.push_back(value);
  }
  return out;
}

std::vector<std::uint64_t> Merge::Classify() {
  runner_.Change(text_.Classify());
  return Numbers(text_.CountActions());
}

void Merge::CheckKeys() {
  RefuseNullsInKey(input_.target, Numbers(text_.NullsInKeys()), "rows");
  if (!input_.keys) return;
  RefuseNullsInKey(input_.target, Numbers(text_.NullsInScannedKeys()), "keys of the key scan");
}

void Merge::DropDuplicates() {
  const std::vector<std::uint64_t> found = Numbers(text_.DuplicateKeys());
  if (found[0] == 0) return;
  RefuseDuplicateKeys(input_.target, found[0], found[1], input_.rows);
  counts_.duplicates = runner_.Change(text_.DropDuplicates());
  counts_.skipped = counts_.duplicates;
}

void Merge::TakeAll() {
  if (text_.DropsFlagged()) counts_.skipped += runner_.Change(text_.DropFlagged());
  counts_.inserted = input_.rows - counts_.skipped;
  if (CountsAlways() || counts_.skipped > 0) before_ = Size();
}

void Merge::Compare() {
  const std::vector<std::uint64_t> actions = Classify();
  const auto count = [&](MergeAction action) { return actions[static_cast<std::size_t>(action)]; };
  const std::uint64_t flagged = count(MergeAction::kDelete);
  counts_.skipped += count(MergeAction::kSkip);
  counts_.deleted = flagged;
  counts_.inserted = count(MergeAction::kInsert);
  counts_.updated = count(MergeAction::kUpdate);
  counts_.unchanged = count(MergeAction::kUnchanged);
  if (!counts_.AddUpTo(input_.rows)) {
    // A row that came has met more than one row there; if none did, CheckCounts tells.
    RefuseRepeatedThere(input_.target, Numbers(text_.RepeatedThere())[0]);
  }
  const bool finds_absent = input_.target.complete || input_.keys;
  // Counting a table means reading it, or the marks of all its deleted rows.
  if (CountsAlways() || finds_absent || flagged > 0) before_ = RowsThere();
  const std::uint64_t matched = actions.back();
  const std::uint64_t there = before_ ? before_->current : 0;
  const std::uint64_t absent = finds_absent && matched < there ? there - matched : 0;
  BeforeDeletes(counts_.updated + flagged + absent);
  if (absent > 0) {
    counts_.deleted_absent = runner_.Change(text_.DeleteAbsent(input_.keys));
    counts_.deleted += counts_.deleted_absent;
  }
  RefuseShareOfDeletes(input_.target, counts_, there);
  const ToWrite rows{.flagged = flagged, .updated = counts_.updated, .inserted = counts_.inserted};
  written_as_counted_ = text_.KeepsHistory() ? WriteVersions(rows) : Write(rows);
}

bool Merge::WriteVersions(const ToWrite& rows) {
  const std::uint64_t end = rows.flagged + rows.updated;
  const std::uint64_t begin = rows.updated + rows.inserted;
  if (rows.inserted > 0) runner_.Change(text_.BeginAfterEnded());
  const std::uint64_t ended = end == 0 ? 0 : runner_.Change(text_.EndVersions());
  const std::uint64_t begun = begin == 0 ? 0 : runner_.Change(text_.AddVersions());
  return ended == end && begun == begin;
}

Merge::Size Merge::RowsThere() {
  const std::vector<std::uint64_t> counted = Numbers(text_.RowsThere());
  return {.rows = counted.front(), .current = counted.back()};
}

// Within the transaction, so that what does not add up is never seen.
void Merge::CheckCounts() {
  bool holds = written_as_counted_ && counts_.AddUpTo(input_.rows);
  std::optional<Size> after;
  if (before_) {
    after = RowsThere();
    const std::uint64_t current = before_->current + counts_.inserted - counts_.deleted;
    // Of a version that ends the row stays.
    const std::uint64_t rows = text_.KeepsHistory()
                                   ? before_->rows + counts_.inserted + counts_.updated
                                   : before_->rows + counts_.inserted - counts_.deleted;
    holds = holds && after->current == current && after->rows == rows;
  }
  if (holds) return;
  const auto current = [](const std::optional<Size>& size) {
    return size ? std::optional(size->current) : std::nullopt;
  };
  ThrowCountsDisagree(input_.target, counts_, input_.rows, current(before_), current(after));
}

}  // namespace sluice::destinations::sql
