// PostgreSQL's own way with a merge: a primary key for a table that is made, statistics for tables
// this young, and rows that are updated in place.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "destinations/postgres/table_names.h"
#include "destinations/sql/merge.h"
#include "destinations/sql/merge_text.h"

namespace sluice::destinations::postgres {

class PgMergeText final : public sql::MergeText {
 public:
  struct Tables {
    std::string table;  // t, quoted
    std::string rows;   // s, quoted: the same as t if the rows stand in it already, alone
    OwnTables own;
    // For each column of the stream: the one it lands in; nullopt: in none.
    std::vector<std::optional<std::string>> lands_in;
    // Columns of t that the stream does not have, but for those that the server fills.
    std::vector<std::string> others;
  };
  // REQUIRES: CheckTarget passed.
  PgMergeText(const model::StreamTarget& target, const Tables& tables);

  std::string DeleteFlagged() const;
  std::string UpdateChanged() const;
  std::string InsertNew() const;
  // Of t. Its key columns must have values from then on.
  std::string AddPrimaryKey() const;
  // The planner knows nothing of tables this young, and would take the way for large ones.
  std::string AnalyzeRows() const;
  std::string AnalyzeActions() const;

 private:
  const std::vector<std::string> others_;
};

class PgMerge final : public sql::Merge {
 public:
  PgMerge(sql::Runner& runner, const PgMergeText& text, const sql::MergeInput& input)
      : Merge(runner, text, input), text_(text) {}

 private:
  // The index has to be made anyway, and tells at the same time that no key is missing or comes
  // twice, which is the rule: asked for first, that costs a sort of all rows.
  bool ProveKeys() override;
  void OnTaken() override;
  std::vector<std::uint64_t> Classify() override;
  bool Write(const ToWrite& rows) override;

  const PgMergeText& text_;
};

}  // namespace sluice::destinations::postgres
