// What dead runs left beneath another root than today's: `staging.root` was changed, or the name of
// the connection was spelled otherwise in keys. The ledger's rows are the proof that it is ours; a
// neighbour may live beneath that root by now, so nothing else there is looked at.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_store.h"
#include "staging/clean.h"
#include "sync/ledger/ledger.h"

namespace sluice::sync {

// Prefixes of runs ("sluice/acme-prod/<run>/"), by run.
using RunsElsewhere = std::map<std::string, std::set<std::string>>;

// Of the attempts whose prefix is not beneath `own_root`. One that does not carry its own run's id,
// which holds 64 random bits, proves nothing and is left out. Pure.
RunsElsewhere FindElsewhere(const std::vector<AttemptFacts>& dead, std::string_view own_root);

// Empties these prefixes: one LIST of objects and one of uploads for each. Does not throw: what was
// refused is in the result. Takes the runs of which something may be left off `runs`.
staging::CleanResult CleanElsewhere(aws::ObjectStore& store, std::string_view bucket,
                                    const RunsElsewhere& elsewhere, std::set<std::string>& runs,
                                    const base::Call& call) noexcept;

}  // namespace sluice::sync
