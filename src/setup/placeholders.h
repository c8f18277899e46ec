// What stands in a text where something is not known, and how an administrator finds it. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "setup/facts.h"

namespace sluice::setup {

struct Placeholder {
  std::string_view name;      // "<WORKGROUP_ID>"
  std::string_view variable;  // "workgroup_id", in Terraform
  std::string_view meaning;   // "the workgroup's id, a UUID"
  std::string how;            // to find it; a command where there is one
};

inline constexpr std::string_view kAccount = "<ACCOUNT_ID>";
inline constexpr std::string_view kRegion = "<REGION>";
inline constexpr std::string_view kWorkgroupId = "<WORKGROUP_ID>";
inline constexpr std::string_view kNamespaceId = "<NAMESPACE_ID>";
inline constexpr std::string_view kIdentityName = "<IAM_NAME>";
inline constexpr std::string_view kPrincipal = "<SLUICE_PRINCIPAL_ARN>";
inline constexpr std::string_view kIssuer = "<TOKEN_ISSUER>";
inline constexpr std::string_view kAudience = "<TOKEN_AUDIENCE>";
inline constexpr std::string_view kSubject = "<TOKEN_SUBJECT>";
inline constexpr std::string_view kDbRole = "<DATABASE_ROLE>";
inline constexpr std::string_view kDbUser = "<DATABASE_USER>";
inline constexpr std::string_view kSchema = "<SCHEMA>";
inline constexpr std::string_view kKmsKey = "<KMS_KEY_ARN>";
inline constexpr std::string_view kAddress = "<SLUICE_ADDRESS>";
inline constexpr std::string_view kSecurityGroup = "<SECURITY_GROUP_ID>";
inline constexpr std::string_view kUnloadRole = "<UNLOAD_ROLE_ARN>";

// `value`, or the placeholder if it is empty.
std::string Or(std::string_view value, std::string_view placeholder);

// Those that `text` holds, in the order of the table.
std::vector<Placeholder> PlaceholdersIn(std::string_view text, const Facts& facts);

// "-- <WORKGROUP_ID>: the workgroup's id, a UUID. To find it:\n--   aws ...\n" for each, every line
// behind `comment`; empty if there are none.
std::string ExplainPlaceholders(std::string_view text, const Facts& facts,
                                std::string_view comment);

}  // namespace sluice::setup
