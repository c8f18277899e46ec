// What any statement can be answered. Redshift answers XX000 to many user errors, so text counts
// first, and its block of error, code and context as much as its first line.
#include <array>

#include "redshift/sqlstate_table.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

constexpr std::string_view kRediscover =
    "See what this login can read: sluice discover. If the table is there for others, it is not "
    "granted:\n{grants}";

constexpr std::string_view kValue =
    "The rows hold a value that the statement cannot take. Correct it in the rows; a view, or a "
    "query of the stream, can leave it out or convert it another way (TRY_CAST, NULLIF). {look}";

constexpr std::array kStatementRows = {
    ServerErrorRow{kStatement, "", "transaction is read-only", ErrorCode::kSource, kFinal, kKnown,
                   "", "the transaction is read-only, and UNLOAD needs one that is not",
                   "ALTER USER {user_ident} RESET default_transaction_read_only;"},
    ServerErrorRow{
        kStatement, "", "permission denied for relation svv_", ErrorCode::kPermission, kFinal,
        kKnown, "for relation ", "database user {user} may not read the catalog's view {object}",
        "A superuser of the database runs:\nGRANT SELECT ON pg_catalog.{object} TO {user_ident};",
        "no_catalog"},
    ServerErrorRow{kStatement, "", "permission denied for relation", ErrorCode::kPermission, kFinal,
                   kKnown, "for relation ", "database user {user} may not read table {object}",
                   "The table's owner or a superuser runs:\n{grants}", "no_select"},
    ServerErrorRow{kStatement, "", "permission denied for schema", ErrorCode::kPermission, kFinal,
                   kKnown, "for schema ", "database user {user} may not use schema {object}",
                   "The schema's owner or a superuser runs:\n{grants}", "no_usage"},
    // Rules on rows and columns.
    ServerErrorRow{
        kStatement, "",
        "row-level security|row level security|rls-protected|rls protected|rls polic| rls ",
        ErrorCode::kPermission, kFinal, kKnown, "",
        "row-level security of the table does not let {user} read it: {text}",
        "A security administrator attaches a policy for this user (ATTACH RLS POLICY ... "
        "TO {user_ident}), or lets it read all rows: GRANT IGNORE RLS TO ROLE <role>; "
        "Without a policy of its own a user sees no row.",
        "row_security"},
    ServerErrorRow{
        kStatement, "", "masking polic|masked column|dynamic data masking|data masking",
        ErrorCode::kPermission, kFinal, kKnown, "",
        "a masking policy of a column fails for {user}: {text}",
        "The mask must give the column's own type, and {user} needs SELECT on what its "
        "expression reads. A security administrator corrects it, or attaches another for "
        "this user: ATTACH MASKING POLICY ... TO {user_ident}; or list the other columns "
        "under `columns` of the stream.",
        "masking"},

    ServerErrorRow{kStatement, "42501", "", ErrorCode::kPermission, kFinal, kKnown, "",
                   "database user {user} may not do this: {text}",
                   "The table's owner or a superuser runs:\n{grants}", "not_granted"},
    ServerErrorRow{kStatement, "", "permission denied", ErrorCode::kPermission, kFinal, kKnown, "",
                   "database user {user} may not do this: {text}",
                   "The table's owner or a superuser runs:\n{grants}", "not_granted"},
    // Without a name it is error 1018: the table was replaced after the transaction's snapshot.
    ServerErrorRow{kStatement, "", "relation does not exist", ErrorCode::kConflict, kRetry, kKnown,
                   "", "the table was replaced while it was read", "Run again."},
    ServerErrorRow{kStatement, "", "serializable isolation violation", ErrorCode::kConflict, kRetry,
                   kKnown, "", "the transaction met another one that wrote to the same table",
                   "Run again."},
    ServerErrorRow{kStatement, "40001", "", ErrorCode::kConflict, kRetry, kKnown, "",
                   "the transaction met another one that wrote to the same table", "Run again."},
    ServerErrorRow{kStatement, "", "concurrent ddl committed", ErrorCode::kConflict, kRetry, kKnown,
                   "", "the table was changed while it was read", "Run again."},
    ServerErrorRow{kStatement, "42P01", "", ErrorCode::kNotFound, kFinal, kKnown, "relation ",
                   "table {object} does not exist, or this login cannot see it", kRediscover,
                   "no_table"},
    ServerErrorRow{kStatement, "", "does not exist in the database", ErrorCode::kNotFound, kFinal,
                   kKnown, "relation ",
                   "table {object} does not exist, or this login cannot see it", kRediscover,
                   "no_table"},
    ServerErrorRow{kStatement, "3F000", "", ErrorCode::kNotFound, kFinal, kKnown, "schema ",
                   "schema {object} does not exist, or this login cannot see it", kRediscover,
                   "no_schema"},
    ServerErrorRow{kStatement, "42703", "", ErrorCode::kNotFound, kFinal, kKnown, "column ",
                   "column {object} does not exist",
                   "Correct the name, or see what there is: sluice discover", "no_column"},
    ServerErrorRow{kStatement, "25P02", "", ErrorCode::kInternal, kFinal, kKnown, "",
                   "a statement was sent in a transaction that had failed",
                   "This is a defect in Sluice; please report it with the command used."},
    ServerErrorRow{kStatement, "42601", "", ErrorCode::kSource, kFinal, kKnown, "",
                   "the server does not understand the query: {text}", "{look}"},
    ServerErrorRow{kStatement, "42883", "", ErrorCode::kSource, kFinal, kKnown, "",
                   "the query calls a function or operator that Redshift does not have: {text}",
                   "{look}"},

    // Ended by the workgroup or by a person. SQLSTATE 57014 and XX000 alike.
    ServerErrorRow{
        kStatement, "", "query monitoring rule", ErrorCode::kTimeout, kFinal, kKnown,
        "query monitoring rule ",
        "the workgroup ended the statement by its query monitoring rule {object}: {text}",
        "The statement passed a limit of that rule. Raise it or exempt database user {user} "
        "(workgroup {workgroup}, Limits, Query limits; or its query queues), or make the statement "
        "smaller: fewer columns, or the stream in pieces.",
        "monitoring_rule"},
    ServerErrorRow{kStatement, "", "by wlm|wlm*abort|wlm*timeout|wlm query|max_query_|query limit",
                   ErrorCode::kTimeout, kFinal, kKnown, "",
                   "a query limit of the workgroup ended the statement: {text}",
                   "See the workgroup's query limits (workgroup {workgroup}, Limits, Query limits, "
                   "such as max_query_execution_time) and raise the one that is named, or make the "
                   "statement smaller: fewer columns, or the stream in pieces.",
                   "monitoring_rule"},
    ServerErrorRow{
        kStatement, "", "usage limit", ErrorCode::kUnavailable, kFinal, kKnown, "",
        "the workgroup's usage limit is reached: {text}",
        "Raise or remove the limit (workgroup {workgroup}, Limits, Manage usage limits), "
        "or wait until its period (day, week or month) ends. Until then the workgroup "
        "runs no statement.",
        "usage_limit"},
    ServerErrorRow{kStatement, "", "system requested abort|abort query|[code 1020]",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "the workgroup itself ended the statement: {text}",
                   "Sluice tries again by itself. If it comes back, the workgroup is short of "
                   "capacity, or one of its limits ends such statements: see Limits of workgroup "
                   "{workgroup}, or raise its base capacity.",
                   "system_abort"},
    ServerErrorRow{
        kStatement, "57014", "", ErrorCode::kTimeout, kFinal, kKnown, "",
        "the server cancelled the statement: its time limit passed, or an administrator ended it",
        "See the limits: SHOW statement_timeout; and the workgroup's max_query_execution_time."},
    ServerErrorRow{kStatement, "", "canceled on user|cancelled on user", ErrorCode::kTimeout,
                   kFinal, kKnown, "",
                   "the server cancelled the statement: its time limit passed, or an administrator "
                   "ended it",
                   "See the limits: SHOW statement_timeout; and the workgroup's "
                   "max_query_execution_time."},

    // What another transaction did.
    ServerErrorRow{kStatement, "",
                   "conflict with concurrent transaction|deadlock detected|could not serialize|"
                   "concurrent update|[code 1023]",
                   ErrorCode::kConflict, kRetry, kKnown, "",
                   "the transaction met another one that wrote to the same table", "Run again."},
    ServerErrorRow{kStatement, "40P01", "", ErrorCode::kConflict, kRetry, kKnown, "",
                   "the transaction met another one that wrote to the same table", "Run again."},

    // The server goes away or has no room.
    ServerErrorRow{kStatement, "",
                   "leader node*restart|restarted|cluster is restarting|is restarting|is shutting "
                   "down|in recovery mode|being resized|resize in progress|in "
                   "maintenance|failed to connect to*node|lost connection to*node|communication "
                   "error|connection to leader",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "the workgroup restarted or changed its size while the statement ran: {text}",
                   "Sluice tries again by itself. If it lasts, look at the workgroup's status in "
                   "the console: it must be Available.",
                   "restarted"},
    ServerErrorRow{kStatement, "", "disk full|[code 1016]|no space left", ErrorCode::kUnavailable,
                   kRetry, kKnown, "", "the workgroup's disk is full (SQLSTATE {state}): {text}",
                   "The workgroup has no room for the statement beside what runs there now. Raise "
                   "its base capacity (RPUs), or make the statement smaller: fewer columns, or the "
                   "stream in pieces.",
                   "capacity"},
    ServerErrorRow{
        kStatement, "",
        "insufficient memory|out of memory|not enough memory|memory to run query|std::bad_"
        "alloc|resource temporarily unavailable*pool",
        ErrorCode::kUnavailable, kRetry, kKnown, "",
        "the workgroup has not enough memory for the statement (SQLSTATE {state}): {text}",
        "Raise the workgroup's base capacity (RPUs), or make the statement smaller: "
        "fewer columns, or the stream in pieces.",
        "capacity"},

    // Tables that lie elsewhere: Spectrum, catalogs, datashares, federation.
    // https://docs.aws.amazon.com/redshift/latest/dg/c-spectrum-troubleshooting.html
    ServerErrorRow{
        kStatement, "",
        "spectrum*accessdenied|spectrum*access denied|spectrum*forbidden|spectrum*error "
        "code: 403|s3 query exception*accessdenied|s3 query exception*forbidden|s3 query "
        "exception*access denied|s3query exception*forbidden",
        ErrorCode::kPermission, kFinal, kKnown, "",
        "the files of the external table may not be read: {text}",
        "The IAM role of the external schema (SELECT * FROM svv_external_schemas;) needs "
        "s3:GetObject and s3:ListBucket on the table's files, and kms:Decrypt if they are "
        "encrypted with a KMS key; with Lake Formation, SELECT on the table.",
        "external_denied"},
    ServerErrorRow{
        kStatement, "",
        "spectrum*slowdown|spectrum*slow down|spectrum*reduce your request|spectrum*error "
        "code: 503|spectrum*error code: 500|spectrum*timed out|retries exceeded|boost::"
        "thread_resource|s3 query exception*internal error|spectrum*throttl|spectrum*"
        "internal error",
        ErrorCode::kUnavailable, kRetry, kKnown, "",
        "reading the files of an external table failed: {text}",
        "Sluice tries again by itself. If it lasts, S3 or Redshift Spectrum is "
        "overloaded: many small files are the usual cause.",
        "external_failed"},
    ServerErrorRow{kStatement, "",
                   "spectrum*incompatible|spectrum*not parquet|s3 query exception*incompatible|"
                   "spectrum*invalid*file|spectrum*parse|spectrum*corrupt",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "a file of the external table is not what the table says: {text}",
                   "Column types of the external table and of its files must agree: correct the "
                   "table (ALTER TABLE, or the crawler), or list the other columns under `columns` "
                   "of the stream.",
                   "external_data"},
    ServerErrorRow{
        kStatement, "",
        "spectrum*nosuchkey|spectrum*error code: 404|spectrum*not exist|spectrum*no such",
        ErrorCode::kNotFound, kFinal, kKnown, "", "a file of the external table is gone: {text}",
        "The files were replaced or removed while, or since, the table was registered: "
        "refresh its partitions (MSCK REPAIR TABLE, or the crawler).",
        "external_data"},
    ServerErrorRow{kStatement, "",
                   "spectrum scan|spectrum|s3 query exception|s3query exception|[code 15",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "reading the files of an external table failed: {text}",
                   "The words above are of Redshift Spectrum. More of it: SELECT * FROM "
                   "svl_s3log; or sys_external_query_error, for this query. {look}",
                   "external_failed"},
    ServerErrorRow{kStatement, "", "lake formation|lakeformation", ErrorCode::kPermission, kFinal,
                   kKnown, "", "Lake Formation does not let the table be read: {text}",
                   "Its administrator grants SELECT on the table, and DESCRIBE on its database, to "
                   "the IAM role of the external schema (SELECT * FROM svv_external_schemas;).",
                   "external_denied"},
    ServerErrorRow{kStatement, "",
                   "external catalog*throttl|external catalog*rate exceeded|external catalog*timed "
                   "out|glue*throttl|glue*rate exceeded",
                   ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "the catalog of the external schema did not answer: {text}",
                   "Sluice tries again by itself.", "external_failed"},
    ServerErrorRow{
        kStatement, "",
        "external catalog error|external schema|external database|glue catalog|glue data "
        "catalog|hive metastore|failed to incorporate external table|incorporate "
        "external|data catalog",
        ErrorCode::kSource, kFinal, kKnown, "", "the external schema cannot be used: {text}",
        "Its definition must name a catalog and database that exist, and a role that may "
        "read them, attached to the namespace: SELECT * FROM svv_external_schemas;",
        "external_schema"},
    ServerErrorRow{kStatement, "",
                   "remote server|federated quer|federated table|foreign server|secrets manager",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "the database behind the external schema failed: {text}",
                   "The federated database must be reachable from the workgroup's VPC, and the "
                   "secret of the external schema must hold a user that may read the table.",
                   "external_schema"},
    ServerErrorRow{kStatement, "",
                   "datashare*not authorized|datashare*permission|datashare*denied|datashare*not "
                   "accessible|datashare*inaccessible|shared database*permission|shared "
                   "database*not authorized|usage*on datashare",
                   ErrorCode::kPermission, kFinal, kKnown, "",
                   "the datashare does not let the table be read: {text}",
                   "In the producer: authorize the share for this namespace, and add schema and "
                   "table to it (ALTER DATASHARE ... ADD). Here, an administrator runs:\n"
                   "GRANT USAGE ON DATABASE <shared database> TO {user_ident};",
                   "datashare"},
    ServerErrorRow{
        kStatement, "",
        "datashare|shared database|cross-database|producer cluster|"
        "producer namespace",
        ErrorCode::kSource, kFinal, kKnown, "", "the table of a datashare cannot be read: {text}",
        "Look at the share in the producer and here: SHOW DATASHARES; SELECT * FROM "
        "svv_datashares; its status must be available, and the producer must be running.",
        "datashare"},

    // Values.
    ServerErrorRow{kStatement, "22", "", ErrorCode::kSource, kFinal, kKnown, "",
                   "a value cannot be converted or computed (SQLSTATE {state}): {text}", kValue,
                   "bad_value"},
    ServerErrorRow{kStatement, "",
                   "invalid digit|invalid input syntax|numeric data overflow|overflow|out of range|"
                   "division by zero|divide by zero|cannot cast|cannot be cast|invalid utf8|"
                   "unsupported utf8|bad utf8|value too long|invalid timestamp|invalid date|"
                   "[code 1207]|[code 1058]|[code 8001]*string contains",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "a value cannot be converted or computed: {text}", kValue, "bad_value"},

    // Redshift's own failures.
    ServerErrorRow{kStatement, "XX", "assert|[code 1000]|internal error|segmentation fault",
                   ErrorCode::kSource, kFinal, kKnown, "",
                   "the server failed inside itself: {text}",
                   "This is a fault of Redshift, not of the configuration: give AWS Support the "
                   "words above. Until it is fixed, leaving columns out (`columns` of the stream) "
                   "or another query often avoids it. {look}",
                   "server_fault"},
    ServerErrorRow{kStatement, "57P", "", ErrorCode::kUnavailable, kRetry, kInDoubt, "",
                   "the server is shutting down or restarting", "Run again."},
    ServerErrorRow{kStatement, "08", "", ErrorCode::kUnreachable, kRetry, kInDoubt, "",
                   "the connection failed (SQLSTATE {state})", "Run again."},
    ServerErrorRow{kStatement, "53300", "", ErrorCode::kThrottled, kRetry, kKnown, "",
                   "the workgroup has no connection left",
                   "Wait, or lower the number of parallel streams."},
    ServerErrorRow{kStatement, "53", "", ErrorCode::kUnavailable, kRetry, kKnown, "",
                   "the workgroup ran out of memory, disk or another resource (SQLSTATE {state})",
                   "Run again later, or raise the workgroup's capacity."},
    ServerErrorRow{kStatement, "", "", ErrorCode::kSource, kFinal, kKnown, "",
                   "the server refused the statement (SQLSTATE {state}): {text}", "{look}"},
};

}  // namespace

std::span<const ServerErrorRow> StatementRows() { return kStatementRows; }

}  // namespace sluice::redshift
