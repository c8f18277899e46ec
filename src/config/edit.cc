#include "config/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "config/characters.h"
#include "config/rules.h"
#include "config/yaml_tree.h"

namespace sluice::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Ends the change of one field; becomes the error that EditYaml throws.
struct CannotEdit {};

const Entry* Find(const Node& map, std::string_view key) {
  for (const Entry& entry : map.entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

// The same values, wherever they stand; the order of a group's fields does not matter.
bool SameNode(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!SameNode(a.items[i], b.items[i])) return false;
  }
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const Entry& entry) {
    const Entry* other = Find(b, entry.key);
    return other != nullptr && SameNode(entry.value, other->value);
  });
}

// The change as it should come out of the parser.
void Apply(Node& root, const Change& change) {
  Node* map = &root;
  if (!change.group.empty()) {
    auto group = std::find_if(root.entries.begin(), root.entries.end(),
                              [&](const Entry& entry) { return entry.key == change.group; });
    if (group == root.entries.end()) {
      if (!change.value) return;
      root.entries.push_back({change.group, {}, {}});
      group = std::prev(root.entries.end());
    }
    map = &group->value;
    map->kind = Node::Kind::kMap;
  }
  const auto entry = std::find_if(map->entries.begin(), map->entries.end(),
                                  [&](const Entry& one) { return one.key == change.key; });
  if (!change.value) {
    if (entry != map->entries.end()) map->entries.erase(entry);
    return;
  }
  const Node value{.kind = Node::Kind::kScalar, .text = *change.value};
  if (entry != map->entries.end()) {
    entry->value = value;
  } else {
    map->entries.push_back({change.key, {}, value});
  }
}

class Editor {
 public:
  Editor(std::string text, const Node& root) : text_(std::move(text)), root_(root) {
    lines_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] == '\n') lines_.push_back(i + 1);
    }
    end_of_line_ = text_.find("\r\n") == std::string::npos ? "\n" : "\r\n";
  }

  // Streams behind the last.
  std::string AddStreams(const std::vector<std::string>& tables) {
    const Entry* streams = Find(root_, "streams");
    if (streams == nullptr) {
      if (root_.kind != Node::Kind::kMap || InFlow(root_)) throw CannotEdit();
      const auto indent = static_cast<std::size_t>(root_.entries.front().key_at.column) - 1;
      InsertLine(text_.size(), indent, "streams:");
      InsertLine(text_.size(), indent + 2, Items(tables, indent + 2));
    } else if (streams->value.kind == Node::Kind::kNull) {
      FillEmptyList(*streams, Items(tables, static_cast<std::size_t>(streams->key_at.column) + 1));
    } else if (streams->value.kind != Node::Kind::kSequence) {
      throw CannotEdit();
    } else if (At(Offset(streams->value.at)) == '[') {
      AddToFlowList(streams->value, tables);
    } else {
      const auto indent = static_cast<std::size_t>(streams->value.at.column) - 1;
      AddToBlockList(streams->value, Items(tables, indent));
    }
    return std::move(text_);
  }

  std::string Make(const Change& change) {
    const Node* map = &root_;
    if (!change.group.empty()) {
      const Entry* group = Find(root_, change.group);
      if (group == nullptr) {
        if (change.value) Append(change);
        return std::move(text_);
      }
      if (group->value.kind == Node::Kind::kNull) {
        if (change.value) FillEmptyGroup(*group, change);
        return std::move(text_);
      }
      map = &group->value;
    }
    if (map->kind != Node::Kind::kMap) throw CannotEdit();
    const Entry* entry = Find(*map, change.key);
    if (change.value && entry != nullptr) {
      Replace(*entry, InFlow(*map), Written(change));
    } else if (change.value) {
      Add(*map, change);
    } else if (entry != nullptr) {
      InFlow(*map) ? RemoveFromFlow(*entry) : RemoveLines(*entry);
    }
    return std::move(text_);
  }

 private:
  static std::string TableField(const std::string& table) { return "table: " + QuoteYaml(table); }

  // Lines of a list; the first without its indentation, the last without its end.
  std::string Items(const std::vector<std::string>& tables, std::size_t indent) const {
    std::string lines;
    for (const auto& table : tables) {
      if (!lines.empty()) lines += end_of_line_ + std::string(indent, ' ');
      lines += "- " + TableField(table);
    }
    return lines;
  }

  static std::string Written(const Change& change) {
    return change.plain ? *change.value : QuoteYaml(*change.value);
  }

  std::size_t Offset(Position at) const {
    if (at.line < 1 || static_cast<std::size_t>(at.line) > lines_.size()) throw CannotEdit();
    return std::min(
        lines_[static_cast<std::size_t>(at.line) - 1] + static_cast<std::size_t>(at.column) - 1,
        text_.size());
  }
  char At(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\n'; }
  // Behind the line end of the line that holds `offset`.
  std::size_t NextLine(std::size_t offset) const {
    const auto end = text_.find('\n', offset);
    return end == std::string::npos ? text_.size() : end + 1;
  }
  std::size_t LineStart(std::size_t offset) const {
    return offset == 0 ? 0 : text_.rfind('\n', offset - 1) + 1;
  }

  // Braces stand at the first byte; a group that is indented begins with its first key.
  bool InFlow(const Node& map) const { return At(Offset(map.at)) == '{'; }

  std::size_t QuoteEnd(std::size_t start) const {
    const char quote = text_[start];
    for (std::size_t i = start + 1; i < text_.size(); ++i) {
      if (quote == '"' && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        if (quote == '\'' && At(i + 1) == '\'') {
          ++i;
        } else {
          return i + 1;
        }
      }
    }
    throw CannotEdit();
  }

  // Behind the last byte of a value of one line.
  std::size_t ScalarEnd(std::size_t start, bool in_flow) const {
    const char first = At(start);
    if (first == '"' || first == '\'') return QuoteEnd(start);
    if (first == '|' || first == '>') throw CannotEdit();
    std::size_t end = start;
    for (std::size_t i = start; At(i) != '\n' && At(i) != '\r'; ++i) {
      if (in_flow && std::string_view(",{}[]").find(At(i)) != std::string_view::npos) break;
      if (At(i) == '#' && i > start && IsBlank(At(i - 1))) break;
      if (!IsBlank(At(i))) end = i + 1;
    }
    return end;
  }

  // Behind the colon of a key.
  std::size_t BehindColon(const Entry& entry) const {
    std::size_t at = Offset(entry.key_at);
    at = At(at) == '"' || At(at) == '\'' ? QuoteEnd(at) : at + entry.key.size();
    while (IsBlank(At(at))) ++at;
    if (At(at) != ':') throw CannotEdit();
    return at + 1;
  }

  void Replace(const Entry& entry, bool in_flow, const std::string& value) {
    if (entry.value.kind == Node::Kind::kScalar) {
      const std::size_t start = Offset(entry.value.at);
      text_.replace(start, ScalarEnd(start, in_flow) - start, value);
      return;
    }
    if (entry.value.kind != Node::Kind::kNull) throw CannotEdit();
    const std::size_t colon = BehindColon(entry);
    std::size_t start = colon;
    while (IsBlank(At(start))) ++start;
    const std::size_t end = At(start) == '#' ? start : ScalarEnd(start, in_flow);
    if (end > start) {  // `~` or `null`
      text_.replace(start, end - start, value);
    } else {
      text_.insert(colon, " " + value);
    }
  }

  void Add(const Node& map, const Change& change) {
    const std::string field = change.key + ": " + Written(change);
    const bool in_flow = InFlow(map);
    // Behind the last field that is one value: whatever is nested may end anywhere.
    const auto last =
        std::find_if(map.entries.rbegin(), map.entries.rend(),
                     [](const Entry& entry) { return entry.value.kind == Node::Kind::kScalar; });
    if (in_flow) {
      if (last != map.entries.rend()) {
        text_.insert(ScalarEnd(Offset(last->value.at), true), ", " + field);
      } else {
        text_.insert(Offset(map.at) + 1, " " + field + (map.entries.empty() ? " " : ","));
      }
      return;
    }
    if (map.entries.empty()) throw CannotEdit();
    const auto indent = static_cast<std::size_t>(map.entries.front().key_at.column) - 1;
    if (last == map.entries.rend()) {
      InsertLine(LineStart(Offset(map.entries.front().key_at)), indent, field);
    } else {
      InsertLine(NextLine(ScalarEnd(Offset(last->value.at), false)), indent, field);
    }
  }

  void InsertLine(std::size_t at, std::size_t indent, const std::string& field) {
    std::string line = std::string(indent, ' ') + field + end_of_line_;
    // The last line may lack its end.
    if (at == text_.size() && !text_.empty() && text_.back() != '\n') line = end_of_line_ + line;
    text_.insert(at, line);
  }

  void Append(const Change& change) {
    if (root_.kind != Node::Kind::kMap || InFlow(root_)) throw CannotEdit();
    const auto indent = static_cast<std::size_t>(root_.entries.front().key_at.column) - 1;
    InsertLine(text_.size(), indent, change.group + ":");
    InsertLine(text_.size(), indent + 2, change.key + ": " + Written(change));
  }

  void FillEmptyGroup(const Entry& group, const Change& change) {
    const std::size_t colon = BehindColon(group);
    std::size_t next = colon;
    while (IsBlank(At(next))) ++next;
    if (At(next) != '#' && At(next) != '\n' && At(next) != '\r') throw CannotEdit();
    InsertLine(NextLine(colon), static_cast<std::size_t>(group.key_at.column) + 1,
               change.key + ": " + Written(change));
  }

  // `streams:`, `streams: ~` or `streams:  # none yet`.
  void FillEmptyList(const Entry& list, const std::string& item) {
    const std::size_t colon = BehindColon(list);
    std::size_t end = colon;
    while (IsBlank(At(end))) ++end;
    const std::size_t word_end = At(end) == '#' ? end : ScalarEnd(end, false);
    if (word_end > end) text_.erase(colon, word_end - colon);
    InsertLine(NextLine(colon), static_cast<std::size_t>(list.key_at.column) + 1, item);
  }

  // "[]" or "[{ table: a.b }]", in one line or several.
  void AddToFlowList(const Node& list, const std::vector<std::string>& tables) {
    const std::size_t close = FlowEnd(Offset(list.at));
    std::size_t end = close;
    while (end > 0 &&
           (IsBlank(text_[end - 1]) || text_[end - 1] == '\n' || text_[end - 1] == '\r')) {
      --end;
    }
    const bool comma = list.items.empty() || text_[end - 1] == ',';
    std::string items;
    for (const auto& table : tables) {
      items += (items.empty() && comma ? " { " : ", { ") + TableField(table) + " }";
    }
    text_.insert(end, items);
  }

  // Of the bracket that closes the one at `open`.
  std::size_t FlowEnd(std::size_t open) const {
    int depth = 0;
    for (std::size_t i = open; i < text_.size(); ++i) {
      const char c = text_[i];
      const bool begins =
          i == 0 || std::string_view(" \t\n,[{:").find(text_[i - 1]) != std::string_view::npos;
      if ((c == '"' || c == '\'') && begins) {
        i = QuoteEnd(i) - 1;
      } else if (c == '#' && IsBlank(At(i - 1))) {
        throw CannotEdit();
      } else if (c == '[' || c == '{') {
        ++depth;
      } else if ((c == ']' || c == '}') && --depth == 0) {
        return i;
      }
    }
    throw CannotEdit();
  }

  void AddToBlockList(const Node& list, const std::string& item) {
    const auto indent = static_cast<std::size_t>(list.at.column) - 1;
    const std::size_t last = Offset(list.items.back().at);
    InsertLine(EndOfNested(NextLine(last), indent), indent, item);
  }

  void RemoveFromFlow(const Entry& entry) {
    if (entry.value.kind != Node::Kind::kScalar) throw CannotEdit();
    std::size_t start = Offset(entry.key_at);
    std::size_t end = ScalarEnd(Offset(entry.value.at), true);
    while (IsBlank(At(end))) ++end;
    if (At(end) == ',') {
      ++end;
      while (IsBlank(At(end))) ++end;
    } else {
      while (start > 0 && IsBlank(text_[start - 1])) --start;
      if (start > 0 && text_[start - 1] == ',') --start;
      // The blank before the brace stays.
      while (end > start && IsBlank(text_[end - 1])) --end;
    }
    text_.erase(start, end - start);
  }

  void RemoveLines(const Entry& entry) {
    const std::size_t start = LineStart(Offset(entry.key_at));
    std::size_t end = entry.value.kind == Node::Kind::kScalar
                          ? NextLine(ScalarEnd(Offset(entry.value.at), false))
                          : NextLine(Offset(entry.key_at));
    if (entry.value.kind == Node::Kind::kMap || entry.value.kind == Node::Kind::kSequence) {
      end = EndOfNested(end, static_cast<std::size_t>(entry.key_at.column) - 1);
    }
    text_.erase(start, end - start);
  }

  // Behind the lines that belong to a key indented by `indent`.
  std::size_t EndOfNested(std::size_t at, std::size_t indent) const {
    std::size_t end = at;
    while (at < text_.size()) {
      const std::size_t first = text_.find_first_not_of(" ", at);
      const char c = first == std::string::npos ? '\n' : text_[first];
      const bool empty = c == '\n' || c == '\r' || c == '#';
      if (!empty && (first - at < indent || (first - at == indent && c != '-'))) break;
      at = NextLine(at);
      if (!empty) end = at;
    }
    return end;
  }

  std::string text_;
  const Node& root_;
  std::vector<std::size_t> lines_;  // where each begins
  std::string end_of_line_;
};

[[noreturn]] void RefuseChange(const Change& change) {
  const std::string line = change.value
                               ? fmt::format("{}: {}", change.key, QuoteYaml(*change.value))
                               : fmt::format("(no {})", change.key);
  throw base::Error(
      {.code = base::ErrorCode::kInvalidConfig,
       .operation = "edit configuration",
       .subject = change.Field(),
       .message = "the file writes this field in a way that cannot be changed safely",
       .remedy = fmt::format("Change it by hand{}:\n  {}",
                             change.group.empty() ? "" : ", in " + change.group, line)});
}

std::string EditOne(const std::string& text, const Change& change) {
  const Tree before = ParseYaml(text);
  if (!before.problems.empty()) RefuseChange(change);
  Node expected = before.root;
  Apply(expected, change);
  std::string edited;
  try {
    edited = Editor(text, before.root).Make(change);
  } catch (const CannotEdit&) {
    RefuseChange(change);
  }
  const Tree after = ParseYaml(edited);
  if (!after.problems.empty() || !SameNode(expected, after.root)) RefuseChange(change);
  return edited;
}

std::string AddAll(const std::string& text, const std::vector<std::string>& tables) {
  const Change change{.group = "streams", .key = "- table", .value = tables.front()};
  const Tree before = ParseYaml(text);
  if (!before.problems.empty()) RefuseChange(change);
  Node expected = before.root;
  auto streams = std::find_if(expected.entries.begin(), expected.entries.end(),
                              [](const Entry& entry) { return entry.key == "streams"; });
  if (streams == expected.entries.end()) {
    expected.entries.push_back({"streams", {}, {}});
    streams = std::prev(expected.entries.end());
  }
  streams->value.kind = Node::Kind::kSequence;
  for (const auto& table : tables) {
    Node stream{.kind = Node::Kind::kMap};
    stream.entries.push_back({"table", {}, {.kind = Node::Kind::kScalar, .text = table}});
    streams->value.items.push_back(std::move(stream));
  }
  std::string edited;
  try {
    edited = Editor(text, before.root).AddStreams(tables);
  } catch (const CannotEdit&) {
    RefuseChange(change);
  }
  const Tree after = ParseYaml(edited);
  if (!after.problems.empty() || !SameNode(expected, after.root)) RefuseChange(change);
  return edited;
}

// What is read by streams of `root`.
std::set<model::TableName> TablesOf(const Node& root) {
  std::set<model::TableName> tables;
  const Entry* streams = Find(root, "streams");
  if (streams == nullptr) return tables;
  for (const Node& item : streams->value.items) {
    const Entry* entry = Find(item, "table");
    if (entry == nullptr) continue;
    const auto table = ParseTable(entry->value.text);
    if (const auto* name = std::get_if<model::TableName>(&table)) tables.insert(*name);
  }
  return tables;
}

}  // namespace

std::string AddTables(std::string_view text, const std::vector<std::string>& tables) {
  const bool mark = text.starts_with(kByteOrderMark);
  std::string edited(mark ? text.substr(kByteOrderMark.size()) : text);
  auto there = TablesOf(ParseYaml(edited).root);
  std::vector<std::string> added;
  for (const auto& table : tables) {
    if (there.insert(std::get<model::TableName>(ParseTable(table))).second) added.push_back(table);
  }
  if (!added.empty()) edited = AddAll(edited, added);
  return mark ? std::string(kByteOrderMark) + edited : edited;
}

std::string QuoteYaml(std::string_view value) {
  // Words that some reader takes for a truth or for nothing.
  constexpr std::array<std::string_view, 10> kWords = {"true", "false", "null", "yes", "no",
                                                       "on",   "off",   "y",    "n",   "nan"};
  const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool plain =
      !value.empty() && alpha(value.front()) &&
      std::all_of(value.begin(), value.end(),
                  [&](char c) {
                    return alpha(c) || (c >= '0' && c <= '9') ||
                           std::string_view("_-./").find(c) != std::string_view::npos;
                  }) &&
      std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
  if (plain) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) {
      quoted += fmt::format("\\x{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string EditYaml(std::string_view text, const std::vector<Change>& changes) {
  // Positions in the first line do not count it.
  const bool mark = text.starts_with(kByteOrderMark);
  std::string edited(mark ? text.substr(kByteOrderMark.size()) : text);
  for (const Change& change : changes) edited = EditOne(edited, change);
  return mark ? std::string(kByteOrderMark) + edited : edited;
}

}  // namespace sluice::config
