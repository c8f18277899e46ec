// Redshift's types: by OID, by catalog spelling, and how a column is written into the SELECT of an
// UNLOAD to Parquet. Pure; any thread. A new column type starts here.
// https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace sluice::redshift {

// Of a row description. nullopt for a type we do not know.
std::optional<model::Type> TypeFromOid(std::uint32_t oid, int type_modifier);

// Of svv_all_columns: data_type and its three numbers. Compares by family: "numeric", "decimal",
// "numeric(18,2)". A NUMERIC of which neither tells a precision has precision 0, which is no
// NUMERIC(18,0): a view's may have any. nullopt for a type we do not know.
struct CatalogType {
  std::string_view data_type;
  std::optional<int> character_maximum_length;
  std::optional<int> numeric_precision;
  std::optional<int> numeric_scale;
};
std::optional<model::Type> TypeFromCatalog(const CatalogType& type);

// What stands in the SELECT for the column called `identifier` (already quoted): the column itself,
// or an expression, because Parquet refuses TIME, TIMETZ, VARBYTE, GEOMETRY and GEOGRAPHY, and the
// physical type of INTERVAL is not documented. nullopt for HLLSKETCH, which has no such expression.
std::optional<std::string> Projection(const model::Type& type, std::string_view identifier);

// Names made unique with _2, _3, ... in their order; the first of a name keeps it.
// Names that differ only in the case of ASCII letters count as equal, because Redshift folds them.
std::vector<std::string> UniqueAliases(const std::vector<std::string>& names);

}  // namespace sluice::redshift
