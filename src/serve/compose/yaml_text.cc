#include "serve/compose/yaml_text.h"

#include <utility>

#include "base/text.h"
#include "config/edit.h"

namespace sluice::serve {
namespace {

using TextForm = std::string (*)(const std::string& text);

std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Plain(const std::string& text) { return config::QuoteYaml(text); }

class Writer {
 public:
  explicit Writer(TextForm form) : form_(form) {}

  std::string Write(const Json& config) {
    for (const auto& [key, value] : config.items()) Entry(key, value, 0, false);
    return std::move(out_);
  }

 private:
  std::string Scalar(const Json& value, bool mask) const {
    if (!value.is_string()) return value.is_structured() ? Flow(value) : value.dump();
    const auto& text = value.get_ref<const std::string&>();
    return mask && text == "last4" ? text : form_(text);
  }

  // Of what is empty, or a list of single values.
  std::string Flow(const Json& value) const {
    if (value.is_object()) return "{}";
    std::string text = "[";
    for (const Json& one : value) {
      if (text.size() > 1) text += ", ";
      text += Scalar(one, false);
    }
    return text + "]";
  }

  static bool IsFlat(const Json& value) {
    if (value.is_object()) return value.empty();
    if (!value.is_array()) return true;
    for (const Json& one : value) {
      if (one.is_structured()) return false;
    }
    return true;
  }

  void Entry(const std::string& key, const Json& value, std::size_t indent, bool mask,
             bool in_line = false) {
    if (!in_line) out_.append(indent, ' ');
    out_ += form_(key);
    out_ += ':';
    Value(value, indent, key == "mask" || mask);
  }

  void Value(const Json& value, std::size_t indent, bool mask) {
    if (IsFlat(value)) {
      out_ += ' ';
      out_ += Scalar(value, mask);
      out_ += '\n';
      return;
    }
    out_ += '\n';
    if (value.is_object()) {
      for (const auto& [key, inner] : value.items()) Entry(key, inner, indent + 2, mask);
      return;
    }
    for (const Json& item : value) Item(item, indent + 2);
  }

  void Item(const Json& item, std::size_t indent) {
    out_.append(indent, ' ');
    out_ += '-';
    if (!item.is_object() || item.empty()) return Value(item, indent, false);
    bool first = true;
    for (const auto& [key, inner] : item.items()) {
      if (first) out_ += ' ';
      Entry(key, inner, indent + 2, false, first);
      first = false;
    }
  }

  const TextForm form_;
  std::string out_;
};

}  // namespace

void EscapeReferences(Json& value) {
  if (value.is_string()) {
    value = base::ReplaceAll(value.get<std::string>(), "$", "$$");
  } else if (value.is_structured()) {
    for (Json& inner : value) EscapeReferences(inner);
  }
}

std::string ChildYaml(const Json& config) { return Writer(Quoted).Write(config); }
std::string PeopleYaml(const Json& config) { return Writer(Plain).Write(config); }

}  // namespace sluice::serve
