#include "serve/compose/import_tree.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/include.h"

namespace sluice::serve {
namespace {

class Converter {
 public:
  Converter(const config::ReferenceSources& sources, std::vector<FieldProblem>& problems)
      : sources_(sources), problems_(problems) {}

  Json Convert(const config::Node& node, const std::string& field, bool mask) {
    using Kind = config::Node::Kind;
    switch (node.kind) {
      case Kind::kNull: return nullptr;
      case Kind::kScalar: return Scalar(node, field, mask);
      case Kind::kSequence: {
        Json list = Json::array();
        for (std::size_t i = 0; i < node.items.size(); ++i) {
          list.push_back(Convert(node.items[i], fmt::format("{}[{}]", field, i), false));
        }
        return list;
      }
      case Kind::kMap: {
        Json map = Json::object();
        for (const config::Entry& entry : node.entries) {
          const std::string name =
              field.empty() ? entry.key : fmt::format("{}.{}", field, entry.key);
          map[entry.key] = Convert(entry.value, name, mask || entry.key == "mask");
        }
        return map;
      }
    }
    return nullptr;
  }

 private:
  // Numbers and truth values where they are written as such: so does the API have them.
  Json Scalar(const config::Node& node, const std::string& field, bool mask) {
    if (mask && node.quoted && node.text == "last4") {
      problems_.push_back(
          {field, "is the text \"last4\", which over the API is the word", "Choose another text."});
    }
    const config::Expanded value = config::Expand(node.text, sources_);
    if (node.quoted || value.referenced) return value.text;
    if (value.text == "true") return true;
    if (value.text == "false") return false;
    const auto number = base::ParseNumber<std::int64_t>(value.text);
    if (number && std::to_string(*number) == value.text) return *number;
    return value.text;
  }

  const config::ReferenceSources& sources_;
  std::vector<FieldProblem>& problems_;
};

}  // namespace

Json TreeOf(std::string_view text, const std::filesystem::path& file,
            const config::Environment& environment, std::vector<FieldProblem>& problems) {
  const config::ReferenceSources sources{.environment = environment, .folder = file.parent_path()};
  const config::WholeTree whole = config::ParseWithIncludes(text, file, sources);
  return Converter(sources, problems).Convert(whole.tree.root, "", false);
}

}  // namespace sluice::serve
