// The IAM documents, as JSON. Pure; any thread. None asks for more than Sluice and Redshift use:
// tests/e2e/test_closed_loop.py takes each statement away and sees `check` fail.
#pragma once
#include <string>

#include "setup/facts.h"

namespace sluice::setup {

// Rights of the identity that connects, role or user.
std::string PermissionPolicy(const Facts& facts);

// Who may assume the role, and under which condition; empty if nobody needs to (a user's keys, an
// instance's role).
std::string TrustPolicy(const Facts& facts);

// On the bucket, for a role or user of another account; empty if it is in the same one.
std::string BucketPolicy(const Facts& facts);

// The whole lifecycle configuration of a bucket that has no other rule: what a run that died left
// goes after two days. Never needed for correctness; Sluice deletes what it made.
std::string LifecycleRule(const Facts& facts);

// Of a role that Redshift itself uses for UNLOAD (staging.unload_role), instead of keys in the SQL.
std::string UnloadRoleTrust(const Facts& facts);
std::string UnloadRolePolicy(const Facts& facts);

}  // namespace sluice::setup
