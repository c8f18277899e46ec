// Table "_sluice"."state" in the destination: one row per stream, written in the transaction of its
// rows. Format, do not change: later versions of Sluice and people's queries read it.
#pragma once
#include <optional>
#include <stop_token>
#include <string_view>

#include "base/clock.h"
#include "columnar/database.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

inline constexpr std::string_view kStateSchema = "_sluice";

struct StateRow {
  model::Watermark watermark;
  model::Counts counts;
};

// What the calls below do it to, for errors: "DuckDB file acme.duckdb".
using StateSubject = std::string;

bool StateTableExists(columnar::Connection& connection, const StateSubject& subject);
// Schema and table; does nothing if they exist. REQUIRES: no transaction is open on `connection`: a
// table made inside one load's transaction could not be seen by the loads beside it.
void MakeStateTable(columnar::Connection& connection, const StateSubject& subject);

// REQUIRES: the table exists.
std::optional<StateRow> ReadState(columnar::Connection& connection, std::string_view stream,
                                  const StateSubject& subject, std::stop_token stop);

// Replaces the stream's row. REQUIRES: within the load's transaction.
void WriteState(columnar::Connection& connection, const model::StreamTarget& target,
                const StateRow& row, const model::Proof& proof, base::UtcTime now,
                const StateSubject& subject, std::stop_token stop);

}  // namespace sluice::destinations
