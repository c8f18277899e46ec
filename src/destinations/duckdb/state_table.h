// Table "_sluice"."state" in the destination: one row per stream, written in the transaction of its
// rows. Format, do not change: later versions of Sluice and people's queries read it. Files of
// earlier versions lack the columns of kLaterColumns (state_table.cc), which may be NULL for that
// reason; they are added before the first load.
#pragma once
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "columnar/database.h"
#include "destinations/destination.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

// What the calls below do it to, for errors: "DuckDB file acme.duckdb".
using StateSubject = std::string;

// The names of the table's columns; empty: there is no table. Read once: nobody else can change it
// while we hold the file, and DuckDB's catalog is slow to ask.
using StateColumns = std::vector<std::string>;
StateColumns ReadStateColumns(columnar::Connection& connection, const StateSubject& subject);

// Schema, table and its later columns, and `columns` says so; does nothing if they exist. Returns
// whether the table was made. REQUIRES: no transaction is open on `connection`: a table made inside
// one load's transaction could not be seen by the loads beside it.
bool MakeStateTable(columnar::Connection& connection, StateColumns& columns,
                    const StateSubject& subject);
// Is there nothing in the file but a state table without rows, and empty schemas? A run that dies
// before its first commit leaves such a file.
bool HoldsNothing(columnar::Connection& connection, const StateColumns& columns,
                  const StateSubject& subject);

// Reads files of earlier versions too; nullopt if there is no table, or no row of the stream.
std::optional<Committed> ReadState(columnar::Connection& connection, const StateColumns& columns,
                                   std::string_view stream, const StateSubject& subject,
                                   std::stop_token stop);

// The stream's columns in its last commit; nullopt if that is not known.
std::optional<std::vector<std::string>> ReadLastColumns(columnar::Connection& connection,
                                                        const StateColumns& columns,
                                                        std::string_view stream,
                                                        const StateSubject& subject);

// Removes the stream's row. REQUIRES: the table exists.
void ForgetState(columnar::Connection& connection, std::string_view stream,
                 const StateSubject& subject, std::stop_token stop);

// Replaces the stream's row. REQUIRES: within the load's transaction; MakeStateTable was called.
void WriteState(columnar::Connection& connection, const model::StreamTarget& target,
                const Committed& row, const model::Proof& proof, base::UtcTime now,
                const StateSubject& subject, std::stop_token stop);

}  // namespace sluice::destinations
