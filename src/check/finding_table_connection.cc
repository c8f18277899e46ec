// What can be found from the configuration to the log-in.
#include "check/finding.h"

namespace sluice::check {
namespace {

using enum Severity;

// {db_user} and {submitted_plain} stand in SQL and commands; {grants} is a block per schema.
constexpr std::string_view kMismatch =
    "The identity {arn} logs in as \"{db_user}\"; the configuration says \"{submitted}\". One of "
    "these fixes it:\n"
    "A. Grant to the user that AWS derives. As an administrator of the database:\n"
    "     CREATE USER \"{db_user}\" PASSWORD DISABLE;   -- skip if it exists already\n"
    "{grants}\n"
    "   and in sluice.yaml:\n"
    "     redshift: { username: \"{db_user}\" }\n"
    "B. Or let AWS derive the name that was meant: tag the IAM role, and grant to "
    "\"IAMR:{submitted_plain}\" in that spelling:\n"
    "     aws iam tag-role --role-name {role_name} --tags "
    "Key=RedshiftDbUser,Value={submitted_plain}\n"
    "     CREATE USER \"IAMR:{submitted_plain}\" PASSWORD DISABLE;\n"
    "{grants_tagged}\n"
    "D. Or keep the user \"{submitted_plain}\" as it is and log in by the older call "
    "(redshift:GetClusterCredentials must be allowed). In sluice.yaml:\n"
    "     redshift: { login_api: GetClusterCredentials, username: \"{submitted_plain}\" }";

constexpr std::string_view kListStreams =
    "See what there is: sluice discover\nThen list tables in the configuration:\n"
    "  streams:\n    - table: schema.table\n(sluice discover --write adds them)";

constexpr std::string_view kReach =
    "1. Compare redshift.host and redshift.port with the endpoint on the workgroup's page.\n"
    "2. The workgroup must be publicly accessible, or this machine needs a path into its VPC.\n"
    "3. Its security group needs an inbound rule: TCP, port {port}, from this machine's address. "
    "Here it is {local_address}; behind NAT the world sees another (curl "
    "https://checkip.amazonaws.com).\n"
    "4. A proxy (HTTPS_PROXY) does not help here: the database's protocol does not go through it.";

constexpr std::string_view kClock =
    "AWS's clock says {server_time}, this machine's {our_time}. Set the clock:\n"
    "  sudo timedatectl set-ntp true      (then look: timedatectl status)";

constexpr std::string_view kTrust =
    "The role's trust policy must name who assumes it, and ask for the ExternalId that "
    "auth.external_id holds. If the role does not exist, AWS says the same: compare "
    "auth.role_arn.\n"
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\n"
    "  \"Principal\":{\"AWS\":\"{principal}\"},\"Action\":\"sts:AssumeRole\",\n"
    "  \"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"<auth.external_id>\"}}}]}\n"
    "Who assumes it needs, across accounts, a policy of its own, too:\n"
    "{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"{role_arn}\"}";

constexpr FindingKind kKinds[] = {
    {"configuration.ok", Step::kConfiguration, kOk, "", "", ""},
    {"configuration.secret_readable", Step::kConfiguration, kWarning,
     "A secret stands in a file that others may read",
     "Whoever else has a user on this machine, or reads a copy of the file, has the secret too.",
     "chmod 600 {file}\n"
     "Better: keep the secret elsewhere, and write {field}: \"${file:PATH}\" or \"${NAME}\"."},
    {"configuration.workgroup_differs", Step::kConfiguration, kWarning,
     "Host and workgroup name two workgroups",
     "The host begins with another workgroup's name. That is right for a custom or VPC endpoint "
     "name, else one of the two is wrong.",
     "Compare redshift.workgroup ({workgroup}) and redshift.host ({host}) with the workgroup's "
     "page in the console."},
    {"configuration.region_differs", Step::kConfiguration, kWarning,
     "Host and region name two regions",
     "Log-ins are asked for in redshift.region, but the host names another region.",
     "Remove redshift.region, or correct the host ({host})."},
    {"configuration.vpc_endpoint", Step::kConfiguration, kWarning, "The host is a VPC endpoint's",
     "The host looks like a managed VPC endpoint; its first label is not the workgroup's name.",
     "Make sure that redshift.workgroup ({workgroup}) names the workgroup itself."},
    {"configuration.unusual_port", Step::kConfiguration, kWarning, "A port that no workgroup uses",
     "Serverless workgroups listen on 5431-5455 or 8191-8215 (5439 unless changed).",
     "Compare redshift.port ({port}) with the endpoint in the console."},
    {"configuration.no_streams", Step::kConfiguration, kFailure, "No streams are configured",
     "There is nothing to sync yet: sluice sync refuses this configuration.", kListStreams},
    {"configuration.streams_to_come", Step::kConfiguration, kWarning, "No streams are configured",
     "There is nothing to sync yet.", kListStreams},
    {"configuration.one_target", Step::kConfiguration, kFailure, "Two streams have one target",
     "Each stream needs a table of its own at the destination: a sync refuses both.", "{remedy}"},

    {"network.ok", Step::kNetwork, kOk, "", "", ""},
    {"network.name_not_found", Step::kNetwork, kFailure, "The host's name is unknown",
     "Without an address there is nothing to connect to.",
     "Paste the endpoint from the workgroup's page again: {host}\nA workgroup that was deleted or "
     "created again has another name or none; a private name is known inside its VPC only. Look it "
     "up: "
     "getent hosts {host}"},
    {"network.no_route", Step::kNetwork, kFailure, "There is no route to the host",
     "This machine's network has no route to {address}.", kReach},
    {"network.refused", Step::kNetwork, kFailure, "The port refuses connections",
     "The machine answers, but nothing listens on port {port}.",
     "Set redshift.port to the port of the workgroup's endpoint (5439 unless it was changed) and "
     "compare redshift.host: {host}:{port}"},
    {"network.silent", Step::kNetwork, kFailure, "No answer: a firewall drops the packets",
     "Packets to {host}:{port} are dropped on the way. That is what a missing inbound rule looks "
     "like.",
     kReach},
    {"network.no_answer", Step::kNetwork, kFailure,
     "The connection is accepted, but nothing answers",
     "Something between here and the workgroup accepts the connection: a load balancer without a "
     "target, or a proxy.",
     "Connect to the workgroup itself: set redshift.host and redshift.port ({host}:{port}) to its "
     "endpoint."},
    {"network.not_redshift", Step::kNetwork, kFailure, "Something else than Redshift answers",
     "What listens at {host}:{port} does not speak Redshift's protocol.",
     "Set redshift.host and redshift.port to the workgroup's endpoint (port 5439 unless it was "
     "changed), not {host}:{port}."},
    {"network.tls_refused", Step::kNetwork, kFailure, "The server does not offer TLS",
     "Temporary passwords are accepted over TLS only, and rows must not travel in the clear.",
     "Connect to the workgroup itself: a proxy or another database answers at {host}:{port}."},
    {"network.roots_missing", Step::kNetwork, kFailure, "The trusted certificates cannot be read",
     "Without them Sluice cannot tell whether the server is the workgroup.",
     "redshift.sslrootcert must name a readable PEM file ({roots_file}); or update the system's: "
     "apt-get install ca-certificates"},
    {"network.tls_failed", Step::kNetwork, kFailure, "The TLS handshake failed",
     "Temporary passwords are accepted over TLS only.",
     "Look for a proxy or firewall that inspects TLS between here and {host}:{port}."},
    {"network.certificate_name", Step::kNetwork, kFailure, "The certificate is for another name",
     "The certificate is for {certificate_names}, not for {host}: another server may be answering.",
     "Set redshift.host to the workgroup's own endpoint instead of {host} (an alias, an address or "
     "a load balancer)."},
    {"network.certificate_expired", Step::kNetwork, kFailure, "The certificate is out of date",
     "The certificate is valid until {valid_until}; this machine's clock says {our_time}.",
     "Is the clock right? (timedatectl status) If it is, {host} is not the workgroup itself, whose "
     "certificate AWS renews: set redshift.host to the workgroup's endpoint."},
    {"network.certificate_untrusted", Step::kNetwork, kFailure,
     "No trusted authority signed the certificate",
     "The certificate of {host} is not signed by any authority in {roots_file}.",
     "Get Amazon's roots and name them in sluice.yaml:\n"
     "  curl -O https://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt\n"
     "  redshift: { sslrootcert: amazon-trust-ca-bundle.crt }\n"
     "If a proxy inspects TLS, let {host} pass it."},

    {"identity.ok", Step::kIdentity, kOk, "", "", ""},
    {"identity.root", Step::kIdentity, kWarning, "Keys of the account's root user",
     "These are the keys of the account's root user: whoever has them may do everything.",
     "Create an IAM role or user for Sluice with the policy of `sluice setup iam`, and delete the "
     "root keys of account {account}."},
    {"identity.other_account", Step::kIdentity, kWarning, "The host is of another account",
     "The host belongs to another AWS account than the identity. Both may be right.",
     "If it was not meant, compare redshift.host ({host}) and auth ({arn})."},
    {"identity.clock_off", Step::kIdentity, kWarning, "This machine's clock is off",
     "AWS refuses signatures that are minutes away from its own time; yours soon will be.", kClock},
    {"identity.clock_skew", Step::kIdentity, kFailure,
     "This machine's clock is so far off that AWS refuses it",
     "Every request is signed with the time, and AWS refuses what is 5 to 15 minutes away. Keys "
     "and "
     "policies may all be right.",
     kClock},
    {"identity.no_keys", Step::kIdentity, kFailure, "There are no AWS keys",
     "A role is assumed with keys, and nothing on this machine gives AWS keys.",
     "One of these:\n"
     "  export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...      in the environment\n"
     "  auth: { profile: <name> }                                  after aws configure or aws sso "
     "login\n"
     "  auth: { access_key_id: ..., secret_access_key: ... }       in sluice.yaml, as ${...}\n"
     "or run where AWS gives a role: an instance, a task or a pod."},
    {"identity.key_unknown", Step::kIdentity, kFailure, "The access key is unknown or switched off",
     "AWS does not know the access key, or somebody switched it off or deleted it.",
     "Look at the key {key_id}: IAM, Users, Security credentials. It must be there and active; "
     "temporary keys (ASIA...) need the session token that belongs to them. Keys of China or "
     "GovCloud work only there."},
    {"identity.secret_wrong", Step::kIdentity, kFailure,
     "The secret key does not belong to the access key",
     "AWS knows the access key, but the signature was made with another secret.",
     "Copy access key id and secret access key again ({keys_from}); a lost '+', '/' or '=' is the "
     "usual cause."},
    {"identity.token_expired", Step::kIdentity, kFailure, "The session has expired",
     "Temporary keys live for hours; these are past their time.",
     "Log in again (aws sso login), or put new keys where these came from ({keys_from}). Better: "
     "let Sluice assume a role, which it renews by itself."},
    {"identity.trust_refused", Step::kIdentity, kFailure,
     "The role's trust policy does not let us in",
     "The role {role_arn} does not trust {principal} in this form: it is not named in the trust "
     "policy, the ExternalId differs, or the role does not exist.",
     kTrust},
    {"identity.tag_session", Step::kIdentity, kFailure, "Session tags are not allowed",
     "The configuration sends session tags, and the role's trust policy does not allow that.",
     "Add sts:TagSession to the trust policy of {role_arn}:\n"
     "  \"Action\":[\"sts:AssumeRole\",\"sts:TagSession\"]\n"
     "or remove auth.session_tags."},
    {"identity.duration", Step::kIdentity, kFailure, "The session asked for is too long",
     "AWS refuses a session longer than the role's maximum instead of shortening it; a role that "
     "assumes a role gets one hour at most.",
     "Set auth.duration: 1h (every role allows it), or raise the role's maximum:\n"
     "  aws iam update-role --role-name {role_name} --max-session-duration {duration_seconds}"},
    {"identity.token_refused", Step::kIdentity, kFailure, "The web identity token is refused",
     "The token's claims, age or signature do not satisfy the role's identity provider.",
     "Get a new token into auth.web_identity_token_file, and compare audience and subject with the "
     "trust policy of {role_arn}."},
    {"identity.denied", Step::kIdentity, kFailure, "A policy denies it outright",
     "An explicit Deny is stronger than every Allow.", "{remedy}"},
    {"identity.limited", Step::kIdentity, kFailure, "A limit above the policies refuses it",
     "A permissions boundary, a session policy, a VPC endpoint or the organization allows less "
     "than "
     "the policies do.",
     "{remedy}"},
    {"identity.assume_not_allowed", Step::kIdentity, kFailure,
     "The identity may not assume the role",
     "The role may trust it, but the identity's own policy does not let it call {action}.",
     "Add to the policy of {holder}:\n"
     "{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}"},
    {"identity.mfa", Step::kIdentity, kFailure, "AWS asks for a code of a device (MFA)",
     "Sluice runs without a person and cannot ask for one.", "{remedy}"},
    {"identity.key_form", Step::kIdentity, kFailure, "A key has a character that no key can have",
     "A line break, a blank or another character is in a key: it was copied together with text "
     "around it. It is not sent.",
     "{remedy}"},
    {"identity.proxy", Step::kIdentity, kFailure, "The proxy does not let requests through to AWS",
     "Calls to AWS go through the proxy that HTTPS_PROXY names, and it failed.", "{remedy}"},
    {"identity.foreign_answer", Step::kIdentity, kFailure, "Something else than AWS answers",
     "Its text says nothing about keys, permissions or regions.", "{remedy}"},
    {"identity.certificate", Step::kIdentity, kFailure,
     "The certificate of AWS's address is not trusted",
     "A proxy or firewall that inspects TLS shows a certificate of its own.", "{remedy}"},
    {"identity.region_disabled", Step::kIdentity, kFailure, "STS is switched off in this region",
     "The account does not use STS in {region}.",
     "Activate it (IAM, Account settings, Endpoints)."},

    {"database_credentials.ok", Step::kDatabaseCredentials, kOk, "", "", ""},
    {"database_credentials.user_mismatch", Step::kDatabaseCredentials, kFailure,
     "AWS derives another database user than the one configured",
     "AWS derives the database user from the identity that logs in; nobody can choose it. The "
     "log-in succeeds as another user than the one that was granted to, and sees nothing.",
     kMismatch},
    {"database_credentials.user_case", Step::kDatabaseCredentials, kFailure,
     "The database user differs in case",
     "User names are case-sensitive, so these are two different users.", kMismatch},
    {"database_credentials.user_prefix", Step::kDatabaseCredentials, kWarning,
     "The database user lacks its prefix",
     "In the database {submitted_plain} and {db_user} are two users; grants to the one do not "
     "reach "
     "the other.",
     "Grant to \"{db_user}\", and write it so: redshift.username: \"{db_user}\""},
    {"database_credentials.unpredicted", Step::kDatabaseCredentials, kWarning,
     "AWS derived an unexpected user",
     "AWS derived another user than its documentation tells for this identity; a tag "
     "RedshiftDbUser "
     "on the role explains it.",
     "Sluice goes by what AWS returned ({db_user}). To see the role's tags: aws iam list-role-tags "
     "--role-name {role_name}"},
    {"database_credentials.tag_ignored", Step::kDatabaseCredentials, kFailure,
     "The session tag RedshiftDbUser had no effect",
     "The session carries RedshiftDbUser={tag}, yet AWS derived {db_user}.",
     "A transitive tag of an earlier role outranks ours, or AWS does not read it here. Grant to "
     "the "
     "user that AWS derives and remove auth.session_tags:\n"
     "  CREATE USER \"{db_user}\" PASSWORD DISABLE;\n{grants}"},
    {"database_credentials.without_database", Step::kDatabaseCredentials, kWarning,
     "The policy refuses to name the database",
     "The policy refused the call while it named the database, and allowed it without.",
     "Nothing needs to be done; a policy on the workgroup's ARN alone is enough."},
    {"database_credentials.not_allowed", Step::kDatabaseCredentials, kFailure,
     "The identity may not get database credentials",
     "The policy does not allow {action} on this workgroup. Its ARN ends in the workgroup's id, "
     "not "
     "in its name: a policy with the name allows nothing.",
     "Add to the policy of {holder}:\n"
     "{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}"},
    {"database_credentials.denied", Step::kDatabaseCredentials, kFailure,
     "A policy denies database credentials outright",
     "An explicit Deny is stronger than every Allow.", "{remedy}"},
    {"database_credentials.limited", Step::kDatabaseCredentials, kFailure,
     "A limit above the policies refuses database credentials",
     "A permissions boundary, a session policy, a VPC endpoint or the organization allows less "
     "than "
     "the policies do.",
     "{remedy}"},
    {"database_credentials.workgroup_not_found", Step::kDatabaseCredentials, kFailure,
     "There is no such workgroup in this region and account",
     "Asked for workgroup {workgroup} in {workgroup_region}, account {account}.",
     "Compare redshift.workgroup: {workgroup} with the console. It is the workgroup's name, not "
     "the "
     "namespace's, and not the first label of a managed VPC endpoint's host "
     "(name-endpoint-random). If the workgroup is in another region than {workgroup_region}, set "
     "redshift.region; if it is in another account than {account}, use an identity of that one."},
    {"database_credentials.invalid_value", Step::kDatabaseCredentials, kFailure,
     "AWS refuses a name", "A configured name breaks AWS's rule for it.",
     "Correct redshift.workgroup ({workgroup}) or redshift.database ({database}): AWS's words "
     "above "
     "tell which."},

    {"login.ok", Step::kLogin, kOk, "", "", ""},
    {"login.user_missing", Step::kLogin, kFailure, "The database user does not exist",
     "GetClusterCredentials gives a password for a user, but does not make one.",
     "As an administrator of the database:\n"
     "  CREATE USER \"{submitted_plain}\" PASSWORD DISABLE;\n{grants_submitted}"},
    {"login.database_missing", Step::kLogin, kFailure, "The database does not exist",
     "The workgroup has no database of that name. Names are case-sensitive.",
     "Set redshift.database (now {database}); a new namespace has one called dev. To see them: "
     "SELECT database_name FROM svv_redshift_databases;"},
    {"login.password_refused", Step::kLogin, kFailure, "The temporary password is refused",
     "A password is good for the workgroup it was made for, and over TLS only.",
     "Check that redshift.workgroup ({workgroup}) names the workgroup behind {host}, and that no "
     "proxy takes TLS away."},
    {"login.password_expired", Step::kLogin, kFailure, "The temporary password has expired",
     "Passwords live for an hour; a wrong clock makes them old at once.",
     "Run again. If it stays, set this machine's clock: sudo timedatectl set-ntp true"},
    {"login.stored_password", Step::kLogin, kFailure, "The user has a stored password",
     "The server asks for a way to log in that only stored passwords use.",
     "ALTER USER \"{db_user}\" PASSWORD DISABLE;   -- then only temporary passwords count"},
    {"login.connection_limit", Step::kLogin, kFailure, "No connection is left",
     "The workgroup has as many sessions as it takes.",
     "Wait, or end idle sessions of workgroup {workgroup}."},
    {"login.not_redshift", Step::kLogin, kFailure, "Another database answers",
     "The log-in works, but the server is not Redshift.",
     "Set redshift.host and redshift.port to the workgroup's endpoint, not {host}:{port}."},
    {"login.shared_database", Step::kLogin, kFailure, "A shared database takes no log-ins",
     "The database comes from a datashare or a catalog; it can be read from another one only.",
     "{remedy}"},
    {"login.no_connect", Step::kLogin, kFailure, "The user may not connect to the database",
     "The password was right; the right to use this database is missing.", "{remedy}"},
    {"login.usage_limit", Step::kLogin, kFailure, "The workgroup's usage limit is reached",
     "Until its period ends the workgroup runs nothing.", "{remedy}"},
    {"login.not_ready", Step::kLogin, kFailure, "The workgroup takes no log-ins at the moment",
     "It starts, restarts, changes its size or is being maintained.", "{remedy}"},
    {"login.refused", Step::kLogin, kFailure, "The server refuses the log-in",
     "The server was reached; its own text tells why.", "{remedy}"},
};

}  // namespace

std::span<const FindingKind> ConnectionFindings() { return kKinds; }

}  // namespace sluice::check
