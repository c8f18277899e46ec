// XML of S3 and STS, read into a small tree. Pure; any thread.
// Bytes come from outside: whatever they are, the answer is a tree or nullopt. Refused are document
// types (and with them entities of any kind), more than 32 levels, more than 200,000 elements, and
// texts above 16 MB. Namespaces are ignored: names are compared without their prefix.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::aws {

struct XmlNode {
  std::string name;
  std::string text;  // of this element, without its children's
  std::vector<XmlNode> children;

  // The first child of that name; nullptr if there is none.
  const XmlNode* Child(std::string_view child) const;
  // The text at "Error/Code"; empty if there is no such element.
  std::string_view Text(std::string_view path) const;
};

// The root element; nullopt if the text is cut, malformed or beyond the bounds.
std::optional<XmlNode> ParseXml(std::string_view text);

// Text and attribute values: & < > " ' and the control characters XML 1.0 allows only as
// references.
std::string XmlEscape(std::string_view text);

}  // namespace sluice::aws
