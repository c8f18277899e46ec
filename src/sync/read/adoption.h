// Adoption: an UNLOAD that ended although its attempt died is loaded, not paid for twice
// (docs/adr/0009-adoption.md tells the rules and their reasons).
//
// An attempt may send several UNLOADs (pieces of a large table), and one that adopts some of them
// sends the rest. So dead attempts come as a family: the *origin*, whose ledger rows name every
// piece, and those that adopted from it.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "redshift/session.h"
#include "sync/ledger/ledger.h"
#include "sync/read/context.h"
#include "sync/read/reading.h"
#include "sync/read/unloaded.h"

namespace sluice::sync {

// How old a snapshot may be. UNLOADs of an incremental read say what changed up to a cursor value,
// and that stays true; the limit is the life of what is swept. A full refresh promises the table as
// it is: an hour is what a person who starts a sync again after a crash would still call now.
inline constexpr std::chrono::hours kIncrementalAgeMax{48};
inline constexpr std::chrono::hours kFullRefreshAgeMax{1};

// Whether the attempt's objects may be of use to a run that knows no more than its ledger and its
// options; if not, they are swept at once. Pure.
bool MayBeAdopted(const AttemptFacts& dead, const RunOptions& options, base::UtcTime now);

// The UNLOADs of the origin's read, as `plan` would send them now; nullopt if what they left must
// not be used: another commit has happened since, the select or its columns changed, it is too old,
// or everything was to be read again. `run`: the current one, whose own attempts are always recent
// and wanted. Pure.
std::optional<std::vector<UnloadStep>> StepsToAdopt(const AttemptFacts& origin,
                                                    const StreamPlan& plan,
                                                    const RunOptions& options,
                                                    const std::string& run, base::UtcTime now);

// Whether pieces of one read may be of different snapshots. Pure.
bool MayMixSnapshots(const StreamPlan& plan);

struct Adoption {
  AttemptFacts origin;
  std::vector<AttemptFacts> family;  // whose objects are used; the origin may be among them
  std::vector<Unloaded> ended;       // to be loaded, rows and keys
  std::vector<UnloadStep> missing;   // to be unloaded, up to the origin's `high`
};

struct Recovery {
  std::optional<Adoption> adoption;
  std::vector<AttemptFacts> rejected;  // not usable: their objects can go
};

// Decides about the dead attempts of one stream, newest first. What still runs at the server is
// waited for if it would be usable, as long as reading again would take (at most five minutes),
// else cancelled. Costs a GET and a LIST per UNLOAD; one statement if an UNLOAD has not ended, one
// more for each that is cancelled. Throws as Session and ObjectStore.
Recovery Recover(const ReadContext& context, const StreamPlan& plan,
                 std::span<const AttemptFacts> dead, redshift::Session& session,
                 const base::Call& call);

}  // namespace sluice::sync
