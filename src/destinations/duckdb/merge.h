// Brings the rows that came into the table, by primary key, and counts what that changed.
#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>

#include "columnar/database.h"
#include "destinations/duckdb/merge_text.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

struct MergeInput {
  const model::StreamTarget& target;
  const MergeText& text;
  std::string table;        // quoted
  std::uint64_t rows = 0;   // how many came
  bool into_empty = false;  // they stand in the table already, alone
  bool keys = false;        // keys were added
  // Asked for before much is deleted: DuckDB may use so many bytes more.
  std::function<void(std::uint64_t bytes)> allow_memory;
};

// The counts add up to `rows`, and to what the statements say they wrote; where rows may go, and
// where many came, also to how the table's own count changed; else kCorrupt. Throws
// kUnsupported if a key has no value, kConflict for keys that come more than once (a complete
// merge that does not allow them) or stand more than once in the table, and if more rows would go
// than DeletePolicy allows. REQUIRES: within the load's transaction; throwing leaves it to be
// rolled back.
model::Counts RunMerge(columnar::Connection& connection, const MergeInput& input,
                       std::stop_token stop);

}  // namespace sluice::destinations
