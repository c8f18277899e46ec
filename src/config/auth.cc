#include "config/auth.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

// AWS allows 900 s to 12 h; what a role allows at most is its own setting.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
constexpr std::chrono::seconds kSessionMin{900};
constexpr std::chrono::seconds kSessionMax{43200};

constexpr std::string_view kWays =
    "Write exactly one of: role_arn, access_key_id with secret_access_key, profile,\n"
    "source: default_chain.";

std::vector<SessionTag> ReadTags(MapReader& map) {
  std::vector<SessionTag> tags;
  for (auto& [name, value] : map.TextMap("session_tags", CheckTagKey)) {
    tags.push_back({std::move(name), std::move(value)});
  }
  return tags;
}

// Fields that mean something beside role_arn only.
void RefuseWithoutRole(MapReader& map) {
  for (const FieldSpec& field : kAuthGroup.fields) {
    const bool of_role =
        std::find(field.needs.begin(), field.needs.end(), "role_arn") != field.needs.end();
    if (!of_role || !map.Has(field.name)) continue;
    map.Add(field.name, "stands without role_arn",
            "It belongs to a role that is assumed: name the role, or leave it out.");
  }
}

void CheckTogether(MapReader& map, const RoleAuth& role) {
  if (role.external_id) {
    if (const auto broken = CheckExternalId(role.external_id->Reveal())) {
      map.Add("external_id", broken->problem, broken->remedy);
    }
  }
  if (!role.web_identity_token_file) return;
  if (!role.session_tags.empty()) {
    map.Add("session_tags", "stand beside web_identity_token_file",
            "AWS takes the tags of such a session from the token's claims: leave them out, or tag "
            "the role.");
  }
  if (role.external_id) {
    map.Add("external_id", "stands beside web_identity_token_file",
            "AWS knows no external ID there: leave it out.");
  }
}

// The fields of each way to log in. All are asked for whatever way was chosen, so that each is
// known and checked, and one that belongs to another way is told apart from one that does not
// exist.
RoleAuth ReadRole(Reading& reading, MapReader& map, bool chosen) {
  RoleAuth role;
  role.role_arn = map.Text("role_arn").value_or("");
  // Its own rule tells what may stand in it.
  role.external_id = map.PasswordText("external_id");
  role.session_name = map.Text("session_name");
  role.session_tags = ReadTags(map);
  if (auto path = map.Text("web_identity_token_file")) {
    role.web_identity_token_file = (reading.sources.folder / *path).lexically_normal();
  }
  if (const auto duration = map.Duration("duration")) {
    role.duration = *duration;
    if (*duration < kSessionMin || *duration > kSessionMax) {
      map.Add("duration", "is not between 15m and 12h",
              "Write 1h, which every role allows, or up to the role's own maximum.");
    }
  }
  if (chosen) {
    CheckTogether(map, role);
  } else {
    RefuseWithoutRole(map);
  }
  return role;
}

KeysAuth ReadKeys(MapReader& map, bool chosen) {
  for (const std::string_view key : {"access_key_id", "secret_access_key"}) {
    if (!chosen || map.Has(key)) continue;
    map.Missing(key,
                "Keys come in twos: access_key_id and secret_access_key, best as \"${NAME}\".");
  }
  KeysAuth keys;
  keys.access_key_id = map.Text("access_key_id").value_or("");
  keys.secret_access_key = map.SecretText("secret_access_key").value_or(base::Secret());
  keys.session_token = map.SecretText("session_token").value_or(base::Secret());
  if (!chosen && map.Has("session_token")) {
    map.Add("session_token", "stands without access_key_id",
            "It belongs to temporary access keys: leave it out.");
  }
  return keys;
}

}  // namespace

AuthConfig ReadAuth(Reading& reading, const Node* node, MapReader& top) {
  MapReader map(reading, node, kAuthGroup, "auth");
  const bool by_role = map.Has("role_arn");
  const bool by_keys = map.Has("access_key_id") || map.Has("secret_access_key");
  const bool by_profile = map.Has("profile");
  const bool by_chain = map.Has("source");
  if (by_role + by_keys + by_profile + by_chain != 1) {
    const bool any = by_role || by_keys || by_profile || by_chain;
    top.Add("auth", any ? "names more than one way to log in" : "does not tell how to log in",
            std::string(kWays));
  }
  RoleAuth role = ReadRole(reading, map, by_role);
  KeysAuth keys = ReadKeys(map, by_keys);
  ProfileAuth profile{map.Text("profile").value_or("")};
  ChainAuth chain;
  map.Choice<bool>("source", {{"default_chain", true}});
  const auto allowed = map.Bool("allow_keys_in_unload");
  if (allowed && by_role) {
    map.Add("allow_keys_in_unload", "stands beside role_arn",
            "A role gives narrower keys for every UNLOAD: leave it out.");
  }
  keys.allow_in_unload = profile.allow_in_unload = chain.allow_in_unload = allowed.value_or(false);
  map.RefuseOthers();
  if (by_keys) return keys;
  if (by_profile) return profile;
  if (by_chain) return chain;
  return role;
}

}  // namespace sluice::config
