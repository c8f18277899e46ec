// A row of "_sluice"."state", as the databases hold it. Pure; any thread.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "destinations/destination.h"

namespace sluice::destinations {

// The stream's last commit from twelve cells as text (nullopt: NULL): run, attempt, watermark,
// inserted, updated, unchanged, deleted, skipped, cursor, keys_compared (microseconds since 1970),
// duplicates, deleted_absent. A NULL number is 0.
Committed ReadStateRow(std::string_view stream,
                       std::span<const std::optional<std::string>, 12> row);

}  // namespace sluice::destinations
