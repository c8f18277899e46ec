// What attempts leave in the bucket, removed: at once, or for many small ones together. Whatever
// Ctrl-C says: what was written must go, above all then.
#pragma once
#include <string>
#include <vector>

#include "sync/context.h"
#include "sync/ledger/ledger.h"

namespace sluice::sync {

// Empties `prefix`; true if nothing is left there. What is, and why, is noted in `result`. Throws
// kInternal, if the prefix is not beneath our own root.
bool CleanNow(const RunContext& context, const std::string& prefix, StreamResult& result);

// What committed attempts left to be cleaned together. Fills their streams' `results`, as an
// attempt does that cleans up at once.
void CleanLate(const RunContext& context, std::vector<StreamResult>& results) noexcept;

// Empties the prefix of an attempt that will not be loaded, whatever `stop` says, and notes in
// `result` what could not be removed. The ledger's row ends as cleaned if nothing is left there and
// `may_still_write` is false. Does not throw.
void Discard(const RunContext& context, const AttemptFacts& attempt, bool may_still_write,
             StreamResult& result) noexcept;

}  // namespace sluice::sync
