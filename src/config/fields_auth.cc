// The group `auth`. See fields.h.
#include <array>

#include "config/fields.h"

namespace sluice::config {
namespace {

constexpr auto kRole = std::to_array<std::string_view>({"role_arn"});
constexpr auto kSecretKey = std::to_array<std::string_view>({"secret_access_key"});
constexpr auto kKeyId = std::to_array<std::string_view>({"access_key_id"});
constexpr auto kSources = std::to_array<std::string_view>({"default_chain"});

constexpr auto kAuthFields = std::to_array<FieldSpec>({
    {.name = "role_arn",
     .description = "Role to assume, with the keys that the environment or a profile gives.",
     .title = "Role to assume",
     .example = "arn:aws:iam::123456789012:role/sluice-reader",
     .rule = CheckRoleArn},
    {.name = "external_id",
     .takes = Takes::kPassword,
     .description = "As in the role's trust policy, if it requires one.",
     .title = "External ID",
     .example = "acme-42",
     .rule = CheckExternalId,
     .needs = kRole},
    {.name = "session_name",
     .description = "Shows up in CloudTrail. Default: sluice-<name>.",
     .rule = CheckSessionName,
     .needs = kRole},
    {.name = "duration",
     .takes = Takes::kDuration,
     .description = "Life of the role's session, 15m to 12h and not above the role's own maximum.",
     .example = "1h",
     .preset = "1h",
     .needs = kRole},
    {.name = "session_tags",
     .takes = Takes::kTextMap,
     .description = "Tags of the session, such as RedshiftDbUser or RedshiftDbRoles; the trust "
                    "policy must allow sts:TagSession.",
     .rule = CheckTagValue,
     .needs = kRole},
    {.name = "web_identity_token_file",
     .takes = Takes::kPath,
     .description = "Assume the role with this file's token (AssumeRoleWithWebIdentity) instead of "
                    "with keys.",
     .needs = kRole},
    {.name = "access_key_id",
     .description = "Of an IAM user, or of temporary keys.",
     .title = "Access key ID",
     .example = "AKIAIOSFODNN7EXAMPLE",
     .rule = CheckAccessKeyId,
     .needs = kSecretKey},
    {.name = "secret_access_key",
     .takes = Takes::kSecret,
     .description = "Best as ${NAME} or ${file:PATH}.",
     .title = "Secret access key",
     .needs = kKeyId},
    {.name = "session_token",
     .takes = Takes::kSecret,
     .description = "Of temporary keys.",
     .needs = kKeyId},
    {.name = "allow_keys_in_unload",
     .takes = Takes::kBool,
     .description = "Let the keys themselves stand in the text of an UNLOAD, which the server may "
                    "log, if AWS gives no narrower ones for them.",
     .preset = "false"},
    {.name = "profile",
     .description = "A profile of the shared AWS files.",
     .title = "AWS profile",
     .example = "acme",
     .rule = CheckIdentifier},
    {.name = "source",
     .takes = Takes::kChoice,
     .description = "The keys that the standard AWS chain gives: environment, shared files, web "
                    "identity, container, instance.",
     .words = kSources},
});

}  // namespace

constinit const GroupSpec kAuthGroup{
    .path = "auth", .fields = kAuthFields, .constraints = R"({"oneOf": [
        {"required": ["role_arn"], "not": {"required": ["allow_keys_in_unload"]}},
        {"required": ["access_key_id", "secret_access_key"]},
        {"required": ["profile"]},
        {"required": ["source"]}]})"};

}  // namespace sluice::config
