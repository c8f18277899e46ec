// The stream's table in the DuckDB file: its names, its definition, what stands there already.
#pragma once
#include <string>

#include "columnar/database.h"
#include "model/stream.h"

namespace sluice::destinations {

// Names DuckDB cannot keep apart, schemas that are its own or ours, no columns, types that cannot
// land: throws kUnsupported, naming what. Pure.
void CheckTarget(const model::StreamTarget& target);

// "\"sales\".\"orders\"".
std::string QuotedTable(const model::TableName& table);

// Makes the schema; does nothing if it exists. Returns whether it was made. Throws kUnsupported if
// one whose name differs by case alone exists. REQUIRES: no transaction is open on `connection`.
bool MakeSchema(columnar::Connection& connection, const std::string& schema);

// Throws kUnsupported if a table or view exists whose name differs by case alone, or a view of that
// very name: it is somebody's, and is not replaced.
void CheckExisting(columnar::Connection& connection, const model::TableName& table);

// Overwrite: an empty table in place of what is there. Append: the table is made if it is missing,
// and else must have these columns (kUnsupported, naming the first that differs). REQUIRES: within
// the load's transaction.
void MakeTable(columnar::Connection& connection, const model::StreamTarget& target);

}  // namespace sluice::destinations
