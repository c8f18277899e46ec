#include "aws/json_text.h"

#include <nlohmann/json.hpp>

namespace sluice::aws {

using nlohmann::json;
using nlohmann::ordered_json;

struct JsonText::Document {
  json root;
};

namespace {

constexpr int kJsonLevelsMax = 32;

const json* Find(const json& root, std::string_view path) {
  const json* at = &root;
  while (true) {
    const auto slash = path.find('/');
    if (!at->is_object()) return nullptr;
    const auto it = at->find(std::string(path.substr(0, slash)));
    if (it == at->end()) return nullptr;
    at = &*it;
    if (slash == std::string_view::npos) return at;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::optional<JsonText> JsonText::Parse(std::string_view text) {
  // The library destroys nested values recursively: unbounded depth would overflow the stack.
  bool deep = false;
  const json::parser_callback_t callback = [&](int depth, json::parse_event_t, json&) {
    if (depth > kJsonLevelsMax) deep = true;
    return !deep;
  };
  json root = json::parse(text, callback, /*allow_exceptions=*/false);
  if (deep || root.is_discarded()) return std::nullopt;
  return JsonText(std::make_shared<const Document>(Document{std::move(root)}));
}

std::optional<std::string> JsonText::String(std::string_view path) const {
  const json* value = Find(document_->root, path);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

std::optional<double> JsonText::Number(std::string_view path) const {
  const json* value = Find(document_->root, path);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<bool> JsonText::Bool(std::string_view path) const {
  const json* value = Find(document_->root, path);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::optional<std::vector<std::string>> JsonText::Strings(std::string_view path) const {
  const json* value = Find(document_->root, path);
  if (value == nullptr || !value->is_array()) return std::nullopt;
  std::vector<std::string> strings;
  for (const json& element : *value) {
    if (element.is_string()) strings.push_back(element.get<std::string>());
  }
  return strings;
}

std::string MakeJsonObject(
    const std::vector<std::pair<std::string, std::variant<std::string, std::int64_t>>>& members) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, value] : members) {
    std::visit([&object, &key = name](const auto& v) { object[key] = v; }, value);
  }
  // A name from outside may hold bytes that are not UTF-8; AWS then refuses it by its own rule.
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace sluice::aws
