// Which type of Redshift becomes what, and what is refused on the way: put together from the tables
// that the program works by. docs/TYPES.md is made of it (tools/type_page.py). Pure; any thread.
#pragma once
#include <string>
#include <vector>

namespace sluice::connection {

struct TypeRow {
  std::string redshift;  // "decimal(p,s)"
  std::string read;      // what stands in the SELECT for column c; empty: it cannot be read
  // The column's type there; empty: none.
  std::string duckdb;
  std::string postgres;
  std::string lake;          // as the commit file and DuckDB have it
  bool lake_copies = false;  // a part with such columns alone may be taken as it is
  std::string values;        // which ones there are, and what becomes of odd ones
  std::string refused;       // what is, and how; empty: nothing
};

// In the order of model::TypeKind.
std::vector<TypeRow> TypeTable();

}  // namespace sluice::connection
