// Brings the rows that came into the table, by primary key, and counts what that changed: the order
// of the steps and what each must prove, once for all databases. An engine says how rows are
// written, and overrides what it can do better.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "destinations/sql/merge_text.h"
#include "destinations/sql/runner.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::sql {

struct MergeInput {
  const model::StreamTarget& target;
  std::uint64_t rows = 0;   // how many came
  bool into_empty = false;  // they stand in the table already, alone
  bool keys = false;        // keys were added
};

class Merge {
 public:
  // REQUIRES: all of them outlive it.
  Merge(Runner& runner, const MergeText& text, const MergeInput& input)
      : runner_(runner), text_(text), input_(input) {}
  Merge(const Merge&) = delete;
  Merge& operator=(const Merge&) = delete;
  virtual ~Merge() = default;

  // The counts add up to the rows that came, and to what the statements say they wrote; where rows
  // may go, also to how the table's own count changed; else kCorrupt. Throws kUnsupported if a key
  // has no value, kConflict for keys that come more than once (a complete merge that does not allow
  // them) or stand more than once in the table, and if more rows would go than DeletePolicy allows.
  // REQUIRES: called once, within the load's transaction, and nobody else writes to the table;
  // throwing leaves it to be rolled back.
  model::Counts Run();

 protected:
  // What is written of the rows that were compared.
  struct ToWrite {
    std::uint64_t flagged = 0;  // rows of t with a row of s that is flagged as deleted
    std::uint64_t updated = 0;
    std::uint64_t inserted = 0;
  };
  // Writes what the actions say; whether the statements touched as many rows as they should. Not
  // asked under history, whose versions every engine writes alike.
  virtual bool Write(const ToWrite& rows) = 0;

  // Of rows that stand in the table alone: whether the engine has proved by its own means that
  // every key has a value and comes once. Throwing nothing, it leaves the table as it was or with
  // that proof.
  virtual bool ProveKeys() { return false; }
  // The same rows, once they are known to be fine.
  virtual void OnTaken() {}
  // Makes the actions; how many rows there are of each, then how many have a row in the table.
  virtual std::vector<std::uint64_t> Classify();
  // Whether the table is counted before and after even where no row may go.
  virtual bool CountsAlways() const { return false; }
  // About to mark so many rows of the table as deleted, or ended.
  virtual void BeforeDeletes(std::uint64_t /*rows*/) {}

  Runner& runner() { return runner_; }
  const MergeInput& input() const { return input_; }
  // The first row of the answer, as numbers; NULL is 0.
  std::vector<std::uint64_t> Numbers(const Statement& statement);
  std::vector<std::uint64_t> Numbers(std::string text) {
    return Numbers(Statement{std::move(text), {}});
  }

 private:
  struct Size {
    std::uint64_t rows = 0;
    std::uint64_t current = 0;  // of them; but under history all are
  };
  Size RowsThere();
  bool WriteVersions(const ToWrite& rows);
  void CheckKeys();
  void DropDuplicates();
  void TakeAll();
  void Compare();
  void CheckCounts();

  Runner& runner_;
  const MergeText& text_;
  const MergeInput& input_;
  model::Counts counts_;
  std::optional<Size> before_;  // nullopt: not counted
  bool written_as_counted_ = true;
};

}  // namespace sluice::destinations::sql
