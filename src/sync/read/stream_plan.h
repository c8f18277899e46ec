// One stream, decided: what to read, from where on, and what it becomes at the destination.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"
#include "redshift/cursor.h"

namespace sluice::sync {

// What a stream will do, as --dry-run prints it.
struct StreamPlan {
  model::Stream stream;
  model::StreamTarget target;
  std::string select;  // level 1, without keys and without the range that only the server can tell
  // Incremental: what to ask for, but for `high`, which is asked in the transaction that unloads.
  std::optional<redshift::CursorRange> range;
  std::optional<std::string> key_select;  // all keys are to be compared in this run
  // What the destination committed last.
  std::optional<model::Watermark> committed;
  // What may go wrong with it in silence: sentences with what to do.
  std::vector<std::string> warnings;
};

}  // namespace sluice::sync
