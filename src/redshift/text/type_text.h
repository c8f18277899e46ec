// The names of column types, as the catalog, SHOW COLUMNS, DDL and people write them. Pure; any
// thread. https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/types.h"

namespace sluice::redshift {

struct TypeText {
  model::TypeKind kind;
  std::vector<int> numbers;  // of (18,2)
};
// "Timestamp(6) without time zone", "numeric(18, 2)", "TEXT". nullopt for a type we do not know.
std::optional<TypeText> ReadTypeText(std::string_view text);

// Why no column can be cast to it: reads on from the type's name, and what to do.
struct CastProblem {
  std::string problem;
  std::string remedy;
};
// A type that a column can be cast to. `varchar` alone is one of 65535 bytes: Redshift's own would
// cut at 256, in silence. What has a size in which values would be lost in silence must tell it:
// char, decimal.
// https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
std::variant<model::Type, CastProblem> ReadCastType(std::string_view text);

}  // namespace sluice::redshift
