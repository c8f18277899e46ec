// Which database user AWS derives from a caller. Pure; any thread. The table predicts and explains;
// the user that GetCredentials returned is the truth.
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sluice::redshift {

// "arn:aws:sts::1:assumed-role/ROLE/SESSION" -> "IAMR:ROLE"; ".../user/path/NAME" -> "IAM:NAME";
// "...:root" -> "IAM:RootIdentity". `tag` is the value of the tag RedshiftDbUser on the role or
// session; it replaces the role's name. nullopt for federated users and what is no ARN: unknown.
std::optional<std::string> PredictDbUser(std::string_view caller_arn,
                                         const std::optional<std::string>& tag = std::nullopt);

// The account in an ARN; nullopt if it is none.
std::optional<std::string> AccountOf(std::string_view arn);

// Without a leading IAM:, IAMR: or IAMA:; for IAMA: also without the trailing list of groups.
std::string StripDbUser(std::string_view db_user);

enum class DbUserMatch {
  kSame,           // equal, or nothing was submitted
  kSameButPrefix,  // equal without their prefixes. In the database x and IAMR:x are two users
  kDiffersInCase,  // user names keep their case, so this is another user
  kDifferent,
};
DbUserMatch MatchDbUser(std::string_view submitted, std::string_view returned);

// The server's current_user is the one that we logged in as.
bool IsExpectedCurrentUser(std::string_view current_user, std::string_view db_user);

}  // namespace sluice::redshift
