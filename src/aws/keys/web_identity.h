// A role assumed with a signed token that somebody else issued (Kubernetes, GitHub, Google, ...)
// and keeps fresh in a file.
#pragma once
#include <string>

#include "aws/sts.h"
#include "base/clock.h"

namespace sluice::aws {

// Reads the token again, as it rotates, and assumes `request.role_arn` with it; if STS refuses the
// token and the file has changed meanwhile, once more. REQUIRES: `request` has neither external_id
// nor tags: tags come from the token's claims. Throws kInvalidConfig if the file is missing,
// unreadable, empty or longer than 20,000 characters, and as Sts does.
AssumedRole AssumeByWebIdentity(Sts& sts, const std::string& token_file,
                                const AssumeRoleRequest& request, const base::Call& call);

}  // namespace sluice::aws
