#include "config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "config/rules.h"
#include "config/showable.h"

namespace sluice::config {
namespace {

constexpr std::size_t kDepthMax = 32;
// https://yaml.org/type/merge.html
constexpr std::string_view kMerge = "<<";

Position FromMark(const YAML::Mark& mark) {
  return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

// Ends the parse; caught in ParseYaml alone.
struct Refused {
  Problem problem;
};

[[noreturn]] void Refuse(Position at, std::string problem, std::string remedy) {
  throw Refused{{.at = at, .problem = std::move(problem), .remedy = std::move(remedy)}};
}

// Builds the tree. Nodes under construction are held by value on a stack, because a node's place in
// its parent's vector moves when the vector grows.
class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Keep({.kind = Node::Kind::kNull, .at = FromMark(mark)}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto meant = anchors_.find(anchor);
    if (meant == anchors_.end()) {
      Refuse(FromMark(mark), "is an alias (*) within the value that it stands for",
             "Write the value out.");
    }
    // As often as it is used: a few aliases of aliases would else become gigabytes.
    nodes_ += meant->second.nodes - 1;
    depth_below_ = meant->second.depth;
    if (levels_.size() + depth_below_ > kDepthMax) RefuseDepth(FromMark(mark));
    Add(meant->second.node, FromMark(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    last_quoted = tag == "!" ? mark : YAML::Mark::null_mark();
    // Plain `~`, `null` and nothing are "no value"; a quoted one ("!" is its tag) is text.
    const bool null = tag == "?" && (value.empty() || value == "~" || value == "null");
    Keep({.kind = null ? Node::Kind::kNull : Node::Kind::kScalar,
          .at = FromMark(mark),
          .text = null ? "" : value,
          .quoted = tag == "!"},
         anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  Node root;
  std::vector<Problem> duplicates;
  YAML::Mark last_quoted = YAML::Mark::null_mark();  // if the last scalar was quoted

 private:
  struct Level {
    Node node;
    bool has_key = false;
    std::string key;
    Position key_at;
    bool skip_value = false;         // of a key that was already there
    std::vector<Entry> merged = {};  // what `<<` brought, for keys that do not stand there
    Position merge_at = {};
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::size_t nodes_before = 0;
    std::size_t depth = 0;  // of what stands in it, in levels
  };
  struct Anchored {
    Node node;
    std::size_t nodes = 1;
    std::size_t depth = 0;
  };

  [[noreturn]] static void RefuseDepth(Position at) {
    Refuse(at, fmt::format("is nested more than {} levels deep", kDepthMax),
           "Check the indentation: no setting lies that deep.");
  }

  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Refuse(FromMark(mark), "uses a YAML tag (!)",
           "Leave the tag out; a text that begins with ! needs quotes around it.");
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    RefuseTag(mark, tag);
    if (levels_.size() >= kDepthMax) RefuseDepth(FromMark(mark));
    levels_.push_back(
        {.node = {.kind = kind, .at = FromMark(mark)}, .anchor = anchor, .nodes_before = nodes_});
  }

  void Close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    for (Entry& entry : level.merged) {
      if (!HasKey(level.node, entry.key)) level.node.entries.push_back(std::move(entry));
    }
    depth_below_ = level.depth + 1;
    if (level.anchor != YAML::NullAnchor) {
      anchors_[level.anchor] = {level.node, nodes_ - level.nodes_before + 1, depth_below_};
    }
    const Position at = level.node.at;
    Add(std::move(level.node), at);
  }

  static bool HasKey(const Node& map, std::string_view key) {
    return std::any_of(map.entries.begin(), map.entries.end(),
                       [&](const Entry& entry) { return entry.key == key; });
  }

  // A value without others in it.
  void Keep(Node node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {node};
    depth_below_ = 0;
    const Position at = node.at;
    Add(std::move(node), at);
  }

  // `at`: where it is used, for what is wrong with that.
  void Add(Node node, Position at) {
    if (++nodes_ > kNodesMax) {
      Refuse(at, fmt::format("holds more than {} values", kNodesMax),
             "Split the streams over several configurations.");
    }
    if (levels_.empty()) {
      root = std::move(node);
      return;
    }
    Level& level = levels_.back();
    level.depth = std::max(level.depth, depth_below_);
    if (level.node.kind == Node::Kind::kSequence) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      TakeKey(level, node);
    } else if (level.key == kMerge && !level.skip_value) {
      Merge(level, node, at);
      level.has_key = false;
    } else {
      if (!level.skip_value) {
        level.node.entries.push_back({level.key, level.key_at, std::move(node)});
      }
      level.has_key = false;
    }
  }

  void TakeKey(Level& level, Node& node) {
    if (node.kind != Node::Kind::kScalar) {
      Refuse(node.at, "has a key that is not a word", "Write keys as plain words: `port: 5439`.");
    }
    const auto same = std::find_if(level.node.entries.begin(), level.node.entries.end(),
                                   [&](const Entry& entry) { return entry.key == node.text; });
    const bool merged = node.text == kMerge && level.merge_at.line > 0;
    level.skip_value = merged || same != level.node.entries.end();
    if (level.skip_value) {
      duplicates.push_back(
          {.field = IsShowableKey(node.text) ? node.text : "",
           .at = node.at,
           .problem = fmt::format("stands here a second time; the first is in "
                                  "line {}",
                                  merged ? level.merge_at.line : same->key_at.line),
           .remedy = "Keep one of the two."});
    }
    if (node.text == kMerge && !merged) level.merge_at = node.at;
    level.has_key = true;
    level.key = std::move(node.text);
    level.key_at = node.at;
  }

  // `<<: *group` or `<<: [*one, *other]`: their fields, where the group has none of that name.
  void Merge(Level& level, const Node& from, Position at) {
    std::vector<const Node*> groups;
    if (from.kind == Node::Kind::kSequence) {
      for (const Node& item : from.items) groups.push_back(&item);
    } else {
      groups.push_back(&from);
    }
    for (const Node* group : groups) {
      if (group->kind != Node::Kind::kMap) {
        Refuse(at, "merges (<<) what is not a group of fields",
               "Write the alias of a group: <<: *name");
      }
      for (const Entry& entry : group->entries) {
        const bool known = std::any_of(level.merged.begin(), level.merged.end(),
                                       [&](const Entry& other) { return other.key == entry.key; });
        if (!known) level.merged.push_back(entry);
      }
    }
  }

  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::size_t depth_below_ = 0;  // of the value that is added next, in levels
};

std::string_view LineAt(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The first line, from `line - 1` on, indented with a tab: yaml-cpp often trips a line later.
int TabbedLine(std::string_view text, int line) {
  for (int i = std::max(1, line - 1); i <= line; ++i) {
    const std::string_view content = LineAt(text, i);
    const auto indent = content.substr(0, content.find_first_not_of(" \t"));
    if (indent.find('\t') != std::string_view::npos && indent.size() < content.size()) return i;
  }
  return 0;
}

// Some of yaml-cpp's messages end in what stands in the file, which may be a secret.
std::string_view WithoutText(std::string_view message) {
  return message.substr(0, message.find(':'));
}

// yaml-cpp's words -> ours, for what people do most often.
Problem FromSyntaxError(const YAML::ParserException& error, std::string_view text) {
  const Position at = FromMark(error.mark);
  if (const int line = TabbedLine(text, at.line); line > 0) {
    return {.at = {line, 1},
            .problem = "is indented with a tab, which YAML does not allow",
            .remedy = "Indent with spaces."};
  }
  const std::string_view what = error.msg;
  if (what == YAML::ErrorMsg::END_OF_MAP_FLOW || what == YAML::ErrorMsg::END_OF_SEQ_FLOW) {
    return {.at = at,
            .problem = "has an opening { or [ that is never closed",
            .remedy = "Close it with } or ]."};
  }
  if (what == YAML::ErrorMsg::EOF_IN_SCALAR || what == YAML::ErrorMsg::DOC_IN_SCALAR) {
    return {.at = at,
            .problem = "has an opening quote that is never closed",
            .remedy = "Close it with the same quote."};
  }
  // The anchor's name follows, and may be anything.
  if (what.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {
    return {.at = at,
            .problem = "has a text that begins with *, which is an alias in YAML",
            .remedy = "Put quotes around the text."};
  }
  return {.at = at,
          .problem = fmt::format("is not YAML here ({})", WithoutText(what)),
          .remedy =
              "Look at this line and the one above: indentation, a missing `:` or blank "
              "behind it,\nor a text that holds `: ` or `#` and needs quotes around it."};
}

Problem WholeFile(std::string problem, std::string remedy) {
  return {.problem = std::move(problem), .remedy = std::move(remedy)};
}

// Windows' editors call UTF-16 "Unicode". Without its mark it shows by the zeros between letters.
Problem NotUtf8(std::string_view text) {
  const bool marked = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (marked || (text.size() > 1 && (text[0] == '\0' || text[1] == '\0'))) {
    return WholeFile("is text in UTF-16, not in UTF-8",
                     "Save it as UTF-8, or: iconv -f UTF-16 -t UTF-8 OLD > NEW");
  }
  return WholeFile("is not text in UTF-8", "Save it as UTF-8.");
}

// yaml-cpp takes the end of the file for the end of a quoted text. `text` begins with the quote.
bool IsClosed(std::string_view text) {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool escaped = quote == '"' ? text[i] == '\\' : text.substr(i).starts_with("''");
    if (escaped) {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

void RefuseOpenQuote(std::string_view text, const YAML::Mark& quoted) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (quoted.is_null() || static_cast<std::size_t>(quoted.pos) >= text.size()) return;
  text.remove_prefix(static_cast<std::size_t>(quoted.pos));
  if ((text.front() != '"' && text.front() != '\'') || IsClosed(text)) return;
  Refuse(FromMark(quoted), "has an opening quote that is never closed",
         "Close it with the same quote.");
}

bool ReadDocuments(std::string_view text, Tree& tree) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  Builder builder;
  if (!parser.HandleNextDocument(builder)) return false;
  RefuseOpenQuote(text, builder.last_quoted);
  Builder next;
  if (parser.HandleNextDocument(next)) {
    tree.problems.push_back({.at = next.root.at,
                             .problem = "begins a second document (---)",
                             .remedy = "Keep one configuration in a file."});
  }
  tree.root = std::move(builder.root);
  std::move(builder.duplicates.begin(), builder.duplicates.end(),
            std::back_inserter(tree.problems));
  return tree.root.kind != Node::Kind::kNull;
}

}  // namespace

Tree ParseYaml(std::string_view text) {
  Tree tree;
  if (text.size() > kFileBytesMax) {
    tree.problems.push_back(WholeFile("is larger than 1 MiB", "Is this the right file?"));
    return tree;
  }
  if (!IsPlainUtf8(text)) {
    tree.problems.push_back(NotUtf8(text));
    return tree;
  }
  try {
    if (!ReadDocuments(text, tree) && tree.problems.empty()) {
      tree.problems.push_back(WholeFile("is empty",
                                        "Let Sluice ask for what belongs into it: sluice init\n"
                                        "Or begin with the example in README.md."));
    }
  } catch (const Refused& refused) {
    tree.problems.push_back(refused.problem);
  } catch (const YAML::ParserException& error) {
    tree.problems.push_back(FromSyntaxError(error, text));
  } catch (const YAML::Exception& error) {
    tree.problems.push_back(FromSyntaxError(YAML::ParserException(error.mark, error.msg), text));
  }
  return tree;
}

}  // namespace sluice::config
