#include "setup/facts.h"

#include "setup/placeholders.h"

namespace sluice::setup {

char PatternLetter(Pattern pattern) {
  switch (pattern) {
    case Pattern::kIdentityUser: return 'A';
    case Pattern::kUserTag: return 'B';
    case Pattern::kRolesTag: return 'C';
    case Pattern::kClusterCredentials: return 'D';
  }
  return 'A';
}

std::string IdentityName(const Facts& facts) {
  const auto slash = facts.identity_arn.rfind('/');
  if (slash == std::string::npos) return std::string(kIdentityName);
  return Or(facts.identity_arn.substr(slash + 1), kIdentityName);
}

std::string DerivedUser(const Facts& facts) {
  return (facts.by_role ? "IAMR:" : "IAM:") + IdentityName(facts);
}

}  // namespace sluice::setup
