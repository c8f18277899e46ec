// The format of a ledger: its tables, how an older one becomes today's, and what is no ledger.
//
// SQLite, WAL, user_version 7. Tables `run` (one row a run, with what it cost), `attempt` (one row
// for each time a stream was read), `unload` (one row an UNLOAD of it), `failure` (why a stream, or
// a whole run, ended with an error), `reset` (streams that were reset after their last commit) and
// `chosen` (tables that patterns of the configuration have met). An attempt and its UNLOADs are
// written together, before the first is sent. Do not change without raising user_version.
#pragma once
#include <cstdint>

#include "sqlite/sqlite.h"

namespace sluice::sync {

// The format that this program writes, and the newest that it reads.
inline constexpr std::int64_t kLedgerVersion = 7;
// From these versions on there are: commits with their counts, resets, failures in words, costs,
// tables that patterns chose.
inline constexpr std::int64_t kLedgerHasCommits = 2;
inline constexpr std::int64_t kLedgerHasResets = 4;
inline constexpr std::int64_t kLedgerHasFailures = 5;
inline constexpr std::int64_t kLedgerHasCosts = 6;
inline constexpr std::int64_t kLedgerHasChosen = 7;

std::int64_t LedgerVersion(sqlite::Database& database);
// Throws kCorrupt for another program's database; an empty one may become a ledger.
void RequireLedger(sqlite::Database& database, const char* operation);
// Throws kCorrupt if a newer program wrote it.
void RequireKnownVersion(sqlite::Database& database);
// Brings an older or an empty one to kLedgerVersion, one version after the other, each whole.
void MigrateLedger(sqlite::Database& database);

}  // namespace sluice::sync
