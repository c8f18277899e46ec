#include "config/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/text.h"
#include "config/characters.h"
#include "config/destination_path.h"
#include "config/meant.h"
#include "config/table_pattern.h"

namespace sluice::config {
namespace {

std::string_view KindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "a single value";
    case Node::Kind::kSequence: return "a list";
    case Node::Kind::kMap: return "a group of fields";
  }
  return "nothing";
}

constexpr std::string_view kSwapped =
    "Are the two keys swapped? The ID has 20 capital letters and digits and begins with AKIA or "
    "ASIA,\nthe secret has 40 signs.";

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

}  // namespace

std::string WithValue(const Expanded& value, Form form, std::string_view problem) {
  if (value.text.empty()) return fmt::format("is empty and {}", problem);
  if (value.referenced || !IsShowable(value.text, form)) return std::string(problem);
  return fmt::format("\"{}\" {}", value.text, problem);
}

Form FormOf(Rule rule) {
  if (rule == CheckRegion) return Form::kRegion;
  if (rule == CheckName || rule == CheckWorkgroup) return Form::kWords;
  if (rule == CheckTable || rule == CheckTablePattern || rule == CheckExclusion) {
    return Form::kTable;
  }
  return Form::kNever;
}

MapReader::MapReader(Reading& reading, const Node* node, const GroupSpec& group, std::string path)
    : reading_(reading), group_(group), path_(std::move(path)) {
  if (node == nullptr || node->kind == Node::Kind::kNull) return;
  if (node->kind == Node::Kind::kMap) {
    node_ = node;
    return;
  }
  AddAt(path_, node->at, fmt::format("is {}, not a group of fields", KindName(node->kind)),
        "Write `field: value` lines beneath it, each indented by two blanks.");
}

bool MapReader::Has(std::string_view key) const {
  if (node_ == nullptr) return false;
  return std::any_of(node_->entries.begin(), node_->entries.end(), [&](const Entry& entry) {
    return entry.key == key && entry.value.kind != Node::Kind::kNull;
  });
}

const FieldSpec& MapReader::SpecOf(std::string_view key) const {
  const FieldSpec* spec = group_.Find(key);
  if (spec == nullptr) throw std::logic_error(fmt::format("no table has {}.{}", path_, key));
  return *spec;
}

const Node* MapReader::Ask(std::string_view key) {
  const std::string_view name = SpecOf(key).name;
  if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) asked_.push_back(name);
  if (node_ == nullptr) return nullptr;
  for (const Entry& entry : node_->entries) {
    if (entry.key == key && entry.value.kind != Node::Kind::kNull) return &entry.value;
  }
  return nullptr;
}

std::string MapReader::Field(std::string_view key) const {
  if (key.empty()) return path_;
  // A key that slipped into the place of a field's name.
  if (!IsShowableKey(key)) key = "(a name that is not shown)";
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Position MapReader::At(std::string_view key) const {
  if (node_ == nullptr) return {};
  for (const Entry& entry : node_->entries) {
    if (entry.key == key) {
      return entry.value.kind == Node::Kind::kNull ? entry.key_at : entry.value.at;
    }
  }
  return node_->at;
}

void MapReader::AddAt(std::string field, Position at, std::string problem, std::string remedy) {
  // A field that is read twice is told once.
  const bool told =
      std::any_of(reading_.problems.begin(), reading_.problems.end(), [&](const Problem& one) {
        return one.field == field && one.problem == problem && one.at.line == at.line;
      });
  if (told) return;
  reading_.problems.push_back({std::move(field), at, std::move(problem), std::move(remedy)});
}

void MapReader::Add(std::string_view key, std::string problem, std::string remedy) {
  AddAt(Field(key), At(key), std::move(problem), std::move(remedy));
}

void MapReader::AddOf(std::string_view key, std::string_view name, std::string problem,
                      std::string remedy) {
  Position at = At(key);
  std::string field = Has(key) ? Field(key) : path_;
  for (const Entry& entry : node_ == nullptr ? std::vector<Entry>() : node_->entries) {
    if (entry.key != key) continue;
    for (const Entry& inner : entry.value.entries) {
      if (inner.key != name) continue;
      at = inner.key_at;
      field =
          fmt::format("{}.{}", field, IsShowableKey(name) ? name : "(a name that is not shown)");
    }
  }
  AddAt(std::move(field), at, std::move(problem), std::move(remedy));
}

bool MapReader::HasProblem(std::string_view key) const {
  const std::string field = Field(key);
  return std::any_of(reading_.problems.begin(), reading_.problems.end(),
                     [&](const Problem& one) { return one.field.starts_with(field); });
}

void MapReader::Missing(std::string_view key, std::string_view remedy) {
  Add(key, "is missing", std::string(remedy.empty() ? SpecOf(key).missing : remedy));
}

std::optional<Expanded> MapReader::Scalar(std::string_view key, const Node& node,
                                          const std::string& field, bool secret) {
  if (node.kind != Node::Kind::kScalar) {
    AddAt(field, node.at, fmt::format("is {}, not a single value", KindName(node.kind)),
          fmt::format("Write `{}: value` in one line.", key));
    return std::nullopt;
  }
  Expanded value = Expand(node.text, reading_.sources);
  if (!value.problem.empty()) {
    AddAt(field, node.at, std::move(value.problem), std::move(value.remedy));
    return std::nullopt;
  }
  if (auto broken = BareReference(node.text, secret)) {
    AddAt(field, node.at, std::move(broken->problem), std::move(broken->remedy));
    return std::nullopt;
  }
  return value;
}

bool MapReader::RefuseForeign(std::string_view field, Position at, const Expanded& value,
                              Rule rule) {
  // The one field in which a key ID stands.
  if (rule == CheckAccessKeyId || !HoldsKeyMaterial(value.text)) return false;
  AddAt(std::string(field), at, "holds what looks like a key or a token; it is not shown here",
        "A secret stands in its own field, best as \"${NAME}\" or \"${file:PATH}\". If it was "
        "seen by others, make a new one.");
  return true;
}

std::optional<std::string> MapReader::Sql(std::string_view key) {
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  auto value = Scalar(key, *node, Field(key));
  if (!value) return std::nullopt;
  return std::move(value->text);
}

// The value, if nothing is wrong with it; else that is told.
std::optional<std::string> MapReader::Judged(std::string_view field, const Node& at, Expanded value,
                                             Rule rule) {
  if (RefuseForeign(field, at.at, value, rule)) return std::nullopt;
  if (rule == nullptr) return std::move(value.text);
  // Identifiers and values of tags may hold blanks.
  if (rule != CheckIdentifier && rule != CheckTagValue) value.text = Trimmed(value.text);
  if (const auto broken = rule(value.text)) {
    AddAt(std::string(field), at.at, WithValue(value, FormOf(rule), broken->problem),
          broken->remedy);
    return std::nullopt;
  }
  return std::move(value.text);
}

std::optional<std::string> MapReader::Text(std::string_view key, Rule rule) {
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  auto value = Scalar(key, *node, Field(key));
  if (!value) return std::nullopt;
  return Judged(Field(key), *node, std::move(*value), rule == nullptr ? SpecOf(key).rule : rule);
}

std::string MapReader::RequiredText(std::string_view key, Rule rule) {
  if (!Has(key)) {
    Ask(key);
    Missing(key);
    return {};
  }
  return Text(key, rule).value_or("");
}

std::optional<std::filesystem::path> MapReader::Path(std::string_view key) {
  const auto text = Text(key);
  if (!text) return std::nullopt;
  auto path = ResolvePath(*text, reading_.sources);
  if (auto* broken = std::get_if<Broken>(&path)) {
    Add(key, std::move(broken->problem), std::move(broken->remedy));
    return std::nullopt;
  }
  if (text->find("://") != std::string::npos && MayHoldSecret(*text)) {
    Add(key, "is an address with a secret in it, not a file; it is not shown here",
        "Write the path of a file.");
    return std::nullopt;
  }
  return std::get<std::filesystem::path>(std::move(path));
}

std::optional<base::Secret> MapReader::SecretWithout(std::string_view key, std::string_view refused,
                                                     std::string_view problem) {
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  auto value = Scalar(key, *node, Field(key), /*secret=*/true);
  if (!value) return std::nullopt;
  // AWS calls an external ID no secret.
  if (!value->referenced && key != "external_id")
    reading_.literal_secrets.push_back({Field(key), At(key).file});
  if (key == "external_id") value->text = Trimmed(value->text);
  base::Secret secret(std::move(value->text));
  if (secret.empty() || !IsPlainUtf8(secret.Reveal()) ||
      secret.Reveal().find_first_of(refused) != std::string::npos) {
    Add(key, std::string(problem), "Check how it was copied; its value is not shown here.");
    return std::nullopt;
  }
  if (key == "secret_access_key" && LooksLikeAccessKeyId(secret.Reveal())) {
    Add(key, "looks like an access key ID", std::string(kSwapped));
    return std::nullopt;
  }
  return secret;
}

std::optional<base::Secret> MapReader::SecretText(std::string_view key) {
  return SecretWithout(key, "\t\r\n ",
                       "is empty, or holds blanks or control characters, which no key has");
}

std::optional<base::Secret> MapReader::PasswordText(std::string_view key) {
  return SecretWithout(key, "\t\r\n", "is empty, or holds tabs or line ends");
}

std::optional<std::int64_t> MapReader::Integer(std::string_view key) {
  const FieldSpec& spec = SpecOf(key);
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  const auto value = Scalar(key, *node, Field(key));
  if (!value) return std::nullopt;
  const auto number = base::ParseNumber<std::int64_t>(Trimmed(value->text));
  if (!number || *number < spec.min || *number > spec.max) {
    const std::string_view what = key == "port" ? "a port, a whole number" : "a whole number";
    Add(key,
        WithValue(*value, Form::kNumber,
                  fmt::format("is not {} from {} to {}", what, spec.min, spec.max)),
        fmt::format("Write for example {}: {}", key, spec.example));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> MapReader::Bool(std::string_view key) {
  return Choice<bool>(key, {{"true", true}, {"false", false}});
}

std::optional<std::chrono::seconds> MapReader::Duration(std::string_view key) {
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  const auto value = Scalar(key, *node, Field(key));
  if (!value) return std::nullopt;
  const auto duration = ParseDuration(value->text);
  if (!duration) {
    Add(key, WithValue(*value, Form::kDuration, "is not a duration"),
        fmt::format("Write a number and s, m, h or d, for example {}: {}", key,
                    SpecOf(key).example));
  }
  return duration;
}

std::vector<std::string> MapReader::TextList(std::string_view key) {
  std::vector<std::string> texts;
  const Node* node = Ask(key);
  if (node == nullptr) return texts;
  const bool list = node->kind == Node::Kind::kSequence;
  const std::size_t count = list ? node->items.size() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const Node& item = list ? node->items[i] : *node;
    const std::string field = list ? fmt::format("{}[{}]", Field(key), i) : Field(key);
    auto value = Scalar(key, item, field);
    if (!value) continue;
    auto text = Judged(field, item, std::move(*value), SpecOf(key).rule);
    if (text) texts.push_back(std::move(*text));
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> MapReader::TextMap(std::string_view key,
                                                                    Rule names) {
  std::vector<std::pair<std::string, std::string>> texts;
  const Node* node = Map(key);
  if (node == nullptr) return texts;
  for (const Entry& entry : node->entries) {
    const std::string field = fmt::format(
        "{}.{}", Field(key), IsShowableKey(entry.key) ? entry.key : "(a name that is not shown)");
    if (const auto broken = names(entry.key)) {
      AddAt(field, entry.value.kind == Node::Kind::kNull ? entry.key_at : entry.value.at,
            "has a name that " + broken->problem, broken->remedy);
    }
    if (entry.value.kind == Node::Kind::kNull) continue;
    auto value = Scalar(entry.key, entry.value, field);
    if (!value) continue;
    auto text = Judged(field, entry.value, std::move(*value), SpecOf(key).rule);
    if (text) texts.emplace_back(entry.key, std::move(*text));
  }
  return texts;
}

std::vector<std::pair<std::string, MapReader::Word>> MapReader::WordMap(std::string_view key,
                                                                        Rule names) {
  std::vector<std::pair<std::string, Word>> words;
  for (auto& [name, text] : TextMap(key, names)) words.push_back({name, {std::move(text), false}});
  const Node* node = Ask(key);
  if (node == nullptr || node->kind != Node::Kind::kMap) return words;
  for (const Entry& entry : node->entries) {
    if (entry.value.kind == Node::Kind::kNull) words.push_back({entry.key, {}});
    for (auto& [name, word] : words) {
      if (name == entry.key) word.quoted = entry.value.quoted;
    }
  }
  return words;
}

std::optional<std::size_t> MapReader::ChoiceOf(std::string_view key,
                                               const std::vector<std::string_view>& words) {
  const auto& known = SpecOf(key).words;
  if (SpecOf(key).takes != Takes::kBool &&
      !std::is_permutation(known.begin(), known.end(), words.begin(), words.end())) {
    throw std::logic_error(fmt::format("the words of {} are others in the table", Field(key)));
  }
  const Node* node = Ask(key);
  if (node == nullptr) return std::nullopt;
  const auto value = Scalar(key, *node, Field(key));
  if (!value) return std::nullopt;
  const auto at = std::find(words.begin(), words.end(), value->text);
  if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  // What is near to a choice is meant as one, so it can be shown.
  const auto near = Nearest(value->text, words);
  Add(key,
      WithValue(*value, near.empty() ? Form::kNever : Form::kWords,
                fmt::format("is not {}", OneOf(words))),
      near.empty() ? fmt::format("Write {}.", OneOf(words))
                   : fmt::format("Did you mean {}?", near));
  return std::nullopt;
}

const Node* MapReader::Map(std::string_view key) {
  const Node* node = Ask(key);
  if (node == nullptr || node->kind == Node::Kind::kMap) return node;
  // The reader of the group tells the problem itself.
  const MapReader told(reading_, node, group_, Field(key));
  return nullptr;
}

const Node* MapReader::Sequence(std::string_view key) {
  const Node* node = Ask(key);
  if (node == nullptr || node->kind == Node::Kind::kSequence) return node;
  Add(key, fmt::format("is {}, not a list", KindName(node->kind)),
      "Begin each entry with `- ` on a line of its own.");
  return nullptr;
}

const Node* MapReader::Any(std::string_view key) { return Ask(key); }

void MapReader::RequireAllAsked() const {
  for (const FieldSpec& field : group_.fields) {
    if (std::find(asked_.begin(), asked_.end(), field.name) == asked_.end()) {
      throw std::logic_error(fmt::format("nothing reads {}", Field(field.name)));
    }
  }
}

void MapReader::RefuseOthers() {
  RequireAllAsked();
  if (node_ == nullptr) return;
  std::vector<std::string_view> known;
  for (const FieldSpec& field : group_.fields) known.push_back(field.name);
  for (const Entry& entry : node_->entries) {
    if (path_.empty() && entry.key.starts_with(kExtension)) continue;
    if (group_.Find(entry.key) == nullptr) RefuseUnknown(entry, known);
  }
}

void MapReader::RefuseUnknown(const Entry& entry, const std::vector<std::string_view>& known) {
  if (const auto meant = MeantField(path_, entry.key, known)) {
    AddAt(Field(entry.key), entry.key_at, meant->problem, meant->remedy);
    return;
  }
  const auto near = Nearest(entry.key, known);
  AddAt(Field(entry.key), entry.key_at, "is not a field that Sluice knows",
        near.empty() ? fmt::format("Known here: {}.", OneOf(known))
                     : fmt::format("Did you mean {}?", near));
}

}  // namespace sluice::config
