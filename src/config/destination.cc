#include "config/destination.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "config/destination_path.h"

namespace sluice::config {
namespace {

constexpr std::string_view kBucketScheme = "s3://";

enum class Kind { kDuckDb, kPostgres, kLake };

// A field and the types of destination that have it; `type` and `schema` belong to all.
struct Owned {
  std::string_view key;
  std::array<bool, 3> kinds;  // by Kind
};
constexpr std::array<Owned, 16> kOwned = {{
    {"path", {true, false, true}},
    {"host", {false, true, false}},
    {"port", {false, true, false}},
    {"database", {false, true, false}},
    {"user", {false, true, false}},
    {"password", {false, true, false}},
    {"sslmode", {false, true, false}},
    {"sslrootcert", {false, true, false}},
    {"connections", {false, true, false}},
    {"region", {false, false, true}},
    {"endpoint_url", {false, false, true}},
    {"access_key_id", {false, false, true}},
    {"secret_access_key", {false, false, true}},
    {"session_token", {false, false, true}},
    {"keep_versions", {false, false, true}},
    {"keep_for", {false, false, true}},
}};
constexpr std::array<std::string_view, 3> kWords = {"duckdb", "postgres", "lake"};

void RefuseForeign(MapReader& map, Kind kind) {
  const auto at = static_cast<std::size_t>(kind);
  for (const Owned& owned : kOwned) {
    if (owned.kinds.at(at) || !map.Has(owned.key)) continue;
    map.Add(owned.key, fmt::format("stands beside type: {}", kWords.at(at)),
            "It belongs to another type of destination: leave it out.");
  }
}

// What stands there may be an address with a password: it is not repeated.
bool PathIsGood(MapReader& map, std::optional<Broken> (*rule)(std::string_view)) {
  const auto text = map.Text("path");
  if (!text) return false;
  const auto broken = rule(*text);
  if (broken) map.Add("path", broken->problem, broken->remedy);
  return !broken;
}

DuckDbDestination ReadDuckDb(MapReader& map, bool chosen) {
  DuckDbDestination duckdb;
  if (!chosen) return duckdb;
  if (!map.Has("path")) map.Missing("path", "Name the DuckDB file, for example path: acme.duckdb");
  if (PathIsGood(map, CheckDuckDbPath)) duckdb.path = map.Path("path").value_or("");
  return duckdb;
}

PostgresDestination ReadPostgres(MapReader& map, bool chosen) {
  PostgresDestination postgres;
  const auto required = [&](std::string_view key, std::string_view remedy,
                            Rule rule = CheckIdentifier) {
    if (chosen && !map.Has(key)) map.Missing(key, remedy);
    return map.Text(key, rule).value_or("");
  };
  postgres.host = required("host", "Name the server, or the folder of its socket.", CheckServer);
  postgres.database = required("database", "Name the database that tables land in.");
  postgres.user = required("user", "Name the user that may create schemas and tables in it.");
  if (const auto port = map.Integer("port", 1, 65535, "5432")) {
    postgres.port = static_cast<int>(*port);
  }
  postgres.password = map.PasswordText("password").value_or(base::Secret());
  // Nobody stands between a socket's two ends, and a server refuses TLS there.
  const std::string_view by_host = postgres.host.starts_with('/') ? "disable" : "verify-full";
  postgres.sslmode = map.Choice<std::string_view>("sslmode", {{"disable", "disable"},
                                                              {"allow", "allow"},
                                                              {"prefer", "prefer"},
                                                              {"require", "require"},
                                                              {"verify-ca", "verify-ca"},
                                                              {"verify-full", "verify-full"}})
                         .value_or(by_host);
  postgres.ssl_root_cert = map.Path("sslrootcert");
  if (const auto connections = map.Integer("connections", 1, 16, "2")) {
    postgres.connections = static_cast<int>(*connections);
  }
  return postgres;
}

// "s3://bucket/a/b" -> bucket and "a/b/".
void SetBucket(MapReader& map, const std::string& url, LakeDestination& lake) {
  const std::string rest = url.substr(kBucketScheme.size());
  const auto slash = rest.find('/');
  lake.bucket = rest.substr(0, slash);
  if (const auto broken = CheckBucket(lake.bucket)) {
    map.Add("path", "names a bucket that " + broken->problem, broken->remedy);
  }
  if (slash == std::string::npos || slash + 1 == rest.size()) return;
  lake.prefix = rest.substr(slash + 1);
  if (const auto broken = CheckRoot(lake.prefix)) {
    map.Add("path", "has a folder that " + broken->problem, broken->remedy);
  }
  if (!lake.prefix.ends_with('/')) lake.prefix += '/';
}

void ReadLakePath(MapReader& map, LakeDestination& lake) {
  if (!map.Has("path")) {
    map.Missing("path", "Name a folder, or a bucket with a folder: s3://acme-warehouse/sluice");
    return;
  }
  const std::string path = map.Text("path").value_or("");
  if (path.starts_with(kBucketScheme)) {
    SetBucket(map, path, lake);
    return;
  }
  if (PathIsGood(map, CheckLakeFolder)) lake.folder = map.Path("path").value_or("");
  for (const std::string_view key : {"region", "endpoint_url", "access_key_id"}) {
    if (!map.Has(key)) continue;
    map.Add(key, "stands beside a folder",
            "It belongs to a lake in a bucket: write path: s3://bucket/folder, or leave it out.");
  }
}

// What lies there is taken for leftovers, and setup's lifecycle rule expires it after two days.
void RefuseStagingRoot(MapReader& map, const LakeDestination& lake, const StagingConfig& staging) {
  if (lake.bucket.empty() || lake.bucket != staging.bucket || lake.endpoint_url) return;
  if (!lake.prefix.starts_with(staging.root)) return;
  map.Add("path", "lies beneath staging.root, where objects are removed",
          fmt::format("Choose a folder beside it: path: s3://{}/lake", lake.bucket));
}

void ReadLakeKeys(MapReader& map, LakeDestination& lake) {
  lake.access_key_id = map.Text("access_key_id", CheckAccessKeyId).value_or("");
  lake.secret_access_key = map.SecretText("secret_access_key").value_or(base::Secret());
  lake.session_token = map.SecretText("session_token").value_or(base::Secret());
  const bool has_id = map.Has("access_key_id");
  if (has_id == map.Has("secret_access_key") && (has_id || !map.Has("session_token"))) return;
  map.Missing(has_id ? "secret_access_key" : "access_key_id",
              "Keys come in twos: access_key_id and secret_access_key, best as \"${NAME}\".");
}

LakeDestination ReadLake(MapReader& map, bool chosen, const StagingConfig& staging) {
  LakeDestination lake;
  lake.region = map.Text("region", CheckRegion).value_or(staging.region);
  lake.endpoint_url = map.Text("endpoint_url", CheckUrl);
  if (const auto versions = map.Integer("keep_versions", 1, 10000, "2")) {
    lake.keep_versions = static_cast<int>(*versions);
  }
  lake.keep_for = map.Duration("keep_for", "7d").value_or(std::chrono::seconds(0));
  if (!chosen) return lake;
  ReadLakeKeys(map, lake);
  ReadLakePath(map, lake);
  RefuseStagingRoot(map, lake, staging);
  return lake;
}

void CheckSchema(MapReader& map, Kind kind, const std::string& schema) {
  const auto broken = CheckDestinationSchema(kWords.at(static_cast<std::size_t>(kind)), schema);
  if (broken) map.Add("schema", broken->problem, broken->remedy);
}

}  // namespace

DestinationConfig ReadDestination(Reading& reading, const Node* node,
                                  const StagingConfig& staging) {
  MapReader map(reading, node, "destination");
  if (!map.Has("type")) map.Missing("type", "Write type: duckdb, postgres or lake");
  const auto kind = map.Choice<Kind>(
      "type", {{"duckdb", Kind::kDuckDb}, {"postgres", Kind::kPostgres}, {"lake", Kind::kLake}});
  // All fields are asked for whatever the type, so that each is checked, and one of another type
  // is told apart from one that does not exist.
  DuckDbDestination duckdb = ReadDuckDb(map, kind == Kind::kDuckDb);
  PostgresDestination postgres = ReadPostgres(map, kind == Kind::kPostgres);
  LakeDestination lake = ReadLake(map, kind == Kind::kLake, staging);
  for (const std::string_view key :
       {"path", "access_key_id", "secret_access_key", "session_token"}) {
    map.Any(key);
  }
  DestinationConfig destination;
  destination.schema = map.Text("schema", CheckIdentifier);
  if (kind) RefuseForeign(map, *kind);
  if (kind && destination.schema) CheckSchema(map, *kind, *destination.schema);
  map.RefuseOthers();
  if (kind == Kind::kPostgres) {
    destination.kind = std::move(postgres);
  } else if (kind == Kind::kLake) {
    destination.kind = std::move(lake);
  } else {
    destination.kind = std::move(duckdb);
  }
  return destination;
}

}  // namespace sluice::config
