// What can be found from the database user to the destination.
#include "check/finding.h"

namespace sluice::check {
namespace {

using enum Severity;

constexpr std::string_view kObjects =
    "Add to the policy of the role or user that connects:\n"
    "{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\",\"s3:DeleteObject\","
    "\"s3:AbortMultipartUpload\",\"s3:ListMultipartUploadParts\"],\n"
    " \"Resource\":\"arn:aws:s3:::{bucket}/{root}*\"}\n"
    "If the bucket is of another account, its own policy must allow the role or user, too; that "
    "account's administrator sets what this prints:\n  sluice setup bucket --bucket-account ID";

constexpr std::string_view kList =
    "Add to the policy of the role or user that connects (on the bucket itself, without a path):\n"
    "{\"Effect\":\"Allow\",\"Action\":[\"s3:ListBucket\",\"s3:GetBucketLocation\","
    "\"s3:ListBucketMultipartUploads\"],\n \"Resource\":\"arn:aws:s3:::{bucket}\"}\n"
    "If the bucket is of another account, its own policy must allow the role or user, too; that "
    "account's administrator sets what this prints:\n  sluice setup bucket --bucket-account ID";

constexpr std::string_view kKms =
    "If the bucket's policy requires encryption with a KMS key, say so in sluice.yaml:\n"
    "  staging: { kms_key: auto }        # the bucket's default key, or the ARN of another\n"
    "and the role or user that connects needs kms:GenerateDataKey and kms:Decrypt on that key.\n"
    "If it denies for another reason, let it allow us; to see it:\n"
    "  aws s3api get-bucket-policy --bucket {bucket}";

constexpr std::string_view kLifecycle =
    "One rule for what a dead run leaves. `aws s3api put-bucket-lifecycle-configuration` replaces "
    "all rules of bucket {bucket}, so add it to those that are there:\n"
    "{\"Rules\":[{\"ID\":\"sluice-staging\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"{root}"
    "\"},"
    "\n  \"Expiration\":{\"Days\":2},\"NoncurrentVersionExpiration\":{\"NoncurrentDays\":1},\n"
    "  \"AbortIncompleteMultipartUpload\":{\"DaysAfterInitiation\":2}}]}";

constexpr FindingKind kDataKinds[] = {
    {"database_user.ok", Step::kDatabaseUser, kOk, "", "", ""},
    {"database_user.unexpected", Step::kDatabaseUser, kFailure,
     "The server reports another database user",
     "The server reports another user for this session than the one that logged in.",
     "Is there a proxy between Sluice and the workgroup? Connect to the workgroup itself, not to "
     "{host}."},
    {"database_user.superuser", Step::kDatabaseUser, kWarning, "The database user is a superuser",
     "This user may read and change everything. AWS gives that to the identity that created the "
     "namespace.",
     "Use a role of its own for Sluice instead of {arn}, with grants on what it is to read."},

    {"streams.ok", Step::kStreams, kOk, "", "", ""},
    {"streams.none_visible", Step::kStreams, kFailure, "No schema can be seen",
     "The log-in works, but the user may use no schema, so no table can be read.",
     "As an administrator of the database:\n{grants}"},
    {"streams.no_schema", Step::kStreams, kFailure, "The schema does not exist",
     "Database {database} has no schema {schema}, or hides it from this user.",
     "{did_you_mean}Correct the stream's table, or redshift.database ({database}). What this user "
     "may use: {usable}. To see more: sluice discover"},
    {"streams.no_usage", Step::kStreams, kFailure, "The schema may not be used",
     "Without USAGE on schema {schema} none of its tables can be read, whatever is granted on them."
     "{usable_note}",
     "As an administrator of the database:\n{grant_table}"},
    {"streams.no_select", Step::kStreams, kFailure, "The table may not be read",
     "The table is there, but {db_user} has no SELECT on it.",
     "As an administrator of the database:\n{grant_table}"},
    {"streams.later_table", Step::kStreams, kFailure, "The table was created after the grant",
     "Other tables of schema {schema} can be read, this one cannot. GRANT ... ON ALL TABLES covers "
     "the tables of that moment; those created later are not among them.",
     "As an administrator of the database:\n"
     "GRANT SELECT ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{db_user}\";\n"
     "and for tables to come, as the user who creates them or a superuser:\n"
     "ALTER DEFAULT PRIVILEGES FOR USER \"{owner}\" IN SCHEMA \"{schema}\" GRANT SELECT ON TABLES "
     "TO "
     "\"{db_user}\";"},
    {"streams.granted_to_other", Step::kStreams, kFailure,
     "The grants went to another database user",
     "User \"{other_user}\" may read the table; the session is \"{db_user}\". To the database "
     "these "
     "are two users: AWS's prefix and the case are part of the name.",
     "Grant to the user who logs in. As an administrator of the database:\n{grant_table}"},
    {"streams.no_table", Step::kStreams, kFailure, "The table does not exist",
     "Schema {schema} has no table {table}, or hides it from this user.",
     "{did_you_mean}Correct the stream's table. To see what there is: sluice discover {schema}"},
    {"streams.column_grants", Step::kStreams, kFailure, "Only some columns may be read",
     "SELECT is granted on some columns only: {columns_granted}. {columns_missing} would be left "
     "out silently.",
     "Grant the table:\n{grant_table}\n"
     "or say that the others are enough, in the stream:\n  columns: [{columns_granted}]"},
    {"streams.no_column", Step::kStreams, kFailure, "A column does not exist",
     "The stream names a column that its table or query does not have.", "{remedy}"},
    {"streams.not_granted", Step::kStreams, kFailure, "Something in the query may not be read",
     "The stream's query reads what {db_user} has no right to.", "{remedy}"},
    {"streams.roles_ignored", Step::kStreams, kFailure,
     "The session tag RedshiftDbRoles gave no rights",
     "The session carries RedshiftDbRoles={db_roles}. Redshift silently ignores names of roles "
     "that do not exist.",
     "As an administrator of the database (names are separated by colons in the "
     "tag):\n{grants_roles}"},

    {"streams.no_tables", Step::kStreams, kFailure, "No table is of the patterns' names",
     "The streams are patterns of tables alone, and none of them chooses a table. A sync would "
     "have "
     "nothing to do.",
     "{remedy}"},
    {"streams.no_match", Step::kStreams, kWarning, "A pattern chooses no table",
     "No table that this user may see is of the name {pattern}, or all that are stand under "
     "exclude. A schema or a table may be misspelt, or not granted.",
     "Correct the pattern, or take it out. To see what there is: sluice discover"},
    {"streams.new_table", Step::kStreams, kAdvice, "A new table",
     "The pattern {pattern} takes tables that come later: the next sync brings it over.",
     "To leave such tables out: exclude, or new_tables: tell"},
    {"streams.not_taken", Step::kStreams, kAdvice, "A new table that is not synced",
     "The pattern {pattern} has new_tables: tell, so a table that came later waits for somebody to "
     "decide.",
     "To sync it, give it a stream of its own:\n  - table: {stream}\nTo hear no more of it, "
     "exclude "
     "it."},
    {"streams.gone", Step::kStreams, kWarning, "A table is gone at the source",
     "Nothing of it is synced any more. Its rows at the destination stay as they are.",
     "If that is not meant, look whether it was renamed, or a grant was taken back: sluice "
     "discover"},
    {"streams.column_missing", Step::kStreams, kFailure,
     "A column that the stream needs is not there",
     "{field} names {column}, and the stream has no column of exactly that name.", "{remedy}"},
    {"streams.column_ignored", Step::kStreams, kWarning,
     "A column is named that is not there, and not needed",
     "{field} names {column}, which the stream does not bring. As its modes are, a sync does not "
     "look at it.",
     "Correct {field}, or take it out."},
    {"streams.may_lose_rows", Step::kStreams, kWarning, "The stream may lose rows in silence",
     "An incremental stream reads what lies after the greatest value it has read. Rows that come "
     "later with a smaller one are not seen: texts do not sort as numbers do, a day goes on after "
     "its "
     "date was read, and a date in the future hides all before it.",
     "Do what is said above, or set sync_mode: full_refresh for the stream."},
    {"streams.cursor_type", Step::kStreams, kFailure, "The cursor cannot be followed",
     "Rows that are new are found by the order of the cursor's values.", "{remedy}"},
    {"streams.split_type", Step::kStreams, kFailure, "The column cannot be cut into ranges",
     "split.column divides a table into ranges of one width.", "{remedy}"},
    {"streams.other_cursor", Step::kStreams, kFailure, "The stream followed another column so far",
     "The destination holds how far that column was read, which says nothing of this one.",
     "{remedy}"},
    {"streams.other_shape", Step::kStreams, kFailure,
     "The stream's filter or what it hides is not what it was",
     "The rows at the destination were taken by another `where`, hidden in another way, or have "
     "their "
     "key under another name; those that do not change are not read again by themselves.",
     "{remedy}"},
    {"streams.shape", Step::kStreams, kFailure, "The stream cannot be shaped as it says",
     "`columns`, `rename`, `where`, `cast`, `hash`, `mask` and `add` are part of the statement "
     "that "
     "the source runs, and of the table at the destination.",
     "{remedy}"},
    {"streams.unreadable_column", Step::kStreams, kFailure, "A column cannot be unloaded",
     "Redshift cannot write its type to Parquet.", "{remedy}"},
    {"streams.column_twice", Step::kStreams, kFailure, "A selected column is there twice",
     "Which of the two is meant cannot be told.", "{remedy}"},
    {"streams.relation_missing", Step::kStreams, kFailure, "What the stream reads does not exist",
     "The server knows no such table or schema, or hides it from this user.", "{remedy}"},
    {"streams.view_broken", Step::kStreams, kFailure, "The view reads what is not there",
     "The catalog lists the view and its columns; what its text reads was dropped or changed "
     "since.",
     "See its text:\nSHOW VIEW {relation};\n"
     "Then create it again over what exists, or take the stream out of the configuration."},
    {"streams.view_denied", Step::kStreams, kFailure, "The view reads what this user may not",
     "SELECT on a view is not enough where it reads with the rights of its reader, as one WITH NO "
     "SCHEMA BINDING does.",
     "{remedy}"},

    {"bucket.ok", Step::kBucket, kOk, "", "", ""},
    {"bucket.region_differs", Step::kBucket, kFailure, "The bucket is in another region",
     "Requests to a bucket must go to its own region, and UNLOAD must name it.",
     "Set staging.region: {bucket_region}"},
    {"bucket.missing", Step::kBucket, kFailure, "The bucket does not exist",
     "S3 knows no bucket {bucket}. Bucket names are unique across all AWS accounts, so this name "
     "belongs to nobody.",
     "Correct staging.bucket, or create it:\n"
     "  aws s3api create-bucket --bucket {bucket} --region {asked_bucket_region} "
     "--create-bucket-configuration LocationConstraint={asked_bucket_region}\n"
     "(in us-east-1 without the last option)"},
    {"bucket.bad_name", Step::kBucket, kFailure, "This is not a bucket's name",
     "A bucket's name has lower-case letters, digits, dots and hyphens only.",
     "Give staging.bucket as the name alone, without s3:// and without a path (now {bucket})."},

    {"bucket_rights.ok", Step::kBucketRights, kOk, "", "", ""},
    {"bucket_rights.no_put", Step::kBucketRights, kFailure, "Nothing may be written",
     "Rows are written to s3://{bucket}/{root} by Redshift with our rights.", kObjects},
    {"bucket_rights.no_get", Step::kBucketRights, kFailure, "What was written may not be read",
     "Parts are fetched from s3://{bucket}/{root}.", kObjects},
    {"bucket_rights.no_list", Step::kBucketRights, kFailure, "The bucket may not be listed",
     "UNLOAD looks whether its prefix is empty, and leftovers are found by listing.", kList},
    {"bucket_rights.denied", Step::kBucketRights, kFailure, "A policy denies it outright",
     "An explicit Deny is stronger than every Allow: {action} on {resource}.", "{remedy}"},
    {"bucket_rights.limited", Step::kBucketRights, kFailure,
     "A limit above the policies refuses it",
     "A permissions boundary, a session policy, a VPC endpoint or the organization allows less "
     "than "
     "the policies do: {action} on {resource}.",
     "{remedy}"},
    {"bucket_rights.bucket_policy", Step::kBucketRights, kFailure,
     "The bucket's own policy does not allow us",
     "Across accounts both must allow it: the policy of the role or user, and that of the bucket.",
     "{remedy}"},
    {"bucket_rights.kms_denied", Step::kBucketRights, kFailure, "The KMS key may not be used",
     "The bucket encrypts with a KMS key, and {action} on it is denied. The rights on the bucket "
     "may all be there.",
     "{remedy}"},
    {"bucket_rights.kms_key", Step::kBucketRights, kFailure, "The KMS key cannot be used",
     "The key with which the bucket encrypts is missing, switched off, or of another kind or "
     "region.",
     "{remedy}"},
    {"bucket_rights.kms_demanded", Step::kBucketRights, kFailure,
     "The bucket's policy refuses the upload",
     "It refuses PutObject and nothing else: most often it requires encryption with a KMS key.",
     kKms},
    {"bucket_rights.list_incomplete", Step::kBucketRights, kFailure,
     "The list lacks what was just written",
     "The object that was just put is not in the list: leftovers could not be found.",
     "Is there a proxy or another store between Sluice and S3 (bucket {bucket})?"},
    {"bucket_rights.get_differs", Step::kBucketRights, kFailure,
     "What was read is not what was put", "What was read is not what was written.",
     "Is there a proxy or another store between Sluice and S3 (bucket {bucket})?"},
    {"bucket_rights.delete_refused", Step::kBucketRights, kFailure, "Nothing may be deleted",
     "Staged files could not be removed after a sync and would stay, with the rows in them.",
     "Allow s3:DeleteObject on arn:aws:s3:::{bucket}/{root}*\nThen remove what this check left: "
     "aws "
     "s3 rm {left_behind}"},
    {"bucket_rights.versioned", Step::kBucketRights, kAdvice, "The bucket keeps old versions",
     "A deleted file stays as an old version, with the rows in it, and is paid for.", kLifecycle},
    {"bucket_rights.no_lifecycle", Step::kBucketRights, kAdvice,
     "No lifecycle rule looks after the staging prefix",
     "Sluice removes what it wrote. A rule removes the rest if a machine fails and does not come "
     "back.",
     kLifecycle},

    {"unload.ok", Step::kUnload, kOk, "", "", ""},
    {"unload.not_allowed", Step::kUnload, kFailure, "S3 refuses what Redshift writes",
     "Redshift writes with keys made for this run; they can do no more than the identity itself.",
     kObjects},
    {"unload.kms_demanded", Step::kUnload, kFailure,
     "The bucket's policy refuses what Redshift writes",
     "A policy of the bucket refuses it: most often it requires encryption with a KMS key.", kKms},
    {"unload.no_list", Step::kUnload, kFailure, "S3 refuses to list the bucket for Redshift",
     "UNLOAD looks whether its prefix is empty.", kList},
    {"unload.denied", Step::kUnload, kFailure, "A policy denies outright what Redshift does",
     "An explicit Deny is stronger than every Allow: {action} on {resource}.", "{remedy}"},
    {"unload.limited", Step::kUnload, kFailure,
     "A limit above the policies refuses what Redshift does",
     "A permissions boundary, a session policy, a VPC endpoint or the organization allows less "
     "than "
     "the policies do: {action} on {resource}.",
     "{remedy}"},
    {"unload.bucket_policy", Step::kUnload, kFailure,
     "The bucket's own policy does not allow Redshift's request",
     "Across accounts both must allow it: the policy of the role or user, and that of the bucket.",
     "{remedy}"},
    {"unload.kms_denied", Step::kUnload, kFailure, "Redshift may not use the KMS key",
     "The bucket encrypts with a KMS key, and {action} on it is denied. The rights on the bucket "
     "may all be there.",
     "{remedy}"},
    {"unload.kms_key", Step::kUnload, kFailure, "Redshift cannot use the KMS key",
     "The key is missing, switched off, or of another kind or region.", "{remedy}"},
    {"unload.no_way_to_s3", Step::kUnload, kFailure, "The workgroup cannot reach S3",
     "This machine reaches the bucket, but the workgroup's own network does not.", "{remedy}"},
    {"unload.wrong_region", Step::kUnload, kFailure, "Redshift looks in another region",
     "UNLOAD must name the bucket's own region.",
     "Set staging.region to the region of bucket {bucket}: aws s3api get-bucket-location --bucket "
     "{bucket}"},
    {"unload.key_unknown", Step::kUnload, kFailure, "S3 does not know the keys of the UNLOAD",
     "The keys in the statement were refused.",
     "Temporary keys need their session token: compare auth. With access keys, are they active?"},
    {"unload.keys_not_narrowed", Step::kUnload, kFailure,
     "The keys in the UNLOAD can do more than write",
     "The server may log the statement; until its keys expire they can do all that the user can.",
     "Add to the policy of the user that connects:\n"
     "{\"Effect\":\"Allow\",\"Action\":\"sts:GetFederationToken\",\n"
     " \"Resource\":\"arn:aws:sts::{account}:federated-user/*\"}\n"
     "Or accept it: auth.allow_keys_in_unload: true"},
    {"unload.role_not_attached", Step::kUnload, kFailure, "The workgroup may not use the role",
     "staging.unload_role names {object}, which is not attached to the namespace, or whose trust "
     "policy does not allow Redshift.",
     "Attach the role to the namespace of workgroup {workgroup}, and let its trust policy name "
     "redshift.amazonaws.com and redshift-serverless.amazonaws.com. Or remove staging.unload_role: "
     "Sluice then sends keys that can write this run's prefix only."},
    {"unload.no_assumerole", Step::kUnload, kFailure, "The database user may not use the role",
     "ASSUMEROLE was revoked from PUBLIC.",
     "GRANT ASSUMEROLE ON '{object}' TO \"{db_user}\" FOR UNLOAD;"},
    {"unload.unreadable", Step::kUnload, kFailure, "What Redshift wrote is not one row",
     "Redshift wrote one row, but what arrived in the bucket is not one Parquet file with one row.",
     "Run the check again; if it stays so, report it with this text."},
    {"unload.left_behind", Step::kUnload, kWarning, "Something stayed in the bucket",
     "Something of this check is still in the bucket.",
     "Remove it: aws s3 rm --recursive {left_behind}\nThe next sync tries as well."},

    {"local.ok", Step::kLocal, kOk, "", "", ""},
    {"local.work_dir", Step::kLocal, kFailure, "The work folder cannot be used",
     "Parts are kept there on their way from the bucket to the destination.", "{remedy}"},
    {"local.disk_full", Step::kLocal, kFailure, "The disk is full",
     "Parts are kept there on their way from the bucket to the destination.",
     "Free space there. {remedy}"},

    {"local.ledger", Step::kLocal, kFailure, "The ledger cannot be written",
     "A sync records there what it puts into the bucket, before it does.", "{remedy}"},
    {"local.ledger_corrupt", Step::kLocal, kFailure, "The ledger cannot be understood",
     "A sync records there what it puts into the bucket, and refuses a ledger that it cannot read.",
     "{remedy}"},

    {"destination.ok", Step::kDestination, kOk, "", "", ""},
    {"destination.stream_mode", Step::kDestination, kFailure,
     "The destination cannot do what the stream asks",
     "A sync refuses this stream before it reads a row.", "{remedy}"},
    {"destination.name_taken", Step::kDestination, kFailure,
     "Something else than a table has the target's name",
     "It belongs to someone else: Sluice neither writes to it nor replaces it.", "{remedy}"},
    {"destination.reserved_schema", Step::kDestination, kFailure, "The target's schema is reserved",
     "No stream may land where the destination, or Sluice itself, keeps its own.", "{remedy}"},
    {"destination.schema_change", Step::kDestination, kFailure,
     "The table there does not take the stream's columns",
     "A sync refuses what could lose values, and what schema_changes forbids.", "{remedy}"},
    {"destination.names_clash", Step::kDestination, kFailure,
     "Two columns have one name at the destination",
     "The destination does not tell them apart, as the source does.", "{remedy}"},
    {"destination.history_table", Step::kDestination, kFailure,
     "The table there was made by another write mode",
     "A table that keeps history has columns of its own; another mode would lose its versions.",
     "{remedy}"},
    {"destination.target", Step::kDestination, kFailure, "The stream cannot land there",
     "A sync refuses this stream.", "{remedy}"},
};

using enum Step;
constexpr FailureRule kRules[] = {
    {kIdentity, "no_keys", "", "identity.no_keys"},
    {kIdentity, "clock_skew", "", "identity.clock_skew"},
    {kIdentity, "key_unknown", "", "identity.key_unknown"},
    {kIdentity, "secret_wrong", "", "identity.secret_wrong"},
    {kIdentity, "token_expired", "", "identity.token_expired"},
    {kIdentity, "trust_refused", "", "identity.trust_refused"},
    {kIdentity, "web_identity_trust", "", "identity.trust_refused"},
    {kIdentity, "not_allowed", "", "identity.assume_not_allowed"},
    {kIdentity, "limited", "", "identity.limited"},
    {kIdentity, "mfa", "", "identity.mfa"},
    {kIdentity, "key_form", "", "identity.key_form"},
    {kIdentity, "proxy", "", "identity.proxy"},
    {kIdentity, "foreign_answer", "", "identity.foreign_answer"},
    {kIdentity, "certificate", "", "identity.certificate"},
    {kIdentity, "tag_session", "", "identity.tag_session"},
    {kIdentity, "duration_max", "", "identity.duration"},
    {kIdentity, "duration_chained", "", "identity.duration"},
    {kIdentity, "identity_token_refused", "", "identity.token_refused"},
    {kIdentity, "explicit_deny", "", "identity.denied"},
    {kIdentity, "region_disabled", "", "identity.region_disabled"},
    {kDatabaseCredentials, "clock_skew", "", "identity.clock_skew"},
    {kDatabaseCredentials, "token_expired", "", "identity.token_expired"},
    {kDatabaseCredentials, "not_allowed", "", "database_credentials.not_allowed"},
    {kDatabaseCredentials, "explicit_deny", "", "database_credentials.denied"},
    {kDatabaseCredentials, "limited", "", "database_credentials.limited"},
    {kDatabaseCredentials, "proxy", "", "identity.proxy"},
    {kDatabaseCredentials, "foreign_answer", "", "identity.foreign_answer"},
    {kDatabaseCredentials, "certificate", "", "identity.certificate"},
    {kDatabaseCredentials, "no_such_resource", "", "database_credentials.workgroup_not_found"},
    {kDatabaseCredentials, "invalid_value", "", "database_credentials.invalid_value"},
    {kLogin, "user_missing", "", "login.user_missing"},
    {kLogin, "database_missing", "", "login.database_missing"},
    {kLogin, "password_refused", "", "login.password_refused"},
    {kLogin, "password_expired", "", "login.password_expired"},
    {kLogin, "stored_password", "", "login.stored_password"},
    {kLogin, "connection_limit", "", "login.connection_limit"},
    {kLogin, "not_redshift", "", "login.not_redshift"},
    {kConfiguration, "one_target", "", "configuration.one_target"},
    {kStreams, "no_match", "", "streams.no_tables"},
    {kStreams, "no_stream_column", "", "streams.column_missing"},
    {kStreams, "cursor_type", "", "streams.cursor_type"},
    {kStreams, "split_type", "", "streams.split_type"},
    {kStreams, "other_cursor", "", "streams.other_cursor"},
    {kStreams, "other_shape", "", "streams.other_shape"},
    {kStreams, "shape", "", "streams.shape"},
    {kStreams, "unreadable_column", "", "streams.unreadable_column"},
    {kStreams, "column_twice", "", "streams.column_twice"},
    {kStreams, "view_broken", "", "streams.view_broken"},
    {kStreams, "view_denied", "", "streams.view_denied"},
    {kStreams, "no_table", "", "streams.relation_missing"},
    {kStreams, "no_schema", "", "streams.relation_missing"},
    {kLocal, "work_dir", "", "local.work_dir"},
    {kLocal, "disk_full", "", "local.disk_full"},
    {kDestination, "stream_mode", "", "destination.stream_mode"},
    {kLocal, "ledger", "", "local.ledger"},
    {kLocal, "ledger_corrupt", "", "local.ledger_corrupt"},
    {kDestination, "target", "", "destination.target"},
    {kDestination, "name_taken", "", "destination.name_taken"},
    {kDestination, "reserved_schema", "", "destination.reserved_schema"},
    {kDestination, "schema_change", "", "destination.schema_change"},
    {kDestination, "names_clash", "", "destination.names_clash"},
    {kDestination, "history_table", "", "destination.history_table"},
    {kLogin, "shared_database", "", "login.shared_database"},
    {kLogin, "no_connect", "", "login.no_connect"},
    {kLogin, "usage_limit", "", "login.usage_limit"},
    {kLogin, "not_ready", "", "login.not_ready"},
    {kLogin, "login_refused", "", "login.refused"},
    {kLogin, "user_locked", "", "login.refused"},
    {kStreams, "no_column", "", "streams.no_column"},
    {kStreams, "no_select", "", "streams.not_granted"},
    {kStreams, "no_usage", "", "streams.not_granted"},
    {kStreams, "not_granted", "", "streams.not_granted"},
    {kBucket, "no_such_bucket", "", "bucket.missing"},
    {kBucket, "bad_bucket_name", "", "bucket.bad_name"},
    {kBucket, "proxy", "", "identity.proxy"},
    {kBucket, "foreign_answer", "", "identity.foreign_answer"},
    {kBucket, "certificate", "", "identity.certificate"},
    {kBucketRights, "no_such_bucket", "", "bucket.missing"},
    {kBucketRights, "kms_guess", "", "bucket_rights.kms_demanded"},
    {kBucketRights, "kms_denied", "", "bucket_rights.kms_denied"},
    {kBucketRights, "kms_key", "", "bucket_rights.kms_key"},
    {kBucketRights, "explicit_deny", "", "bucket_rights.denied"},
    {kBucketRights, "limited", "", "bucket_rights.limited"},
    {kBucketRights, "bucket_policy", "", "bucket_rights.bucket_policy"},
    {kBucketRights, "not_allowed", "", "bucket_rights.no_list", "s3:ListBucket"},
    {kBucketRights, "not_allowed", "PutObject", "bucket_rights.no_put"},
    {kBucketRights, "not_allowed", "GetObject", "bucket_rights.no_get"},
    {kBucketRights, "not_allowed", "ListObjectsV2", "bucket_rights.no_list"},
    {kUnload, "not_allowed", "", "unload.no_list", "s3:ListBucket"},
    {kUnload, "not_allowed", "", "unload.not_allowed"},
    {kUnload, "explicit_deny", "", "unload.denied"},
    {kUnload, "limited", "", "unload.limited"},
    {kUnload, "bucket_policy", "", "unload.bucket_policy"},
    {kUnload, "kms_denied", "", "unload.kms_denied"},
    {kUnload, "kms_key", "", "unload.kms_key"},
    {kUnload, "no_way_to_s3", "", "unload.no_way_to_s3"},
    {kUnload, "policy_refuses", "", "unload.kms_demanded"},
    {kUnload, "wrong_region", "", "unload.wrong_region"},
    {kUnload, "key_unknown", "", "unload.key_unknown"},
    {kUnload, "role_not_attached", "", "unload.role_not_attached"},
    {kUnload, "no_assumerole", "", "unload.no_assumerole"},
};

}  // namespace

std::span<const FindingKind> DataFindings() { return kDataKinds; }
std::span<const FailureRule> FailureRules() { return kRules; }

}  // namespace sluice::check
