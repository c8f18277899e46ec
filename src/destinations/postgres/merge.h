// Brings the rows that came into the table, by primary key, and counts what that changed.
#pragma once
#include <cstdint>

#include "destinations/postgres/merge_text.h"
#include "destinations/postgres/session.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::postgres {

struct MergeInput {
  const model::StreamTarget& target;
  const MergeText& text;
  const MergeText::Place& place;
  std::uint64_t rows = 0;   // how many came
  bool into_empty = false;  // they stand in the table already, alone
  bool keys = false;        // keys were added
};

// The counts add up to `rows`, and to how the table's own count changed; else kCorrupt. Throws
// kUnsupported if a key has no value, kConflict for keys that come more than once (a complete
// merge that does not allow them) or stand more than once in the table, and if more rows would go
// than DeletePolicy allows. REQUIRES: within the load's transaction, with the table locked against
// writers; throwing leaves it to be rolled back.
model::Counts RunMerge(Session& session, const MergeInput& input, const Task& task,
                       const base::Call& call);

}  // namespace sluice::destinations::postgres
