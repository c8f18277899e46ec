// What to do with the table that stands at the destination, given the stream's columns: a decision,
// nothing is done here. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"

namespace sluice::destinations {

struct ExistingColumn {
  std::string name;
  std::string type;  // as DuckDB writes it: "DECIMAL(18,2)"
};

// The table that stands there; no columns: there is none.
struct ExistingTable {
  std::vector<ExistingColumn> columns;
  bool empty = false;
};

struct SchemaPlan {
  enum class Table {
    kCreate,   // there is none
    kReplace,  // overwrite, and it may take the stream's shape
    kEmpty,    // overwrite, and its shape stays
    kKeep,     // append, merge
  };
  struct Change {
    std::string name;  // the column's name there
    std::string type;
  };
  Table table = Table::kCreate;
  std::vector<Change> added;
  std::vector<Change> widened;
  // For each column of the stream: the column it lands in; nullopt: in none (kFreeze).
  std::vector<std::optional<std::string>> lands_in;
  // What a person should know: "column a is new", "column b is gone from the source ...".
  std::vector<std::string> notes;
};

// Columns are found by name, as DuckDB compares names. Throws kUnsupported, naming every column
// that is in the way: a type that would lose values, under kFail any difference, or a table that
// has none of the columns (kFreeze), or not those of the primary key.
SchemaPlan PlanSchema(const model::StreamTarget& target, const ExistingTable& existing);

// Whether every value of DuckDB's type `from` can be kept in `to`, another type. SMALLINT, INTEGER
// and BIGINT, FLOAT and DOUBLE, decimals.
bool Widens(std::string_view from, std::string_view to);

}  // namespace sluice::destinations
