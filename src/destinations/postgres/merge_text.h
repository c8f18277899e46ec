// The statements of a merge, over four tables: the table at the destination (t), the rows that came
// (s), the keys that the source still has (k), and what becomes of each row (a). Pure; any thread.
// Rows are named by their ctid: nobody else writes to t meanwhile (it is locked) or to the others.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "destinations/postgres/table_names.h"
#include "model/stream.h"

namespace sluice::destinations::postgres {

// What becomes of a row that came.
enum class MergeAction { kSkip = 0, kDelete = 1, kInsert = 2, kUpdate = 3, kUnchanged = 4 };

class MergeText {
 public:
  struct Place {
    std::string table;  // t, quoted
    std::string rows;   // s, quoted: the same as t if the rows stand in it already, alone
    OwnTables own;
    // For each column of the stream: the one it lands in; nullopt: in none.
    std::vector<std::optional<std::string>> lands_in;
    // Columns of t that the stream does not have, but for those that the server fills.
    std::vector<std::string> others;
  };
  // REQUIRES: CheckTarget passed.
  MergeText(const model::StreamTarget& target, Place place);

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
  bool DropsFlagged() const { return deleted_ && !keep_flagged_; }

  // Makes a: one row per row of s and row of t with its key.
  std::string Classify() const;
  // One row: how many rows per MergeAction, in its order; then how many have a row in t.
  std::string CountActions() const;
  // One row: how many rows of s have met more than one row of t.
  std::string RepeatedThere() const;
  // Deletes what is in t and neither in s nor, if `keys`, in k.
  std::string DeleteAbsent(bool keys) const;
  std::string DeleteFlagged() const;
  std::string UpdateChanged() const;
  std::string InsertNew() const;
  // Inserts all of s, for append.
  std::string InsertAll() const;
  // Of t. Its key columns must have values from then on.
  std::string AddPrimaryKey() const;

 private:
  struct Column {
    std::string staged;                // its name in s, quoted
    std::optional<std::string> there;  // its name in t, quoted
    model::TypeKind kind = model::TypeKind::kVarchar;
  };
  std::string KeyList(const std::string& prefix) const;
  std::string Flagged(const std::string& prefix) const;
  std::string Differs() const;
  std::string SameKey() const;
  std::string Lists() const;

  const Place place_;
  const bool keep_flagged_;
  std::vector<Column> columns_;
  std::vector<std::size_t> key_;
  std::optional<std::size_t> cursor_;
  std::optional<std::size_t> deleted_;
};

}  // namespace sluice::destinations::postgres
