#include "aws/xml.h"

#include <expat.h>

#include <algorithm>
#include <memory>

namespace sluice::aws {
namespace {

constexpr std::size_t kBytesMax = 16ULL << 20;
constexpr std::size_t kXmlLevelsMax = 32;
constexpr std::size_t kElementsMax = 200000;

struct ParserFree {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserOwner = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserFree>;

// Elements are built on a stack and moved into their parent when they close, because a pointer to
// a child dies when its siblings grow the vector. Exceptions must not cross expat's C frames.
struct Builder {
  XML_Parser parser;
  std::vector<XmlNode> open;
  std::optional<XmlNode> root;
  std::size_t elements = 0;
  bool failed = false;

  void Stop() {
    failed = true;
    XML_StopParser(parser, XML_FALSE);
  }
};

void OnStart(void* user, const XML_Char* name, const XML_Char**) {
  auto& builder = *static_cast<Builder*>(user);
  try {
    if (builder.open.size() >= kXmlLevelsMax || ++builder.elements > kElementsMax) {
      return builder.Stop();
    }
    std::string_view local = name;
    if (const auto colon = local.rfind(':'); colon != std::string_view::npos) {
      local.remove_prefix(colon + 1);
    }
    builder.open.push_back({std::string(local), {}, {}});
  } catch (...) {
    builder.Stop();
  }
}

void OnEnd(void* user, const XML_Char*) {
  auto& builder = *static_cast<Builder*>(user);
  try {
    XmlNode node = std::move(builder.open.back());
    builder.open.pop_back();
    if (builder.open.empty()) {
      builder.root = std::move(node);
    } else {
      builder.open.back().children.push_back(std::move(node));
    }
  } catch (...) {
    builder.Stop();
  }
}

void OnText(void* user, const XML_Char* text, int size) {
  auto& builder = *static_cast<Builder*>(user);
  try {
    if (!builder.open.empty())
      builder.open.back().text.append(text, static_cast<std::size_t>(size));
  } catch (...) {
    builder.Stop();
  }
}

// AWS sends no document type; one could define entities that grow without end or read files.
void OnDoctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<Builder*>(user)->Stop();
}

}  // namespace

const XmlNode* XmlNode::Child(std::string_view child) const {
  const auto it = std::find_if(children.begin(), children.end(),
                               [&](const XmlNode& node) { return node.name == child; });
  return it == children.end() ? nullptr : &*it;
}

std::string_view XmlNode::Text(std::string_view path) const {
  const auto slash = path.find('/');
  const XmlNode* child = Child(path.substr(0, slash));
  if (child == nullptr) return {};
  return slash == std::string_view::npos ? child->text : child->Text(path.substr(slash + 1));
}

std::optional<XmlNode> ParseXml(std::string_view text) {
  if (text.size() > kBytesMax) return std::nullopt;
  const ParserOwner parser(XML_ParserCreate("UTF-8"));
  if (!parser) return std::nullopt;
  Builder builder{.parser = parser.get()};
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), OnStart, OnEnd);
  XML_SetCharacterDataHandler(parser.get(), OnText);
  XML_SetStartDoctypeDeclHandler(parser.get(), OnDoctype);
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (status != XML_STATUS_OK || builder.failed) return std::nullopt;
  return std::move(builder.root);
}

std::string XmlEscape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&apos;"; break;
      case '\r': escaped += "&#13;"; break;  // A parser would make it a line feed.
      case '\n': escaped += "&#10;"; break;
      case '\t': escaped += "&#9;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

}  // namespace sluice::aws
