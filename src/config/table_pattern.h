// Tables chosen by a pattern: `sales.*`, `*.*`, `sales."odd*name"`. Pure; any thread.
// `*` stands for any number of characters, also none, and `?` for one. What stands in double quotes
// stands for itself, signs and case of letters included; other letters match in either case, as the
// server folds them. Schemas of the system never match, and a pattern that names one is refused.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/rules.h"
#include "model/types.h"

namespace sluice::config {

// Of one name.
class NamePattern {
 public:
  // A character of the name, or a sign: `*`, `?`.
  struct Piece {
    enum class Kind { kCharacter, kOne, kAny };
    Kind kind = Kind::kCharacter;
    char byte = 0;
    bool exact = false;  // the case of the letter counts
  };

  explicit NamePattern(std::vector<Piece> pieces = {}) : pieces_(std::move(pieces)) {}

  bool Matches(std::string_view name) const;
  bool empty() const { return pieces_.empty(); }
  // It holds a sign; else it is one name, of which only the case of letters is open.
  bool HasSign() const;
  // The name itself, as it was written, if there is no sign in it.
  std::optional<std::string> Name() const;
  // The characters before the first sign, in lower case.
  std::string Beginning() const;

 private:
  std::vector<Piece> pieces_;
};

struct TablePattern {
  std::string text;  // as it was written
  NamePattern schema;
  NamePattern table;

  bool Matches(const model::TableName& name) const {
    return schema.Matches(name.schema) && table.Matches(name.table);
  }
};

// "schema.table" with signs in either. Refused: a schema of the system, by name or beginning.
std::variant<TablePattern, Broken> ParseTablePattern(std::string_view value);
std::optional<Broken> CheckTablePattern(std::string_view value);
// The same, or a table's name alone, of any schema: "*_tmp".
std::variant<TablePattern, Broken> ParseExclusion(std::string_view value);
std::optional<Broken> CheckExclusion(std::string_view value);

// pg_..., information_schema, catalog_history: nobody's tables.
// https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html
bool IsSystemSchema(std::string_view schema);

}  // namespace sluice::config
