#include "serve/compose/config_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "serve/base/text_rules.h"

namespace sluice::serve {
namespace {

constexpr auto kSource = std::to_array<ConfigField>({
    {"workgroup", "redshift.workgroup"},
    {"host", "redshift.host"},
    {"port", "redshift.port"},
    {"database", "redshift.database"},
    {"username", "redshift.username"},
    {"bucket", "staging.bucket"},
    {"bucket_region", "staging.region"},
    {"role_arn", "auth.role_arn"},
    {"access_key_id", "auth.access_key_id"},
    {"secret_access_key", "auth.secret_access_key"},
    {"session_token", "auth.session_token"},
    {"source", "auth.source"},
    {"advanced.external_id", "auth.external_id"},
    {"advanced.session_name", "auth.session_name"},
    {"advanced.duration", "auth.duration"},
    {"advanced.session_tags", "auth.session_tags"},
    {"advanced.allow_keys_in_unload", "auth.allow_keys_in_unload"},
    {"advanced.unload_role", "staging.unload_role"},
    {"advanced.kms_key", "staging.kms_key"},
    {"advanced.root", "staging.root"},
    {"advanced.login_api", "redshift.login_api"},
    {"advanced.region", "redshift.region"},
    {"advanced.aws", "aws"},
});

constexpr auto kDestination = std::to_array<ConfigField>({
    {"type", "destination.type"},
    {"path", "destination.path"},
    {"schema", "destination.schema"},
    {"host", "destination.host"},
    {"port", "destination.port"},
    {"database", "destination.database"},
    {"user", "destination.user"},
    {"password", "destination.password"},
    {"sslmode", "destination.sslmode"},
    {"connections", "destination.connections"},
    {"region", "destination.region"},
    {"endpoint_url", "destination.endpoint_url"},
    {"access_key_id", "destination.access_key_id"},
    {"secret_access_key", "destination.secret_access_key"},
    {"session_token", "destination.session_token"},
    {"keep_versions", "destination.keep_versions"},
    {"keep_for", "destination.keep_for"},
});

constexpr auto kPipeline = std::to_array<ConfigField>({
    {"connection", "name"},
    {"defaults", "defaults"},
    {"streams", "streams"},
    {"streams_parallel", "streams_parallel"},
    {"limits", "limits"},
    {"cost", "cost"},
});

constexpr auto kEvents = std::to_array<std::string_view>({"failed", "partly", "recovered", "late"});

// The API's name, if `field` is of that kind; else empty. The longest fit: "redshift" alone is
// none.
std::string NameIn(Kind kind, std::string_view field) {
  for (const ConfigField& one : ConfigFieldsOf(kind)) {
    if (!field.starts_with(one.config)) continue;
    const std::string_view rest = field.substr(one.config.size());
    if (rest.empty() || rest.front() == '.' || rest.front() == '[') {
      return std::string(one.api) + std::string(rest);
    }
  }
  return {};
}

}  // namespace

std::span<const ConfigField> ConfigFieldsOf(Kind kind) {
  switch (kind) {
    case Kind::kSource: return kSource;
    case Kind::kDestination: return kDestination;
    case Kind::kPipeline: return kPipeline;
    case Kind::kAlert: return {};
  }
  return {};
}

FieldProblem ToApi(Kind kind, const config::Problem& problem) {
  FieldProblem told{problem.field, problem.problem, problem.remedy};
  if (problem.field == "auth") {
    // Its remedy shows ways that the service does not know.
    told.field = kind == Kind::kSource ? "role_arn" : "source";
    told.remedy = "Send either role_arn, or access_key_id and secret_access_key.";
    return told;
  }
  if (auto own = NameIn(kind, problem.field); !own.empty()) {
    told.field = std::move(own);
    return told;
  }
  for (const Kind other : {Kind::kSource, Kind::kDestination, Kind::kPipeline}) {
    const std::string name = NameIn(other, problem.field);
    if (name.empty()) continue;
    told.field = KindName(other);
    told.problem = fmt::format("{} {}", name, problem.problem);
    return told;
  }
  return told;
}

void AddAlert(const Resource& alert, std::vector<FieldProblem>& problems) {
  const auto add = [&](std::string field, std::string problem, std::string remedy) {
    problems.push_back({std::move(field), std::move(problem), std::move(remedy)});
  };
  const Json on = FieldAt(alert.fields, "on");
  if (on.empty()) add("on", "is missing", "Send what it tells of: [\"failed\", \"recovered\"]");
  for (const Json& event : on) {
    if (std::find(kEvents.begin(), kEvents.end(), event.get<std::string>()) != kEvents.end()) {
      continue;
    }
    add("on", "holds what is not failed, partly, recovered or late", "Send some of these.");
    break;
  }
  const base::Secret* secret = FindSecret(alert, "secret");
  if (secret != nullptr && !secret->Reveal().starts_with("whsec_")) {
    add("secret", "does not begin with whsec_; it is not shown here",
        "Leave it out: one is made. Or send whsec_ and 24 to 64 bytes in base64.");
  }
  if (FieldText(alert, "kind") != "email") return;
  const auto is_mail = [](const std::string& text) {
    const auto at = text.find('@');
    return at != std::string::npos && at > 0 && at + 1 < text.size() && IsOneLine(text) &&
           text.find_first_of(" ,;<>\"\\") == std::string::npos;
  };
  const Json to = FieldAt(alert.fields, "to");
  if (to.empty()) add("to", "is missing", "Send the addresses that mail goes to.");
  for (const Json& one : to) {
    if (!is_mail(one.get<std::string>())) {
      add("to", "holds what is no address", "Send addresses alone: data@example.com");
      break;
    }
  }
  if (!is_mail(FieldText(alert, "from"))) {
    add("from", "is no address", "Send the address that mail comes from: sluice@example.com");
  }
}

}  // namespace sluice::serve
