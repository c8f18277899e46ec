#include "destinations/postgres/server_error.h"

#include <algorithm>

#include "base/fill.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;

constexpr bool kRetry = true;
constexpr bool kFinal = false;
constexpr bool kQuoted = true;   // the server's text may be passed on as the cause
constexpr bool kSilent = false;  // it may hold a value or a piece of SQL

// The first row counts whose `sqlstate` begins the failure's and whose `text` is in its message;
// empty ones fit everything. In message and remedy: {user}, {host}, {port}, {database}, {schema},
// {table}, {column}, {constraint}, {object} (the name behind `text` in the message), {state}; with
// _ident behind them as SQL writes them.
struct Row {
  std::string_view sqlstate;
  std::string_view text;
  ErrorCode code;
  bool retryable;
  bool quoted;
  std::string_view message;
  std::string_view remedy;
  std::string_view reason = {};
};

constexpr std::string_view kAgain = "Run again.";
constexpr std::string_view kReport =
    "Run again; if it stays, report it with the version of Sluice.";
constexpr std::string_view kConstraint =
    "Change the constraint at the destination, or leave such rows out with a query "
    "(`sql: SELECT ... WHERE ...`).";
constexpr std::string_view kGone =
    "Run again. If somebody else changes the table while Sluice loads it, let them wait.";

constexpr Row kRows[] = {
    {"08", "", ErrorCode::kUnreachable, kRetry, kSilent, "the connection failed (SQLSTATE {state})",
     kAgain},
    {"0A000", "used by a view", ErrorCode::kUnsupported, kFinal, kQuoted,
     "a view depends on a column whose type must change",
     "Drop the view, run again, then create the view again.", "view_in_the_way"},
    {"0A", "", ErrorCode::kUnsupported, kFinal, kQuoted,
     "PostgreSQL cannot do this to the table (SQLSTATE {state})",
     "Set `schema_changes: freeze` for the stream, or load into another table."},
    {"22021", "", ErrorCode::kUnsupported, kFinal, kSilent,
     "a text holds bytes that the database's encoding does not allow",
     "Use a database whose encoding is UTF8."},
    {"22P05", "", ErrorCode::kUnsupported, kFinal, kSilent,
     "a text holds a character that the database's encoding does not have",
     "Use a database whose encoding is UTF8."},
    {"22P02", "", ErrorCode::kCorrupt, kFinal, kSilent,
     "a value is not what its type says (a SUPER that is not JSON, for example)",
     "Run again with a fresh UNLOAD; if it stays, report it."},
    {"22", "", ErrorCode::kCorrupt, kFinal, kSilent,
     "a value does not fit the column that it lands in (SQLSTATE {state})",
     "Widen the column at the destination, or drop the table there and run with --full."},
    {"23502", "", ErrorCode::kDestination, kFinal, kSilent,
     "column {column} of the table there must have a value (NOT NULL), and a row has none",
     "If it may be empty: ALTER TABLE {schema_ident}.{table_ident} ALTER COLUMN {column_ident} "
     "DROP "
     "NOT NULL;",
     "constraint"},
    {"23503", "", ErrorCode::kDestination, kFinal, kSilent,
     "foreign key {constraint} refuses a row", kConstraint, "constraint"},
    {"23505", "", ErrorCode::kConflict, kFinal, kSilent,
     "unique constraint {constraint} refuses a row: its columns are not unique in the source",
     "If it is not needed: ALTER TABLE {schema_ident}.{table_ident} DROP CONSTRAINT "
     "{constraint_ident}; otherwise choose a `primary_key` that tells the rows apart.",
     "constraint"},
    {"23514", "", ErrorCode::kDestination, kFinal, kSilent, "check {constraint} refuses a row",
     kConstraint, "constraint"},
    {"23", "", ErrorCode::kDestination, kFinal, kSilent,
     "a constraint of the table refuses a row (SQLSTATE {state})", kConstraint, "constraint"},
    {"25006", "", ErrorCode::kPermission, kFinal, kSilent,
     "the server takes no writes: it is a standby, or default_transaction_read_only is on",
     "Set destination.host to the primary, or: ALTER ROLE {user_ident} RESET "
     "default_transaction_read_only;",
     "read_only"},
    {"25P02", "", ErrorCode::kInternal, kFinal, kSilent,
     "a statement was sent in a transaction that had failed", kReport},
    {"2BP01", "", ErrorCode::kConflict, kFinal, kQuoted, "something depends on the table",
     "Drop what depends on it, or set `schema_changes: freeze` for the stream: then the table "
     "stays "
     "and is emptied.",
     "dependents"},
    {"3D000", "", ErrorCode::kNotFound, kFinal, kSilent, "database {database} does not exist",
     "CREATE DATABASE {database_ident};", "no_database"},
    {"3F000", "", ErrorCode::kConflict, kRetry, kSilent,
     "the schema was dropped while it was loaded", kGone},
    {"40P01", "", ErrorCode::kConflict, kRetry, kSilent,
     "the transaction and another one waited for each other", kAgain},
    {"40", "", ErrorCode::kConflict, kRetry, kSilent,
     "another transaction changed the table meanwhile", kAgain},
    {"42501", "permission denied for database ", ErrorCode::kPermission, kFinal, kQuoted,
     "role {user} may not make a schema in database {database}",
     "The database's owner runs:\nGRANT CREATE ON DATABASE {database_ident} TO {user_ident};",
     "not_granted"},
    {"42501", "permission denied for schema ", ErrorCode::kPermission, kFinal, kQuoted,
     "role {user} may not use schema {object}",
     "The schema's owner runs:\nGRANT USAGE, CREATE ON SCHEMA {object_ident} TO {user_ident};",
     "not_granted"},
    {"42501", "must be owner of ", ErrorCode::kPermission, kFinal, kQuoted,
     "only its owner may change the table, and role {user} is not",
     "The table's owner runs:\nALTER TABLE {schema_ident}.{table_ident} OWNER TO {user_ident};",
     "not_owner"},
    {"42501", "", ErrorCode::kPermission, kFinal, kQuoted, "role {user} may not do this",
     "The table's owner runs:\nGRANT SELECT, INSERT, UPDATE, DELETE ON TABLE "
     "{schema_ident}.{table_ident} TO {user_ident};",
     "not_granted"},
    {"428C9", "", ErrorCode::kUnsupported, kFinal, kQuoted,
     "a column of that name is filled by the server there (GENERATED ALWAYS)",
     "Leave the column out of the stream's `columns`, or at the destination: ALTER TABLE "
     "{schema_ident}.{table_ident} ALTER COLUMN ... DROP IDENTITY (or DROP EXPRESSION);",
     "generated"},
    {"42P01", "", ErrorCode::kConflict, kRetry, kSilent,
     "the table was dropped or renamed while it was loaded", kGone},
    {"42703", "", ErrorCode::kConflict, kRetry, kSilent,
     "a column was dropped or renamed while the table was loaded", kGone},
    {"42P07", "", ErrorCode::kConflict, kRetry, kSilent, "a table of that name was made meanwhile",
     kGone},
    {"42804", "", ErrorCode::kUnsupported, kFinal, kSilent,
     "a column of the table there is of another type",
     "Drop the table at the destination and run with --full."},
    {"53100", "", ErrorCode::kNoSpace, kFinal, kQuoted, "the server's disk is full",
     "Free space on the disk of the PostgreSQL server, then run again."},
    {"53200", "", ErrorCode::kUnavailable, kRetry, kSilent, "the server ran out of memory",
     "Lower work_mem or max_connections of the server, or run again when it has less to do."},
    {"53300", "", ErrorCode::kThrottled, kRetry, kSilent, "the server has no connection left",
     "Lower destination.connections or the number of parallel streams, or raise max_connections."},
    {"53400", "", ErrorCode::kNoSpace, kFinal, kQuoted,
     "a limit of the server was reached (temp_file_limit, for example)",
     "Raise the limit: ALTER ROLE {user_ident} SET temp_file_limit = -1;"},
    {"54", "", ErrorCode::kUnsupported, kFinal, kSilent,
     "a row or its key is larger than PostgreSQL can keep (SQLSTATE {state})",
     "Leave the largest columns out of the stream's `columns` or `primary_key`."},
    {"55000", "replica identity", ErrorCode::kUnsupported, kFinal, kQuoted,
     "a publication sends the table's changes, and nothing tells its rows apart there",
     "ALTER TABLE {schema_ident}.{table_ident} REPLICA IDENTITY FULL;", "replica_identity"},
    {"55006", "", ErrorCode::kConflict, kRetry, kSilent, "the table is in use", kAgain},
    {"55P03", "", ErrorCode::kConflict, kRetry, kSilent,
     "another session holds a lock on the table and did not release it in time",
     "Let it finish, or end it, then run again.", "locked"},
    {"57014", "", ErrorCode::kTimeout, kRetry, kSilent,
     "the server cancelled the statement: an administrator ended it, or a limit passed", kAgain},
    {"57P03", "", ErrorCode::kUnavailable, kRetry, kQuoted, "the server does not take sessions now",
     kAgain},
    {"57P04", "", ErrorCode::kNotFound, kFinal, kSilent, "database {database} was dropped",
     "CREATE DATABASE {database_ident};"},
    {"57", "", ErrorCode::kUnavailable, kRetry, kSilent,
     "the server ended the session (SQLSTATE {state})", kAgain},
    {"58", "", ErrorCode::kDestination, kFinal, kQuoted,
     "the server could not read or write one of its files (SQLSTATE {state})",
     "Look at the disk of the PostgreSQL server and at its log."},
    {"XX001", "", ErrorCode::kDestination, kFinal, kQuoted, "a table of the server is damaged",
     "Look at the log of the PostgreSQL server, and restore or drop the table."},
    {"XX002", "", ErrorCode::kDestination, kFinal, kQuoted, "an index of the server is damaged",
     "REINDEX TABLE {schema_ident}.{table_ident};"},
    {"", "", ErrorCode::kDestination, kFinal, kSilent,
     "the server refused a statement (SQLSTATE {state})", kReport},
};

constexpr std::string_view kReach =
    "Check that destination.host and destination.port are right, that the server runs and that a "
    "firewall lets this machine through.";
constexpr std::string_view kRoots =
    "Set destination.sslrootcert to a PEM file with the certificate of the authority that "
    "signed the server's.";

constexpr Row kLogins[] = {
    {"", "password authentication failed", ErrorCode::kAuthentication, kFinal, kSilent,
     "the password of role {user} was not accepted", "Correct destination.password.",
     "wrong_password"},
    {"", "no password supplied", ErrorCode::kAuthentication, kFinal, kSilent,
     "the server asks for a password, and there is none",
     "Set destination.password, or add a line to ~/.pgpass (mode 0600).", "no_password"},
    {"", "no pg_hba.conf entry", ErrorCode::kAuthentication, kFinal, kQuoted,
     "the server's pg_hba.conf does not let role {user} into database {database} from here",
     "Add a line to pg_hba.conf, for example `hostssl {database} {user} <address>/32 "
     "scram-sha-256`, and: SELECT pg_reload_conf();",
     "no_hba"},
    {"", "pg_hba.conf rejects", ErrorCode::kAuthentication, kFinal, kQuoted,
     "the server's pg_hba.conf refuses role {user} from here",
     "Change the line of pg_hba.conf, and: SELECT pg_reload_conf();", "no_hba"},
    {"", "authentication failed for user", ErrorCode::kAuthentication, kFinal, kQuoted,
     "the server does not accept this system's user as role {user}",
     "Run as the system's user of that name, or let pg_hba.conf ask for a password.", "peer"},
    {"", "is not permitted to log in", ErrorCode::kAuthentication, kFinal, kSilent,
     "role {user} may not log in", "ALTER ROLE {user_ident} LOGIN;"},
    {"", "role \"", ErrorCode::kAuthentication, kFinal, kSilent, "role {user} does not exist",
     "CREATE ROLE {user_ident} LOGIN PASSWORD '...';", "no_role"},
    {"", "permission denied for database", ErrorCode::kPermission, kFinal, kSilent,
     "role {user} may not connect to database {database}",
     "The database's owner runs:\nGRANT CONNECT ON DATABASE {database_ident} TO {user_ident};",
     "not_granted"},
    {"", "database \"", ErrorCode::kNotFound, kFinal, kSilent, "database {database} does not exist",
     "CREATE DATABASE {database_ident}; or correct destination.database.", "no_database"},
    {"", "too many c", ErrorCode::kThrottled, kRetry, kSilent, "the server has no connection left",
     "Lower destination.connections or the number of parallel streams, or raise max_connections."},
    {"", "remaining connection slots", ErrorCode::kThrottled, kRetry, kSilent,
     "the server has no connection left",
     "Lower destination.connections or the number of parallel streams, or raise max_connections."},
    {"", "the database system is", ErrorCode::kUnavailable, kRetry, kQuoted,
     "the server does not take sessions now", kAgain},
    {"", "server does not support SSL", ErrorCode::kUnreachable, kFinal, kSilent,
     "the server at {host}:{port} does not offer TLS, which destination.sslmode requires",
     "Turn it on at the server (`ssl = on`), or, on a network that you trust, set "
     "destination.sslmode: prefer.",
     "no_tls"},
    {"", "root certificate file", ErrorCode::kInvalidConfig, kFinal, kQuoted,
     "the file of trusted certificates cannot be read", kRoots, "no_roots"},
    {"", "could not read root certificate", ErrorCode::kInvalidConfig, kFinal, kQuoted,
     "the file of trusted certificates cannot be read", kRoots, "no_roots"},
    {"", "certificate verify failed", ErrorCode::kUnreachable, kFinal, kQuoted,
     "no trusted authority signed the certificate of {host}:{port}", kRoots, "not_trusted"},
    {"", "does not match host name", ErrorCode::kUnreachable, kFinal, kQuoted,
     "the certificate of {host}:{port} is for another name",
     "Set destination.host to a name in the certificate, or destination.sslmode: verify-ca.",
     "name_differs"},
    {"", "could not translate host name", ErrorCode::kUnreachable, kRetry, kQuoted,
     "the name {host} cannot be resolved", "Correct destination.host.", "no_name"},
    {"", "Connection refused", ErrorCode::kUnreachable, kRetry, kSilent,
     "no server listens at {host}:{port}", kReach, "refused"},
    {"", "No such file or directory", ErrorCode::kUnreachable, kRetry, kSilent,
     "no server listens in the socket folder {host} for port {port}",
     "Start the server, or correct destination.host and destination.port.", "refused"},
    {"", "", ErrorCode::kUnreachable, kRetry, kQuoted, "the server at {host}:{port} cannot be used",
     kReach},
};

// As SQL writes a name; only for texts that a person pastes.
std::string Ident(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

void Put(base::Words& fields, const std::string& name, const std::string& value) {
  fields[name] = value.empty() ? "<" + name + ">" : value;
  fields[name + "_ident"] = Ident(value.empty() ? "<" + name + ">" : value);
}

// The rest of the text behind `mark`: PostgreSQL ends such messages with the bare name.
std::string NameBehind(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (mark.empty() || at == std::string_view::npos) return {};
  return std::string(text.substr(at + mark.size()));
}

base::Words FieldsOf(const ServerContext& context) {
  base::Words fields;
  Put(fields, "user", context.user);
  Put(fields, "host", context.host);
  Put(fields, "port", context.port == 0 ? "" : std::to_string(context.port));
  Put(fields, "database", context.database);
  Put(fields, "schema", context.schema);
  Put(fields, "table", context.table);
  return fields;
}

base::ErrorInfo Make(const Row& row, std::string_view text, base::Words fields,
                     const ServerContext& context) {
  return {.code = row.code,
          .operation = context.operation,
          .subject = context.subject,
          .message = base::Fill(row.message, fields),
          .remedy = base::Fill(row.remedy, fields),
          .retryable = row.retryable,
          .cause = row.quoted ? std::string(text) : std::string(),
          .reason = std::string(row.reason),
          .facts = std::move(fields)};
}

}  // namespace

base::ErrorInfo StatementFailure(const pq::ServerMessage& failure, const ServerContext& context) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& candidate) {
    return failure.sqlstate.starts_with(candidate.sqlstate) &&
           failure.message.find(candidate.text) != std::string::npos;
  });
  base::Words fields = FieldsOf(context);
  Put(fields, "column", failure.column);
  Put(fields, "constraint", failure.constraint);
  Put(fields, "state", failure.sqlstate);
  Put(fields, "object", row->quoted ? NameBehind(failure.message, row->text) : "");
  return Make(*row, failure.message, std::move(fields), context);
}

base::ErrorInfo LoginFailure(std::string_view text, bool timed_out, const ServerContext& context) {
  const Row* row = std::find_if(std::begin(kLogins), std::end(kLogins), [&](const Row& candidate) {
    return text.find(candidate.text) != std::string_view::npos;
  });
  std::string line(text.substr(0, text.find('\n')));
  base::ErrorInfo info = Make(*row, line, FieldsOf(context), context);
  if (timed_out) info.code = ErrorCode::kTimeout;
  return info;
}

}  // namespace sluice::destinations::postgres
