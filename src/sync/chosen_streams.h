// The streams of a run, with what the choice of tables by pattern told. Plain values; any thread.
#pragma once
#include <string>
#include <vector>

#include "model/stream.h"
#include "sync/ledger/known_table.h"

namespace sluice::sync {

struct TableNews {
  std::string stream;   // as it is, or would be, called
  std::string pattern;  // that met it
  friend bool operator==(const TableNews&, const TableNews&) = default;
};

struct ChosenStreams {
  // In the order of the configuration; those of one pattern by name.
  std::vector<model::Stream> streams;
  // Compared with the last sync. Before the first one of a pattern nothing is new.
  std::vector<TableNews> new_tables;  // among `streams` from now on
  std::vector<TableNews> not_taken;   // the pattern only tells of new ones
  std::vector<TableNews> gone;        // the source has them no more; told by one sync
  std::vector<std::string> no_match;  // patterns that choose no table
  std::vector<KnownTable> known;      // what a sync writes into the ledger

  bool HasNews() const {
    return !new_tables.empty() || !not_taken.empty() || !gone.empty() || !no_match.empty();
  }
};

}  // namespace sluice::sync
