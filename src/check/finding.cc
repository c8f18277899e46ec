#include "check/finding.h"

#include <algorithm>
#include <cstdlib>

namespace sluice::check {
namespace {

constexpr auto kOk = Severity::kOk;
constexpr auto kWarning = Severity::kWarning;
constexpr auto kFailure = Severity::kFailure;

constexpr std::string_view kGrants =
    "As an administrator of the database:\n"
    "  CREATE USER \"{db_user}\" PASSWORD DISABLE;   -- skip if it exists already\n"
    "  GRANT USAGE ON SCHEMA \"{schema}\" TO \"{db_user}\";\n"
    "  GRANT SELECT ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{db_user}\";";

constexpr std::string_view kMismatch =
    "AWS derives the database user from the identity that logs in; nobody can choose it at "
    "log-in.\n"
    "A. Grant to the user that AWS derives, and set redshift.username: \"{db_user}\"\n"
    "     CREATE USER \"{db_user}\" PASSWORD DISABLE;\n"
    "     GRANT USAGE ON SCHEMA \"{schema}\" TO \"{db_user}\";\n"
    "     GRANT SELECT ON ALL TABLES IN SCHEMA \"{schema}\" TO \"{db_user}\";\n"
    "B. Or tag the IAM role RedshiftDbUser={submitted_plain}; AWS then derives "
    "\"IAMR:{submitted_plain}\",\n"
    "   and the user must be created and granted to in that spelling.";

constexpr FindingKind kKinds[] = {
    {"configuration.ok", Step::kConfiguration, kOk, "", ""},
    {"configuration.workgroup_differs", Step::kConfiguration, kWarning,
     "The host begins with another workgroup's name. That is right for a custom or VPC endpoint "
     "name, "
     "else one of the two is wrong.",
     "Compare redshift.workgroup and redshift.host with the workgroup's page in the console."},
    {"configuration.region_differs", Step::kConfiguration, kWarning,
     "Log-ins are asked for in redshift.region, but the host names another region.",
     "Remove redshift.region, or correct the host."},
    {"configuration.vpc_endpoint", Step::kConfiguration, kWarning,
     "The host looks like a managed VPC endpoint; its first label is not the workgroup's name.",
     "Make sure that redshift.workgroup names the workgroup itself."},
    {"configuration.unusual_port", Step::kConfiguration, kWarning,
     "Serverless workgroups listen on 5431-5455 or 8191-8215 (5439 unless changed).",
     "Compare redshift.port with the endpoint in the console."},
    {"configuration.no_streams", Step::kConfiguration, kWarning, "There is nothing to sync yet.",
     "See what there is: sluice discover\nThen list tables under "
     "streams: in the configuration."},
    {"identity.ok", Step::kIdentity, kOk, "", ""},
    {"identity.root", Step::kIdentity, kWarning,
     "These are the keys of the account's root user: whoever has them may do everything.",
     "Create an IAM role or user for Sluice with the guide's policy, and delete the root keys."},
    {"identity.other_account", Step::kIdentity, kWarning,
     "The host belongs to another AWS account than the identity. Both may be right.",
     "If it was not meant, compare redshift.host and auth."},
    {"database_credentials.ok", Step::kDatabaseCredentials, kOk, "", ""},
    {"database_credentials.user_mismatch", Step::kDatabaseCredentials, kFailure,
     "The log-in succeeds as another user than the one that was granted to, and sees nothing.",
     kMismatch},
    {"database_credentials.user_case", Step::kDatabaseCredentials, kFailure,
     "User names keep their case, so these are two different users.", kMismatch},
    {"database_credentials.user_prefix", Step::kDatabaseCredentials, kWarning,
     "In the database x and IAMR:x are two users; grants to the one do not reach the other.",
     "Grant to \"{db_user}\", and write it so: redshift.username: \"{db_user}\""},
    {"database_credentials.unpredicted", Step::kDatabaseCredentials, kWarning,
     "AWS derived another user than its documentation tells for this identity; a tag "
     "RedshiftDbUser "
     "on the role explains it.",
     "If the role has no such tag, tell AWS support; Sluice goes by what AWS returned."},
    {"database_credentials.without_database", Step::kDatabaseCredentials, kWarning,
     "The policy refused the call while it named the database, and allowed it without.",
     "Nothing needs to be done; a policy on the workgroup's ARN alone is enough."},
    {"login.ok", Step::kLogin, kOk, "", ""},
    {"database_user.ok", Step::kDatabaseUser, kOk, "", ""},
    {"database_user.unexpected", Step::kDatabaseUser, kFailure,
     "The server knows this session by another name than it was opened with.",
     "Is there a proxy between Sluice and the workgroup? Connect to the workgroup itself."},
    {"database_user.superuser", Step::kDatabaseUser, kWarning,
     "This user may read and change everything. AWS gives that to the identity that created the "
     "namespace.",
     "Use a role of its own for Sluice, with grants on what it shall read."},
    {"streams.ok", Step::kStreams, kOk, "", ""},
    {"streams.none_visible", Step::kStreams, kFailure,
     "The log-in works, but the user sees no schema, so no table can be read.", kGrants},
    {"bucket.ok", Step::kBucket, kOk, "", ""},
    {"bucket.region_differs", Step::kBucket, kFailure,
     "Requests to a bucket must go to its own region, and UNLOAD must name it.",
     "Set staging.region: {bucket_region}"},
    {"bucket_rights.ok", Step::kBucketRights, kOk, "", ""},
    {"bucket_rights.list_incomplete", Step::kBucketRights, kFailure,
     "The object that was just put is not in the list: leftovers could not be found.",
     "Is there a proxy or another store between Sluice and S3?"},
    {"bucket_rights.get_differs", Step::kBucketRights, kFailure,
     "What was read is not what was written.",
     "Is there a proxy or another store between Sluice and S3?"},
    {"bucket_rights.delete_refused", Step::kBucketRights, kFailure,
     "Staged files could not be removed after a sync and would stay, with the rows in them.",
     "Allow s3:DeleteObject on arn:aws:s3:::{bucket}/{root}*\nThen remove what this check left: "
     "{left_behind}"},
    {"unload.ok", Step::kUnload, kOk, "", ""},
    {"unload.unreadable", Step::kUnload, kFailure,
     "Redshift wrote one row, but what arrived in the bucket is not one Parquet file with one row.",
     "Run the check again; if it stays so, report it with this text."},
    {"unload.left_behind", Step::kUnload, kWarning,
     "Something of this check is still in the bucket.",
     "Remove it: aws s3 rm --recursive {left_behind}\nThe next sync tries as well."},
    {"destination.ok", Step::kDestination, kOk, "", ""},
    {"destination.stream_mode", Step::kDestination, kFailure,
     "A sync refuses this stream before it reads a row.", "{stream_mode_remedy}"},
};

struct StepText {
  Step step;
  std::string_view name;
  std::string_view title;
  std::string_view why;  // of "<step>.failed"
};

constexpr StepText kSteps[] = {
    {Step::kConfiguration, "configuration", "Configuration", "The configuration cannot be used."},
    {Step::kIdentity, "identity", "AWS identity",
     "Without an AWS identity nothing else can be asked for."},
    {Step::kDatabaseCredentials, "database_credentials", "Database credentials",
     "AWS gives the database's user and password for an hour; without them nobody logs in."},
    {Step::kLogin, "login", "Log-in",
     "The workgroup must be reachable from here and accept the log-in."},
    {Step::kDatabaseUser, "database_user", "Database user", "The server did not tell who we are."},
    {Step::kStreams, "streams", "Streams", "This stream cannot be read."},
    {Step::kBucket, "bucket", "Staging bucket", "Rows travel through this bucket."},
    {Step::kBucketRights, "bucket_rights", "Bucket rights",
     "Sluice must be able to write, read, list and delete under its own root."},
    {Step::kUnload, "unload", "UNLOAD",
     "Redshift must be able to write into the bucket with the keys that Sluice gives it."},
    {Step::kDestination, "destination", "Destination", "Tables land there."},
};

const StepText& TextOf(Step step) {
  return *std::find_if(std::begin(kSteps), std::end(kSteps),
                       [&](const StepText& text) { return text.step == step; });
}

std::string Filled(std::string_view text, const Facts& facts) {
  std::string out;
  while (!text.empty()) {
    const auto open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const auto name = text.substr(open + 1, close - open - 1);
    const auto fact = facts.find(name);
    out +=
        fact != facts.end() && !fact->second.empty() ? fact->second : "<" + std::string(name) + ">";
    text.remove_prefix(close + 1);
  }
  return out;
}

}  // namespace

std::string_view StepName(Step step) { return TextOf(step).name; }
std::string_view StepTitle(Step step) { return TextOf(step).title; }

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kOk: return "ok";
    case Severity::kWarning: return "warning";
    case Severity::kFailure: return "failure";
    case Severity::kSkipped: return "skipped";
  }
  return "skipped";
}

std::span<const FindingKind> FindingKinds() { return kKinds; }

Finding MakeFinding(std::string_view id, std::string subject, std::string seen,
                    const Facts& facts) {
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const FindingKind& k) { return k.id == id; });
  if (kind == std::end(kKinds)) std::abort();  // a broken invariant: the tests name every id
  return {.id = std::string(id),
          .step = kind->step,
          .severity = kind->severity,
          .subject = std::move(subject),
          .seen = std::move(seen),
          .why = std::string(kind->why),
          .remedy = Filled(kind->remedy, facts),
          .code = std::nullopt};
}

Finding MakeFailure(Step step, std::string subject, const base::ErrorInfo& error,
                    const Facts& facts) {
  const StepText& text = TextOf(step);
  std::string seen = error.message;
  if (!error.operation.empty()) seen = error.operation + ": " + seen;
  return {.id = std::string(text.name) + ".failed",
          .step = step,
          .severity = Severity::kFailure,
          .subject = subject.empty() ? error.subject : std::move(subject),
          .seen = std::move(seen),
          .why = std::string(text.why),
          .remedy = error.remedy.empty() ? Filled("Run again with --verbose for more.", facts)
                                         : error.remedy,
          .code = error.code};
}

}  // namespace sluice::check
