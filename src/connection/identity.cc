#include "connection/identity.h"

#include <utility>

#include "aws/endpoints.h"
#include "aws/sts.h"

namespace sluice::connection {
namespace {

std::optional<aws::AssumeRoleRequest> RoleRequest(const config::Config& config) {
  const auto* role = std::get_if<config::RoleAuth>(&config.auth);
  if (role == nullptr) return std::nullopt;
  aws::AssumeRoleRequest request;
  request.role_arn = role->role_arn;
  request.session_name = role->session_name.value_or(aws::RoleSessionName(config.name));
  request.duration = role->duration;
  if (role->external_id) request.external_id = role->external_id->Reveal();
  for (const auto& tag : role->session_tags) request.tags.push_back({tag.key, tag.value});
  return request;
}

std::string WebIdentityTokenFile(const config::Config& config) {
  const auto* role = std::get_if<config::RoleAuth>(&config.auth);
  const bool given = role != nullptr && role->web_identity_token_file;
  return given ? role->web_identity_token_file->string() : "";
}

}  // namespace

std::string ProfileName(const config::Config& config) {
  const auto* profile = std::get_if<config::ProfileAuth>(&config.auth);
  return profile != nullptr ? profile->profile : "";
}

std::shared_ptr<aws::CredentialProvider> BaseProvider(const config::Config& config,
                                                      const base::Environment& environment,
                                                      aws::Sts& sts, http::Transport& transport,
                                                      const base::Clock& clock) {
  if (const auto* keys = std::get_if<config::KeysAuth>(&config.auth)) {
    std::vector<std::unique_ptr<aws::KeySource>> sources;
    sources.push_back(aws::MakeFixedKeys({.access_key_id = keys->access_key_id,
                                          .secret_access_key = keys->secret_access_key,
                                          .session_token = keys->session_token,
                                          .expiration = std::nullopt},
                                         "configuration"));
    return aws::MakeChain(std::move(sources), clock);
  }
  return aws::MakeDefaultChain(
      {.profile = ProfileName(config), .session_name = aws::RoleSessionName(config.name)},
      {.environment = environment, .sts = sts, .transport = transport, .clock = clock});
}

std::shared_ptr<aws::CredentialProvider> Provider(const config::Config& config,
                                                  std::shared_ptr<aws::CredentialProvider> base,
                                                  aws::Sts& sts, const base::Clock& clock) {
  auto role = RoleRequest(config);
  if (!role) return base;
  if (auto file = WebIdentityTokenFile(config); !file.empty()) {
    return aws::MakeWebIdentityRole(std::move(*role), std::move(file), sts, clock);
  }
  return aws::MakeAssumeRole(std::move(*role), std::move(base), sts, clock);
}

aws::UnloadKeysOptions UnloadOptionsOf(const config::Config& config) {
  aws::UnloadKeysOptions options;
  options.bucket = config.staging.bucket;
  options.partition = aws::PartitionOf(config.staging.region);
  options.kms_key = config.staging.kms_key.value_or("");
  options.region = config.staging.region;
  options.connection = config.name;
  options.role = RoleRequest(config);
  options.web_identity_token_file = WebIdentityTokenFile(config);
  if (const auto* keys = std::get_if<config::KeysAuth>(&config.auth)) {
    options.allow_own_keys = keys->allow_in_unload;
  } else if (const auto* profile = std::get_if<config::ProfileAuth>(&config.auth)) {
    options.allow_own_keys = profile->allow_in_unload;
  } else if (const auto* chain = std::get_if<config::ChainAuth>(&config.auth)) {
    options.allow_own_keys = chain->allow_in_unload;
  }
  return options;
}

}  // namespace sluice::connection
