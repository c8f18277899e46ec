#include "config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.h"
#include "config/fields.h"

namespace sluice::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDurationPattern = "[0-9]+[smhd]";
// Every text may be a reference, whose value no editor knows.
constexpr std::string_view kReferencePattern = ".*\\$\\{.*";

Json ObjectOf(const GroupSpec& group);

Json Words(std::span<const std::string_view> words) {
  Json json = Json::array();
  for (const std::string_view word : words) json.push_back(word);
  return json;
}

// What `field` takes where it is a single value.
Json ScalarOf(const FieldSpec& field) {
  if (field.takes == Takes::kInteger) {
    Json json = {{"type", {"integer", "string"}}, {"minimum", field.min}, {"maximum", field.max}};
    return json;
  }
  if (field.takes == Takes::kBool) return {{"enum", {true, false, "true", "false"}}};
  if (field.takes == Takes::kChoice) return {{"enum", Words(field.words)}};
  std::string pattern(field.takes == Takes::kDuration ? kDurationPattern : PatternOf(field.rule));
  for (const std::string_view word : field.words) pattern = fmt::format("{}|{}", word, pattern);
  Json json = {{"type", "string"}};
  if (field.takes == Takes::kNumber) json["type"] = {"number", "string"};
  if (pattern.empty()) {
    json["minLength"] = 1;
  } else {
    json["pattern"] = fmt::format("^({}|{})$", pattern, kReferencePattern);
  }
  return json;
}

Json ValueOf(const FieldSpec& field) {
  switch (field.takes) {
    case Takes::kGroup: return ObjectOf(*field.group);
    case Takes::kGroupList: return {{"type", "array"}, {"items", ObjectOf(*field.group)}};
    case Takes::kTextMap: {
      Json one = ScalarOf(field);
      if (field.null_too) one = {{"anyOf", {one, {{"type", "null"}}}}};
      return {{"type", "object"}, {"additionalProperties", one}};
    }
    case Takes::kTextList: {
      Json one = ScalarOf(field);
      return {{"anyOf", {one, {{"type", "array"}, {"items", one}}}}};
    }
    default: return ScalarOf(field);
  }
}

// "5m", 4 or false.
Json PresetOf(const FieldSpec& field) {
  if (field.takes == Takes::kBool) return field.preset == "true";
  if (field.takes == Takes::kInteger) {
    if (const auto number = base::ParseNumber<std::int64_t>(field.preset)) return *number;
  }
  return field.preset;
}

Json PropertyOf(const FieldSpec& field) {
  Json json;
  if (!field.title.empty()) json["title"] = field.title;
  std::string owners;
  for (const std::string_view owner : field.owners) {
    owners += fmt::format("{}{}", owners.empty() ? "" : ", ", owner);
  }
  const bool told = owners.empty() || field.description.starts_with(field.owners.front());
  json["description"] =
      told ? std::string(field.description) : fmt::format("{}: {}", owners, field.description);
  Json value = ValueOf(field);
  const bool or_group =
      field.group != nullptr && field.takes != Takes::kGroup && field.takes != Takes::kGroupList;
  if (or_group && value.contains("anyOf")) {
    value["anyOf"].push_back(ObjectOf(*field.group));
  } else if (or_group) {
    value = {{"anyOf", {value, ObjectOf(*field.group)}}};
  }
  json.update(value);
  if (!field.preset.empty()) json["default"] = PresetOf(field);
  if (!field.example.empty()) json["examples"] = Json::array({field.example});
  return json;
}

bool Owns(const FieldSpec& field, std::string_view word) {
  return field.owners.empty() ||
         std::find(field.owners.begin(), field.owners.end(), word) != field.owners.end();
}

// One schema for each word of `chosen_by`, with the fields that belong to it.
Json Alternatives(const GroupSpec& group) {
  Json all = Json::array();
  for (const std::string_view word : group.Find(group.chosen_by)->words) {
    Json required = Json::array();
    Json names = Json::array();
    for (const FieldSpec& field : group.fields) {
      if (!Owns(field, word)) continue;
      names.push_back(field.name);
      if (field.required && field.name != group.chosen_by) required.push_back(field.name);
    }
    all.push_back(
        {{"properties", {{std::string(group.chosen_by), {{"enum", Json::array({word})}}}}},
         {"required", required},
         {"propertyNames", {{"enum", names}}}});
  }
  return all;
}

Json ObjectOf(const GroupSpec& group) {
  Json json = {{"type", "object"}, {"additionalProperties", false}};
  Json required = Json::array();
  Json dependent = Json::object();
  Json properties = Json::object();
  for (const FieldSpec& field : group.fields) {
    const std::string name(field.name);
    if (field.required && field.owners.empty()) required.push_back(name);
    if (!field.needs.empty()) dependent[name] = Words(field.needs);
    properties[name] = PropertyOf(field);
  }
  if (!required.empty()) json["required"] = required;
  if (!group.chosen_by.empty()) json["oneOf"] = Alternatives(group);
  if (!group.constraints.empty()) json.update(Json::parse(group.constraints));
  if (!dependent.empty()) json["dependentRequired"] = dependent;
  json["properties"] = properties;
  return json;
}

std::string Written() {
  Json json = {
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "sluice.yaml"},
      {"description",
       "One connection: a Redshift Serverless workgroup, a staging bucket, a destination. ${NAME}, "
       "${NAME:-default} and ${file:PATH} may stand in every text."}};
  json.update(ObjectOf(kRootGroup));
  // What is required may stand in an included file.
  Json included = Json::object();
  included["required"] = Json::array({"include"});
  Json whole = Json::object();
  whole["required"] = json["required"];
  json.erase("required");
  json["anyOf"] = Json::array({included, whole});
  json["patternProperties"]["^x-"] = Json::object();
  return json.dump(2) + "\n";
}

}  // namespace

std::string_view JsonSchema() {
  static const std::string kSchema = Written();
  return kSchema;
}

}  // namespace sluice::config
