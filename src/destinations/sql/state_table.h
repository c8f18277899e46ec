// Table "_sluice"."state" in a database: one row per stream, written in the transaction of its
// rows. Format, do not change: later versions of Sluice and people's queries read it. Tables of
// earlier versions lack the columns that came later (state_table.cc), which may be NULL for that
// reason; they are added before the first load.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "destinations/destination.h"
#include "destinations/sql/dialect.h"
#include "destinations/sql/runner.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::sql {

// The names of the table's columns; empty: there is no table.
using StateColumns = std::vector<std::string>;
StateColumns ReadStateColumns(Runner& runner, const Dialect& dialect);
// Those of a table of this version.
StateColumns AllStateColumns();

// The statements that make the table, or add what the table with `columns` lacks; none: it lacks
// nothing. Its schema must be there. To be run outside of any load's transaction: a table made
// inside one could not be seen by the loads beside it.
std::vector<std::string> StateTableText(const Dialect& dialect, const StateColumns& columns);

// Reads tables of earlier versions too; nullopt if there is no table, or no row of the stream.
std::optional<Committed> ReadState(Runner& runner, const Dialect& dialect,
                                   const StateColumns& columns, std::string_view stream);
// The stream's columns in its last commit; nullopt if that is not known.
std::optional<std::vector<std::string>> ReadLastColumns(Runner& runner, const Dialect& dialect,
                                                        const StateColumns& columns,
                                                        std::string_view stream);
// Removes the stream's row. REQUIRES: the table exists.
void ForgetState(Runner& runner, const Dialect& dialect, std::string_view stream);
// Replaces the stream's row. REQUIRES: within the load's transaction; the table has all columns.
void WriteState(Runner& runner, const Dialect& dialect, const model::StreamTarget& target,
                const Committed& row, const model::Proof& proof, base::UtcTime now);

}  // namespace sluice::destinations::sql
