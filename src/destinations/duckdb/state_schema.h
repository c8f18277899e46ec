// The state table of a DuckDB file (sql/state_table.h): made, and asked whether it is all there is.
#pragma once
#include <string>

#include "columnar/database.h"
#include "destinations/sql/state_table.h"

namespace sluice::destinations::duckdb {

// Schema, table and its later columns, and `columns` says so; does nothing if they exist. Returns
// whether the table was made. REQUIRES: no transaction is open on `connection`. `subject`, for
// errors: "DuckDB file acme.duckdb".
bool MakeStateTable(columnar::Connection& connection, sql::StateColumns& columns,
                    const std::string& subject);
// Is there nothing in the file but a state table without rows, and empty schemas? A run that dies
// before its first commit leaves such a file.
bool HoldsNothing(columnar::Connection& connection, const sql::StateColumns& columns,
                  const std::string& subject);

}  // namespace sluice::destinations::duckdb
