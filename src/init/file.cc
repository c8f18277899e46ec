#include "init/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/yaml_tree.h"
#include "init/destination.h"

namespace sluice::init {
namespace {

using config::Node;

std::string Of(const Answers& answers, Field field) {
  const auto found = answers.find(field);
  return found == answers.end() ? "" : found->second;
}

const Node* Find(const Node& map, std::string_view key) {
  for (const auto& entry : map.entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<std::string> TextAt(const Node& root, std::string_view group, std::string_view key) {
  const Node* map = group.empty() ? &root : Find(root, group);
  const Node* value = map == nullptr ? nullptr : Find(*map, key);
  if (value == nullptr || value->kind != Node::Kind::kScalar) return std::nullopt;
  return value->text;
}

// Fields whose answer is the value of one field in the file, as it stands.
constexpr std::array kPlainFields = {
    Field::kName,       Field::kWorkgroup,   Field::kHost,   Field::kPort,         Field::kDatabase,
    Field::kUsername,   Field::kRegion,      Field::kBucket, Field::kBucketRegion, Field::kRoleArn,
    Field::kExternalId, Field::kAccessKeyId, Field::kProfile};

// All that stand in auth, with what each way to log in uses.
constexpr std::array<std::string_view, 14> kAuthKeys = {
    "role_arn", "external_id",          "web_identity_token_file", "session_name",   "session_tags",
    "duration", "access_key_id",        "secret_access_key",       "session_token",  "profile",
    "source",   "allow_keys_in_unload", "source_profile",          "source_identity"};

bool Uses(std::string_view auth, std::string_view key) {
  const auto among = [key](std::initializer_list<std::string_view> keys) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  if (auth == "role") {
    return among({"role_arn", "external_id", "web_identity_token_file", "session_name",
                  "session_tags", "duration"});
  }
  if (key == "allow_keys_in_unload") return true;
  if (auth == "keys") return among({"access_key_id", "secret_access_key", "session_token"});
  if (auth == "profile") return key == "profile";
  return key == "source";
}

std::string Line(std::string_view key, std::string_view value, std::string_view comment = "") {
  return fmt::format("  {}: {}{}{}\n", key, value, comment.empty() ? "" : "   # ", comment);
}
std::string Text(std::string_view key, std::string_view value, std::string_view comment = "") {
  return value.empty() ? "" : Line(key, config::QuoteYaml(value), comment);
}

std::string Auth(const Answers& answers, const std::string& secret) {
  const std::string way = Of(answers, Field::kAuth);
  if (way == "role") {
    return Text("role_arn", Of(answers, Field::kRoleArn)) +
           Text("external_id", Of(answers, Field::kExternalId));
  }
  if (way == "keys") {
    return Text("access_key_id", Of(answers, Field::kAccessKeyId)) +
           Text("secret_access_key", secret, "never the key itself");
  }
  if (way == "profile") return Text("profile", Of(answers, Field::kProfile));
  return Line("source", "default_chain");
}

// REQUIRES: the dialogue took the answer. Empty: the destination stays as it is.
DestinationFields FieldsOf(const Answers& answers) {
  const std::string answer = Of(answers, Field::kDestinationPath);
  if (answer.empty()) return {};
  auto fields = ParseDestination(answer);
  return std::get_if<DestinationFields>(&fields) == nullptr
             ? DestinationFields{}
             : std::get<DestinationFields>(std::move(fields));
}

// Another type takes the old one's fields along; the same type keeps those that no answer tells.
void ChangeDestination(const Node& root, const Answers& answers,
                       std::vector<config::Change>& changes) {
  const Node* group = Find(root, "destination");
  const std::string present = group == nullptr ? "" : DestinationOf(*group);
  if (!present.empty() && present == Of(answers, Field::kDestinationPath)) return;
  const DestinationFields fields = FieldsOf(answers);
  if (fields.empty()) return;
  for (const auto& [key, value, plain] : fields) {
    if (TextAt(root, "destination", key) == value) continue;
    changes.push_back({"destination", key, value, plain});
  }
  if (group == nullptr || TextAt(root, "destination", "type") == fields.front().value) return;
  for (const std::string_view key : DestinationKeys()) {
    const bool stays = std::any_of(fields.begin(), fields.end(),
                                   [&](const auto& field) { return field.key == key; });
    if (stays || Find(*group, key) == nullptr) continue;
    changes.push_back({"destination", std::string(key), std::nullopt});
  }
}

std::vector<std::string> Tables(const std::string& text) {
  std::vector<std::string> tables;
  std::string word;
  bool quoted = false;
  for (const char c : text + " ") {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ' ' || c == ',')) {
      if (!word.empty()) tables.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  return tables;
}

std::string Streams(const std::string& tables) {
  const auto list = Tables(tables);
  if (list.empty()) {
    return "# Tables to bring over: `sluice discover` shows what there is. For example\n"
           "#   - table: sales.orders\n"
           "streams: []\n";
  }
  std::string text = "streams:\n";
  for (const auto& table : list) text += fmt::format("  - table: {}\n", config::QuoteYaml(table));
  return text;
}

}  // namespace

Present ReadPresent(std::string_view text) {
  Present present;
  const auto tree = config::ParseYaml(text);
  for (const Field field : kPlainFields) {
    const FieldInfo& info = InfoOf(field);
    if (auto value = TextAt(tree.root, info.group, info.key)) {
      present.answers[field] = std::move(*value);
    }
  }
  if (const Node* destination = Find(tree.root, "destination")) {
    std::string answer = DestinationOf(*destination);
    present.has_destination = answer.empty();
    if (!answer.empty()) present.answers[Field::kDestinationPath] = std::move(answer);
  }
  const auto has = [&](std::string_view key) { return TextAt(tree.root, "auth", key).has_value(); };
  present.has_secret = has("secret_access_key");
  if (has("role_arn")) {
    present.answers[Field::kAuth] = "role";
  } else if (has("access_key_id") || has("secret_access_key")) {
    present.answers[Field::kAuth] = "keys";
  } else if (has("profile")) {
    present.answers[Field::kAuth] = "profile";
  } else if (has("source")) {
    present.answers[Field::kAuth] = "default_chain";
  }
  return present;
}

std::string NewFile(const Answers& answers, const Extras& extras, const std::string& secret) {
  std::string text =
      "# Written by `sluice init`; yours to change. All fields: sluice config schema\n";
  text += fmt::format("name: {}\n", config::QuoteYaml(Of(answers, Field::kName)));
  text += "redshift:\n";
  text += Text("workgroup", Of(answers, Field::kWorkgroup));
  text += Text("host", Of(answers, Field::kHost));
  text += Line("port", Of(answers, Field::kPort));
  text += Text("database", Of(answers, Field::kDatabase));
  text += Text("username", Of(answers, Field::kUsername));
  text += Text("region", Of(answers, Field::kRegion), "of the workgroup");
  text += Text("sslrootcert", extras.ssl_root_cert);
  text += "staging:\n";
  text += Text("bucket", Of(answers, Field::kBucket));
  text += Text("region", Of(answers, Field::kBucketRegion), "of the bucket");
  text += Text("root", extras.root.empty() ? "sluice/" : extras.root,
               "nothing outside it is ever touched");
  text += "auth:\n" + Auth(answers, secret);
  text += "destination:\n";
  for (const auto& [key, value, plain] : FieldsOf(answers)) {
    text += plain ? Line(key, value) : Text(key, value);
  }
  return text + Streams(Of(answers, Field::kTables));
}

std::vector<config::Change> ChangesOf(std::string_view text, const Answers& answers,
                                      const Extras& extras, const std::string& secret) {
  const Node root = config::ParseYaml(text).root;
  std::vector<config::Change> changes;
  const auto set = [&](std::string_view group, std::string_view key, const std::string& value,
                       bool plain = false) {
    if (TextAt(root, group, key) == value) return;
    changes.push_back({std::string(group), std::string(key), value, plain});
  };
  const std::string auth = Of(answers, Field::kAuth);
  for (const Field field : kPlainFields) {
    const FieldInfo& info = InfoOf(field);
    const std::string value = Of(answers, field);
    if (value.empty() || (info.group == "auth" && !Uses(auth, info.key))) continue;
    set(info.group, info.key, value, field == Field::kPort);
  }
  if (Of(answers, Field::kUsername).empty() && TextAt(root, "redshift", "username")) {
    changes.push_back({"redshift", "username", std::nullopt});
  }
  if (auth == "keys" && !secret.empty()) set("auth", "secret_access_key", secret);
  if (auth == "default_chain") set("auth", "source", "default_chain");
  if (!extras.root.empty()) set("staging", "root", extras.root);
  if (!extras.ssl_root_cert.empty()) set("redshift", "sslrootcert", extras.ssl_root_cert);
  // Last, so that the group is never empty on the way.
  const Node* group = Find(root, "auth");
  for (const std::string_view key : kAuthKeys) {
    if (group == nullptr || Find(*group, key) == nullptr) continue;
    const bool cleared = key == "external_id" && Of(answers, Field::kExternalId).empty();
    if (!Uses(auth, key) || cleared) {
      changes.push_back({"auth", std::string(key), std::nullopt});
    }
  }
  ChangeDestination(root, answers, changes);
  return changes;
}

}  // namespace sluice::init
