// Reads the fields of one mapping as the table of fields (fields.h) has them, and refuses others.
// Problems are collected, not thrown: a reader answers "absent" for a bad field and goes on.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "config/fields.h"
#include "config/problem.h"
#include "config/references.h"
#include "config/rules.h"
#include "config/showable.h"
#include "config/yaml_tree.h"

namespace sluice::config {

// What a reading shares: where references look, and what was found.
struct Reading {
  ReferenceSources sources;
  std::vector<Problem> problems;
  // Secrets that stand in the file itself, or in one that it includes (Position::file).
  struct LiteralSecret {
    std::string field;  // "auth.secret_access_key"
    int file = 0;
  };
  std::vector<LiteralSecret> literal_secrets = {};
  HostRules host_rules = {};
};

class MapReader {
 public:
  // `node` may be nullptr or null: then every field is absent. `path`: "redshift", or "" at the
  // top. REQUIRES: reading and node outlive it.
  // Every call below throws std::logic_error for a field that `group` does not have.
  MapReader(Reading& reading, const Node* node, const GroupSpec& group, std::string path);

  bool present() const { return node_ != nullptr; }
  // The field is there and has a value.
  bool Has(std::string_view key) const;

  // Blanks around a value do not count where its rule allows none within. A value that holds key
  // material is refused, except in SQL, which may hold anything. `rule`: instead of the table's.
  std::optional<std::string> Text(std::string_view key, Rule rule = nullptr);
  std::optional<std::string> Sql(std::string_view key);
  // Empty, and a problem with the table's remedy, if it is absent.
  std::string RequiredText(std::string_view key, Rule rule = nullptr);
  // As ResolvePath (destination_path.h): `~/` is the home folder, relative ones are taken from the
  // configuration's folder; "" is a problem.
  std::optional<std::filesystem::path> Path(std::string_view key);
  // Their values are in no message. A password may hold blanks, a key may not.
  std::optional<base::Secret> SecretText(std::string_view key);
  std::optional<base::Secret> PasswordText(std::string_view key);
  std::optional<std::int64_t> Integer(std::string_view key);
  std::optional<bool> Bool(std::string_view key);
  std::optional<std::chrono::seconds> Duration(std::string_view key);
  // A list of texts, or one text for a list of one.
  std::vector<std::string> TextList(std::string_view key);
  // Names of the user's own, in the file's order, each with its text. `names`: their rule.
  std::vector<std::pair<std::string, std::string>> TextMap(std::string_view key, Rule names);
  struct Word {
    std::optional<std::string> text;  // nullopt: null
    bool quoted = false;              // a text is meant, not a word
  };
  // The same where null is a value.
  std::vector<std::pair<std::string, Word>> WordMap(std::string_view key, Rule names);
  // REQUIRES: the words are those of the table (std::logic_error).
  template <typename Value>
  std::optional<Value> Choice(std::string_view key,
                              std::initializer_list<std::pair<std::string_view, Value>> choices) {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : choices) words.push_back(word);
    const auto chosen = ChoiceOf(key, words);
    if (!chosen) return std::nullopt;
    return (choices.begin() + static_cast<std::ptrdiff_t>(*chosen))->second;
  }
  // nullptr if it is absent or of another kind (which is a problem).
  const Node* Map(std::string_view key);
  const Node* Sequence(std::string_view key);
  const Node* Any(std::string_view key);

  // "redshift.port".
  std::string Field(std::string_view key) const;
  // Of the field's value, or of this mapping if it is absent.
  Position At(std::string_view key) const;
  void Add(std::string_view key, std::string problem, std::string remedy);
  // About the entry `name` of the mapping `key`, where there is one.
  void AddOf(std::string_view key, std::string_view name, std::string problem, std::string remedy);
  // Something was told about the field or what is in it.
  bool HasProblem(std::string_view key) const;
  // `remedy`: instead of the table's.
  void Missing(std::string_view key, std::string_view remedy = {});

  // Refuses every field that the table does not have. Called once, last: throws std::logic_error if
  // a field of the table was never asked for.
  void RefuseOthers();

 private:
  const Node* Ask(std::string_view key);
  const FieldSpec& SpecOf(std::string_view key) const;
  std::optional<base::Secret> SecretWithout(std::string_view key, std::string_view refused,
                                            std::string_view problem);
  void RequireAllAsked() const;
  std::optional<std::string> Judged(std::string_view field, const Node& at, Expanded value,
                                    Rule rule);
  // Tells what no value may hold; true if it was told.
  bool RefuseForeign(std::string_view field, Position at, const Expanded& value, Rule rule);
  std::optional<Expanded> Scalar(std::string_view key, const Node& node, const std::string& field,
                                 bool secret = false);
  std::optional<std::size_t> ChoiceOf(std::string_view key,
                                      const std::vector<std::string_view>& words);
  void RefuseUnknown(const Entry& entry, const std::vector<std::string_view>& known);
  void AddAt(std::string field, Position at, std::string problem, std::string remedy);

  Reading& reading_;
  const Node* node_ = nullptr;
  const GroupSpec& group_;
  const std::string path_;
  std::vector<std::string_view> asked_;  // names of the table
};

// `"70000" is not ...` if the value is of the form that its field shows, else only `is not ...`.
// One that came through a reference is never shown.
std::string WithValue(const Expanded& value, Form form, std::string_view problem);

// The form in which a value that breaks `rule` may be shown.
Form FormOf(Rule rule);

}  // namespace sluice::config
