// UNLOADs that run at the server whoever sent them: after a client has died, its own may go on
// (https://github.com/bluelabsio/records-mover/pull/128). For recovery alone: each call is billed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redshift/session.h"

namespace sluice::redshift {

struct RunningUnload {
  std::int64_t session_id = 0;
  std::string location;  // "s3://bucket/prefix/", as its TO said
};

// Those of this user whose location begins with `location`. One statement. nullopt if the server
// will not tell (no such view, no right to it). Throws kUnreachable, kCancelled, kTimeout as
// Session. https://docs.aws.amazon.com/redshift/latest/dg/SYS_UNLOAD_HISTORY.html
std::optional<std::vector<RunningUnload>> ListRunningUnloads(Session& session,
                                                             std::string_view location,
                                                             const base::Call& call);

// Asks the server to end what that session runs; a user may cancel only its own. False if it
// refused, or the session is gone. Throws as above.
// https://docs.aws.amazon.com/redshift/latest/dg/r_CANCEL.html
bool CancelUnload(Session& session, const RunningUnload& unload, const base::Call& call);

}  // namespace sluice::redshift
