#include "init/destination.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/destination_path.h"

namespace sluice::init {
namespace {

using config::Broken;
using config::Node;

constexpr std::string_view kPostgresForm = "postgresql://user@host:5432/database";

std::optional<std::string> TextAt(const Node& map, std::string_view key) {
  for (const auto& entry : map.entries) {
    if (entry.key == key && entry.value.kind == Node::Kind::kScalar) return entry.value.text;
  }
  return std::nullopt;
}

Broken NotPostgres() {
  return {"is not the address of a database", fmt::format("Write {}", kPostgresForm)};
}

// What follows the scheme.
std::variant<DestinationFields, Broken> ParsePostgres(std::string_view rest) {
  const auto at = rest.rfind('@');
  if (at == std::string_view::npos) return NotPostgres();
  const std::string_view user = rest.substr(0, at);
  if (user.find(':') != std::string_view::npos) {
    return Broken{"holds a password, which does not belong into the configuration",
                  "Write it without. PostgreSQL's client takes it from PGPASSWORD or ~/.pgpass; or "
                  "name a variable: destination.password: \"${NAME}\""};
  }
  rest.remove_prefix(at + 1);
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return NotPostgres();
  const std::string_view database = rest.substr(slash + 1);
  const std::string_view place = rest.substr(0, slash);
  const auto colon = place.rfind(':');
  const std::string_view host = place.substr(0, colon);
  if (user.empty() || host.empty() || database.empty() ||
      database.find_first_of("?#/") != std::string_view::npos) {
    return NotPostgres();
  }
  DestinationFields fields = {
      {"type", "postgres"}, {"host", std::string(host)}, {"database", std::string(database)}};
  if (colon != std::string_view::npos) {
    const std::string_view port = place.substr(colon + 1);
    int number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number < 1 || number > 65535) {
      return NotPostgres();
    }
    fields.push_back({"port", std::string(port), true});
  }
  fields.push_back({"user", std::string(user)});
  return fields;
}

}  // namespace

std::variant<DestinationFields, Broken> ParseDestination(std::string_view answer) {
  for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
    if (answer.starts_with(scheme)) return ParsePostgres(answer.substr(scheme.size()));
  }
  if (answer.starts_with("s3://")) {
    const std::string_view rest = answer.substr(5);
    if (const auto broken = config::CheckBucket(rest.substr(0, rest.find('/')))) return *broken;
    return DestinationFields{{"type", "lake"}, {"path", std::string(answer)}};
  }
  if (answer.find("://") != std::string_view::npos) {
    return Broken{"is an address that no destination has",
                  fmt::format("Write a file, {}, s3://bucket/folder, or folder/", kPostgresForm)};
  }
  const bool folder = answer.ends_with('/');
  if (auto broken = folder ? config::CheckLakeFolder(answer) : config::CheckDuckDbPath(answer)) {
    return *std::move(broken);
  }
  return DestinationFields{{"type", folder ? "lake" : "duckdb"}, {"path", std::string(answer)}};
}

std::string DestinationOf(const Node& group) {
  const std::string type = TextAt(group, "type").value_or("");
  if (type == "postgres") {
    const auto user = TextAt(group, "user");
    const auto host = TextAt(group, "host");
    const auto database = TextAt(group, "database");
    // A socket's folder, and names with signs of their own, have no such address.
    if (!user || !host || !database || host->starts_with('/') ||
        (*user + *database).find_first_of("@:/?#") != std::string::npos) {
      return "";
    }
    const auto port = TextAt(group, "port");
    return fmt::format("postgresql://{}@{}{}/{}", *user, *host, port ? ":" + *port : "", *database);
  }
  std::string path = TextAt(group, "path").value_or("");
  const bool folder = type == "lake" && !path.starts_with("s3://");
  if (folder && !path.empty() && !path.ends_with('/')) path += '/';
  return path;
}

const std::vector<std::string_view>& DestinationKeys() {
  static const std::vector<std::string_view> kKeys = {"path",
                                                      "host",
                                                      "port",
                                                      "database",
                                                      "user",
                                                      "password",
                                                      "sslmode",
                                                      "sslrootcert",
                                                      "connections",
                                                      "region",
                                                      "endpoint_url",
                                                      "access_key_id",
                                                      "secret_access_key",
                                                      "session_token",
                                                      "keep_versions",
                                                      "keep_for"};
  return kKeys;
}

}  // namespace sluice::init
