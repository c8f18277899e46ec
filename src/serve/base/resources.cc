#include "serve/base/resources.h"

#include <algorithm>

#include "base/text.h"
#include "serve/base/ids.h"
#include "serve/base/resource_fields.h"
#include "serve/base/text_rules.h"

namespace sluice::serve {
namespace {

// A duration as configurations write it, of whole seconds: "90s", "5m", "2h", "1d".
std::optional<std::chrono::seconds> DurationOf(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const auto number = base::ParseNumber<std::int64_t>(text.substr(0, text.size() - 1));
  if (!number || *number < 0 || *number > 1'000'000) return std::nullopt;
  switch (text.back()) {
    case 's': return std::chrono::seconds(*number);
    case 'm': return std::chrono::minutes(*number);
    case 'h': return std::chrono::hours(*number);
    case 'd': return std::chrono::hours(24 * *number);
    default: return std::nullopt;
  }
}

// Fields that an answer always has, with their value where nothing is set.
void AddAbsent(const Resource& resource, Json& json) {
  const auto absent = [&](std::string_view name, Json value) {
    const std::string key(name);
    if (!json.contains(key)) json[key] = std::move(value);
  };
  if (resource.kind == Kind::kSource) {
    for (const FieldForm& form : FieldsOf(Kind::kSource)) {
      if (form.form == Form::kGroup) {
        absent(form.name, Json::object());
      } else if (form.form != Form::kSecret) {
        absent(form.name, nullptr);
      }
    }
  } else if (resource.kind == Kind::kPipeline) {
    absent("connection", ConnectionOf(resource));
    absent("defaults", Json::object());
    absent("streams", Json::array());
    absent("limits", Json::object());
    absent("cost", Json::object());
    absent("schedule", nullptr);
  } else if (resource.kind == Kind::kAlert) {
    absent("on", Json::array());
    absent("paused", false);
  }
}

// That a secret is there, and nothing else of it.
void AddSecretsSet(const Resource& resource, Json& json) {
  for (const FieldForm& form : FieldsOf(resource.kind)) {
    if (form.form != Form::kSecret) continue;
    json[std::string(form.name) + "_set"] = resource.secrets.contains(form.name);
  }
  for (const auto& [path, value] : resource.secrets) {
    if (Json* hash = HashOf(json, path)) (*hash)["salt"] = nullptr;
  }
  const base::Secret* url = FindSecret(resource, "url");
  if (url != nullptr) json["url"] = ShownAddress(url->Reveal());
}

Json FromTest(const std::optional<LastTest>& test) {
  if (!test) return nullptr;
  return {{"at", TimeText(test->at)}, {"ok", test->ok}};
}

}  // namespace

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kSource: return "source";
    case Kind::kDestination: return "destination";
    case Kind::kPipeline: return "pipeline";
    case Kind::kAlert: return "alert";
  }
  return "source";
}

std::string_view IdPrefix(Kind kind) {
  switch (kind) {
    case Kind::kSource: return kSourceId;
    case Kind::kDestination: return kDestinationId;
    case Kind::kPipeline: return kPipelineId;
    case Kind::kAlert: return kAlertId;
  }
  return kSourceId;
}

Json ToJson(const Tenant& tenant) {
  Json limits = Json::object();
  limits["parallel_runs"] = tenant.parallel_runs ? Json(*tenant.parallel_runs) : Json(nullptr);
  return {{"id", tenant.id},
          {"name", tenant.name},
          {"limits", std::move(limits)},
          {"external_id", tenant.external_id},
          {"version", tenant.version},
          {"created_at", TimeText(tenant.created_at)},
          {"updated_at", TimeText(tenant.updated_at)}};
}

Json ToJson(const Resource& resource) {
  Json json = {{"id", resource.id}, {"tenant", resource.tenant}, {"name", resource.name}};
  json.update(resource.fields);
  AddAbsent(resource, json);
  AddSecretsSet(resource, json);
  if (resource.kind == Kind::kSource) json["last_test"] = FromTest(resource.last_test);
  json["version"] = resource.version;
  json["created_at"] = TimeText(resource.created_at);
  json["updated_at"] = TimeText(resource.updated_at);
  return json;
}

std::string SourceOf(const Resource& pipeline) { return FieldText(pipeline, "source"); }
std::string DestinationOf(const Resource& pipeline) { return FieldText(pipeline, "destination"); }

std::optional<Schedule> ScheduleOf(const Resource& pipeline) {
  const auto found = pipeline.fields.find("schedule");
  if (found == pipeline.fields.end() || !found->is_object()) return std::nullopt;
  Schedule schedule{.cron = FieldText(pipeline, "schedule.cron")};
  if (auto zone = FieldText(pipeline, "schedule.time_zone"); !zone.empty()) {
    schedule.time_zone = std::move(zone);
  }
  schedule.jitter =
      DurationOf(FieldText(pipeline, "schedule.jitter")).value_or(std::chrono::seconds(0));
  const auto paused = found->find("paused");
  schedule.paused = paused != found->end() && paused->is_boolean() && paused->get<bool>();
  return schedule;
}

std::string ConnectionOf(const Resource& pipeline) {
  std::string name = FieldText(pipeline, "connection");
  return name.empty() ? pipeline.id : name;
}

Json FieldAt(const Json& fields, std::string_view path) {
  const Json* at = &fields;
  while (!path.empty()) {
    const auto dot = path.find('.');
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) return nullptr;
    at = &*found;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *at;
}

std::string FieldText(const Resource& resource, std::string_view path) {
  const Json value = FieldAt(resource.fields, path);
  return value.is_string() ? value.get<std::string>() : std::string();
}

const base::Secret* FindSecret(const Resource& resource, std::string_view path) {
  const auto found = resource.secrets.find(path);
  return found == resource.secrets.end() ? nullptr : &found->second;
}

}  // namespace sluice::serve
