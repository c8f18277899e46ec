#include "cli/init_dialogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "cli/init_destination.h"
#include "config/rules.h"
#include "redshift/identity.h"

namespace sluice::cli {
namespace {

constexpr std::array<FieldInfo, 18> kFields = {{
    {Field::kName, "--name", "", "name", "Name of this connection",
     "It names folders in the bucket: letters, digits, '-' and '_'.", "acme"},
    {Field::kWorkgroup, "--workgroup", "redshift", "workgroup", "Workgroup",
     "As the Redshift Serverless console shows it, or paste the whole endpoint.", "analytics"},
    {Field::kHost, "--host", "redshift", "host", "Host",
     "The workgroup's endpoint, in any form it can be copied.",
     "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com"},
    {Field::kPort, "--port", "redshift", "port", "Port",
     "A workgroup has one of 5431-5455 and 8191-8215.", "5439"},
    {Field::kDatabase, "--database", "redshift", "database", "Database",
     "The database to read; a new workgroup has dev.", "dev"},
    {Field::kUsername, "--username", "redshift", "username", "Database user",
     "The user that was created, if you know it; AWS derives it from the identity.",
     "IAMR:sluice-reader"},
    {Field::kRegion, "--region", "redshift", "region", "Region of the workgroup",
     "The host does not tell it.", "us-east-1"},
    {Field::kBucket, "--bucket", "staging", "bucket", "Staging bucket",
     "Redshift writes here, Sluice reads and deletes. The bucket's name alone.",
     "acme-sluice-staging"},
    {Field::kBucketRegion, "--bucket-region", "staging", "region", "Region of the bucket",
     "It need not be the workgroup's.", "us-east-1"},
    {Field::kAuth, "--auth", "auth", "", "How to log in to AWS", "A role is the safest way.", ""},
    {Field::kRoleArn, "--role-arn", "auth", "role_arn", "Role to assume",
     "Its ARN, from the role's page.", "arn:aws:iam::123456789012:role/sluice-reader"},
    {Field::kExternalId, "--external-id", "auth", "external_id", "External ID",
     "As in the role's trust policy, if it demands one. ${NAME} reads the environment.", "acme-42"},
    {Field::kAccessKeyId, "--access-key-id", "auth", "access_key_id", "Access key ID",
     "Of the IAM user. Its secret is asked for next.", "AKIAIOSFODNN7EXAMPLE"},
    {Field::kSecretStore, "--secret-store", "auth", "", "Where the secret access key is kept",
     "It never stands in the configuration.", ""},
    {Field::kSecret, "--secret-access-key-file", "auth", "secret_access_key", "Secret access key",
     "What you type is not shown.", ""},
    {Field::kProfile, "--profile", "auth", "profile", "AWS profile",
     "Of ~/.aws/config or ~/.aws/credentials; aws configure --profile NAME makes one.", "acme"},
    {Field::kDestinationPath, "--destination-path", "destination", "path", "Destination",
     "A file for DuckDB, postgresql://user@host/database, or a lake: s3://bucket/folder or folder/",
     "acme.duckdb"},
    {Field::kTables, "--table", "streams", "", "Tables to bring over",
     "schema.table, separated by blanks. Nothing: choose later (sluice discover).",
     "sales.orders sales.customers"},
}};

// A pasted value: line ends and tabs of a console, and blanks around it.
std::string Cleaned(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\t') {
      clean += ' ';
    } else {
      clean += c;
    }
  }
  const auto first = clean.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return clean.substr(first, clean.find_last_not_of(' ') - first + 1);
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ' ' || c == ',')) {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

config::Rule RuleOf(Field field) {
  switch (field) {
    case Field::kName: return config::CheckName;
    case Field::kWorkgroup: return config::CheckWorkgroup;
    case Field::kDatabase: return config::CheckDatabase;
    case Field::kUsername:
    case Field::kProfile: return config::CheckIdentifier;
    case Field::kRegion:
    case Field::kBucketRegion: return config::CheckRegion;
    case Field::kBucket: return config::CheckBucket;
    case Field::kRoleArn: return config::CheckRoleArn;
    case Field::kExternalId: return config::CheckExternalId;
    case Field::kAccessKeyId: return config::CheckAccessKeyId;
    default: return nullptr;
  }
}

bool IsOptional(Field field) {
  return field == Field::kUsername || field == Field::kExternalId || field == Field::kTables;
}

Reply Refused(std::string text, std::string remedy) {
  return {.accepted = false, .text = std::move(text), .remedy = std::move(remedy)};
}

std::string Shown(std::string_view text) {
  constexpr std::size_t kShownMax = 80;
  return text.size() > kShownMax ? "it" : fmt::format("\"{}\"", text);
}

}  // namespace

const FieldInfo& InfoOf(Field field) { return kFields.at(static_cast<std::size_t>(field)); }

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
  for (const FieldInfo& info : kFields) {
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

Reply Dialogue::Check(Field field, const std::string& text) const {
  const config::Rule rule = RuleOf(field);
  if (rule == nullptr) return {};
  const auto expanded = config::Expand(text, options_.references);
  if (!expanded.problem.empty()) return Refused(expanded.problem, expanded.remedy);
  if (const auto broken = rule(expanded.text)) {
    return Refused(
        fmt::format("{} {}.", expanded.referenced ? "its value" : Shown(text), broken->problem),
        broken->remedy);
  }
  return {};
}

Reply Dialogue::Answer(Field field, std::string_view given) {
  std::string text = Cleaned(given);
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
          Shown(text) + " is none of the choices.",
          auth ? "Write role, keys, profile or default_chain." : "Write environment or file.");
    }
    case Field::kDestinationPath: return AnswerDestination(text);
    case Field::kTables:
      for (const auto& word : Words(text)) {
        const auto table = config::ParseTable(word);
        if (const auto* broken = std::get_if<config::Broken>(&table)) {
          return Refused(fmt::format("{} {}.", Shown(word), broken->problem),
                         "Write schema and table, for example sales.orders");
        }
      }
      return Accept(field, text);
    default: break;
  }
  Reply reply = Check(field, text);
  if (!reply.accepted) return reply;
  return Accept(field, std::move(text));
}

// A word is a workgroup's name; whatever has dots, slashes or colons is an endpoint.
Reply Dialogue::AnswerWorkgroup(const std::string& text) {
  if (text.find("${") != std::string::npos || text.find_first_of("./:") == std::string::npos) {
    Reply reply = Check(Field::kWorkgroup, text);
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
  const auto expanded = config::Expand(text, options_.references);
  if (!expanded.problem.empty()) return Refused(expanded.problem, expanded.remedy);
  std::string compact;  // a console breaks long names over lines
  for (const char c : expanded.text) {
    if (c != ' ') compact += c;
  }
  try {
    auto endpoint = redshift::ParseEndpoint(compact);
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
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535) {
    return Refused(Shown(text) + " is not a port.", "Write a number from 1 to 65535.");
  }
  std::string note;
  if (endpoint_ && endpoint_->workgroup && !redshift::IsServerlessPort(port)) {
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
  return Accept(Field::kDestinationPath, text);
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

}  // namespace sluice::cli
