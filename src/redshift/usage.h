// What the workgroup itself says of its costs. Only superusers, and users with the role
// sys:monitor, may read it; others simply are not told.
// https://docs.aws.amazon.com/redshift/latest/dg/SYS_SERVERLESS_USAGE.html
#pragma once
#include <optional>

#include "redshift/session.h"

namespace sluice::redshift {

struct Usage {
  std::optional<double> rpus;                 // of the newest minute in which there were some
  std::optional<double> charged_rpu_seconds;  // of the minutes that end after `since`; everybody's
};

// One statement. nullopt: it may not be read, or says nothing. Throws kUnreachable, kCancelled and
// kTimeout as Session.
std::optional<Usage> AskUsage(Session& session, base::UtcTime since, const base::Call& call);

}  // namespace sluice::redshift
