// What a failure of the server means: one table, SQLSTATE + text + phase -> error with remedy.
// Pure; any thread. A new remedy is a new row here and a new row in its test.
//
// The server's DETAIL and HINT count as much as its message; a refusal in AWS's own words, of S3 or
// KMS, is read by aws/denial.h and cured by the policy it names. What is told to be `retryable` may
// pass by itself; only then does a remedy speak of trying again.
//
// Matched by text first where it is known, because Redshift answers XX000 to many user errors, and
// libpq tells no SQLSTATE for a refused log-in. The texts are recorded from live workgroups where
// known; all are English, since Redshift has no other lc_messages.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "redshift/server_text.h"

namespace sluice::redshift {

enum class Phase { kLogin, kQuery, kUnload };

struct ServerFailure {
  std::string sqlstate;  // empty for a failed log-in
  std::string message;
  std::string detail;
  std::string hint = {};
  std::string notices =
      {};  // that came before it; asked only where the failure itself says nothing
};

// What remedies are filled in with. Empty fields become a <placeholder>.
struct FailureContext {
  std::string operation;  // of the error: "log in", "UNLOAD", "query"
  std::string subject;    // of the error; if empty, made from what is known below
  std::string user;       // the database user as GetCredentials returned it
  std::string host;
  int port = 0;
  std::string database;
  std::string workgroup;
  std::string schema;
  std::string table;
  std::string bucket;
  std::string bucket_region;
  bool has_query = false;  // the statement holds a query of the configuration's
};

base::ErrorInfo Classify(Phase phase, const ServerFailure& failure, const FailureContext& context);

// Statements for the administrator, ready to paste: USAGE on the schema, SELECT on the table (or,
// if `table` is empty, on all tables), for the real database user.
std::string GrantStatements(const FailureContext& context);

}  // namespace sluice::redshift
