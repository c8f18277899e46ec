#include "serve/api/openapi.h"

#include <yaml-cpp/yaml.h>

#include "base/text.h"
#include "serve/base/json.h"

namespace sluice::serve {
namespace {

// Scalars as YAML's core schema has them; yaml-cpp leaves that to whoever reads. What stands in
// quotes has the tag "!".
Json ScalarJson(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text == "true") return true;
  if (text == "false") return false;
  if (text == "null" || text == "~") return nullptr;
  if (const auto number = base::ParseNumber<long>(text)) return *number;
  return text;
}

Json ToJson(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.Scalar()] = ToJson(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const auto& entry : node) array.push_back(ToJson(entry));
    return array;
  }
  return node.IsNull() ? Json() : ScalarJson(node);
}

}  // namespace

std::string OpenApiJson() { return ToJson(YAML::Load(std::string(kOpenApiYaml))).dump(); }

}  // namespace sluice::serve
