#include "serve/compose/compose.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/config.h"
#include "config/destination_path.h"
#include "connection/host_rules.h"
#include "serve/base/resource_fields.h"
#include "serve/compose/config_fields.h"
#include "serve/compose/yaml_text.h"
#include "serve/store/private_file.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNobody = "test";  // the connection's name where there is no pipeline

void PutAt(Json& config, std::string_view path, Json value) {
  if (value.is_null()) return;
  Json* at = &config;
  while (true) {
    const auto dot = path.find('.');
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) break;
    path = path.substr(dot + 1);
  }
  *at = std::move(value);
}

void PutFields(Json& config, const Resource& resource) {
  for (const ConfigField& field : ConfigFieldsOf(resource.kind)) {
    PutAt(config, field.config, FieldAt(resource.fields, field.api));
    if (const base::Secret* secret = FindSecret(resource, field.api)) {
      PutAt(config, field.config, secret->Reveal());
    }
  }
}

class Composer {
 public:
  Composer(const Parts& parts, const OperatorRules& rules, const DataFolder& data)
      : parts_(parts), rules_(rules), data_(data) {}

  Json Compose() {
    Json config = Bare();
    Json& limits = config["limits"];
    SetMost(limits, "memory_mb", rules_.memory_mb_max);
    SetMost(limits, "disk_mb", rules_.disk_mb_max);
    limits["work_dir"] = (Folder() / "work").string();
    EscapeReferences(config);
    return config;
  }

  Json Bare() {
    config_["name"] = kNobody;
    PutSource();
    PutDestination();
    PutPipeline();
    return std::move(config_);
  }

  fs::path Folder() const {
    return parts_.pipeline == nullptr || parts_.pipeline->id.empty()
               ? data_.tests(parts_.tenant.id)
               : data_.pipeline(parts_.tenant.id, parts_.pipeline->id);
  }

 private:
  void PutSource() {
    if (parts_.source == nullptr) {
      config_["redshift"] = {{"workgroup", "unused"},
                             {"host", "unused.invalid"},
                             {"database", "unused"},
                             {"region", "us-east-1"}};
      config_["staging"] = {{"bucket", "unused"}, {"region", "us-east-1"}};
      config_["auth"] = {{"source", "default_chain"}};
    } else {
      for (const char* group : {"redshift", "staging", "auth"}) config_[group] = Json::object();
      PutFields(config_, *parts_.source);
      if (!FieldText(*parts_.source, "role_arn").empty() &&
          !config_["auth"].contains("external_id")) {
        config_["auth"]["external_id"] = parts_.tenant.external_id;
      }
    }
    if (rules_.redshift_root_cert) {
      config_["redshift"]["sslrootcert"] = rules_.redshift_root_cert->string();
    }
    if (rules_.aws_ca_bundle) config_["aws"]["ca_bundle"] = rules_.aws_ca_bundle->string();
  }

  void PutDestination() {
    if (parts_.destination == nullptr) {
      config_["destination"] = {{"type", "duckdb"}, {"path", (Folder() / "test.duckdb").string()}};
      return;
    }
    config_["destination"] = Json::object();
    PutFields(config_, *parts_.destination);
    const std::string type = FieldText(*parts_.destination, "type");
    if (type == "postgres" && rules_.postgres_root_cert) {
      config_["destination"]["sslrootcert"] = rules_.postgres_root_cert->string();
    }
    PutPath(type);
  }

  // A name that the configuration's own rules refuse is left as it is, for them to tell.
  void PutPath(const std::string& type) {
    const std::string path = FieldText(*parts_.destination, "path");
    if (path.empty() || (type == "lake" && path.starts_with("s3://"))) return;
    if (type != "duckdb" && type != "lake") return;
    if (type == "duckdb" ? config::CheckDuckDbPath(path) : config::CheckLakeFolder(path)) return;
    config_["destination"]["path"] = PathOf(path, data_.files(parts_.tenant.id), rules_).string();
  }

  void PutPipeline() {
    if (parts_.pipeline == nullptr) return;
    const Resource& pipeline = *parts_.pipeline;
    PutFields(config_, pipeline);
    // A new one has no id yet.
    if (const auto name = ConnectionOf(pipeline); !name.empty()) config_["name"] = name;
    for (const auto& [path, salt] : pipeline.secrets) {
      if (Json* hash = HashOf(config_, path)) (*hash)["salt"] = salt.Reveal();
    }
  }

  // The operator's maximum wins; what is no number is left for the configuration's own rules.
  static void SetMost(Json& limits, const char* name, std::int64_t most) {
    const auto found = limits.find(name);
    if (found == limits.end() || found->is_null() ||
        (found->is_number_integer() && found->get<std::int64_t>() > most)) {
      limits[name] = most;
    }
  }

  const Parts& parts_;
  const OperatorRules& rules_;
  const DataFolder& data_;
  Json config_ = Json::object();
};

config::Loaded Read(const std::string& text, const fs::path& folder) {
  const auto nothing = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  return config::Parse(text, folder / "sluice.yaml", nothing, connection::EndpointRules());
}

void AddProblems(Kind kind, const config::Loaded& loaded, std::vector<FieldProblem>& problems) {
  for (const config::Problem& problem : loaded.problems) {
    FieldProblem one = ToApi(kind, problem);
    // What a rule of the service has told already, in its own words.
    const bool told = std::any_of(problems.begin(), problems.end(), [&](const FieldProblem& other) {
      return other.field == one.field;
    });
    if (!told) problems.push_back(std::move(one));
  }
}

void AddSchedule(const Resource& pipeline, std::vector<FieldProblem>& problems) {
  const auto judge = [&](const char* field, config::Rule rule, bool required) {
    const std::string text = FieldText(pipeline, field);
    if (text.empty() && required) {
      problems.push_back({field, "is missing", "Send a cron expression: 30 6 * * *"});
    } else if (!text.empty()) {
      if (auto broken = rule(text)) {
        problems.push_back({field, std::move(broken->problem), std::move(broken->remedy)});
      }
    }
  };
  const auto schedule = ScheduleOf(pipeline);
  if (!schedule) return;
  judge("schedule.cron", config::CheckSchedule, true);
  judge("schedule.time_zone", config::CheckTimeZone, false);
  const std::string jitter = FieldText(pipeline, "schedule.jitter");
  if (jitter.empty()) return;
  const auto parsed = config::ParseDuration(jitter);
  if (!parsed || *parsed > std::chrono::hours(24) || *parsed != schedule->jitter) {
    problems.push_back(
        {"schedule.jitter", "is not a time up to 24h", "Write a number and s, m or h: 5m"});
  }
}

void AddPath(const Parts& parts, const OperatorRules& rules, const DataFolder& data,
             std::vector<FieldProblem>& problems, Json& config) {
  try {
    config = Composer(parts, rules, data).Compose();
  } catch (const Refused& refused) {
    problems.insert(problems.end(), refused.problems().begin(), refused.problems().end());
  }
}

// Everything about `resource`, as a part of `parts`. Returns the configuration.
Json Checked(const Resource& resource, const Parts& parts, const OperatorRules& rules,
             const DataFolder& data) {
  std::vector<FieldProblem> problems;
  AddUnsafe(resource, parts.tenant, rules, problems);
  Json config;
  AddPath(parts, rules, data, problems, config);
  if (resource.kind == Kind::kPipeline) {
    AddSchedule(resource, problems);
    if (FieldAt(resource.fields, "streams").empty()) {
      problems.push_back({"streams", "is missing", "Send at least one: [{\"table\": \"s.t\"}]"});
    }
  }
  if (!config.is_null()) AddProblems(resource.kind, Read(ChildYaml(config), data.root()), problems);
  if (!problems.empty()) throw Refused(KindName(resource.kind), std::move(problems));
  return config;
}

}  // namespace

void CheckSource(const Resource& source, const Tenant& tenant, const OperatorRules& rules,
                 const DataFolder& data) {
  Checked(source, {.tenant = tenant, .source = &source}, rules, data);
}

void CheckDestination(const Resource& destination, const Tenant& tenant, const OperatorRules& rules,
                      const DataFolder& data) {
  Checked(destination, {.tenant = tenant, .destination = &destination}, rules, data);
}

void CheckPipeline(const Resource& pipeline, const Resource& source, const Resource& destination,
                   const Tenant& tenant, const OperatorRules& rules, const DataFolder& data) {
  Checked(pipeline,
          {.tenant = tenant, .source = &source, .destination = &destination, .pipeline = &pipeline},
          rules, data);
}

void CheckAlert(const Resource& alert, const OperatorRules& rules) {
  std::vector<FieldProblem> problems;
  AddUnsafe(alert, {}, rules, problems);
  AddAlert(alert, problems);
  if (!problems.empty()) throw Refused(KindName(alert.kind), std::move(problems));
}

Json ConfigOf(const Parts& parts, const OperatorRules& rules, const DataFolder& data) {
  return Composer(parts, rules, data).Bare();
}

Composed Compose(const Parts& parts, const OperatorRules& rules, const DataFolder& data) {
  Json config;
  for (const Resource* part : {parts.source, parts.destination, parts.pipeline}) {
    if (part != nullptr) config = Checked(*part, parts, rules, data);
  }
  if (config.is_null()) config = Composer(parts, rules, data).Compose();
  Composed composed{.text = base::Secret(ChildYaml(config)),
                    .folder = Composer(parts, rules, data).Folder(),
                    .memory_mb = config["limits"]["memory_mb"].get<std::int64_t>()};
  constexpr std::string_view kOperation = "make the work folder";
  MakePrivateFolder(composed.folder / "work", kOperation);
  MakePrivateFolder(data.files(parts.tenant.id), kOperation);
  return composed;
}

}  // namespace sluice::serve
