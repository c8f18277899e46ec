// sluice.yaml and the environment -> one validated Config. It holds values only and contacts
// nobody; the command line maps it onto each room's options. docs and editors: schema.h.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "config/problem.h"
#include "config/references.h"
#include "config/rules.h"
#include "config/table_pattern.h"
#include "model/stream.h"

namespace sluice::config {

// The AWS call that gives the database's user and password.
enum class LoginApi {
  kGetCredentials,         // AWS derives the user from the identity
  kGetClusterCredentials,  // the older call: logs in as an existing user, named in `username`
};

struct RedshiftConfig {
  std::string workgroup;
  std::string host;         // as pasted; redshift/endpoint.h takes it apart
  std::optional<int> port;  // else the host's, else 5439
  std::string database;
  std::optional<std::string> username;  // as submitted; AWS derives the real one
  LoginApi login_api = LoginApi::kGetCredentials;
  std::optional<std::string> region;                   // else the host's, else AWS_REGION
  std::optional<std::filesystem::path> ssl_root_cert;  // PEM file; else the system's roots
};

struct StagingConfig {
  std::string bucket;
  std::string region;            // of the bucket
  std::string root = "sluice/";  // ends in '/'
  // SSE-KMS: "auto" is the bucket's default key, else a key's ARN. nullopt: SSE-S3.
  std::optional<std::string> kms_key;
  // "default", or the ARNs of a chain of roles attached to the namespace, "arn1,arn2": UNLOAD
  // writes with it instead of with keys in its text.
  std::optional<std::string> unload_role;
};

// Lands in the session that a role gives: the trust policy must allow sts:TagSession.
struct SessionTag {
  std::string key;    // "RedshiftDbUser", "RedshiftDbRoles", ...
  std::string value;  // at most 256 characters
};
// A role assumed with whatever keys the standard AWS chain gives, or with a web identity token.
struct RoleAuth {
  std::string role_arn;
  std::optional<base::Secret> external_id;
  // The role is assumed by AssumeRoleWithWebIdentity with this file's token; it then has neither
  // external_id nor session_tags.
  std::optional<std::filesystem::path> web_identity_token_file;
  std::optional<std::string> session_name;  // else made of the connection's name
  std::vector<SessionTag> session_tags;     // in the file's order
  std::chrono::seconds duration{3600};      // 900 to 43200; the role's own maximum counts too
};
struct KeysAuth {
  std::string access_key_id;
  base::Secret secret_access_key;
  base::Secret session_token;  // empty for long-term keys
  // They may stand in the text of an UNLOAD themselves if AWS gives no narrower ones for them.
  bool allow_in_unload = false;
};
struct ProfileAuth {
  std::string profile;
  bool allow_in_unload = false;  // as above
};
// The keys that the standard AWS chain gives, themselves.
struct ChainAuth {
  bool allow_in_unload = false;  // as above
};
using AuthConfig = std::variant<RoleAuth, KeysAuth, ProfileAuth, ChainAuth>;

struct DuckDbDestination {
  std::filesystem::path path;  // absolute, or beside the configuration
};
struct PostgresDestination {
  std::string host;  // a name or address, or the folder of a socket
  int port = 5432;
  std::string database;
  std::string user;
  base::Secret password;  // empty: what libpq finds by itself (~/.pgpass), or none
  std::string sslmode;    // as libpq spells it; "verify-full" unless it is a socket
  std::optional<std::filesystem::path> ssl_root_cert;  // PEM file; else the system's roots
  int connections = 2;                                 // that copy rows, per stream
};
// Parquet files and a commit file per version, in a folder or in a bucket.
struct LakeDestination {
  std::filesystem::path folder;  // empty: in a bucket
  std::string bucket;
  std::string prefix;  // "warehouse/": ends in '/', or empty
  std::string region;  // of the bucket
  // Where the bucket is not reached as the staging bucket is: another service, other keys.
  std::optional<std::string> endpoint_url;
  std::string access_key_id;  // empty: as the connection logs in to AWS
  base::Secret secret_access_key;
  base::Secret session_token;
  int keep_versions = 2;             // the newest ones
  std::chrono::seconds keep_for{0};  // and those that are younger
};

struct DestinationConfig {
  std::variant<DuckDbDestination, PostgresDestination, LakeDestination> kind;
  std::optional<std::string> schema;  // replaces the source's schemas
};

// When `sync --watch` does it.
struct ScheduleConfig {
  std::string cron;
  std::string time_zone = "UTC";
};

struct StreamConfig {
  model::Stream stream;
  std::optional<ScheduleConfig> schedule;
  std::string field;  // "streams[2]", for messages
};

enum class NewTables {
  kFollow,  // a table that came later is synced, and told
  kTell,    // it is told alone
};

// Tables that are chosen at each run. A table that a stream of StreamConfig reads, or whose name
// one has, is not among them.
struct PatternConfig {
  std::vector<TablePattern> tables;  // not empty
  std::vector<TablePattern> exclude;
  NewTables new_tables = NewTables::kFollow;
  bool views = false;      // views, too
  model::Stream settings;  // of each of them; without name and table
  std::optional<ScheduleConfig> schedule;
  std::string field;       // "streams[2]", for messages
  std::size_t before = 0;  // so many of Config::streams stand before it in the file
};

struct Limits {
  // Memory of the whole program, roughly: what exceeds it waits or goes to disk.
  std::uint64_t memory_mb = 400;
  // Parts on local disk at one time. More lets downloads run ahead of a slow destination.
  std::uint64_t disk_mb = 2048;
  std::optional<std::filesystem::path> work_dir;  // else $TMPDIR, else .sluice beside the file
};

struct HistoryConfig {
  // How long the ledger tells of a run. What is needed to clean, and each stream's last commit,
  // stays however old it is; see sync::Ledger::Prune.
  std::chrono::seconds keep = std::chrono::hours(90 * 24);
};

struct CostConfig {
  std::optional<double> rpu_price;  // of one RPU for an hour, in any currency
  bool ask_usage = true;
};

// Who is told when a sync failed. Both may be empty.
struct OnFailureConfig {
  std::string command;
  base::Secret webhook;
};

// Else the standard AWS variables.
struct AwsConfig {
  std::optional<std::filesystem::path> ca_bundle;
  std::optional<std::string> endpoint_url;
  std::optional<std::string> endpoint_url_s3;
  std::optional<std::string> endpoint_url_sts;
  std::optional<std::string> endpoint_url_redshift_serverless;
  std::optional<std::string> endpoint_url_redshift;
  // An http:// address of another machine may be used, a lake's own among them: keys and rows
  // travel in the clear then.
  bool allow_http = false;
  std::optional<bool> use_fips;
  std::optional<bool> use_dualstack;
};

struct Config {
  std::filesystem::path file;
  std::filesystem::path folder;  // of the file; paths in it are taken from here
  std::string name;              // of the connection: part of the staging prefix
  RedshiftConfig redshift;
  StagingConfig staging;
  AuthConfig auth;
  DestinationConfig destination;
  std::vector<StreamConfig> streams;  // names unique; may be empty (discover needs none)
  std::vector<PatternConfig> patterns;
  int streams_parallel = 4;
  Limits limits;
  HistoryConfig history;
  CostConfig cost;
  OnFailureConfig on_failure;
  AwsConfig aws;
  // What is not wrong, but should not stay so.
  std::vector<Problem> warnings = {};
};

// Exactly one side counts: `config` if `problems` is empty.
struct Loaded {
  Config config;
  std::vector<Problem> problems;  // in the file's order
};

// `file` is named in Config and gives the folder; its content is `text`. Reads no other file than
// those of ${file:...} and `include`.
Loaded Parse(std::string_view text, const std::filesystem::path& file,
             const Environment& environment, const HostRules& host_rules = {});

// Reads the file. A file that is absent or unreadable is a problem too. Secrets that stand in a
// file that others may read are warned about.
Loaded Load(const std::filesystem::path& file, const Environment& environment,
            const HostRules& host_rules = {});

// All problems as one kInvalidConfig error. REQUIRES: not empty.
base::Error ToError(const std::filesystem::path& file, const std::vector<Problem>& problems);

// "sluice.yaml:12:9", or of the included file that it is in: what editors and terminals turn into a
// link.
std::string Place(const std::filesystem::path& file, const Problem& problem);

}  // namespace sluice::config
