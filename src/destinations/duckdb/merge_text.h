// The statements of a merge, over three tables: the table at the destination (t), the rows that
// came (s) and the keys that the source still has (k). Pure; any thread.
//
// A changed row is deleted and inserted anew, not updated: DuckDB's UPDATE rewrites every touched
// column of a row group of 122,880 rows, while a deleted row is a mark beside it. For 100,000 rows
// spread over 10,000,000, deleting, inserting and the checkpoint took 0.3 s, UPDATE 1.1 s; the file
// grew by 4 MB and by 50 MB.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"

namespace sluice::destinations {

// What becomes of a row that came. Kept in a temporary table for the time of a merge.
enum class MergeAction {
  kSkip = 0,
  kDelete = 1,
  kInsert = 2,
  kUpdate = 3,
  kUnchanged = 4,
  kUndecided = 5,  // not yet compared in full
};

class MergeText {
 public:
  // A column of the stream.
  struct Column {
    std::string staged;                // its name in s, quoted
    std::optional<std::string> there;  // its name in t, quoted; nullopt: left out
    model::TypeKind kind = model::TypeKind::kVarchar;
  };
  // `table` and `rows` are quoted names of t and s, the same one if the rows came straight into an
  // empty table; `lands_in` is SchemaPlan's. REQUIRES: CheckTarget passed.
  MergeText(const model::StreamTarget& target, std::string table, std::string rows,
            const std::vector<std::optional<std::string>>& lands_in);

  // One row: how many rows have no value in the n-th key column.
  std::string NullsInKeys() const;
  // The same of the keys.
  std::string NullsInScannedKeys() const;
  // One row: how many keys come more than once, and in how many rows.
  std::string DuplicateKeys() const;
  // Leaves of each key the row with the greatest cursor; of equal ones the deleted one, else the
  // greatest in the columns' order.
  std::string DropDuplicates() const;
  // Deletes the rows of s that are flagged as deleted. REQUIRES: DropsFlagged().
  std::string DropFlagged() const;
  bool DropsFlagged() const;

  // Makes the table of actions: one row per row of s and row of t with its key.
  std::string Classify() const;
  // The same for few rows, reading of t the key and the cursor alone: a row whose cursor moved has
  // changed. Of the others some stay kUndecided, which Decide compares in full; they were read
  // again, so they lie close together, among the rows that were written last. REQUIRES:
  // CursorTells().
  std::string ClassifyByCursor() const;
  std::string Decide() const;
  bool CursorTells() const;
  // One row: how many rows per MergeAction, in its order; then how many have a row in t.
  std::string CountActions() const;
  // One row: how many keys of s stand more than once in t.
  std::string RepeatedThere() const;
  // Deletes what is in t and neither in s nor, if `keys`, in k.
  std::string DeleteAbsent(bool keys) const;
  std::string DeleteOld() const;
  std::string InsertNew() const;

  // Of the rows and keys that come: the temporary tables they are staged in.
  static std::string StageName();
  static std::string KeysName();
  // CREATE of those, "c0", "c1", ... of the types of the columns.
  static std::string MakeStage(const std::string& name, const std::vector<model::Column>& columns);

 private:
  std::string KeyList(const std::string& prefix) const;
  std::string Flagged(const std::string& prefix) const;
  std::string Differs() const;
  std::string ClassifyAs(const std::string& rows, const std::string& differs,
                         MergeAction same) const;
  std::string SameKey(const std::string& left, const std::string& right, bool right_is_keys) const;

  const std::string table_;
  const std::string rows_;
  const bool keep_flagged_;
  std::vector<Column> columns_;
  std::vector<std::size_t> key_;
  std::optional<std::size_t> cursor_;
  std::optional<std::size_t> deleted_;
};

}  // namespace sluice::destinations
