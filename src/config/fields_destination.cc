// The group `destination`. See fields.h.
#include <array>

#include "config/fields.h"

namespace sluice::config {
namespace {

constexpr auto kTypes = std::to_array<std::string_view>({"duckdb", "postgres", "lake"});
constexpr auto kFilesOnly = std::to_array<std::string_view>({"duckdb", "lake"});
constexpr auto kPostgres = std::to_array<std::string_view>({"postgres"});
constexpr auto kLake = std::to_array<std::string_view>({"lake"});
constexpr auto kSslModes = std::to_array<std::string_view>(
    {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"});
constexpr auto kBucketSecretKey = std::to_array<std::string_view>({"secret_access_key"});
constexpr auto kBucketKeyId = std::to_array<std::string_view>({"access_key_id"});

constexpr auto kDestinationFields = std::to_array<FieldSpec>({
    {.name = "type",
     .takes = Takes::kChoice,
     .description = "duckdb: a file. postgres: a database. lake: Parquet files with a commit file "
                    "per version.",
     .required = true,
     .missing = "Write type: duckdb, postgres or lake",
     .words = kTypes},
    {.name = "path",
     .takes = Takes::kPath,
     .description = "duckdb: the file. lake: a folder, or s3://bucket/prefix. A relative path is "
                    "taken from the configuration's folder.",
     .title = "Destination",
     .example = "acme.duckdb",
     .required = true,
     .owners = kFilesOnly},
    {.name = "schema",
     .description = "Replaces the source's schemas. Default: each table keeps its own.",
     .rule = CheckIdentifier},
    {.name = "host",
     .description = "The server's name, or the folder of its socket.",
     .required = true,
     .missing = "Name the server, or the folder of its socket.",
     .rule = CheckServer,
     .owners = kPostgres},
    {.name = "port",
     .takes = Takes::kInteger,
     .description = "Of the server.",
     .example = "5432",
     .preset = "5432",
     .min = 1,
     .max = 65535,
     .owners = kPostgres},
    {.name = "database",
     .description = "The database that tables land in.",
     .required = true,
     .missing = "Name the database that tables land in.",
     .rule = CheckIdentifier,
     .owners = kPostgres},
    {.name = "user",
     .description = "A user that may create schemas and tables in the database.",
     .required = true,
     .missing = "Name the user that may create schemas and tables in it.",
     .rule = CheckIdentifier,
     .owners = kPostgres},
    {.name = "password",
     .takes = Takes::kPassword,
     .description = "Best as ${NAME}. Default: what libpq finds by itself.",
     .owners = kPostgres},
    {.name = "sslmode",
     .takes = Takes::kChoice,
     .description = "As libpq has it. Default: verify-full, for a socket disable.",
     .words = kSslModes,
     .owners = kPostgres},
    {.name = "sslrootcert",
     .takes = Takes::kPath,
     .description = "PEM file with the authority of the server's certificate. Default: the "
                    "system's.",
     .owners = kPostgres},
    {.name = "connections",
     .takes = Takes::kInteger,
     .description = "How many connections copy rows at a time, per stream.",
     .example = "2",
     .preset = "2",
     .min = 1,
     .max = 16,
     .owners = kPostgres},
    {.name = "region",
     .description = "In a bucket: the bucket's region. Default: that of the staging bucket.",
     .rule = CheckRegion,
     .owners = kLake},
    {.name = "endpoint_url",
     .description = "In a bucket of another S3-compatible service: its address.",
     .rule = CheckUrl,
     .owners = kLake},
    {.name = "access_key_id",
     .description = "In a bucket. Default: as the connection signs in to AWS.",
     .rule = CheckAccessKeyId,
     .needs = kBucketSecretKey,
     .owners = kLake},
    {.name = "secret_access_key",
     .takes = Takes::kSecret,
     .description = "Best as ${NAME} or ${file:PATH}.",
     .needs = kBucketKeyId,
     .owners = kLake},
    {.name = "session_token",
     .takes = Takes::kSecret,
     .description = "Of temporary keys.",
     .needs = kBucketKeyId,
     .owners = kLake},
    {.name = "keep_versions",
     .takes = Takes::kInteger,
     .description = "How many versions of a table are kept.",
     .example = "2",
     .preset = "2",
     .min = 1,
     .max = 10000,
     .owners = kLake},
    {.name = "keep_for",
     .takes = Takes::kDuration,
     .description = "Versions younger than this are kept, too.",
     .example = "7d",
     .preset = "0s",
     .owners = kLake},
});

}  // namespace

constinit const GroupSpec kDestinationGroup{
    .path = "destination", .fields = kDestinationFields, .chosen_by = "type"};

}  // namespace sluice::config
