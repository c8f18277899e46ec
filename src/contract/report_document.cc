#include "contract/report_document.h"

#include <sys/utsname.h>

#include <array>
#include <variant>

#include "contract/common_fields.h"

namespace sluice::contract {
namespace {

Json System() {
  utsname name{};
  if (uname(&name) != 0) return nullptr;
  return {{"system", name.sysname}, {"release", name.release}, {"machine", name.machine}};
}

const char* KindOf(const config::AuthConfig& auth) {
  constexpr std::array kKinds = {"role", "keys", "profile", "source"};
  static_assert(std::variant_size_v<config::AuthConfig> == kKinds.size());
  return kKinds.at(auth.index());
}

const char* KindOf(const config::DestinationConfig& destination) {
  constexpr std::array kKinds = {"duckdb", "postgres", "lake"};
  static_assert(std::variant_size_v<decltype(destination.kind)> == kKinds.size());
  return kKinds.at(destination.kind.index());
}

// What of a configuration is a choice, not a name.
Json Choices(const config::Config& config) {
  Json streams = Json::array();
  for (const auto& entry : config.streams) {
    const auto& stream = entry.stream;
    streams.push_back({{"of", stream.table ? "table" : "query"},
                       {"sync_mode", ToString(stream.sync_mode)},
                       {"write_mode", ToString(stream.write_mode)},
                       {"primary_key", stream.primary_key.size()},
                       {"cursor", stream.cursor.has_value()},
                       {"columns", stream.columns.size()},
                       {"split", stream.split.has_value()}});
  }
  using config::LoginApi;
  const bool older = config.redshift.login_api == LoginApi::kGetClusterCredentials;
  return {{"auth", KindOf(config.auth)},
          {"destination", KindOf(config.destination)},
          {"login_api", older ? "GetClusterCredentials" : "GetCredentials"},
          {"bucket_region", config.staging.region},
          {"kms_key", config.staging.kms_key.has_value()},
          {"unload_role", config.staging.unload_role.has_value()},
          {"streams", std::move(streams)}};
}

Json FoundWithoutNames(const check::Findings& findings) {
  Json list = Json::array();
  for (const auto& finding : findings.findings) {
    list.push_back({{"id", finding.id},
                    {"severity", SeverityName(finding.severity)},
                    {"code", finding.code ? Json(base::ErrorCodeName(*finding.code)) : Json()}});
  }
  return list;
}

}  // namespace

std::string ReportJson(const config::Config& config, const check::Findings& findings,
                       const nlohmann::ordered_json& answers, report::Names names) {
  const bool shown = names == report::Names::kShown;
  Json json = {{"sluice", SLUICE_VERSION},
               {"report", 1},
               {"names", shown},
               {"machine", System()},
               {"configuration", Choices(config)},
               {"findings", shown ? WrittenAll(FindingFields(), findings.findings)
                                  : FoundWithoutNames(findings)}};
  json.update(answers);
  return Dump(json);
}

}  // namespace sluice::contract
