// A table that a pattern of the configuration has met, as the ledger remembers it: what is new, and
// what is gone, is told by comparing with it. A ledger that is lost makes every table an old one.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "model/types.h"

namespace sluice::sync {

struct KnownTable {
  // Format, do not change.
  enum class State {
    kTaken,  // it is synced
    kTold,   // it came later, and the pattern only tells of such
    kGone,   // it was taken, and the source has it no more
  };
  std::string pattern;  // as it is written: "sales.*"
  model::TableName table;
  State state = State::kTaken;
  friend bool operator==(const KnownTable&, const KnownTable&) = default;
};

// All of them, by pattern and name. A ledger that does not exist, or is of an older version, knows
// none. Does not hold it. Errors: kPermission, kCorrupt.
std::vector<KnownTable> ReadKnownTables(const std::filesystem::path& ledger);

}  // namespace sluice::sync
