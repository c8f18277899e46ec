#include "config/fields.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/shape.h"

namespace sluice::config {
namespace {

constexpr auto kLoginApis =
    std::to_array<std::string_view>({"GetCredentials", "GetClusterCredentials"});

constexpr auto kRedshiftFields = std::to_array<FieldSpec>({
    {.name = "workgroup",
     .description = "As the Redshift Serverless console shows it.",
     .title = "Workgroup",
     .example = "analytics",
     .required = true,
     .missing = "Write the workgroup's name.",
     .rule = CheckWorkgroup},
    {.name = "host",
     .description = "The workgroup's endpoint, in any form it can be copied.",
     .title = "Host",
     .example = "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com",
     .required = true,
     .missing = "Copy the endpoint from the workgroup's page in the console.",
     .rule = CheckHost},
    {.name = "port",
     .takes = Takes::kInteger,
     .description = "A workgroup has one of 5431-5455 and 8191-8215. Default: the host's, else "
                    "5439.",
     .title = "Port",
     .example = "5439",
     .min = 1,
     .max = 65535},
    {.name = "database",
     .description = "The database to read; a new workgroup has dev.",
     .title = "Database",
     .example = "dev",
     .required = true,
     .missing = "Write the database to read; a new workgroup has dev.",
     .rule = CheckDatabase},
    {.name = "username",
     .description = "The database user that was created. AWS derives the real one from the "
                    "identity; check compares the two.",
     .title = "Database user",
     .example = "IAMR:sluice-reader",
     .rule = CheckIdentifier},
    {.name = "login_api",
     .takes = Takes::kChoice,
     .description = "The AWS call that gives user and password. GetClusterCredentials is the older "
                    "one: it logs in as `username` itself.",
     .preset = "GetCredentials",
     .words = kLoginApis},
    {.name = "region",
     .description = "Region of the workgroup. Default: the host's, else AWS_REGION.",
     .title = "Region of the workgroup",
     .example = "us-east-1",
     .rule = CheckRegion},
    {.name = "sslrootcert",
     .takes = Takes::kPath,
     .description =
         "PEM file of the authorities to trust for the database. Default: the system's."},
});

constexpr auto kStagingFields = std::to_array<FieldSpec>({
    {.name = "bucket",
     .description = "The bucket's name alone. Redshift writes to it, Sluice reads and deletes.",
     .title = "Staging bucket",
     .example = "acme-sluice-staging",
     .required = true,
     .missing = "Write the name of the staging bucket.",
     .rule = CheckBucket},
    {.name = "region",
     .description = "Region of the bucket; it need not be the workgroup's.",
     .title = "Region of the bucket",
     .example = "us-east-1",
     .required = true,
     .missing = "Write the bucket's region, for example us-east-1.",
     .rule = CheckRegion},
    {.name = "root",
     .description = "Folder in the bucket that belongs to Sluice alone. Nothing outside it is ever "
                    "touched.",
     .preset = "sluice/",
     .rule = CheckRoot},
    {.name = "kms_key",
     .description = "SSE-KMS for staged files: auto for the bucket's own key, else a key's ARN. "
                    "Default: SSE-S3.",
     .rule = CheckKmsKey},
    {.name = "unload_role",
     .description = "UNLOAD writes with this role, attached to the namespace, instead of with keys "
                    "in its text: default, an ARN, or ARNs with commas between them.",
     .rule = CheckUnloadRole},
});

constexpr auto kLimitsFields = std::to_array<FieldSpec>({
    // Below 128 MB one stream cannot load; a terabyte is a typing error.
    {.name = "memory_mb",
     .takes = Takes::kInteger,
     .description = "Memory of the whole program, roughly, in MB.",
     .example = "400",
     .preset = "400",
     .min = 128,
     .max = 1'000'000},
    {.name = "disk_mb",
     .takes = Takes::kInteger,
     .description = "Parts on the local disk at one time, in MB.",
     .example = "2048",
     .preset = "2048",
     .min = 64,
     .max = 100'000'000},
    {.name = "work_dir",
     .takes = Takes::kPath,
     .description = "Folder for parts. Default: $TMPDIR, else .sluice beside the configuration."},
});

constexpr auto kHistoryFields = std::to_array<FieldSpec>({
    {.name = "keep",
     .takes = Takes::kDuration,
     .description = "How long `sluice history` tells of a run. What is needed to clean up, and "
                    "each stream's last commit, is kept longer.",
     .example = "90d",
     .preset = "90d"},
});

constexpr auto kCostFields = std::to_array<FieldSpec>({
    {.name = "rpu_price",
     .takes = Takes::kNumber,
     .description = "Price of one RPU for an hour, in any currency: results, history and status "
                    "then tell an amount, where the workgroup tells its size "
                    "(sys_serverless_usage: for superusers and the role sys:monitor).",
     .example = "0.375",
     .rule = CheckPrice},
    {.name = "ask_usage",
     .takes = Takes::kBool,
     .description = "Asks sys_serverless_usage at the end of a run, while the workgroup is awake "
                    "anyway.",
     .preset = "true"},
});

constexpr auto kOnFailureFields = std::to_array<FieldSpec>({
    {.name = "command",
     .takes = Takes::kSql,
     .description = "For /bin/sh: gets the run's result as JSON on standard input, and nothing of "
                    "the environment that a secret may stand in.",
     .example = "mail -s 'sluice failed' data@example.com"},
    {.name = "webhook",
     .takes = Takes::kSecret,
     .description =
         "Address that the same JSON is sent to by POST; https, or http to this machine. "
         "What may post there often is a secret: ${SLUICE_WEBHOOK}."},
});

constexpr auto kAwsFields = std::to_array<FieldSpec>({
    {.name = "ca_bundle",
     .takes = Takes::kPath,
     .description = "PEM file of the authorities to trust for AWS."},
    {.name = "endpoint_url",
     .description = "Address of all AWS services that have none of their own below.",
     .rule = CheckUrl},
    {.name = "endpoint_url_s3", .description = "Address of Amazon S3.", .rule = CheckUrl},
    {.name = "endpoint_url_sts", .description = "Address of AWS STS.", .rule = CheckUrl},
    {.name = "endpoint_url_redshift_serverless",
     .description = "Address of the Redshift Serverless API.",
     .rule = CheckUrl},
    {.name = "endpoint_url_redshift",
     .description = "Address of the Redshift API, for login_api: GetClusterCredentials.",
     .rule = CheckUrl},
    {.name = "allow_http",
     .takes = Takes::kBool,
     .description = "Allows http:// addresses of other machines, that of a lake among them: keys "
                    "and rows travel in the clear then.",
     .preset = "false"},
    {.name = "use_fips", .takes = Takes::kBool, .description = "Default: AWS_USE_FIPS_ENDPOINT."},
    {.name = "use_dualstack",
     .takes = Takes::kBool,
     .description = "Default: AWS_USE_DUALSTACK_ENDPOINT."},
});

constexpr auto kRootFields = std::to_array<FieldSpec>({
    {.name = "name",
     .description = "Name of this connection. It is part of the staging prefix and of file names: "
                    "letters, digits, '-' and '_'.",
     .title = "Name of this connection",
     .example = "acme",
     .required = true,
     .missing = "Name this connection, for example name: acme",
     .rule = CheckName},
    {.name = "include",
     .takes = Takes::kTextList,
     .description = "Other files of this form, beside this one unless a folder is named. What "
                    "stands here counts before what stands there, each group as a whole; their "
                    "streams are added to those here. Fields that begin with x- are for anchors, "
                    "and read by nobody.",
     .example = "shared.yaml"},
    {.name = "redshift",
     .takes = Takes::kGroup,
     .description = "The workgroup to read from.",
     .required = true,
     .missing = "It tells workgroup, host and database.",
     .group = &kRedshiftGroup},
    {.name = "staging",
     .takes = Takes::kGroup,
     .description = "The bucket that UNLOAD writes to. Each sync deletes what it staged.",
     .required = true,
     .missing = "It tells the staging bucket and its region.",
     .group = &kStagingGroup},
    {.name = "auth",
     .takes = Takes::kGroup,
     .description = "How to sign in to AWS. Exactly one of role_arn, access_key_id with "
                    "secret_access_key, profile, source.",
     .required = true,
     .group = &kAuthGroup},
    {.name = "destination",
     .takes = Takes::kGroup,
     .description = "Where the tables land.",
     .required = true,
     .missing = "It tells where tables land, for example\n"
                "destination: { type: duckdb, path: acme.duckdb }",
     .group = &kDestinationGroup},
    {.name = "defaults",
     .takes = Takes::kGroup,
     .description = "Holds for every stream that it can hold for and that says nothing else: "
                    "incremental for those with a cursor.",
     .group = &kDefaultsGroup},
    {.name = "streams",
     .takes = Takes::kGroupList,
     .description = "What to read: tables, or queries with a name.",
     .group = &kStreamGroup},
    {.name = "streams_parallel",
     .takes = Takes::kInteger,
     .description = "How many streams are synced at a time.",
     .example = "4",
     .preset = "4",
     .min = 1,
     .max = 64},
    {.name = "limits",
     .takes = Takes::kGroup,
     .description = "What the program may use of this machine.",
     .group = &kLimitsGroup},
    {.name = "history",
     .takes = Takes::kGroup,
     .description = "What is kept of past runs.",
     .group = &kHistoryGroup},
    {.name = "cost",
     .takes = Takes::kGroup,
     .description = "What a run costs.",
     .group = &kCostGroup},
    {.name = "on_failure",
     .takes = Takes::kGroup,
     .description = "Who is told when a sync failed, or some of its streams did. Whatever becomes "
                    "of that, the exit code stays the sync's.",
     .group = &kOnFailureGroup},
    {.name = "aws",
     .takes = Takes::kGroup,
     .description = "Where AWS is reached. Where a field is absent, the standard AWS variable "
                    "counts: AWS_CA_BUNDLE, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, ...",
     .group = &kAwsGroup},
});

}  // namespace

constinit const GroupSpec kRedshiftGroup{.path = "redshift", .fields = kRedshiftFields};
constinit const GroupSpec kStagingGroup{.path = "staging", .fields = kStagingFields};
constinit const GroupSpec kLimitsGroup{.path = "limits", .fields = kLimitsFields};
constinit const GroupSpec kHistoryGroup{.path = "history", .fields = kHistoryFields};
constinit const GroupSpec kCostGroup{.path = "cost", .fields = kCostFields};
constinit const GroupSpec kOnFailureGroup{.path = "on_failure", .fields = kOnFailureFields};
constinit const GroupSpec kAwsGroup{.path = "aws", .fields = kAwsFields};
constinit const GroupSpec kRootGroup{.path = "", .fields = kRootFields};

const FieldSpec* GroupSpec::Find(std::string_view wanted) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldSpec& field) { return field.name == wanted; });
  return found == fields.end() ? nullptr : &*found;
}

const FieldSpec* FindField(std::string_view group, std::string_view key) {
  if (group.empty()) return kRootGroup.Find(key);
  const FieldSpec* outer = kRootGroup.Find(group);
  return outer == nullptr || outer->group == nullptr ? nullptr : outer->group->Find(key);
}

std::string_view PatternOf(Rule rule) {
  constexpr auto kPatterns = std::to_array<std::pair<Rule, std::string_view>>({
      {CheckName, "[A-Za-z0-9][A-Za-z0-9_-]{0,62}"},
      {CheckWorkgroup, "[a-z0-9-]{3,64}"},
      {CheckRegion, "[a-z]{2}[a-z0-9]*(-[a-z0-9]+)+-[0-9]+"},
      {CheckBucket, "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"},
      {CheckKmsKey, "auto|arn:aws[a-z-]*:kms:.+:key/.+"},
      {CheckUnloadRole, "default|arn:aws[a-z-]*:iam::[0-9]{12}:role/.+"},
      {CheckRoleArn, "arn:aws[a-z-]*:iam::[0-9]{12}:role/.+"},
      {CheckExternalId, ".{2,}"},
      {CheckSessionName, "[A-Za-z0-9_+=,.@-]{2,64}"},
      {CheckAccessKeyId, "[A-Za-z0-9_]{16,128}"},
      {CheckUrl, "https?://[^ ]+"},
      {CheckPrice, "[0-9]*[.]?[0-9]+"},
      {CheckTable, ".{3,}"},
      {CheckTagValue, ".{0,256}"},
      {CheckAdded, "_synced_at|_source"},
  });
  const auto found = std::find_if(kPatterns.begin(), kPatterns.end(),
                                  [&](const auto& one) { return one.first == rule; });
  return found == kPatterns.end() ? std::string_view() : found->second;
}

}  // namespace sluice::config
