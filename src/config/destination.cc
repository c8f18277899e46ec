#include "config/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/destination_path.h"

namespace sluice::config {
namespace {

constexpr std::string_view kBucketScheme = "s3://";

enum class DestinationKind { kDuckDb, kPostgres, kLake };

constexpr std::array<std::string_view, 3> kWords = {"duckdb", "postgres", "lake"};

void RefuseForeign(MapReader& map, DestinationKind kind) {
  const std::string_view word = kWords.at(static_cast<std::size_t>(kind));
  for (const FieldSpec& field : kDestinationGroup.fields) {
    const auto& owners = field.owners;
    const bool ours =
        owners.empty() || std::find(owners.begin(), owners.end(), word) != owners.end();
    if (ours || !map.Has(field.name)) continue;
    map.Add(field.name, fmt::format("stands beside type: {}", word),
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
  const auto required = [&](std::string_view key) {
    if (chosen && !map.Has(key)) map.Missing(key);
    return map.Text(key).value_or("");
  };
  postgres.host = required("host");
  postgres.database = required("database");
  postgres.user = required("user");
  if (const auto port = map.Integer("port")) postgres.port = static_cast<int>(*port);
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
  if (const auto connections = map.Integer("connections")) {
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
  lake.access_key_id = map.Text("access_key_id").value_or("");
  lake.secret_access_key = map.SecretText("secret_access_key").value_or(base::Secret());
  lake.session_token = map.SecretText("session_token").value_or(base::Secret());
  const bool has_id = map.Has("access_key_id");
  if (has_id == map.Has("secret_access_key") && (has_id || !map.Has("session_token"))) return;
  map.Missing(has_id ? "secret_access_key" : "access_key_id",
              "Keys come in twos: access_key_id and secret_access_key, best as \"${NAME}\".");
}

LakeDestination ReadLake(MapReader& map, bool chosen, const StagingConfig& staging) {
  LakeDestination lake;
  lake.region = map.Text("region").value_or(staging.region);
  lake.endpoint_url = map.Text("endpoint_url");
  if (const auto versions = map.Integer("keep_versions")) {
    lake.keep_versions = static_cast<int>(*versions);
  }
  lake.keep_for = map.Duration("keep_for").value_or(std::chrono::seconds(0));
  if (!chosen) return lake;
  ReadLakeKeys(map, lake);
  ReadLakePath(map, lake);
  RefuseStagingRoot(map, lake, staging);
  return lake;
}

void CheckSchema(MapReader& map, DestinationKind kind, const std::string& schema) {
  const auto broken = CheckDestinationSchema(kWords.at(static_cast<std::size_t>(kind)), schema);
  if (broken) map.Add("schema", broken->problem, broken->remedy);
}

}  // namespace

DestinationConfig ReadDestination(Reading& reading, const Node* node,
                                  const StagingConfig& staging) {
  MapReader map(reading, node, kDestinationGroup, "destination");
  if (!map.Has("type")) map.Missing("type");
  const auto kind = map.Choice<DestinationKind>("type", {{"duckdb", DestinationKind::kDuckDb},
                                                         {"postgres", DestinationKind::kPostgres},
                                                         {"lake", DestinationKind::kLake}});
  // All fields are asked for whatever the type, so that each is checked, and one of another type
  // is told apart from one that does not exist.
  DuckDbDestination duckdb = ReadDuckDb(map, kind == DestinationKind::kDuckDb);
  PostgresDestination postgres = ReadPostgres(map, kind == DestinationKind::kPostgres);
  LakeDestination lake = ReadLake(map, kind == DestinationKind::kLake, staging);
  for (const std::string_view key :
       {"path", "access_key_id", "secret_access_key", "session_token"}) {
    map.Any(key);
  }
  DestinationConfig destination;
  destination.schema = map.Text("schema");
  if (kind) RefuseForeign(map, *kind);
  if (kind && destination.schema) CheckSchema(map, *kind, *destination.schema);
  map.RefuseOthers();
  if (kind == DestinationKind::kPostgres) {
    destination.kind = std::move(postgres);
  } else if (kind == DestinationKind::kLake) {
    destination.kind = std::move(lake);
  } else {
    destination.kind = std::move(duckdb);
  }
  return destination;
}

}  // namespace sluice::config
