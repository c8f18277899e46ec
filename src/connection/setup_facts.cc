#include "connection/setup_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aws/endpoints.h"
#include "connection/chosen_streams.h"
#include "redshift/endpoint.h"
#include "redshift/identity.h"

namespace sluice::connection {
namespace {

using setup::Pattern;

[[noreturn]] void Refuse(std::string subject, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "setup",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

const std::string* TagOf(const config::RoleAuth* role, std::string_view key) {
  if (role == nullptr) return nullptr;
  for (const auto& tag : role->session_tags) {
    if (tag.key == key) return &tag.value;
  }
  return nullptr;
}

std::vector<std::string> SplitRoles(std::string_view text) {
  std::vector<std::string> roles;
  while (!text.empty()) {
    const auto end = std::min(text.find(':'), text.size());
    if (end > 0) roles.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return roles;
}

std::string Base64Url(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return {};
    bits = (bits << 6U) | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return bytes;
}

// The claims of a token are no secret; its signature, which is, stays unread.
setup::WebIdentity ClaimsOf(std::string_view token) {
  setup::WebIdentity claims;
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return claims;
  const auto json = nlohmann::json::parse(Base64Url(token.substr(first + 1, second - first - 1)),
                                          nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return claims;
  const auto text = [&](const char* key) -> std::string {
    const auto found = json.find(key);
    if (found == json.end()) return {};
    if (found->is_array() && found->size() == 1 && found->front().is_string()) {
      return found->front().get<std::string>();
    }
    return found->is_string() ? found->get<std::string>() : std::string();
  };
  claims = {.issuer = text("iss"), .audience = text("aud"), .subject = text("sub")};
  return claims;
}

class Maker {
 public:
  Maker(const config::Config& config, const SetupFlags& flags, const SetupAnswers& answers)
      : config_(config),
        flags_(flags),
        answers_(answers),
        role_(std::get_if<config::RoleAuth>(&config.auth)) {}

  SetupFacts Make(const std::string& region, const std::string& token) {
    facts().connection = config_.name;
    ReadPlaces(region);
    ReadIdentity(token);
    ChoosePattern();
    ReadUser();
    ReadSchemas();
    return std::move(made_);
  }

 private:
  setup::Facts& facts() { return made_.facts; }
  void Note(std::string text) { made_.notes.push_back(std::move(text)); }

  void ReadPlaces(const std::string& region) {
    const auto endpoint = redshift::ParseEndpoint(config_.redshift.host);
    facts().partition = aws::PartitionOf(region);
    facts().region = region;
    facts().account = endpoint.account.value_or("");
    facts().workgroup = config_.redshift.workgroup;
    facts().workgroup_id =
        flags_.workgroup_id.empty() ? answers_.workgroup_id : flags_.workgroup_id;
    facts().namespace_id = answers_.namespace_id;
    facts().database = config_.redshift.database;
    facts().port = config_.redshift.port.value_or(endpoint.port.value_or(redshift::kDefaultPort));
    facts().bucket = config_.staging.bucket;
    facts().bucket_region = config_.staging.region;
    facts().root = config_.staging.root;
    facts().bucket_account = flags_.bucket_account;
    facts().kms_key = config_.staging.kms_key;
    facts().unload_role = config_.staging.unload_role;
    facts().our_address = flags_.address;
    // A lake with keys or an address of its own is somebody else's to arrange.
    const auto* lake = std::get_if<config::LakeDestination>(&config_.destination.kind);
    if (lake != nullptr && !lake->endpoint_url && lake->access_key_id.empty()) {
      facts().lake_bucket = lake->bucket;
      facts().lake_prefix = lake->prefix;
    }
  }

  void ReadIdentity(const std::string& token) {
    setup::Facts& facts = this->facts();
    if (role_ != nullptr) {
      facts.identity_arn = role_->role_arn;
      if (role_->external_id) facts.external_id = role_->external_id->Reveal();
      facts.principal_arn = PrincipalOf(answers_.base_arn);
      if (role_->web_identity_token_file) facts.web_identity = ClaimsOf(token);
      const auto hours = (role_->duration + std::chrono::hours(1) - std::chrono::seconds(1)) /
                         std::chrono::hours(1);
      facts.session_hours_max = std::max(1, static_cast<int>(hours));
    } else {
      facts.identity_arn = PrincipalOf(answers_.caller_arn);
      facts.by_role = facts.identity_arn.find(":role/") != std::string::npos;
      // An instance's or a profile's role: somebody else's trust policy lets it be used.
      facts.assumed_by_us = false;
    }
    if (const auto account = redshift::AccountOf(facts.identity_arn)) facts.account = *account;
  }

  void ChoosePattern() {
    if (!flags_.pattern.empty()) {
      facts().pattern = static_cast<Pattern>(flags_.pattern.front() - 'A');
    } else if (config_.redshift.login_api == config::LoginApi::kGetClusterCredentials) {
      facts().pattern = Pattern::kClusterCredentials;
    } else if (TagOf(role_, "RedshiftDbUser") != nullptr) {
      facts().pattern = Pattern::kUserTag;
    } else if (TagOf(role_, "RedshiftDbRoles") != nullptr || !flags_.db_roles.empty()) {
      facts().pattern = Pattern::kRolesTag;
    } else if (Submitted() != Derived() && facts().by_role && !Submitted().empty()) {
      // What the configuration calls the user shall come true: a tag on the role does that.
      facts().pattern = Pattern::kUserTag;
      Note(
          fmt::format("redshift.username is {}, but AWS derives {} from the role. The tag "
                      "RedshiftDbUser on the role changes that (sluice setup tag). Simpler: leave "
                      "username out, and the user is {}.",
                      config_.redshift.username.value_or(""), setup::DerivedUser(facts()),
                      setup::DerivedUser(facts())));
    }
  }

  std::string Submitted() const {
    return redshift::StripDbUser(config_.redshift.username.value_or(""));
  }
  std::string Derived() { return redshift::StripDbUser(setup::DerivedUser(facts())); }

  void ReadUser() {
    switch (facts().pattern) {
      case Pattern::kIdentityUser:
        facts().db_user = answers_.db_user.empty() ? setup::DerivedUser(facts()) : answers_.db_user;
        if (!Submitted().empty() && Submitted() != redshift::StripDbUser(facts().db_user)) {
          Note(fmt::format("redshift.username is {}, but the user will be {}: fix or remove it.",
                           *config_.redshift.username, facts().db_user));
        }
        return;
      case Pattern::kUserTag: return ReadTaggedUser();
      case Pattern::kRolesTag: return ReadRoles();
      case Pattern::kClusterCredentials:
        if (Submitted().empty()) {
          Refuse("redshift.username", "pattern D logs in as a user that is named here",
                 "Set redshift.username, for example username: sluice");
        }
        facts().db_user = "IAM:" + Submitted();
        if (config_.redshift.login_api != config::LoginApi::kGetClusterCredentials) {
          Note("Pattern D also needs redshift.login_api: GetClusterCredentials.");
        }
    }
  }

  void ReadTaggedUser() {
    if (!facts().by_role) {
      Refuse("pattern B",
             "what AWS makes of the tag RedshiftDbUser on an IAM user is documented nowhere",
             "Connect with a role (auth.role_arn), or use pattern A, C or D.");
    }
    const std::string* tag = TagOf(role_, "RedshiftDbUser");
    facts().tag_on_identity = tag == nullptr;
    const std::string user = tag != nullptr ? *tag : Submitted();
    if (user.empty()) {
      Refuse("redshift.username", "pattern B logs in as a user that is named by a tag",
             "Set redshift.username, for example username: sluice");
    }
    facts().db_user = "IAMR:" + user;
  }

  void ReadRoles() {
    const std::string* tag = TagOf(role_, "RedshiftDbRoles");
    facts().tag_on_identity = tag == nullptr;
    facts().db_roles = tag != nullptr ? SplitRoles(*tag) : flags_.db_roles;
    if (facts().db_roles.empty()) facts().db_roles = {"sluice_read"};
    facts().db_user = answers_.db_user.empty() ? setup::DerivedUser(facts()) : answers_.db_user;
  }

  void ReadSchemas() {
    facts().owners = flags_.owners;
    // What a pattern will choose tomorrow cannot be named today.
    facts().only_named_tables = flags_.only_streams && config_.patterns.empty();
    if (flags_.only_streams && !config_.patterns.empty()) {
      Note("Streams are chosen by pattern, so whole schemas are granted.");
    }
    auto& schemas = facts().schemas;
    for (const auto& name : SchemasOfPatterns(config_)) {
      const bool known = std::any_of(schemas.begin(), schemas.end(),
                                     [&](const auto& one) { return one.name == name; });
      if (!known) schemas.push_back({.name = name, .tables = {}});
    }
    for (const auto& pattern : config_.patterns) {
      for (const auto& one : pattern.tables) {
        if (one.schema.Name()) continue;
        Note(fmt::format("The schemas of {} are many: grant each of them.", one.text));
      }
    }
    for (const auto& stream : config_.streams) {
      if (!stream.stream.table) {
        Note(fmt::format("The stream {} reads with SQL of its own: grant what it reads.",
                         stream.stream.name));
        continue;
      }
      const auto& table = *stream.stream.table;
      auto found = std::find_if(schemas.begin(), schemas.end(),
                                [&](const auto& one) { return one.name == table.schema; });
      if (found == schemas.end()) {
        found = schemas.insert(schemas.end(), {.name = table.schema, .tables = {}});
      }
      auto& tables = found->tables;
      if (std::find(tables.begin(), tables.end(), table.table) == tables.end()) {
        tables.push_back(table.table);
      }
    }
  }

  const config::Config& config_;
  const SetupFlags& flags_;
  const SetupAnswers& answers_;
  const config::RoleAuth* const role_;
  SetupFacts made_;
};

}  // namespace

std::string PrincipalOf(const std::string& caller_arn) {
  const auto service = caller_arn.find(":sts::");
  const auto role = caller_arn.find(":assumed-role/");
  if (service == std::string::npos || role == std::string::npos) return caller_arn;
  std::string_view name = std::string_view(caller_arn).substr(role + 14);
  name = name.substr(0, name.find('/'));
  return fmt::format("{}:iam::{}:role/{}", caller_arn.substr(0, service),
                     caller_arn.substr(service + 6, role - service - 6), name);
}

SetupFacts MakeSetupFacts(const config::Config& config, const std::string& region,
                          const SetupFlags& flags, const SetupAnswers& answers,
                          const std::string& token) {
  return Maker(config, flags, answers).Make(region, token);
}

}  // namespace sluice::connection
