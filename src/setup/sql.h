// The SQL that makes the database user (or role) and lets it read. Pure; any thread.
#pragma once
#include <string>

#include "setup/facts.h"

namespace sluice::setup {

// Statements and comments, ready for an editor connected to the database as an administrator;
// every line that is not a comment is meant to be run. Placeholders are explained at the top.
// Throws kInvalidConfig if a name holds a NUL or is no UTF-8.
// Patterns: A and B create "IAMR:..." or "IAM:...", C a database role, D the plain user.
std::string Sql(const Facts& facts);

}  // namespace sluice::setup
