// What is run with the AWS command line: shell text, each command whole, comments behind '#'. Pure;
// any thread.
#pragma once
#include <string>

#include "setup/facts.h"

namespace sluice::setup {

// 'text' for a POSIX shell.
std::string ShellQuote(std::string_view text);

// Lifecycle rule, and the bucket's policy if it is in another account. Making the bucket itself
// stands in comments.
std::string BucketCommands(const Facts& facts);
// The inbound rule of the workgroup's security group.
std::string NetworkCommands(const Facts& facts);
// The tag that names user or database roles, and a longer session; empty if none is needed.
std::string IdentityCommands(const Facts& facts);
// The role that Redshift itself writes with; empty without staging.unload_role.
std::string UnloadRoleCommands(const Facts& facts);
// Its name. REQUIRES: there is one.
std::string UnloadRoleName(const Facts& facts);

// The tag of patterns B and C: what SQL's grantees must fit to.
struct Tag {
  std::string key;
  std::string value;
};
Tag IdentityTag(const Facts& facts);

}  // namespace sluice::setup
