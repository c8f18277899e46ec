// One login at a workgroup. The doer behind sync and check; libpq implements it, tests fake it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

namespace sluice::redshift {

struct ResultColumn {
  std::string name;
  std::uint32_t type_oid = 0;
  int type_modifier = -1;
};

struct QueryResult {
  std::vector<ResultColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // text format; nullopt is NULL
};

struct UnloadResult {
  // From the INFO notice; nullopt if none came.
  std::optional<std::uint64_t> notice_rows;
};

// Not thread-safe: one thread at a time. One statement a call: Query sends it by the extended
// protocol, in which the server takes no more than one, because a query of the configuration may
// stand in it. The others are all our own text, in which such a query is at most a literal; they go
// by the simple protocol.
// Errors: by SQLSTATE and text as in sqlstate.h; kCancelled when `stop` fired (the statement was
// cancelled at the server with PQcancel and its reply drained); kTimeout; kUnreachable when the
// socket broke, with in_doubt for Commit and Unload: ask the server or the manifest, never repeat
// blindly. Messages hold no SQL.
class Session {
 public:
  virtual ~Session() = default;
  virtual QueryResult Query(std::string_view sql, const base::Call& call) = 0;
  virtual void Execute(std::string_view sql, const base::Call& call) = 0;
  virtual void Begin(const base::Call& call) = 0;
  // Compares the command tag: COMMIT of a failed transaction answers ROLLBACK (then kConflict).
  virtual void Commit(const base::Call& call) = 0;
  // Never throws: on a broken connection there is nothing left to roll back.
  virtual void Rollback() noexcept = 0;
  virtual UnloadResult Unload(const base::Secret& statement, const base::Call& call) = 0;
  // Ends the session at once; further calls are a bug. The destructor does the same.
  virtual void Close() noexcept = 0;
};

}  // namespace sluice::redshift
