// The stream's table in the DuckDB file: its names, its definition, what stands there already.
#pragma once
#include <string>

#include "columnar/database.h"
#include "destinations/schema_plan.h"
#include "model/stream.h"

namespace sluice::destinations::duckdb {

// Names DuckDB cannot keep apart, schemas that are its own or ours, no columns, types that cannot
// land, and under merge a primary key, cursor or soft-delete column that is not among the columns:
// throws kUnsupported, naming what. Pure.
void CheckTarget(const model::StreamTarget& target);

// "\"acme\".\"sales\".\"orders\"", `catalog` being DuckDB's name of the open file: where a schema
// has the file's own name, two names would mean either.
std::string QuotedTable(const std::string& catalog, const model::TableName& table);

// The table as `connection` sees it now. REQUIRES: it exists.
ExistingTable ReadExisting(columnar::Connection& connection, const std::string& catalog,
                           const model::TableName& table);

// Throws kUnsupported if the table has a column named rowid: a merge needs that name, which to
// DuckDB is the number of a row. Pure.
void CheckRowNumbers(const ExistingTable& existing, const model::StreamTarget& target);

// Makes, empties or alters the table as the plan says. REQUIRES: within the load's transaction.
void ApplyPlan(columnar::Connection& connection, const std::string& catalog,
               const model::StreamTarget& target, const SchemaPlan& plan);

}  // namespace sluice::destinations::duckdb
