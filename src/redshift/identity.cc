#include "redshift/identity.h"

#include <array>
#include <vector>

#include "base/text.h"

namespace sluice::redshift {
namespace {

// arn:partition:service:region:account:resource
struct Arn {
  std::string_view service;
  std::string_view account;
  std::string_view resource;
};

std::optional<Arn> ParseArn(std::string_view text) {
  std::array<std::string_view, 5> fields;
  for (auto& field : fields) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    field = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (fields[0] != "arn" || text.empty()) return std::nullopt;
  return Arn{.service = fields[2], .account = fields[4], .resource = text};
}

bool CutPrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::optional<std::string> PredictDbUser(std::string_view caller_arn,
                                         const std::optional<std::string>& tag) {
  const auto arn = ParseArn(caller_arn);
  if (!arn) return std::nullopt;
  std::string_view resource = arn->resource;
  if (arn->service == "sts" && CutPrefix(resource, "assumed-role/")) {
    const auto role = resource.substr(0, resource.find('/'));
    if (role.empty()) return std::nullopt;
    return "IAMR:" + (tag && !tag->empty() ? *tag : std::string(role));
  }
  if (arn->service != "iam") return std::nullopt;
  if (resource == "root") return "IAM:RootIdentity";
  // That the tag works on users too is not documented: assumed not.
  if (!CutPrefix(resource, "user/")) return std::nullopt;
  const auto slash = resource.rfind('/');
  const auto name = slash == std::string_view::npos ? resource : resource.substr(slash + 1);
  if (name.empty()) return std::nullopt;
  return "IAM:" + std::string(name);
}

std::optional<std::string> AccountOf(std::string_view arn) {
  const auto parsed = ParseArn(arn);
  if (!parsed || parsed->account.empty()) return std::nullopt;
  return std::string(parsed->account);
}

std::string StripDbUser(std::string_view db_user) {
  if (CutPrefix(db_user, "IAMA:")) return std::string(db_user.substr(0, db_user.find(':')));
  if (!CutPrefix(db_user, "IAMR:")) CutPrefix(db_user, "IAM:");
  return std::string(db_user);
}

DbUserMatch MatchDbUser(std::string_view submitted, std::string_view returned) {
  if (submitted.empty() || submitted == returned) return DbUserMatch::kSame;
  const std::string a = StripDbUser(submitted);
  const std::string b = StripDbUser(returned);
  if (a == b) return DbUserMatch::kSameButPrefix;
  if (base::Lower(a) == base::Lower(b)) return DbUserMatch::kDiffersInCase;
  return DbUserMatch::kDifferent;
}

bool IsExpectedCurrentUser(std::string_view current_user, std::string_view db_user) {
  return current_user == db_user || current_user == StripDbUser(db_user);
}

}  // namespace sluice::redshift
