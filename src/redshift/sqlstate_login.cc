// What can be answered to a log-in. libpq gives no SQLSTATE here, so the text is all there is; with
// "FATAL:" in it, a server has answered, so whatever failed it was not the way to it.
#include <array>

#include "redshift/sqlstate_table.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

constexpr std::string_view kReach =
    "Check, in this order:\n"
    "1. redshift.host and redshift.port are those of the workgroup's endpoint;\n"
    "2. the workgroup is publicly accessible, or this machine has a path into its VPC;\n"
    "3. its security group has an inbound rule: TCP, port {port}, from this machine's address.\n"
    "A proxy (HTTPS_PROXY) does not help here: the database's protocol does not go through it.";

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

constexpr std::string_view kAnswered =
    "The server was reached and answered, so host, port and TLS are right: its own text tells why. "
    "Compare redshift.database ({database}), and ask an administrator of the database what "
    "{user} may do.";

constexpr std::string_view kUsageLimit =
    "Raise or remove the limit (workgroup {workgroup}, Limits, Manage usage limits), or wait until "
    "its period (day, week or month) ends. Until then the workgroup runs no statement.";

constexpr std::array kLoginRows = {
    ServerErrorRow{
        kAny, "", "iam authentication token has expired", ErrorCode::kAuthentication, kRetry,
        kKnown, "", "the temporary password has expired",
        "Run again. If it stays, set this machine's clock: an hour's password was past its time.",
        "password_expired"},
    ServerErrorRow{
        kLogin, "", "iam authentication failed for user", ErrorCode::kAuthentication, kFinal,
        kKnown, "", "the workgroup refused the temporary password of database user {user}",
        "Check that redshift.workgroup names the workgroup behind redshift.host: a password is "
        "good "
        "for the workgroup it was made for.",
        "password_refused"},
    ServerErrorRow{
        kLogin, "", "password authentication failed for user", ErrorCode::kAuthentication, kFinal,
        kKnown, "", "the server refused the password of database user {user}",
        "Temporary passwords are refused in this way when the connection is not encrypted: check "
        "that no proxy between here and {host}:{port} takes TLS away.",
        "password_refused"},
    ServerErrorRow{
        kLogin, "", "no pg_hba.conf entry", ErrorCode::kAuthentication, kFinal, kKnown, "",
        "the server has no rule that lets database user {user} in from here",
        "Check that {host}:{port} is the workgroup's endpoint, and reached without a proxy."},
    ServerErrorRow{
        kLogin, "", "unrecognized configuration parameter", ErrorCode::kInvalidConfig, kFinal,
        kKnown, "", "the server does not know a parameter of the log-in: {text}",
        "Unset PGDATESTYLE, PGTZ and PGGEQO. A proxy in between may add parameters, too."},
    ServerErrorRow{
        kLogin, "", "permission denied to set parameter", ErrorCode::kInvalidConfig, kFinal, kKnown,
        "", "the server refuses a parameter of the log-in: {text}",
        "Unset PGDATESTYLE, PGTZ and PGGEQO. A proxy in between may add parameters, too."},
    ServerErrorRow{
        kLogin, "", "authentication method ", ErrorCode::kUnsupported, kFinal, kKnown, "",
        "the server asks for a way to log in that libpq does not know: database user {user} has a "
        "stored password",
        "ALTER USER {user_ident} PASSWORD DISABLE;   -- then only temporary passwords count",
        "stored_password"},
    ServerErrorRow{kLogin, "", "connection limit", ErrorCode::kThrottled, kRetry, kKnown, "",
                   "the workgroup has no connection left",
                   "Wait, or lower the number of parallel streams.", "connection_limit"},
    ServerErrorRow{kLogin, "", "too many connections", ErrorCode::kThrottled, kRetry, kKnown, "",
                   "the workgroup has no connection left",
                   "Wait, or lower the number of parallel streams.", "connection_limit"},
    ServerErrorRow{
        kLogin, "", "could not translate host name", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the name {host} does not exist, or this machine's DNS does not know it",
        "Paste the endpoint from the console again. A workgroup that was deleted or re-created has "
        "another name or none."},
    ServerErrorRow{kLogin, "", "connection refused", ErrorCode::kUnreachable, kFinal, kKnown, "",
                   "{host}:{port} refuses connections: nothing listens there", kReach},
    ServerErrorRow{kLogin, "", "no route to host", ErrorCode::kUnreachable, kFinal, kKnown, "",
                   "there is no network path to {host}:{port}", kReach},
    ServerErrorRow{kLogin, "", "network is unreachable", ErrorCode::kUnreachable, kFinal, kKnown,
                   "", "there is no network path to {host}:{port}", kReach},
    ServerErrorRow{kLogin, "", "certificate verify failed", ErrorCode::kUnreachable, kFinal, kKnown,
                   "", "the certificate of {host} is not one we trust, or has expired", kRoots},
    ServerErrorRow{
        kLogin, "", "does not match host name", ErrorCode::kUnreachable, kFinal, kKnown, "",
        "the server's certificate is not for {host}",
        "Set redshift.host to the workgroup's own endpoint instead of an alias, an address or a "
        "load "
        "balancer."},
    ServerErrorRow{kLogin, "", "could not get server's host name from server certificate",
                   ErrorCode::kUnreachable, kFinal, kKnown, "",
                   "the server's certificate names no host",
                   "Set redshift.host to the workgroup's own endpoint."},
    ServerErrorRow{kLogin, "", "server does not support ssl", ErrorCode::kUnreachable, kFinal,
                   kKnown, "", "{host}:{port} does not offer TLS", kProxy},
    ServerErrorRow{kLogin, "", "root certificate file", ErrorCode::kInvalidConfig, kFinal, kKnown,
                   "", "the file of trusted certificates is missing or cannot be read", kRoots},
    ServerErrorRow{kLogin, "", "invalid response to ssl negotiation", ErrorCode::kInvalidConfig,
                   kFinal, kKnown, "", "what answers at {host}:{port} is not a Redshift",
                   kNotRedshift},
    ServerErrorRow{kLogin, "", "expected authentication request", ErrorCode::kInvalidConfig, kFinal,
                   kKnown, "", "what answers at {host}:{port} is not a Redshift", kNotRedshift,
                   "not_redshift"},
    ServerErrorRow{kLogin, "", "wrong version number", ErrorCode::kInvalidConfig, kFinal, kKnown,
                   "", "what answers at {host}:{port} is not a Redshift", kNotRedshift},
    ServerErrorRow{kLogin, "", "timed out", ErrorCode::kUnreachable, kRetry, kKnown, "",
                   "{host}:{port} stays silent: {text}", kReach},
    ServerErrorRow{kLogin, "", "timeout expired", ErrorCode::kUnreachable, kRetry, kKnown, "",
                   "{host}:{port} stays silent", kReach},
    ServerErrorRow{kLogin, "", "user \"*does not exist", ErrorCode::kNotFound, kFinal, kKnown,
                   "user ", "database user {object} does not exist",
                   "An administrator of the database runs:\n"
                   "CREATE USER {object_ident} PASSWORD DISABLE;\n{grants}",
                   "user_missing"},
    ServerErrorRow{
        kLogin, "", "database \"*does not exist", ErrorCode::kNotFound, kFinal, kKnown, "database ",
        "database {object} does not exist in the workgroup",
        "Set redshift.database; a new namespace has one called dev. Names are case-sensitive.",
        "database_missing"},
    ServerErrorRow{
        kLogin, "", "cannot connect to shared database|cannot connect to database*datashare",
        ErrorCode::kUnsupported, kFinal, kKnown, "database ",
        "database {object} is shared by a datashare or catalog, and takes no log-ins",
        "Set redshift.database to a database of the workgroup itself (a new namespace has one "
        "called dev), and read the shared one from there by a query with its three names:\n"
        "streams:\n"
        "  - name: orders\n"
        "    sql: SELECT * FROM {object}.<schema>.<table>",
        "shared_database"},
    ServerErrorRow{kLogin, "",
                   "permission*to connect to database|permission denied for database|not "
                   "authorized to connect to database",
                   ErrorCode::kPermission, kFinal, kKnown, "database ",
                   "database user {user} may not connect to database {object}",
                   "An administrator of the database runs:\n"
                   "GRANT USAGE ON DATABASE {object_ident} TO {user_ident};\n"
                   "or set redshift.database to one that this user may use.",
                   "no_connect"},
    ServerErrorRow{kLogin, "", "usage limit|reached*limit*rpu|limit*has been reached",
                   ErrorCode::kUnavailable, kFinal, kKnown, "",
                   "the workgroup's usage limit is reached: {text}", kUsageLimit, "usage_limit"},
    ServerErrorRow{kLogin, "", "remaining connection slots|reserved for*superuser",
                   ErrorCode::kThrottled, kRetry, kKnown, "",
                   "the workgroup has no connection left",
                   "Wait, or lower the number of parallel streams.", "connection_limit"},
    ServerErrorRow{
        kLogin, "",
        "starting up|shutting down|restart|resum|in recovery|maintenance|not currently "
        "accepting|not accepting connections|is not available|temporarily unavailable|fatal:*"
        "terminat|being modified|resizing|is paused|server is busy",
        ErrorCode::kUnavailable, kRetry, kKnown, "",
        "the workgroup takes no log-ins at the moment: {text}",
        "Sluice tries again by itself. If it lasts, look at the workgroup's status in the console: "
        "it must be Available.",
        "not_ready"},
    ServerErrorRow{
        kLogin, "",
        "not permitted to log in|not allowed to log in|account is locked|account*"
        "disabled|user*is disabled|user*is locked|password*has expired|valid until|"
        "password*expired",
        ErrorCode::kAuthentication, kFinal, kKnown, "",
        "the server does not let database user {user} in: {text}",
        "An administrator of the database looks at the user: SELECT * FROM svv_user_info "
        "WHERE user_name = '{user}';\nand allows it to log in:\n"
        "ALTER USER {user_ident} VALID UNTIL 'infinity';",
        "user_locked"},
    ServerErrorRow{kLogin, "",
                   "identity provider|saml assertion|jwt token|access token|invalid token|token is "
                   "invalid|identity center",
                   ErrorCode::kAuthentication, kFinal, kKnown, "",
                   "the server refuses the way to log in: {text}",
                   "Sluice logs in with passwords that AWS makes for IAM identities. The database "
                   "user {user} must not belong to another identity provider: let AWS derive one "
                   "(sluice setup sql)."},
    ServerErrorRow{
        kLogin, "",
        "fatal:*ssl*required|fatal:*ssl off|fatal:*ssl is off|fatal:*"
        "encryption is required",
        ErrorCode::kAuthentication, kFinal, kKnown, "",
        "the server says that the connection is not encrypted: {text}",
        "Connect to the workgroup itself: something between here and {host}:{port} takes "
        "TLS away."},
    ServerErrorRow{kLogin, "", "out of memory|insufficient memory|disk full",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "the workgroup has no room for another session: {text}",
                   "Run again later, or raise the workgroup's capacity."},
    ServerErrorRow{kLogin, "", "unsupported frontend protocol", ErrorCode::kInvalidConfig, kFinal,
                   kKnown, "", "what answers at {host}:{port} is not a Redshift", kNotRedshift,
                   "not_redshift"},
    ServerErrorRow{kLogin, "",
                   "fatal:*rejects|fatal:*permission|fatal:*not authorized|fatal:*"
                   "privilege",
                   ErrorCode::kPermission, kFinal, kKnown, "",
                   "the server refuses the log-in: {text}", kAnswered, "login_refused"},
    ServerErrorRow{kLogin, "", "fatal:", ErrorCode::kSource, kFinal, kKnown, "",
                   "the server refuses the log-in: {text}", kAnswered, "login_refused"},
    ServerErrorRow{kLogin, "", "terminat", ErrorCode::kUnreachable, kRetry, kKnown, "",
                   "the server closed the connection during the log-in", kReach},
    ServerErrorRow{kLogin, "", "closed the connection unexpectedly", ErrorCode::kUnreachable,
                   kRetry, kKnown, "", "the server closed the connection during the log-in",
                   kReach},
    ServerErrorRow{kLogin, "", "connection reset by peer", ErrorCode::kUnreachable, kRetry, kKnown,
                   "", "the server closed the connection during the log-in", kReach},
    ServerErrorRow{kLogin, "", "ssl error", ErrorCode::kUnreachable, kFinal, kKnown, "",
                   "TLS with {host}:{port} failed: {text}", kProxy},
    ServerErrorRow{kLogin, "", "ssl syscall error", ErrorCode::kUnreachable, kRetry, kKnown, "",
                   "TLS with {host}:{port} failed: {text}", kProxy},
    ServerErrorRow{kLogin, "", "", ErrorCode::kUnreachable, kFinal, kKnown, "",
                   "the log-in at {host}:{port} failed: {text}", kReach},
};

}  // namespace

std::span<const ServerErrorRow> LoginRows() { return kLoginRows; }

}  // namespace sluice::redshift
