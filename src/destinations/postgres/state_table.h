// Table "_sluice"."state" in the destination: one row per stream, written in the transaction of its
// rows. Format, do not change: later versions of Sluice and people's queries read it. The columns
// are those of the DuckDB destination's.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "destinations/destination.h"
#include "destinations/postgres/session.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::postgres {

bool StateTableExists(Session& session, const Task& task, const base::Call& call);
// Adds what tables of earlier versions lack if it exists. Returns whether it was made. REQUIRES:
// its schema exists, and no transaction is open: one load's could not be seen by the loads beside
// it.
bool MakeStateTable(Session& session, const Task& task, const base::Call& call);

// REQUIRES: the table exists, for all below.
std::optional<Committed> ReadState(Session& session, std::string_view stream, const Task& task,
                                   const base::Call& call);
// The stream's columns in its last commit; nullopt if that is not known.
std::optional<std::vector<std::string>> ReadLastColumns(Session& session, std::string_view stream,
                                                        const Task& task, const base::Call& call);
void ForgetState(Session& session, std::string_view stream, const Task& task,
                 const base::Call& call);
// Replaces the stream's row. REQUIRES: within the load's transaction.
void WriteState(Session& session, const model::StreamTarget& target, const Committed& row,
                const model::Proof& proof, base::UtcTime now, const Task& task,
                const base::Call& call);

}  // namespace sluice::destinations::postgres
