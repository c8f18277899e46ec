// What to do with the table that stands at the destination, given the stream's columns: a decision,
// nothing is done here. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/landing.h"
#include "model/stream.h"

namespace sluice::destinations {

struct ExistingColumn {
  std::string name;
  std::string type;  // as the destination writes it: "DECIMAL(18,2)"
};

// The table that stands there; no columns: there is none.
struct ExistingTable {
  std::vector<ExistingColumn> columns;
  bool empty = false;
  // Something that is not ours would go with it: an overwrite empties it instead.
  bool must_stay = false;
  // The stream's columns in its last commit; nullopt: not known. What is gone or new since is told
  // once: the next commit has other ones.
  std::optional<std::vector<std::string>> last_columns;
};

// How one kind of destination names and compares types and names. Pure; any thread.
class SchemaDialect {
 public:
  virtual ~SchemaDialect() = default;
  // Throws kUnsupported for a type that cannot land.
  virtual std::string TypeOf(const model::Column& column) const = 0;
  // A column of type `there` takes every value of `type` as it is.
  virtual bool Takes(std::string_view there, std::string_view type) const { return there == type; }
  // Every value of `from` can be kept in `to`, another type, and the column be altered to it.
  virtual bool Widens(std::string_view from, std::string_view to) const = 0;
  virtual bool IsDecimal(std::string_view type) const = 0;
  // Two names are the same if this of both is.
  virtual std::string Fold(std::string_view name) const = 0;
  virtual std::string Quote(std::string_view name) const = 0;
  // "the DuckDB file": where a person would run statements. Empty: nowhere.
  virtual std::string Place() const = 0;
};

struct SchemaPlan {
  enum class Table {
    kCreate,   // there is none
    kReplace,  // overwrite, and it may take the stream's shape
    kEmpty,    // overwrite, and the table stays
    kKeep,     // append, merge, history
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
  // What a person should know: "column a is new", "column b is gone: ...", each once.
  std::vector<std::string> notes;
};

// Columns are found by name, as the destination compares names. Throws kUnsupported, naming every
// column that is in the way: a type that would lose values, under kFail any difference, or a table
// that has none of the columns (kFreeze), or not those of the primary key; and as
// RequireSameKeeping.
SchemaPlan PlanSchema(const model::StreamTarget& target, const ExistingTable& existing,
                      const SchemaDialect& dialect);

// What the plan is, for people.
model::Landing LandingOf(const model::StreamTarget& target, const ExistingTable& existing,
                         const SchemaPlan& plan, const SchemaDialect& dialect);

}  // namespace sluice::destinations
