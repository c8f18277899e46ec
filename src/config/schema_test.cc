// Goal: the schema that editors use and the reader that decides agree, field by field.
#include "config/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "config/config.h"
#include "config/yaml_tree.h"

namespace sluice::config {
namespace {

using Json = nlohmann::json;

// YAML as an editor's schema checker sees it.
Json ToJson(const Node& node) {
  if (node.kind == Node::Kind::kNull) return nullptr;
  if (node.kind == Node::Kind::kScalar) {
    static const std::regex kInteger("-?[0-9]{1,18}");
    if (std::regex_match(node.text, kInteger)) return Json(std::stoll(node.text));
    return node.text;
  }
  Json json = node.kind == Node::Kind::kMap ? Json::object() : Json::array();
  for (const Node& item : node.items) json.push_back(ToJson(item));
  for (const Entry& entry : node.entries) json[entry.key] = ToJson(entry.value);
  return json;
}

bool IsType(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_number_integer();
  // Editors see 2024 or true where the reader takes any scalar as text.
  if (type == "string") return value.is_string() || value.is_number();
  ADD_FAILURE() << "type " << type << " is not known to this test";
  return false;
}

bool Accepts(const Json& schema, const Json& value);

bool AcceptsObject(const Json& schema, const Json& value) {
  for (const auto& name : schema.value("required", Json::array())) {
    if (!value.contains(name)) return false;
  }
  if (schema.contains("propertyNames")) {
    for (const auto& [name, inner] : value.items()) {
      if (!Accepts(schema["propertyNames"], name)) return false;
    }
  }
  const Json dependent = schema.value("dependentRequired", Json::object());
  for (const auto& [name, others] : dependent.items()) {
    if (!value.contains(name)) continue;
    for (const auto& other : others) {
      if (!value.contains(other)) return false;
    }
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, inner] : value.items()) {
    if (!properties.contains(name)) {
      const Json others = schema.value("additionalProperties", Json(true));
      if (others == false || (others.is_object() && !Accepts(others, inner))) return false;
    } else if (!Accepts(properties[name], inner)) {
      return false;
    }
  }
  return true;
}

bool AcceptsScalar(const Json& schema, const Json& value) {
  if (value.is_number()) {
    if (schema.contains("minimum") && value < schema["minimum"]) return false;
    if (schema.contains("maximum") && value > schema["maximum"]) return false;
  }
  if (!value.is_string()) return true;
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < schema.value("minLength", 0U)) return false;
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema["pattern"].get<std::string>()));
}

std::size_t MatchesOf(const Json& schemas, const Json& value) {
  std::size_t count = 0;
  for (const auto& schema : schemas) count += Accepts(schema, value) ? 1 : 0;
  return count;
}

// The keywords that the schema uses; "oneOf" of `required` alone is fine with more fields.
bool Accepts(const Json& schema, const Json& value) {
  if (schema.contains("type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    bool any = false;
    for (const auto& type : types) any = any || IsType(value, type);
    if (!any) return false;
  }
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
    return false;
  }
  if (schema.contains("not") && Accepts(schema["not"], value)) return false;
  if (schema.contains("oneOf") && MatchesOf(schema["oneOf"], value) != 1) return false;
  if (schema.contains("anyOf") && MatchesOf(schema["anyOf"], value) == 0) return false;
  if (value.is_object() && !AcceptsObject(schema, value)) return false;
  if (value.is_array() && schema.contains("items")) {
    for (const auto& item : value) {
      if (!Accepts(schema["items"], item)) return false;
    }
  }
  return AcceptsScalar(schema, value);
}

constexpr std::string_view kFull = R"(name: acme
redshift:
  workgroup: analytics
  host: h.example.com
  port: 5439
  database: dev
  username: "IAMR:r"
  login_api: GetClusterCredentials
  region: us-gov-west-1
  sslrootcert: ca.pem
staging:
  bucket: acme-staging
  region: us-east-1
  root: a/b/
  kms_key: arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234-ab
  unload_role: default
auth:
  access_key_id: AKIAIOSFODNN7EXAMPLE
  secret_access_key: "${S:-x}"
  session_token: t
  allow_keys_in_unload: "true"
destination:
  type: duckdb
  path: x.duckdb
  schema: s
defaults:
  sync_mode: incremental
  write_mode: merge
  overlap: 5m
  columns: { exclude: [password] }
  rename_all: snake_case
  mask: { phone: last4, note: null }
streams_parallel: 2
limits:
  memory_mb: 400
  disk_mb: 1000
  work_dir: /tmp
history:
  keep: 30d
aws:
  ca_bundle: ca.pem
  endpoint_url: https://localhost:1
  endpoint_url_s3: https://localhost:1
  endpoint_url_sts: https://localhost:1
  endpoint_url_redshift_serverless: https://localhost:1
  endpoint_url_redshift: https://localhost:1
  allow_http: false
  use_fips: "true"
  use_dualstack: false
streams:
  - name: a
    sql: SELECT 1
    columns: [a, b]
  - table: s.t
    sync_mode: incremental
    write_mode: append
    primary_key: id
    cursor: c
    overlap: 1h
    null_cursor: skip
    duplicate_keys: newest
    schema_changes: fail
  - table: s.u
    deletes: none
  - table: s.v
    write_mode: merge
    primary_key: id
    deletes: { column: gone, keep: true, max_percent: 10 }
  - table: s.w
    columns: { exclude: [c, d] }
    rename: { a: b }
    rename_all: none
    where: "x <> 'y'"
    cast: { e: 'decimal(18,2)' }
    hash: { columns: [f], salt: "${S:-x}" }
    mask: { g: "***", h: null }
    add: [_synced_at, _source]
)";

bool ReaderAccepts(const std::string& text) {
  return Parse(text, "sluice.yaml", [](std::string_view) { return std::nullopt; }).problems.empty();
}

bool SchemaAccepts(const std::string& text) {
  return Accepts(Json::parse(JsonSchema()), ToJson(ParseYaml(text).root));
}

void ExpectBoth(bool accepted, const std::string& text) {
  EXPECT_EQ(ReaderAccepts(text), accepted) << text;
  EXPECT_EQ(SchemaAccepts(text), accepted) << text;
}

std::string GoodWith(std::string_view from, std::string_view to) {
  std::string text(kFull);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// Every object's own fields: "redshift" -> {"workgroup", ...}.
void CollectFields(const Json& schema, const std::string& path,
                   std::map<std::string, std::set<std::string>>& out) {
  if (schema.contains("properties")) {
    for (const auto& [name, inner] : schema["properties"].items()) {
      out[path].insert(name);
      CollectFields(inner, path.empty() ? name : path + "." + name, out);
    }
  }
  if (schema.contains("items")) CollectFields(schema["items"], path, out);
  for (const auto& inner : schema.value("anyOf", Json::array())) CollectFields(inner, path, out);
}

TEST(Schema, BothAcceptTheFullExample) { ExpectBoth(true, std::string(kFull)); }

TEST(Schema, BothRefuseTheSame) {
  const std::pair<std::string_view, std::string_view> kBad[] = {
      {"name: acme\n", ""},
      {"name: acme", "name: ac me"},
      {"port: 5439", "port: 70000"},
      {"port: 5439", "prot: 5439"},
      {"workgroup: analytics", "workgroup: Analytics"},
      {"region: us-east-1", "region: virginia"},
      {"  bucket: acme-staging\n", ""},
      {"bucket: acme-staging", "bucket: s3://acme"},
      {"type: duckdb", "type: mysql"},
      {"  session_token: t", "  external_id: ab"},
      {"  secret_access_key: \"${S:-x}\"\n", ""},
      {"auth:\n", "auth:\n  profile: p\n"},
      {"  access_key_id: AKIAIOSFODNN7EXAMPLE\n  secret_access_key: \"${S:-x}\"\n  session_token: "
       "t",
       "  role_arn: arn:aws:iam::123456789012:role/r"},
      {"auth:\n", "auth:\n  session_tags: {A: b}\n"},
      {"auth:\n", "auth:\n  source: default_chain\n"},
      {"login_api: GetClusterCredentials", "login_api: GetClusterCredential"},
      {"unload_role: default", "unload_role: arn:aws:iam::1:role/x"},
      {"kms_key: arn:", "kms_key: alias:"},
      {"use_fips: \"true\"", "use_fips: maybe"},
      {"allow_http: false", "allow_http: sometimes"},
      {"write_mode: merge", "write_mode: upsert"},
      {"overlap: 5m", "overlap: 5 minutes"},
      {"streams_parallel: 2", "streams_parallel: 0"},
      {"memory_mb: 400", "memory_mb: 1"},
      {"endpoint_url: https:", "endpoint_url: ftp:"},
      {"  - name: a\n    sql", "  - sql"},
      {"deletes: none", "deletes: some"},
      {"deletes: { column: gone", "deletes: { columns: gone"},
      {"max_percent: 10", "max_percent: 101"},
      {"null_cursor: skip", "null_cursor: sometimes"},
      {"exclude: [c, d]", "except: [c, d]"},
      {"columns: { exclude: [password] }", "columns: [password]"},
      {"rename_all: none", "rename_all: camelCase"},
      {"rename: { a: b }", "rename: [a, b]"},
      {"add: [_synced_at, _source]", "add: [_loaded_at]"},
      {"add: [_synced_at, _source]", "add: {_synced_at}"},
      {"columns: [f], salt", "salt"},
      {"h: null", "h: [null]"},
  };
  for (const auto& [from, to] : kBad) ExpectBoth(false, GoodWith(from, to));
}

TEST(Schema, EveryWayToLogInIsAccepted) {
  const auto with_auth = [](const std::string& fields) {
    std::string text(kFull);
    const auto from = text.find("auth:\n") + 6;
    return text.replace(from, text.find("destination:") - from, fields);
  };
  const std::string role = "  role_arn: arn:aws:iam::123456789012:role/r\n";
  ExpectBoth(true, with_auth(role + "  external_id: ab\n  session_name: s1\n  duration: 2h\n"
                                    "  session_tags: { RedshiftDbUser: x }\n"));
  ExpectBoth(true, with_auth(role + "  web_identity_token_file: token\n"));
  ExpectBoth(true, with_auth("  source: default_chain\n"));
  ExpectBoth(true, with_auth("  profile: p\n"));
  ExpectBoth(false, with_auth("  source: default_chain\n  duration: 1h\n"));
}

TEST(Schema, EveryDestinationIsAccepted) {
  const auto with = [](const std::string& fields) {
    std::string text(kFull);
    const auto from = text.find("destination:\n") + 13;
    return text.replace(from, text.find("defaults:") - from, fields);
  };
  const std::string postgres = "  type: postgres\n  host: db\n  database: d\n  user: u\n";
  ExpectBoth(true, with(postgres));
  ExpectBoth(true, with(postgres + "  port: 5433\n  password: p\n  sslmode: require\n"
                                   "  sslrootcert: ca.pem\n  connections: 4\n  schema: s\n"));
  ExpectBoth(false, with(postgres + "  path: x\n"));
  ExpectBoth(false, with(postgres + "  sslmode: full\n"));
  ExpectBoth(false, with(postgres + "  connections: 0\n"));
  ExpectBoth(false, with("  type: postgres\n  host: db\n  database: d\n"));
  const std::string lake = "  type: lake\n  path: s3://warehouse/acme\n";
  ExpectBoth(true, with(lake));
  ExpectBoth(true, with("  type: lake\n  path: lake\n  keep_versions: 3\n  keep_for: 7d\n"));
  ExpectBoth(true, with(lake + "  region: eu-west-1\n  endpoint_url: https://minio:9000\n"
                               "  access_key_id: AKIAIOSFODNN7EXAMPLE\n"
                               "  secret_access_key: s\n  session_token: t\n"));
  ExpectBoth(false, with(lake + "  access_key_id: AKIAIOSFODNN7EXAMPLE\n"));
  ExpectBoth(false, with(lake + "  keep_versions: 0\n"));
  ExpectBoth(false, with(lake + "  user: u\n"));
  ExpectBoth(false, with("  type: lake\n"));
  ExpectBoth(false, with("  type: duckdb\n  path: x\n  keep_for: 1d\n"));
}

TEST(Schema, EveryFieldIsKnownToTheReaderAndNoOther) {
  std::map<std::string, std::set<std::string>> fields;
  CollectFields(Json::parse(JsonSchema()), "", fields);
  // The reader lists what it knows when it meets a field that is nothing like any of it.
  const auto known = [](const std::string& text) {
    const Loaded loaded = Parse(text, "f", [](std::string_view) { return std::nullopt; });
    for (const Problem& problem : loaded.problems) {
      if (problem.field.find("zzzzzzzzz") == std::string::npos) continue;
      std::set<std::string> names;
      std::string rest = problem.remedy.substr(std::string("Known here: ").size());
      rest.pop_back();
      rest = std::regex_replace(rest, std::regex(" or "), ", ");
      for (std::size_t at; (at = rest.find(", ")) != std::string::npos; rest.erase(0, at + 2)) {
        names.insert(rest.substr(0, at));
      }
      names.insert(rest);
      return names;
    }
    ADD_FAILURE() << text;
    return std::set<std::string>();
  };
  for (const auto& [path, names] : fields) {
    std::string text = "{zzzzzzzzz: 1}";
    if (path == "streams")
      text = "{streams: [" + text + "]}";
    else if (path.starts_with("streams."))
      text = "{streams: [{" + path.substr(8) + ": " + text + "}]}";
    else if (path.starts_with("defaults."))
      text = "{defaults: {" + path.substr(9) + ": " + text + "}}";
    else if (!path.empty())
      text = "{" + path + ": " + text + "}";
    EXPECT_EQ(known(text), names) << path;
  }
  EXPECT_EQ(fields.size(), 18U);
}

}  // namespace
}  // namespace sluice::config
