#include "serve/compose/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "config/config.h"
#include "connection/host_rules.h"
#include "serve/base/resource_fields.h"
#include "serve/compose/compose.h"
#include "serve/compose/config_fields.h"
#include "serve/compose/import_tree.h"
#include "serve/compose/yaml_text.h"
#include "serve/store/private_file.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwn = "x-sluice";

// "ACME_SECRET_ACCESS_KEY".
std::string VariableName(std::string_view connection, std::string_view field) {
  std::string name;
  for (const char c : fmt::format("{}_{}", connection, field)) {
    const auto byte = static_cast<unsigned char>(c);
    name += byte < 0x80 && std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "_" + name : name;
}

class Exporter {
 public:
  Exporter(const Parts& parts, const OperatorRules& rules, const DataFolder& data)
      : parts_(parts), rules_(rules), data_(data), connection_(ConnectionOf(*parts.pipeline)) {}

  Exported Export() {
    // With references in the place of secrets, which stay references.
    Resource source = *parts_.source;
    Resource destination = *parts_.destination;
    Resource pipeline = *parts_.pipeline;
    for (Resource* part : {&source, &destination, &pipeline}) Hide(*part);
    Json config = ConfigOf({.tenant = parts_.tenant,
                            .source = &source,
                            .destination = &destination,
                            .pipeline = &pipeline},
                           rules_, data_);
    const config::Limits preset;
    AddLimit(config, "memory_mb", rules_.memory_mb_max, preset.memory_mb);
    AddLimit(config, "disk_mb", rules_.disk_mb_max, preset.disk_mb);
    AddSchedule(config);
    out_.file_name = connection_ + ".yaml";
    out_.yaml = "# From sluice serve. It means to `sluice sync` what it meant there.\n";
    out_.yaml += PeopleYaml(config);
    return std::move(out_);
  }

 private:
  void Hide(Resource& part) {
    EscapeReferences(part.fields);
    for (auto& [path, value] : part.secrets) {
      const std::string field =
          part.kind == Kind::kDestination ? fmt::format("DESTINATION_{}", path) : path;
      const std::string name = VariableName(connection_, field);
      out_.variables.emplace_back(name, value);
      value = base::Secret(fmt::format("${{{}}}", name));
    }
  }

  // What a run of the service's is held to; what holds for `sluice sync` anyway is left out.
  static void AddLimit(Json& config, const char* name, std::int64_t most, std::uint64_t preset) {
    const Json own = FieldAt(config, fmt::format("limits.{}", name));
    const bool less = own.is_number_integer() && own.get<std::int64_t>() <= most;
    if (less || (own.is_null() && most == static_cast<std::int64_t>(preset))) return;
    config["limits"][name] = most;
  }

  void AddSchedule(Json& config) {
    Json own = {{"pipeline", parts_.pipeline->name},
                {"source", parts_.source->name},
                {"destination", parts_.destination->name}};
    const Json schedule = FieldAt(parts_.pipeline->fields, "schedule");
    if (schedule.is_object()) {
      config["defaults"]["schedule"] = schedule.value("cron", "");
      if (schedule.contains("time_zone")) {
        config["defaults"]["time_zone"] = schedule["time_zone"];
      }
      for (const char* name : {"jitter", "paused"}) {
        if (schedule.contains(name)) own[name] = schedule[name];
      }
    }
    config[kOwn] = std::move(own);
  }

  const Parts& parts_;
  const OperatorRules& rules_;
  const DataFolder& data_;
  const std::string connection_;
  Exported out_;
};

// Takes the value at `path` out of `json`; null if there is none.
Json Take(Json& json, std::string_view path) {
  const auto dot = path.find('.');
  const std::string key(path.substr(0, dot));
  const auto found = json.find(key);
  if (!json.is_object() || found == json.end()) return nullptr;
  if (dot != std::string_view::npos) {
    Json value = found->is_object() ? Take(*found, path.substr(dot + 1)) : Json(nullptr);
    if (found->is_object() && found->empty()) json.erase(key);
    return value;
  }
  Json value = std::move(*found);
  json.erase(key);
  return value;
}

void Put(Json& json, std::string_view path, Json value) {
  const auto dot = path.find('.');
  Json& at = json[std::string(path.substr(0, dot))];
  if (dot == std::string_view::npos) {
    at = std::move(value);
  } else {
    Put(at, path.substr(dot + 1), std::move(value));
  }
}

class Importer {
 public:
  Importer(const Tenant& tenant, const OperatorRules& rules, const DataFolder& data)
      : tenant_(tenant), rules_(rules), data_(data) {}

  Imported Import(std::string_view text, const fs::path& file,
                  const base::Environment& environment) {
    const auto loaded = config::Parse(text, file, environment, connection::EndpointRules());
    for (const config::Problem& one : loaded.problems) {
      problems_.push_back({one.field, one.problem, one.remedy});
    }
    Stop();
    whole_ = TreeOf(text, file, environment, problems_);
    const std::string name = loaded.config.name;
    const Json own = whole_.value(kOwn, Json::object());
    DropOperatorsOwn();
    Json source = Body(Kind::kSource, own, name);
    Json destination = Body(Kind::kDestination, own, name);
    Json pipeline = Body(Kind::kPipeline, own, name);
    PlacePath(destination, file);
    TakeSchedule(pipeline, own);
    RefuseLeftOvers();
    Stop();
    return Checked(source, destination, pipeline);
  }

 private:
  void Stop() {
    if (!problems_.empty()) throw Refused("configuration", std::move(problems_));
  }

  // What Export wrote of the operator's own: every child gets it anyway.
  void DropOperatorsOwn() {
    const auto drop = [&](std::string_view path, const std::optional<fs::path>& own) {
      if (own && FieldAt(whole_, path) == Json(own->string())) Take(whole_, path);
    };
    drop("redshift.sslrootcert", rules_.redshift_root_cert);
    drop("destination.sslrootcert", rules_.postgres_root_cert);
    drop("aws.ca_bundle", rules_.aws_ca_bundle);
    if (FieldAt(whole_, "auth.external_id") == Json(tenant_.external_id)) {
      Take(whole_, "auth.external_id");
    }
  }

  Json Body(Kind kind, const Json& own, const std::string& connection) {
    Json body = Json::object();
    const std::string key(KindName(kind));
    body["name"] = own.is_object() && own.contains(key) && own[key].is_string()
                       ? own[key].get<std::string>()
                       : connection;
    for (const ConfigField& field : ConfigFieldsOf(kind)) {
      Json value = Take(whole_, field.config);
      if (value.is_null()) continue;
      Put(body, field.api, Formed(kind, field.api, std::move(value)));
    }
    return body;
  }

  // A number that a reference gave is a number, a name of digits a text.
  static Json Formed(Kind kind, std::string_view api, Json value) {
    for (const FieldForm& form : FieldsOf(kind)) {
      if (form.name != api) continue;
      const bool text = form.form == Form::kText || form.form == Form::kSecret;
      if (text && !value.is_string() && !value.is_structured()) return value.dump();
      if (form.form == Form::kInteger && value.is_string()) {
        Json number = Json::parse(value.get<std::string>(), nullptr, false);
        if (number.is_number_integer()) return number;
      }
    }
    return value;
  }

  // Beneath the tenant's own folder a path is a name in it.
  void PlacePath(Json& destination, const fs::path& file) {
    if (!destination.contains("path") || !destination["path"].is_string()) return;
    const auto text = destination["path"].get<std::string>();
    if (text.starts_with("s3://")) return;
    const fs::path whole = (fs::absolute(file).parent_path() / text).lexically_normal();
    const fs::path inside = whole.lexically_relative(data_.files(tenant_.id));
    const bool own = !inside.empty() && *inside.begin() != "..";
    destination["path"] = own ? inside.string() : whole.string();
  }

  void TakeSchedule(Json& pipeline, const Json& own) {
    if (!pipeline.contains("defaults")) return;
    const Json cron = Take(pipeline["defaults"], "schedule");
    const Json zone = Take(pipeline["defaults"], "time_zone");
    if (pipeline["defaults"].empty()) pipeline.erase("defaults");
    if (cron.is_null()) return;
    pipeline["schedule"]["cron"] = cron;
    if (!zone.is_null()) pipeline["schedule"]["time_zone"] = zone;
    for (const char* name : {"jitter", "paused"}) {
      if (own.is_object() && own.contains(name)) pipeline["schedule"][name] = own[name];
    }
  }

  void RefuseLeftOvers() {
    for (const auto& [key, value] : whole_.items()) {
      if (key.starts_with("x-") || key == "include" || value.is_null()) continue;
      if (!value.is_object()) {
        AddLeftOver(key);
        continue;
      }
      for (const auto& [inner, unused] : value.items())
        AddLeftOver(fmt::format("{}.{}", key, inner));
    }
  }

  void AddLeftOver(const std::string& field) {
    std::string remedy = "Take it out of the file.";
    if (field.starts_with("on_failure")) remedy = "Take it out, and make an alert of the service.";
    if (field == "auth.profile") remedy = "Write role_arn, or access_key_id and secret_access_key.";
    problems_.push_back({field, "has no counterpart in the service", std::move(remedy)});
  }

  Imported Checked(const Json& source, const Json& destination, const Json& pipeline) {
    OperatorRules rules = rules_;
    rules.admin = true;
    Imported imported{.source = ReadResource(Kind::kSource, source),
                      .destination = ReadResource(Kind::kDestination, destination),
                      .pipeline = ReadResource(Kind::kPipeline, pipeline)};
    for (Resource* part : {&imported.source, &imported.destination, &imported.pipeline}) {
      part->tenant = tenant_.id;
    }
    CheckSource(imported.source, tenant_, rules, data_);
    CheckDestination(imported.destination, tenant_, rules, data_);
    CheckPipeline(imported.pipeline, imported.source, imported.destination, tenant_, rules, data_);
    return imported;
  }

  const Tenant& tenant_;
  const OperatorRules& rules_;
  const DataFolder& data_;
  Json whole_;
  std::vector<FieldProblem> problems_;
};

// As config/env_file.h reads it.
std::string EnvLine(const std::string& name, const base::Secret& value) {
  std::string line = name + "=\"";
  for (const char c : value.Reveal()) {
    if (c == '"' || c == '\\' || c == '$') line += '\\';
    line += c;
  }
  return line + "\"\n";
}

bool Same(const Resource& a, const Resource& b) {
  return a.fields == b.fields && a.secrets == b.secrets;
}

// The one that is there if it is the same, or belongs to `user` alone; else a new one.
std::string Settle(Store& store, const Resource& wanted, const std::string& used) {
  const auto there = store.FindByName(wanted.kind, wanted.tenant, wanted.name, true);
  if (!there) return store.Add(wanted).id;
  if (Same(*there, wanted)) return there->id;
  if (there->id != used) {
    throw Refused(KindName(wanted.kind), {{fmt::format("{}.{}", kOwn, KindName(wanted.kind)),
                                           "is the name of another one, with other values",
                                           "Write another name there, or make the two the same."}});
  }
  Resource changed = wanted;
  changed.id = there->id;
  return store.Update(changed, there->version).id;
}

std::optional<Resource> FindConnection(Store& store, const Resource& pipeline) {
  PageRequest request{.limit = 500};
  do {
    const auto page = store.List(Kind::kPipeline, pipeline.tenant, request);
    for (const Resource& one : page.items) {
      if (ConnectionOf(one) != ConnectionOf(pipeline)) continue;
      return store.Get(Kind::kPipeline, one.tenant, one.id, true);
    }
    request.cursor = page.next_cursor.value_or("");
  } while (!request.cursor.empty());
  return std::nullopt;
}

}  // namespace

Exported Export(const Resource& pipeline, const Resource& source, const Resource& destination,
                const Tenant& tenant, const OperatorRules& rules, const DataFolder& data) {
  const Parts parts{
      .tenant = tenant, .source = &source, .destination = &destination, .pipeline = &pipeline};
  return Exporter(parts, rules, data).Export();
}

Imported Import(std::string_view text, const fs::path& file, const base::Environment& environment,
                const Tenant& tenant, const OperatorRules& rules, const DataFolder& data) {
  return Importer(tenant, rules, data).Import(text, file, environment);
}

std::vector<std::string> ExportTenant(Store& store, const Tenant& tenant, const fs::path& folder,
                                      bool with_secrets, const OperatorRules& rules,
                                      const DataFolder& data) {
  constexpr std::string_view kOperation = "export";
  MakePrivateFolder(folder, kOperation);
  std::vector<Exported> all;
  PageRequest request{.limit = 500};
  do {
    const auto page = store.List(Kind::kPipeline, tenant.id, request);
    for (const Resource& one : page.items) {
      const Resource pipeline = store.Get(Kind::kPipeline, tenant.id, one.id, true);
      all.push_back(Export(pipeline, store.Get(Kind::kSource, tenant.id, SourceOf(pipeline), true),
                           store.Get(Kind::kDestination, tenant.id, DestinationOf(pipeline), true),
                           tenant, rules, data));
    }
    request.cursor = page.next_cursor.value_or("");
  } while (!request.cursor.empty());
  std::string env;
  std::vector<std::string> names;
  for (const Exported& one : all) {
    names.push_back(one.file_name);
    for (const auto& [name, value] : one.variables) env += EnvLine(name, value);
  }
  if (with_secrets) names.emplace_back(".env");
  for (const std::string& name : names) {
    if (!fs::exists(folder / name)) continue;
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = std::string(kOperation),
                       .subject = (folder / name).string(),
                       .message = "it is there already",
                       .remedy = "Name an empty folder."});
  }
  for (const Exported& one : all) WritePrivateFile(folder / one.file_name, one.yaml, kOperation);
  if (with_secrets)
    WritePrivateFile(folder / ".env", base::Secret(std::move(env)).Reveal(), kOperation);
  return names;
}

std::string ImportInto(Store& store, const Tenant& tenant, const Imported& imported) {
  const auto there = FindConnection(store, imported.pipeline);
  Resource pipeline = imported.pipeline;
  pipeline.tenant = tenant.id;
  pipeline.fields["source"] =
      Settle(store, imported.source, there ? SourceOf(*there) : std::string());
  pipeline.fields["destination"] =
      Settle(store, imported.destination, there ? DestinationOf(*there) : std::string());
  if (!there) return store.Add(pipeline).id;
  pipeline.id = there->id;
  // That is its name anyway.
  if (FieldText(pipeline, "connection") == there->id) pipeline.fields.erase("connection");
  // The same values in another order are no change.
  if (there->name == pipeline.name && there->secrets == pipeline.secrets &&
      nlohmann::json(there->fields) == nlohmann::json(pipeline.fields)) {
    return there->id;
  }
  return store.Update(pipeline, there->version).id;
}

}  // namespace sluice::serve
