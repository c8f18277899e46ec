// What a table's columns become, given the stream's: a decision, nothing is done here. Pure; any
// thread. Data files are read by column name and cast to the commit's types, so a new column or a
// wider type changes the commit file alone.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/lake/lake_commit.h"
#include "model/stream.h"

namespace sluice::destinations::lake {

struct ColumnPlan {
  std::vector<LakeColumn> columns;  // of the table once this is committed
  // For each column of the stream: the column it lands in; nullopt: in none (kFreeze).
  std::vector<std::optional<std::string>> lands_in;
  // What a person should know: "column a is new", "column b ... it may have been renamed".
  std::vector<std::string> notes;
  friend bool operator==(const ColumnPlan&, const ColumnPlan&) = default;
};

// `before`: the newest version; nullptr: there is no table. Throws kUnsupported, naming every
// column that is in the way: names that differ by case alone, a type that would lose values, under
// kFail any difference, a table that has none of the columns (kFreeze), a type that cannot be read.
ColumnPlan PlanColumns(const model::StreamTarget& target, const LakeCommit* before);

// Whether Redshift's parts hold the stream's columns as the plan wants them, so that they can be
// taken as they are: no type needs converting, every column lands under its own name, and no name
// has capital letters, which the source may fold.
bool TakesParts(const model::StreamTarget& target, const ColumnPlan& plan);
// Whether DuckDB's reading of a part's column, `file_type`, is what TakesParts counted on.
bool IsTakenAs(const model::Column& column, std::string_view file_type);

}  // namespace sluice::destinations::lake
