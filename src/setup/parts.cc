#include "setup/parts.h"

#include "setup/commands.h"
#include "setup/policies.h"
#include "setup/sql.h"
#include "setup/terraform.h"

namespace sluice::setup {

std::vector<Part> Parts(const Facts& facts) {
  std::vector<Part> parts = {
      {"network", "Let Sluice reach the workgroup", "whoever looks after the VPC, in a shell",
       NetworkCommands(facts)},
      {"sql", "The database user and what it may read", "a superuser of the database", Sql(facts)},
      {"bucket", "The staging bucket", "whoever owns the bucket, in a shell",
       BucketCommands(facts)},
      {"iam",
       facts.by_role ? "Permission policy of the role, as an inline policy"
                     : "Permission policy of the user, as an inline policy",
       "an administrator of IAM", PermissionPolicy(facts)},
      {"trust", "Trust policy of the role", "an administrator of IAM", TrustPolicy(facts)},
      {"tag", "Tag and session of the identity", "an administrator of IAM, in a shell",
       IdentityCommands(facts)},
      {"unload-role", "The role that Redshift writes with", "an administrator of IAM, in a shell",
       UnloadRoleCommands(facts)},
      {"terraform", "All of it for Terraform", "instead of all of the above", Terraform(facts)},
  };
  return parts;
}

}  // namespace sluice::setup
