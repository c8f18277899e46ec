// The format of service.db: its tables, and how an older one becomes today's.
//
// SQLite, WAL, foreign keys on, application_id 0x534c5356 ("SLSV"), user_version 1. Times are
// milliseconds since 1970, UTC. Tables: `tenant`; `resource` (sources, destinations, pipelines,
// alerts: plain fields as JSON); `secret` (sealed values of resources); `pipeline` (what one refers
// to, and when its schedule is due); `run`; `message` (of alerts, on their way); `token`, `session`
// (hashes); `audit`; `answer` (of idempotency keys, sealed); `key_check` (a sealed word that tells
// the right key from a wrong one). Change it by a new step alone, never by changing one.
#pragma once
#include <cstdint>

#include "sqlite/sqlite.h"

namespace sluice::serve {

inline constexpr std::int64_t kSchemaVersion = 2;

// What a failure means; for sqlite::Database.
base::ErrorInfo ExplainStore(const std::filesystem::path& path, int code, std::string_view text);

// Throws kCorrupt for another program's database, or one that a newer sluice wrote; an empty one
// may become ours.
void RequireOurs(sqlite::Database& database);
// Brings an older or an empty one to `version`, one step after the other, each whole.
void Migrate(sqlite::Database& database, std::int64_t version = kSchemaVersion);

}  // namespace sluice::serve
