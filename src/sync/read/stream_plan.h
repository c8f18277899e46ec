// One stream, decided: what to read, from where on, and what it becomes at the destination.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/landing.h"
#include "model/stream.h"
#include "redshift/cursor.h"

namespace sluice::sync {

// What a stream will do, as --dry-run prints it.
struct StreamPlan {
  model::Stream stream;
  model::StreamTarget target;
  // Level 1, without keys and without the range that only the server can tell; to be shown: the
  // salt of hashes is not in it.
  std::string select;
  // As they are read, if that is not as they land: under the source's names.
  std::vector<model::Column> read;
  // Digest of the filter and of what is hidden, as the watermark keeps it.
  std::optional<std::string> shape;
  // Incremental: what to ask for, but for `high`, which is asked in the transaction that unloads.
  std::optional<redshift::CursorRange> range;
  // All keys are to be compared in this run; as `select`.
  std::optional<std::string> key_select;
  // What the destination committed last.
  std::optional<model::Watermark> committed;
  // What the destination would make of its table; nullopt: it was not asked.
  std::optional<model::Landing> landing;
  // What may go wrong with it in silence: sentences with what to do.
  std::vector<std::string> warnings;
  // What is as it was asked for, and yet should be known: sentences.
  std::vector<std::string> notes;

  const std::vector<model::Column>& columns_read() const {
    return read.empty() ? target.columns : read;
  }
};

}  // namespace sluice::sync
