// Tables in a PostgreSQL database: overwrite, append, merge.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "destinations/destination.h"

namespace sluice::destinations::postgres {

struct PostgresOptions {
  // Name, address, or the folder of the server's Unix socket ("/run/postgresql").
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;
  // Empty: ~/.pgpass, or whatever pg_hba.conf asks for instead of a password.
  base::Secret password;
  // disable, allow, prefer, require, verify-ca, verify-full. Only the last tells that the server is
  // the one that was meant. A Unix socket has no TLS, whatever stands here.
  std::string sslmode = "verify-full";
  // PEM file with the roots to trust. Empty: the system's, where sslmode asks for any.
  std::string ssl_root_cert;
  // COPY connections per load, 1..16. More of them keep more of the server's cores busy; each costs
  // the server a process and this program about 1 MB. Besides them, each load has one for its own
  // transaction (if it is not the only one), and the process one that holds the lock.
  int connections = 2;
  // Parts lie below it: the DuckDB that decodes them may read nothing else, and writes nothing.
  std::filesystem::path work_dir;
  // Bound of the DuckDB that decodes the parts, MB, >= 64, for all loads together.
  int memory_limit_mb = 128;
  // Threads of that DuckDB, >= 1.
  int threads = 2;
  // A load whose first parts hold fewer bytes, before compression, goes over one connection and is
  // one transaction from its first row on.
  std::uint64_t small_load_bytes = 16 << 20;
  // How long a commit waits for a table that somebody else holds, before it is a conflict. Readers
  // that come meanwhile wait as well.
  std::chrono::milliseconds lock_timeout{60'000};
};

// Logs in and takes the lock of this database, an advisory one, until Close. Throws kConflict
// (another process holds it; who, and since when), kAuthentication, kPermission, kNotFound
// (database), kUnreachable, kTimeout, kThrottled, kUnavailable, kUnsupported (a server before 12),
// kInvalidConfig (an option).
// REQUIRES: `clock` and `log` outlive it. Not through a pooler that hands one server session to
// several clients (pgbouncer's transaction mode): the lock belongs to a session.
//
// What it promises beyond destination.h:
// - Rows, table and watermark appear by one COMMIT, whose tag is looked at. Readers see the old
//   table until then. A connection that breaks during COMMIT is told as in_doubt; ReadCommitted
//   first ends what is left of that session, so that its answer stays true.
// - A load of small parts is one transaction from its first row on. Larger ones go over several
//   connections into a table of their own, named `_sluice_...`, which that transaction then renames
//   or reads. What a dead process left of those is dropped by the stream's next load.
// - Overwrite puts a new table in the place of the old one, with its grants
// (SchemaPolicy::kFollow).
//   Where that would take something along that is not ours (a view, an index, a trigger, a foreign
//   key, a publication), and under the other policies, the table stays and its rows are replaced.
// - A merge makes the primary key of a table that it makes, updates rows that differ in place, and
//   writes no others.
// - Rows are NULL in columns that the source does not have, or have their default.
// - Names are kept exactly; those above 63 bytes are refused by name (kUnsupported).
// - A text with a NUL byte is refused, naming its column (kUnsupported).
// - A transaction of somebody else that is REPEATABLE READ or stricter, began before the commit and
//   first reads the table after it, may find an overwritten table empty: PostgreSQL's own limit.
std::unique_ptr<Destination> OpenPostgres(const PostgresOptions& options, const base::Clock& clock,
                                          base::Logger& log);

}  // namespace sluice::destinations::postgres
