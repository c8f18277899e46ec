#include "redshift/sqlstate.h"

#include <algorithm>
#include <array>
#include <map>

#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

constexpr unsigned kLogin = 1U;
constexpr unsigned kQuery = 2U;
constexpr unsigned kUnload = 4U;
constexpr unsigned kStatement = kQuery | kUnload;
constexpr unsigned kAny = kLogin | kQuery | kUnload;

unsigned Bit(Phase phase) {
  switch (phase) {
    case Phase::kLogin: return kLogin;
    case Phase::kQuery: return kQuery;
    case Phase::kUnload: return kUnload;
  }
  return kAny;
}

// One meaning. It holds if the phase fits, the SQLSTATE starts with `sqlstate` and the text
// contains `text`, without regard to case; an empty field fits everything. The first row that holds
// counts. In message and remedy: {user}, {user_ident}, {host}, {port}, {database}, {workgroup},
// {bucket}, {region}, {grants}, {object} (the name that follows `object_after` in the text),
// {object_ident}, {s3} (status, error, ids), {text} (masked), {syntax} (the same with the word at
// which a syntax error stands), {state}.
struct Row {
  unsigned phases;
  std::string_view sqlstate;
  std::string_view text;
  ErrorCode code;
  bool retryable;
  bool in_doubt;
  std::string_view object_after;
  std::string_view message;
  std::string_view remedy;
  std::string_view reason = {};  // becomes ErrorInfo::reason
};

constexpr bool kRetry = true;
constexpr bool kFinal = false;
constexpr bool kKnown = false;
constexpr bool kInDoubt = true;

constexpr std::string_view kReach =
    "Check, in this order:\n"
    "1. redshift.host and redshift.port are those of the workgroup's endpoint;\n"
    "2. the workgroup is publicly accessible, or this machine has a path into its VPC;\n"
    "3. its security group has an inbound rule: TCP, port {port}, from this machine's address.";

constexpr std::string_view kNotRedshift =
    "Another program listens on {host}:{port}. Set redshift.host and redshift.port to the "
    "workgroup's endpoint (port 5439 unless it was changed).";

constexpr std::string_view kProxy =
    "Connect to the workgroup itself: a proxy or another database answers there.";

constexpr std::string_view kRoots =
    "Update the system's certificates (Debian: apt-get install ca-certificates), or set "
    "redshift.sslrootcert "
    "to\nhttps://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt "
    "saved as a file.";

constexpr std::string_view kRediscover =
    "See what this login can read: sluice discover. If the table is there for others, it is not "
    "granted:\n{grants}";

constexpr std::string_view kBucketRights =
    "The keys of the UNLOAD need s3:PutObject, s3:GetObject and s3:AbortMultipartUpload on "
    "arn:aws:s3:::{bucket}/*, and s3:ListBucket on arn:aws:s3:::{bucket}. Check the policy of the "
    "role or user, and the bucket's own policy.";

constexpr std::array kRows = {
    // Log-in: libpq gives no SQLSTATE.
    Row{kAny, "", "iam authentication token has expired", ErrorCode::kAuthentication, kRetry,
        kKnown, "", "the temporary password has expired",
        "Run again. If it stays, set this machine's clock: an hour's password was past its time.",
        "password_expired"},
    Row{kLogin, "", "iam authentication failed for user", ErrorCode::kAuthentication, kFinal,
        kKnown, "", "the workgroup refused the temporary password of database user {user}",
        "Check that redshift.workgroup names the workgroup behind redshift.host: a password is "
        "good "
        "for the workgroup it was made for.",
        "password_refused"},
    Row{kLogin, "", "password authentication failed for user", ErrorCode::kAuthentication, kFinal,
        kKnown, "", "the server refused the password of database user {user}",
        "Temporary passwords are refused in this way when the connection is not encrypted: check "
        "that no proxy between here and {host}:{port} takes TLS away.",
        "password_refused"},
    Row{kLogin, "", "no pg_hba.conf entry", ErrorCode::kAuthentication, kFinal, kKnown, "",
        "the server has no rule that lets database user {user} in from here",
        "Check that {host}:{port} is the workgroup's endpoint, and reached without a proxy."},
    Row{kLogin, "", "unrecognized configuration parameter", ErrorCode::kInvalidConfig, kFinal,
        kKnown, "", "the server does not know a parameter of the log-in: {text}",
        "Unset PGDATESTYLE, PGTZ and PGGEQO. A proxy in between may add parameters, too."},
    Row{kLogin, "", "permission denied to set parameter", ErrorCode::kInvalidConfig, kFinal, kKnown,
        "", "the server refuses a parameter of the log-in: {text}",
        "Unset PGDATESTYLE, PGTZ and PGGEQO. A proxy in between may add parameters, too."},
    Row{kLogin, "", "authentication method ", ErrorCode::kUnsupported, kFinal, kKnown, "",
        "the server asks for a way to log in that libpq does not know: database user {user} has a "
        "stored password",
        "ALTER USER {user_ident} PASSWORD DISABLE;   -- then only temporary passwords count",
        "stored_password"},
    Row{kLogin, "", "connection limit", ErrorCode::kThrottled, kRetry, kKnown, "",
        "the workgroup has no connection left", "Wait, or lower the number of parallel streams.",
        "connection_limit"},
    Row{kLogin, "", "too many connections", ErrorCode::kThrottled, kRetry, kKnown, "",
        "the workgroup has no connection left", "Wait, or lower the number of parallel streams.",
        "connection_limit"},
    Row{kLogin, "", "could not translate host name", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the name {host} does not exist, or this machine's DNS does not know it",
        "Paste the endpoint from the console again. A workgroup that was deleted or re-created has "
        "another name or none."},
    Row{kLogin, "", "connection refused", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "{host}:{port} refuses connections: nothing listens there", kReach},
    Row{kLogin, "", "no route to host", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "there is no network path to {host}:{port}", kReach},
    Row{kLogin, "", "network is unreachable", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "there is no network path to {host}:{port}", kReach},
    Row{kLogin, "", "certificate verify failed", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the certificate of {host} is not one we trust, or has expired", kRoots},
    Row{kLogin, "", "does not match host name", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the server's certificate is not for {host}",
        "Set redshift.host to the workgroup's own endpoint instead of an alias, an address or a "
        "load "
        "balancer."},
    Row{kLogin, "", "could not get server's host name from server certificate",
        ErrorCode::kUnreachable, kFinal, kKnown, "", "the server's certificate names no host",
        "Set redshift.host to the workgroup's own endpoint."},
    Row{kLogin, "", "server does not support ssl", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "{host}:{port} does not offer TLS", kProxy},
    Row{kLogin, "", "root certificate file", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
        "the file of trusted certificates is missing or cannot be read", kRoots},
    Row{kLogin, "", "invalid response to ssl negotiation", ErrorCode::kInvalidConfig, kFinal,
        kKnown, "", "what answers at {host}:{port} is not a Redshift", kNotRedshift},
    Row{kLogin, "", "expected authentication request", ErrorCode::kInvalidConfig, kFinal, kKnown,
        "", "what answers at {host}:{port} is not a Redshift", kNotRedshift, "not_redshift"},
    Row{kLogin, "", "wrong version number", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
        "what answers at {host}:{port} is not a Redshift", kNotRedshift},
    Row{kLogin, "", "timed out", ErrorCode::kUnreachable, kRetry, kKnown, "",
        "{host}:{port} stays silent: {text}", kReach},
    Row{kLogin, "", "timeout expired", ErrorCode::kUnreachable, kRetry, kKnown, "",
        "{host}:{port} stays silent", kReach},
    Row{kLogin, "", "user \"*does not exist", ErrorCode::kNotFound, kFinal, kKnown, "user ",
        "database user {object} does not exist",
        "An administrator of the database runs:\n"
        "CREATE USER {object_ident} PASSWORD DISABLE;\n{grants}",
        "user_missing"},
    Row{kLogin, "", "database \"*does not exist", ErrorCode::kNotFound, kFinal, kKnown, "database ",
        "database {object} does not exist in the workgroup",
        "Set redshift.database; a new namespace has one called dev. Names keep their case here.",
        "database_missing"},
    Row{kLogin, "", "terminat", ErrorCode::kUnreachable, kRetry, kKnown, "",
        "the server closed the connection during the log-in", kReach},
    Row{kLogin, "", "closed the connection unexpectedly", ErrorCode::kUnreachable, kRetry, kKnown,
        "", "the server closed the connection during the log-in", kReach},
    Row{kLogin, "", "connection reset by peer", ErrorCode::kUnreachable, kRetry, kKnown, "",
        "the server closed the connection during the log-in", kReach},
    Row{kLogin, "", "ssl error", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "TLS with {host}:{port} failed: {text}", kProxy},
    Row{kLogin, "", "ssl syscall error", ErrorCode::kUnreachable, kRetry, kKnown, "",
        "TLS with {host}:{port} failed: {text}", kProxy},
    Row{kLogin, "", "", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the log-in at {host}:{port} failed: {text}", kReach},

    // UNLOAD: Redshift answers XX000 to most, so the text tells.
    Row{kUnload, "", "limit clause is not supported", ErrorCode::kUnsupported, kFinal, kKnown, "",
        "UNLOAD does not take an outer LIMIT", "Wrap it: SELECT * FROM (SELECT ... LIMIT n) AS t"},
    Row{kUnload, "", "only supported for text/csv", ErrorCode::kUnsupported, kFinal, kKnown,
        "column ", "column {object} is of a type that cannot be unloaded to Parquet",
        "Leave the column out: list the others under `columns` of the stream; in a query, write "
        "CAST({object_ident} AS VARCHAR) instead of it."},
    Row{kUnload, "", "unload destination on s3 is not empty", ErrorCode::kConflict, kFinal, kKnown,
        "", "there are objects beneath the staging prefix already",
        "Run again: each attempt takes a prefix of its own. If it stays, another program writes "
        "beneath staging.root in bucket {bucket}.",
        "not_empty"},
    Row{kUnload, "", "assumerole", ErrorCode::kPermission, kFinal, kKnown, "iam role ",
        "database user {user} may not use role {object}",
        "GRANT ASSUMEROLE ON '{object}' TO {user_ident} FOR UNLOAD;", "no_assumerole"},
    Row{kUnload, "", "not authorized to get credentials of role", ErrorCode::kPermission, kFinal,
        kKnown, "of role ", "the workgroup may not use role {object}",
        "Attach the role to the workgroup's namespace, and let its trust policy name "
        "redshift.amazonaws.com and redshift-serverless.amazonaws.com.",
        "role_not_attached"},
    Row{kUnload, "", "is not authorized to perform: s3:", ErrorCode::kPermission, kFinal, kKnown,
        "", "bucket {bucket} refused the server's request {s3}",
        "A policy of the bucket refuses it, for instance one that demands encryption with a KMS "
        "key. Let the policy admit the connecting role, and uploads encrypted with SSE-S3.",
        "policy_refuses"},
    Row{kUnload, "", "different region", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
        "bucket {bucket} is not in region {region} {s3}",
        "Set staging.region to the bucket's region:\n"
        "aws s3api get-bucket-location --bucket {bucket}",
        "wrong_region"},
    Row{kUnload, "", "permanentredirect", ErrorCode::kInvalidConfig, kFinal, kKnown, "",
        "bucket {bucket} is not in region {region} {s3}",
        "Set staging.region to the bucket's region:\n"
        "aws s3api get-bucket-location --bucket {bucket}",
        "wrong_region"},
    Row{kUnload, "", "invalidaccesskeyid", ErrorCode::kAuthentication, kFinal, kKnown, "",
        "S3 does not know the keys of the UNLOAD {s3}",
        "Check the access keys of `auth`; temporary ones need their session token.", "key_unknown"},
    Row{kUnload, "", "expiredtoken", ErrorCode::kAuthentication, kRetry, kKnown, "",
        "the keys of the UNLOAD expired while it ran {s3}",
        "Run again. If the table is too large for one hour, raise the role's maximum session "
        "duration, or split the stream with a query.",
        "keys_expired"},
    Row{kUnload, "", "token has expired", ErrorCode::kAuthentication, kRetry, kKnown, "",
        "the keys of the UNLOAD expired while it ran {s3}",
        "Run again. If the table is too large for one hour, raise the role's maximum session "
        "duration, or split the stream with a query.",
        "keys_expired"},
    Row{kUnload, "", "signaturedoesnotmatch", ErrorCode::kAuthentication, kFinal, kKnown, "",
        "S3 refused the signature made with the keys of the UNLOAD {s3}",
        "Check the secret access key of `auth`."},
    Row{kUnload, "", "nosuchbucket", ErrorCode::kNotFound, kFinal, kKnown, "",
        "bucket {bucket} does not exist {s3}", "Set staging.bucket, or create the bucket.",
        "no_such_bucket"},
    Row{kUnload, "", "slowdown", ErrorCode::kThrottled, kRetry, kKnown, "",
        "S3 asked the server to slow down {s3}", "Run again."},
    Row{kUnload, "", "error internalerror", ErrorCode::kUnavailable, kRetry, kKnown, "",
        "S3 failed while the server wrote {s3}", "Run again."},
    Row{kUnload, "", "error serviceunavailable", ErrorCode::kUnavailable, kRetry, kKnown, "",
        "S3 failed while the server wrote {s3}", "Run again."},
    Row{kUnload, "", "error accessdenied", ErrorCode::kPermission, kFinal, kKnown, "",
        "bucket {bucket} refused the server's request {s3}", kBucketRights, "not_allowed"},
    Row{kUnload, "", "access denied", ErrorCode::kPermission, kFinal, kKnown, "",
        "bucket {bucket} refused the server's request {s3}", kBucketRights, "not_allowed"},
    Row{kUnload, "", "s3serviceexception", ErrorCode::kSource, kFinal, kKnown, "",
        "the server could not write to bucket {bucket} {s3}", kBucketRights},
    Row{kStatement, "", "transaction is read-only", ErrorCode::kSource, kFinal, kKnown, "",
        "the transaction is read-only, and UNLOAD needs one that is not",
        "ALTER USER {user_ident} RESET default_transaction_read_only;"},

    // Any statement.
    Row{kStatement, "", "permission denied for relation svv_", ErrorCode::kPermission, kFinal,
        kKnown, "for relation ", "database user {user} may not read the catalog's view {object}",
        "A superuser of the database runs:\nGRANT SELECT ON pg_catalog.{object} TO {user_ident};",
        "no_catalog"},
    Row{kStatement, "", "permission denied for relation", ErrorCode::kPermission, kFinal, kKnown,
        "for relation ", "database user {user} may not read table {object}",
        "The table's owner or a superuser runs:\n{grants}", "no_select"},
    Row{kStatement, "", "permission denied for schema", ErrorCode::kPermission, kFinal, kKnown,
        "for schema ", "database user {user} may not use schema {object}",
        "The schema's owner or a superuser runs:\n{grants}", "no_usage"},
    Row{kStatement, "42501", "", ErrorCode::kPermission, kFinal, kKnown, "",
        "database user {user} may not do this: {text}",
        "The table's owner or a superuser runs:\n{grants}", "not_granted"},
    Row{kStatement, "", "permission denied", ErrorCode::kPermission, kFinal, kKnown, "",
        "database user {user} may not do this: {text}",
        "The table's owner or a superuser runs:\n{grants}", "not_granted"},
    // Without a name it is error 1018: the table was replaced after the transaction's snapshot.
    Row{kStatement, "", "relation does not exist", ErrorCode::kConflict, kRetry, kKnown, "",
        "the table was replaced while it was read", "Run again."},
    Row{kStatement, "", "serializable isolation violation", ErrorCode::kConflict, kRetry, kKnown,
        "", "the transaction met another one that wrote to the same table", "Run again."},
    Row{kStatement, "40001", "", ErrorCode::kConflict, kRetry, kKnown, "",
        "the transaction met another one that wrote to the same table", "Run again."},
    Row{kStatement, "", "concurrent ddl committed", ErrorCode::kConflict, kRetry, kKnown, "",
        "the table was changed while it was read", "Run again."},
    Row{kStatement, "42P01", "", ErrorCode::kNotFound, kFinal, kKnown, "relation ",
        "table {object} does not exist, or this login cannot see it", kRediscover, "no_table"},
    Row{kStatement, "", "does not exist in the database", ErrorCode::kNotFound, kFinal, kKnown,
        "relation ", "table {object} does not exist, or this login cannot see it", kRediscover,
        "no_table"},
    Row{kStatement, "3F000", "", ErrorCode::kNotFound, kFinal, kKnown, "schema ",
        "schema {object} does not exist, or this login cannot see it", kRediscover, "no_schema"},
    Row{kStatement, "42703", "", ErrorCode::kNotFound, kFinal, kKnown, "column ",
        "column {object} does not exist", "Correct the name, or see what there is: sluice discover",
        "no_column"},
    Row{kStatement, "57014", "", ErrorCode::kTimeout, kFinal, kKnown, "",
        "the server cancelled the statement: its time limit passed, or an administrator ended it",
        "See the limits: SHOW statement_timeout; and the workgroup's max_query_execution_time."},
    Row{kStatement, "25P02", "", ErrorCode::kInternal, kFinal, kKnown, "",
        "a statement was sent in a transaction that had failed",
        "This is a defect in Sluice; please report it with the command used."},
    Row{kStatement, "57P", "", ErrorCode::kUnavailable, kRetry, kInDoubt, "",
        "the server is shutting down or restarting", "Run again."},
    Row{kStatement, "08", "", ErrorCode::kUnreachable, kRetry, kInDoubt, "",
        "the connection failed (SQLSTATE {state})", "Run again."},
    Row{kStatement, "53300", "", ErrorCode::kThrottled, kRetry, kKnown, "",
        "the workgroup has no connection left", "Wait, or lower the number of parallel streams."},
    Row{kStatement, "53", "", ErrorCode::kUnavailable, kRetry, kKnown, "",
        "the workgroup ran out of memory, disk or another resource (SQLSTATE {state})",
        "Run again later, or raise the workgroup's capacity."},
    Row{kStatement, "42601", "", ErrorCode::kSource, kFinal, kKnown, "",
        "the server does not understand the query: {syntax}",
        "Try the stream's query in the query editor."},
    Row{kStatement, "42883", "", ErrorCode::kSource, kFinal, kKnown, "",
        "the query calls a function or operator that Redshift does not have: {text}",
        "Try the stream's query in the query editor."},
    Row{kStatement, "", "", ErrorCode::kSource, kFinal, kKnown, "",
        "the server refused the statement (SQLSTATE {state}): {text}",
        "Try the stream's query in the query editor."},
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

bool HasPieces(std::string_view text, std::string_view pattern) {
  while (!pattern.empty()) {
    const auto piece = pattern.substr(0, pattern.find('*'));
    const auto at = text.find(piece);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + piece.size());
    pattern.remove_prefix(std::min(piece.size() + 1, pattern.size()));
  }
  return true;
}

const Row& Find(Phase phase, std::string_view sqlstate, const std::string& lower) {
  for (const Row& row : kRows) {
    if ((row.phases & Bit(phase)) == 0) continue;
    if (!sqlstate.starts_with(row.sqlstate)) continue;
    if (!HasPieces(lower, row.text)) continue;
    return row;
  }
  return kRows.back();  // it fits everything
}

// The name after `mark`, with or without quotes. Names are not secret, unlike what may follow them.
std::string NameAfter(std::string_view text, const std::string& lower, std::string_view mark) {
  if (mark.empty()) return {};
  const auto at = lower.find(mark);
  if (at == std::string::npos) return {};
  const std::string_view rest = text.substr(at + mark.size());
  if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
  std::string name(rest.substr(0, rest.find_first_of(" \t\r\n,;")));
  while (name.ends_with('.')) name.pop_back();
  return name;
}

std::string Or(const std::string& value, const char* placeholder) {
  return value.empty() ? placeholder : value;
}

std::string IdentOr(const std::string& name, const char* placeholder) {
  return name.empty() || !IsUtf8WithoutNul(name) ? placeholder : Ident(name);
}

std::string DescribeS3(std::string_view text) {
  const auto s3 = ParseS3Failure(text);
  if (!s3) return {};
  std::string description = "(S3";
  if (s3->status != 0) description += " status " + std::to_string(s3->status);
  if (!s3->error.empty()) description += ", " + s3->error;
  if (!s3->request_id.empty()) description += ", request id " + s3->request_id;
  if (!s3->query_id.empty()) description += ", query " + s3->query_id;
  return description + ")";
}

// A syntax error with the word at which it stands: a word of SQL or a name, never a literal.
std::string SyntaxError(const std::string& text) {
  constexpr std::string_view kNear = "at or near \"";
  const std::string masked = Mask(text);
  const auto at = text.find(kNear);
  if (at == std::string::npos) return masked;
  const auto rest = std::string_view(text).substr(at + kNear.size());
  const auto word = rest.substr(0, rest.find('"'));
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  const bool is_word =
      !word.empty() && word.size() < 40 && word.find_first_not_of(kLetters) == word.npos;
  const bool is_sign = word.size() == 1 && word.find_first_of("()[],;.*=<>+-/%|") == 0;
  const auto shown = masked.find("\"...\"");
  if ((!is_word && !is_sign) || shown == std::string::npos) return masked;
  return masked.substr(0, shown + 1) + std::string(word) + masked.substr(shown + 4);
}

using Fields = std::map<std::string, std::string, std::less<>>;

std::string Fill(std::string_view pattern, const Fields& fields) {
  std::string filled;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    filled += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = pattern.find('}', open);
    filled += fields.find(pattern.substr(open + 1, close - open - 1))->second;
    pattern.remove_prefix(close + 1);
  }
  while (filled.ends_with(' ')) filled.pop_back();
  return filled;
}

std::string Subject(const FailureContext& context) {
  if (!context.subject.empty()) return context.subject;
  if (!context.schema.empty() && !context.table.empty()) {
    return "table " + context.schema + "." + context.table;
  }
  if (!context.workgroup.empty()) return "workgroup " + context.workgroup;
  return context.host.empty() ? std::string() : "host " + context.host;
}

std::string_view DefaultOperation(Phase phase) {
  switch (phase) {
    case Phase::kLogin: return "log in";
    case Phase::kQuery: return "query";
    case Phase::kUnload: return "UNLOAD";
  }
  return "query";
}

}  // namespace

std::string GrantStatements(const FailureContext& context) {
  const std::string user = IdentOr(context.user, "\"<database user>\"");
  if (context.schema.empty()) {
    return "GRANT USAGE on the schema of each table that is read, and GRANT SELECT on the table" +
           (context.table.empty() ? "" : " " + IdentOr(context.table, "")) + ", TO " + user + ".";
  }
  const std::string schema = IdentOr(context.schema, "\"<schema>\"");
  const std::string tables = context.table.empty()
                                 ? "ALL TABLES IN SCHEMA " + schema
                                 : "TABLE " + schema + "." + IdentOr(context.table, "\"<table>\"");
  return "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";\nGRANT SELECT ON " + tables +
         " TO " + user + ";";
}

base::ErrorInfo Classify(Phase phase, const ServerFailure& failure, const FailureContext& context) {
  const std::string text = failure.message + "\n" + failure.detail;
  const std::string lower = Lower(text);
  const Row& row = Find(phase, failure.sqlstate, lower);
  const std::string object = NameAfter(text, lower, row.object_after);
  // The server's word outranks the caller's: a query may name several tables.
  FailureContext known = context;
  if (row.object_after == "for schema " || row.object_after == "schema ") {
    if (object != known.schema) known.table.clear();
    known.schema = object;
  }
  if (row.object_after == "for relation " && known.schema.empty()) known.table = object;
  if (phase == Phase::kLogin && row.object_after == "user ") known.user = object;
  const Fields fields = {{"user", Or(known.user, "<database user>")},
                         {"user_ident", IdentOr(known.user, "\"<database user>\"")},
                         {"host", Or(known.host, "<host>")},
                         {"port", known.port == 0 ? "5439" : std::to_string(known.port)},
                         {"database", Or(known.database, "<database>")},
                         {"workgroup", Or(known.workgroup, "<workgroup>")},
                         {"bucket", Or(known.bucket, "<bucket>")},
                         {"region", Or(known.bucket_region, "<region>")},
                         {"grants", GrantStatements(known)},
                         {"object", Or(object, "<name>")},
                         {"object_ident", IdentOr(object, "\"<name>\"")},
                         {"s3", DescribeS3(text)},
                         {"text", Mask(failure.message)},
                         {"syntax", SyntaxError(failure.message)},
                         {"state", Or(failure.sqlstate, "unknown")}};
  return {.code = row.code,
          .operation = Or(context.operation, std::string(DefaultOperation(phase)).c_str()),
          .subject = Subject(context),
          .message = Fill(row.message, fields),
          .remedy = Fill(row.remedy, fields),
          .retryable = row.retryable,
          .in_doubt = row.in_doubt,
          .reason = std::string(row.reason),
          .facts = fields};
}

}  // namespace sluice::redshift
