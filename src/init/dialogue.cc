#include "init/dialogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "config/config.h"
#include "config/edit.h"
#include "config/fields.h"
#include "config/rules.h"
#include "connection/host_rules.h"
#include "init/destination.h"
#include "redshift/identity.h"

namespace sluice::init {
namespace {

// Which fields are asked for, in which order, by which flag. What is empty comes from the table of
// fields (config/fields.h); what stands here is said otherwise to someone who types or pastes.
constexpr std::array<FieldInfo, 18> kAsked = {{
    {Field::kName, "--name", "", "name", "", "", ""},
    {Field::kWorkgroup, "--workgroup", "redshift", "workgroup", "",
     "As the Redshift Serverless console shows it, or paste the whole endpoint.", ""},
    {Field::kHost, "--host", "redshift", "host", "", "", ""},
    {Field::kPort, "--port", "redshift", "port", "",
     "A workgroup has one of 5431-5455 and 8191-8215.", ""},
    {Field::kDatabase, "--database", "redshift", "database", "", "", ""},
    {Field::kUsername, "--username", "redshift", "username", "",
     "The user that was created, if you know it; AWS derives it from the identity.", ""},
    {Field::kRegion, "--region", "redshift", "region", "", "The host does not tell it.", ""},
    {Field::kBucket, "--bucket", "staging", "bucket", "", "", ""},
    {Field::kBucketRegion, "--bucket-region", "staging", "region", "",
     "It need not be the workgroup's.", ""},
    {Field::kAuth, "--auth", "auth", "", "How to sign in to AWS", "A role is the safest way.", ""},
    {Field::kRoleArn, "--role-arn", "auth", "role_arn", "", "Its ARN, from the role's page.", ""},
    {Field::kExternalId, "--external-id", "auth", "external_id", "",
     "As in the role's trust policy, if it requires one. ${NAME} reads the environment.", ""},
    {Field::kAccessKeyId, "--access-key-id", "auth", "access_key_id", "",
     "Of the IAM user. Its secret is asked for next.", ""},
    {Field::kSecretStore, "--secret-store", "auth", "", "Where the secret access key is kept",
     "It never stands in the configuration.", ""},
    {Field::kSecret, "--secret-access-key-file", "auth", "secret_access_key", "",
     "What you type is not shown.", ""},
    {Field::kProfile, "--profile", "auth", "profile", "",
     "Of ~/.aws/config or ~/.aws/credentials; aws configure --profile NAME makes one.", ""},
    {Field::kDestinationPath, "--destination-path", "destination", "path", "",
     "A file for DuckDB, postgresql://user@host/database, or a lake: s3://bucket/folder or folder/",
     ""},
    {Field::kTables, "--table", "streams", "", "Tables to bring over",
     "schema.table, separated by blanks. Nothing: choose later (sluice discover).",
     "sales.orders sales.customers"},
}};

std::array<FieldInfo, 18> WithTableOfFields() {
  auto filled = kAsked;
  for (FieldInfo& info : filled) {
    const config::FieldSpec* field = config::FindField(info.group, info.key);
    if (field == nullptr) continue;  // no field of the file: it stands for several
    if (info.title.empty()) info.title = field->title;
    if (info.help.empty()) info.help = field->description;
    if (info.example.empty()) info.example = field->example;
  }
  return filled;
}

const std::array<FieldInfo, 18>& Fields() {
  static const std::array<FieldInfo, 18> kFields = WithTableOfFields();
  return kFields;
}

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

// A pasted value: without blanks around it, and whole again where a console broke it over lines.
std::string Cleaned(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    const auto word = std::min(text.find_first_of(kBlank, at), text.size());
    clean += text.substr(at, word - at);
    at = std::min(text.find_first_not_of(kBlank, word), text.size());
    const std::string_view between = text.substr(word, at - word);
    const bool around = clean.empty() || at == text.size();
    if (!around && between.find('\n') == std::string_view::npos) clean += between;
  }
  return clean;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ' ' || c == ',' || c == '\t')) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool IsOptional(Field field) {
  return field == Field::kUsername || field == Field::kExternalId || field == Field::kTables;
}

Reply Refused(std::string text, std::string remedy) {
  return {.accepted = false, .text = std::move(text), .remedy = std::move(remedy)};
}

// The `destination` group that an answer stands for.
std::string DestinationYaml(std::string_view answer) {
  const auto parsed = ParseDestination(answer);
  const auto* fields = std::get_if<DestinationFields>(&parsed);
  std::string yaml = "destination:\n";
  if (fields == nullptr) return yaml;
  for (const auto& field : *fields) {
    yaml += fmt::format("  {}: {}\n", field.key, config::QuoteYaml(field.value));
  }
  return yaml;
}

// An external ID stands beside a role only.
constexpr std::string_view kAnyRole = "arn:aws:iam::123456789012:role/any";

}  // namespace

const FieldInfo& InfoOf(Field field) { return Fields().at(static_cast<std::size_t>(field)); }

Dialogue::Dialogue(Options options) : options_(std::move(options)) {}

std::string Dialogue::Of(Field field) const {
  const auto found = answers_.find(field);
  return found == answers_.end() ? "" : found->second;
}

bool Dialogue::IsAsked(Field field) const {
  switch (field) {
    case Field::kRegion: return endpoint_ && !endpoint_->region;
    case Field::kRoleArn:
    case Field::kExternalId: return Of(Field::kAuth) == "role";
    case Field::kAccessKeyId:
    case Field::kSecretStore: return Of(Field::kAuth) == "keys";
    case Field::kSecret: return Of(Field::kSecretStore) == "file" && !secret_given_;
    case Field::kProfile: return Of(Field::kAuth) == "profile";
    case Field::kTables: return !options_.existing;
    default: return true;
  }
}

std::optional<std::string> Dialogue::Preset(Field field) const {
  // What was just pasted is nearer than what the file said.
  if (endpoint_) {
    if (field == Field::kHost) return endpoint_->host;
    if (field == Field::kWorkgroup && endpoint_->workgroup && !endpoint_->vpc_endpoint_suspected) {
      return endpoint_->workgroup;
    }
    if (field == Field::kPort && endpoint_->port) return std::to_string(*endpoint_->port);
    if (field == Field::kDatabase && endpoint_->database) return endpoint_->database;
  }
  const auto present = options_.presets.find(field);
  if (present != options_.presets.end()) return present->second;
  switch (field) {
    case Field::kPort: return std::to_string(redshift::kDefaultPort);
    case Field::kDatabase: return "dev";
    case Field::kRegion: return options_.aws_region;
    case Field::kBucketRegion: {
      if (endpoint_ && endpoint_->region) return endpoint_->region;
      const std::string region = Of(Field::kRegion);
      return region.empty() ? std::nullopt : std::optional(region);
    }
    case Field::kAuth: return "role";
    case Field::kSecretStore: return options_.has_secret ? "keep" : "environment";
    case Field::kDestinationPath:
      if (options_.has_destination) return std::string(kDestinationAsItIs);
      return Of(Field::kName) + ".duckdb";
    default: return std::nullopt;
  }
}

std::optional<Question> Dialogue::Next() const {
  for (const FieldInfo& info : Fields()) {
    if (answers_.contains(info.field) || !IsAsked(info.field)) continue;
    Question question{.info = info,
                      .preset = Preset(info.field),
                      .optional = IsOptional(info.field),
                      .secret = info.field == Field::kSecret,
                      .choices = {}};
    if (info.field == Field::kAuth) {
      question.choices = {{"role", "assume a role"},
                          {"keys", "access keys of an IAM user"},
                          {"profile", "a profile of the shared AWS files"},
                          {"default_chain", "what AWS's standard chain finds, as it is"}};
    } else if (info.field == Field::kSecretStore) {
      if (options_.has_secret) question.choices.push_back({"keep", "where it is kept now"});
      question.choices.push_back({"environment", "$SLUICE_SECRET_ACCESS_KEY"});
      question.choices.push_back({"file", "a file beside the configuration that only you read"});
    }
    return question;
  }
  return std::nullopt;
}

Reply Dialogue::Accept(Field field, std::string text, std::string note) {
  answers_[field] = std::move(text);
  return {.accepted = true, .text = std::move(note), .remedy = {}};
}

Reply Dialogue::Verdict(Field field, const std::string& text) const {
  const FieldInfo& info = InfoOf(field);
  const std::string value = config::QuoteYaml(text);
  std::string yaml;
  std::string name = fmt::format("{}.{}", info.group, info.key);
  if (info.group.empty()) {
    yaml = fmt::format("{}: {}\n", info.key, value);
    name = info.key;
  } else if (field == Field::kTables) {
    yaml = fmt::format("streams:\n  - table: {}\n", value);
    name = "streams[0].table";
  } else if (field == Field::kDestinationPath) {
    yaml = DestinationYaml(text);
    name = info.group;
  } else {
    yaml = fmt::format("{}:\n  {}: {}\n", info.group, info.key, value);
    if (field == Field::kExternalId) yaml += fmt::format("  role_arn: {}\n", kAnyRole);
  }
  const auto loaded = config::Parse(yaml, options_.references.folder / "sluice.yaml",
                                    options_.references.environment, connection::EndpointRules());
  for (const auto& problem : loaded.problems) {
    // Of the whole text: a value that no file can hold.
    const bool whole = problem.field.empty();
    if (!whole && problem.field != name && !problem.field.starts_with(name + ".")) continue;
    const bool shown = problem.problem.starts_with('"');
    return Refused(fmt::format("{}{}.", shown ? "" : "The value ", problem.problem),
                   problem.remedy);
  }
  return {};
}

Reply Dialogue::Answer(Field field, std::string_view given) {
  // A flag's value is whole; its line ends are as wrong in it as in the file.
  std::string text = options_.pasted || field == Field::kHost ? Cleaned(given) : Trimmed(given);
  if (text == "-" && IsOptional(field)) return Accept(field, "");
  if (text.empty()) {
    const auto preset = Preset(field);
    if (!preset && IsOptional(field)) return Accept(field, "");
    if (!preset) return Refused("An answer is needed here.", std::string(InfoOf(field).help));
    text = *preset;
  }
  switch (field) {
    case Field::kWorkgroup: return AnswerWorkgroup(text);
    case Field::kHost: return AnswerHost(text);
    case Field::kPort: return AnswerPort(text);
    case Field::kAuth:
    case Field::kSecretStore: {
      const bool auth = field == Field::kAuth;
      const std::vector<std::string> words =
          auth ? std::vector<std::string>{"role", "keys", "profile", "default_chain"}
               : std::vector<std::string>{"environment", "file", "keep"};
      const bool known = std::find(words.begin(), words.end(), text) != words.end() &&
                         (text != "keep" || options_.has_secret);
      if (known) return Accept(field, text);
      return Refused(
          "That is none of the choices.",
          auth ? "Write role, keys, profile or default_chain." : "Write environment or file.");
    }
    case Field::kDestinationPath: return AnswerDestination(text);
    case Field::kTables:
      for (const auto& word : Words(text)) {
        Reply reply = Verdict(field, word);
        if (!reply.accepted) return reply;
      }
      return Accept(field, text);
    default: break;
  }
  Reply reply = Verdict(field, text);
  if (!reply.accepted) return reply;
  return Accept(field, std::move(text));
}

// A word is a workgroup's name; whatever has dots, slashes or colons is an endpoint.
Reply Dialogue::AnswerWorkgroup(const std::string& text) {
  if (!options_.pasted || text.find("${") != std::string::npos ||
      text.find_first_of("./:") == std::string::npos) {
    Reply reply = Verdict(Field::kWorkgroup, text);
    return reply.accepted ? Accept(Field::kWorkgroup, text) : reply;
  }
  Reply host = AnswerHost(text);
  if (!host.accepted) return host;
  answers_.erase(Field::kHost);  // asked still, with what was pasted as its preset
  if (endpoint_->workgroup && !endpoint_->vpc_endpoint_suspected) {
    return Accept(Field::kWorkgroup, *endpoint_->workgroup,
                  fmt::format("The workgroup is {}.", *endpoint_->workgroup));
  }
  return Refused(
      endpoint_->vpc_endpoint_suspected
          ? "That is a VPC endpoint's host: good to connect to, but it does not tell the workgroup."
          : "That is a host name of your own: good to connect to, but it does not tell the "
            "workgroup.",
      "Write the workgroup's name, as the Redshift Serverless console shows it.");
}

Reply Dialogue::AnswerHost(const std::string& text) {
  Reply reply = Verdict(Field::kHost, text);
  if (!reply.accepted) return reply;
  const auto expanded = config::Expand(text, options_.references);
  try {
    auto endpoint = redshift::ParseEndpoint(expanded.text);
    // The same host once more, as its preset proposes it: what came along before still counts.
    if (endpoint_ && endpoint_->host == endpoint.host) {
      if (!endpoint.port) endpoint.port = endpoint_->port;
      if (!endpoint.database) endpoint.database = endpoint_->database;
    }
    endpoint_ = std::move(endpoint);
  } catch (const base::Error& error) {
    return Refused(error.info().message + ".", error.info().remedy);
  }
  std::string note;
  const std::string workgroup = Of(Field::kWorkgroup);
  if (!workgroup.empty() && endpoint_->workgroup && !endpoint_->vpc_endpoint_suspected &&
      *endpoint_->workgroup != workgroup) {
    note = fmt::format("The host is of the workgroup {}, but you wrote {}. Is one of them wrong?",
                       *endpoint_->workgroup, workgroup);
  }
  return Accept(Field::kHost, expanded.referenced ? text : endpoint_->host, std::move(note));
}

Reply Dialogue::AnswerPort(const std::string& text) {
  Reply reply = Verdict(Field::kPort, text);
  if (!reply.accepted) return reply;
  int port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);  // or a reference
  std::string note;
  if (port > 0 && endpoint_ && endpoint_->workgroup && !redshift::IsServerlessPort(port)) {
    note = "A workgroup has one of 5431-5455 and 8191-8215: is this the port of something else?";
  }
  return Accept(Field::kPort, text, std::move(note));
}

Reply Dialogue::AnswerDestination(const std::string& text) {
  // An existing group that no address tells stays as it is.
  if (text == kDestinationAsItIs) return Accept(Field::kDestinationPath, "");
  const auto fields = ParseDestination(text);
  if (const auto* broken = std::get_if<config::Broken>(&fields)) {
    return Refused(fmt::format("That {}.", broken->problem), broken->remedy);
  }
  Reply reply = Verdict(Field::kDestinationPath, text);
  return reply.accepted ? Accept(Field::kDestinationPath, text) : reply;
}

Reply Dialogue::AnswerSecret(base::Secret secret) {
  const std::string& text = secret.Reveal();
  if (text.empty()) return Refused("Nothing was typed.", "Paste the secret access key.");
  if (text.size() < 16 || !config::IsPlainUtf8(text) ||
      text.find_first_of("\t\r\n ") != std::string::npos) {
    return Refused("That is no secret access key; its value is not shown.",
                   "It has 40 characters and no blanks. Copy it whole.");
  }
  secret_ = std::move(secret);
  secret_given_ = true;
  answers_[Field::kSecret] = "";
  return {};
}

}  // namespace sluice::init
