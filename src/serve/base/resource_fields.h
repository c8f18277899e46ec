// The fields of each kind of resource, once: what they take, and which are secret. For the files of
// this room that read and write them.
#pragma once
#include <span>
#include <string_view>

#include "serve/base/resources.h"

namespace sluice::serve {

enum class Form {
  kText,  // "" counts as absent
  kInteger,
  kBool,
  kTexts,    // a list of texts
  kTextMap,  // an object of texts
  kObject,   // judged by whoever composes the configuration
  kObjects,  // a list of such
  kSecret,   // a text that lies apart
  kGroup,    // `group`
};

struct FieldForm {
  std::string_view name;
  Form form = Form::kText;
  std::span<const FieldForm> group = {};
};

std::span<const FieldForm> FieldsOf(Kind kind);

// A secret that is kept by a PUT only while none of `fields` changes: they say where it goes.
struct Guard {
  std::string_view secret;
  std::span<const std::string_view> fields;
};
std::span<const Guard> GuardsOf(Kind kind);

// By which a stream is found again when its place in the list has changed: name, table or tables.
std::string StreamKey(const Json& stream);

// "streams.sales.orders.hash.salt" -> the `hash` in `fields`; nullptr if it is not there. Of
// "defaults.hash.salt", too.
Json* HashOf(Json& fields, std::string_view path);

}  // namespace sluice::serve
