// How a table would best be synced, from what the catalog tells of it: a proposal with its reason,
// for a person to judge. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"
#include "model/types.h"

namespace sluice::connection {

struct Proposal {
  model::SyncMode sync_mode = model::SyncMode::kFullRefresh;
  model::WriteMode write_mode = model::WriteMode::kOverwrite;
  std::vector<std::string> primary_key;
  std::optional<std::string> cursor;
  // A sentence or two: "updated_at looks like the time of the last change, ...".
  std::string reason = "nothing tells what changed: all rows are read each time";
};

// `declared`: the table's own key; it wins over a name that looks like one. A cursor is proposed
// only where a name says that it is set at each change: one that is set once would lose changes.
Proposal Propose(const model::TableName& table, const std::vector<model::Column>& columns,
                 const std::vector<std::string>& declared);

}  // namespace sluice::connection
