// The columns that `write_mode: history` adds to a table, and what may not be mixed with them.
// Pure; any thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/schema_plan.h"
#include "model/stream.h"

namespace sluice::destinations {

// Format, do not change: people's queries read them.
inline constexpr std::string_view kValidFrom = "_valid_from";  // timestamp, UTC: included
inline constexpr std::string_view kValidTo = "_valid_to";      // the same: excluded; NULL: none yet
inline constexpr std::string_view kIsCurrent = "_is_current";  // bool: _valid_to IS NULL

// In the table's order, behind the stream's own.
std::vector<model::Column> HistoryColumns();
// The columns of the table that is made for the target.
std::vector<model::Column> ColumnsThere(const model::StreamTarget& target);
bool IsHistoryColumn(std::string_view name, const SchemaDialect& dialect);

// Throws kUnsupported (reason "names_clash") if the target keeps history and has a column of such a
// name itself.
void RequireOwnNames(const model::StreamTarget& target, const SchemaDialect& dialect);

// Throws kUnsupported (reason "history_table") if the target keeps history and the table that
// stands there does not; or if the table does, and the target would overwrite, append or merge:
// that would lose versions, or change those that have ended.
void RequireSameKeeping(const model::StreamTarget& target, const ExistingTable& existing,
                        const SchemaDialect& dialect);

}  // namespace sluice::destinations
