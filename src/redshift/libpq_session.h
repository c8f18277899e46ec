// The real Session: libpq against a workgroup.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "redshift/endpoint.h"
#include "redshift/session.h"
#include "redshift/session_watch.h"

namespace sluice::redshift {

// What GetCredentials returned. The password counts at log-in only; the session outlives it.
struct DbCredentials {
  std::string user;  // exactly as returned: "IAMR:sluice-reader"
  base::Secret password;
  std::optional<base::UtcTime> expiration;
};

struct LoginOptions {
  std::string host;
  int port = kDefaultPort;
  std::string database;
  // Called for each attempt: one password per log-in. Its errors pass through.
  std::function<DbCredentials(const base::Call&)> mint;
  // PEM file with the roots to trust. Empty: the system's bundle, because libpq 15 knows no
  // `sslrootcert=system`. TLS is always verify-full.
  std::string ssl_root_cert;
  std::string application_name = "sluice/" SLUICE_VERSION;
  // One attempt, from the look-up of the name to the last reply. A workgroup that sleeps needs up
  // to a minute for its first answer.
  std::chrono::milliseconds connect_timeout{60000};
  // Limit of every statement at the server, queue time included. nullopt: the workgroup's own.
  std::optional<std::chrono::milliseconds> statement_timeout;
  std::string query_group = "sluice";  // the logs keep 30 characters
  // Quoted names mean exactly what they say, as in PostgreSQL. Without it Redshift folds them, and
  // a column that was created as "Mixed Case" cannot be selected. Names of configurations and
  // queries must then have the catalog's case; the errors propose it.
  // https://docs.aws.amazon.com/redshift/latest/dg/r_enable_case_sensitive_identifier.html
  bool case_sensitive_identifiers = true;
  // Told of every statement, those of the log-in among them. May be null; else it outlives the
  // session.
  SessionWatch* watch = nullptr;
  // For messages and remedies only.
  std::string workgroup;
  std::string bucket;
  std::string bucket_region;
};

// Mints, connects, sets the session up. Tries once more, with a new password, if the first attempt
// timed out (cold start) or the server called the password expired; and several times, as
// base::Retry does, while the workgroup has no connection left or is not available for the moment.
// Errors: those of `mint`; kUnreachable (name not found, refused, silent, no TLS, wrong
// certificate), kAuthentication, kNotFound (database, user), kThrottled (no connection left),
// kInvalidConfig (not a Redshift, root bundle missing), kTimeout (the deadline of `call`),
// kCancelled. Each says what to look at. REQUIRES: `clock` and `log` outlive the session.
std::unique_ptr<Session> Login(const LoginOptions& options, const base::Clock& clock,
                               base::Logger& log, const base::Call& call);

}  // namespace sluice::redshift
