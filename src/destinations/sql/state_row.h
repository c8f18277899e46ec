// A row of "_sluice"."state", as the databases hold it. Pure; any thread.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/destination.h"

namespace sluice::destinations::sql {

// The stream's last commit from thirteen cells as text (nullopt: NULL): run, attempt, watermark,
// inserted, updated, unchanged, deleted, skipped, cursor, keys_compared (microseconds since 1970),
// duplicates, deleted_absent, shape. A NULL number is 0, as is one that cannot be read; a time that
// cannot be read is none.
Committed ReadStateRow(std::string_view stream,
                       std::span<const std::optional<std::string>, 13> row);

// The names of the stream's columns in its last commit, as its cell "columns" holds them: a JSON
// list. By them a column that has just gone is told from one that went long ago. nullopt: NULL, or
// not such a list.
std::string FormatNames(std::span<const model::Column> columns);
std::optional<std::vector<std::string>> ParseNames(const std::optional<std::string>& cell);

}  // namespace sluice::destinations::sql
