// The statements of a merge, over four tables: the table at the destination (t), the rows that came
// (s), the keys that the source still has (k), and what becomes of each row (a). Pure; any thread.
// Rows are named by Dialect::RowId: nobody else writes to t meanwhile, or to the others.
//
// Under history, t holds versions of rows: s meets the one of each key that is current, where a
// merge deletes that one ends, and what becomes of a row has a moment m, from which on its new
// version holds and up to which the old one did (docs/adr/0013-history.md).
//
// An engine overrides what it can say better, and adds how rows are written.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "destinations/sql/dialect.h"
#include "model/stream.h"

namespace sluice::destinations::sql {

// What becomes of a row that came.
enum class MergeAction {
  kSkip = 0,
  kDelete = 1,
  kInsert = 2,
  kUpdate = 3,
  kUnchanged = 4,
  kUndecided = 5,  // not yet compared in full; an engine may have such for a while
};

class MergeText {
 public:
  struct Place {
    std::string table;    // t, quoted
    std::string rows;     // s, quoted: the same as t if the rows stand in it already, alone
    std::string keys;     // k, quoted
    std::string actions;  // a, quoted
    // For each column of the stream: the one it lands in; nullopt: in none.
    std::vector<std::optional<std::string>> lands_in;
  };
  // REQUIRES: the destination's check of the target passed; `dialect` outlives it.
  MergeText(const Dialect& dialect, const model::StreamTarget& target, Place place);
  MergeText(const MergeText&) = delete;
  MergeText& operator=(const MergeText&) = delete;
  virtual ~MergeText() = default;

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

  // Makes a: one row per row of s and row of t with its key.
  std::string Classify() const;
  // One row: how many rows per MergeAction, in its order; then how many have a row in t.
  std::string CountActions() const;
  // One row: how many rows of s have met more than one row of t.
  std::string RepeatedThere() const;
  // One row: how many rows t has; under history then how many are current.
  std::string RowsThere() const;
  // Deletes, or ends, what is in t and neither in s nor, if `keys`, in k.
  virtual std::string DeleteAbsent(bool keys) const;
  // Inserts all of s; more can be added behind it, where s is `s`.
  std::string InsertAll() const;

  bool KeepsHistory() const { return history_; }
  // History: a version of a key that had ended begins where that one ended, or later.
  std::string BeginAfterEnded() const;
  // Ends the versions whose key was deleted or has a new one; then the new ones are added.
  std::string EndVersions() const;
  std::string AddVersions() const;

  // Of the tables that rows and keys are staged in: "c0 bigint, c1 text", of the columns' types.
  static std::string StageColumns(const Dialect& dialect,
                                  const std::vector<model::Column>& columns);

 protected:
  // A column of the stream.
  struct Column {
    std::string staged;                // its name in s, quoted
    std::optional<std::string> there;  // its name in t, quoted; nullopt: left out
    model::TypeKind kind = model::TypeKind::kVarchar;
    bool stamp = false;  // no difference in it is a change of the row
  };

  const Place& place() const { return place_; }
  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::size_t>& key() const { return key_; }
  const std::optional<std::size_t>& cursor() const { return cursor_; }

  // Classify with s from `rows` ("x AS s"), whose rows `row` names; `same`: what becomes of those
  // with a row in t from which they do not differ.
  std::string ClassifyAs(const std::string& rows, const std::string& row,
                         const std::string& differs, MergeAction same) const;
  // Between s and t.
  std::string Differs() const;
  std::string DiffersIn(const Column& column) const;
  // Between k and t.
  std::string SameAsScanned() const;
  // "DELETE FROM t WHERE ", or what ends rows of t instead; `alias` is " AS t" or nothing.
  std::string RemoveWhere(const std::string& alias) const;
  std::string KeyThere() const;

 private:
  std::string KeyList(const std::string& prefix) const;
  std::string Flagged(const std::string& prefix) const;
  std::string CountNulls(const std::vector<std::string>& names, const std::string& table) const;
  std::string SameKey() const;
  std::string Mine(std::string_view column, const std::string& prefix) const;
  std::string Late() const;
  std::string Moment() const;
  std::string After(const std::string& moment) const;
  std::string Insert(const std::string& more_columns, const std::string& more) const;

  const Dialect& dialect_;
  const Place place_;
  const bool keep_flagged_;
  const bool history_;
  const bool complete_;
  const std::string as_of_;  // a TIMESTAMP in UTC
  std::vector<Column> columns_;
  std::vector<std::size_t> key_;
  std::optional<std::size_t> cursor_;
  std::optional<std::size_t> deleted_;
};

// As a number in a statement.
inline int Number(MergeAction action) { return static_cast<int>(action); }

}  // namespace sluice::destinations::sql
