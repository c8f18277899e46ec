// What must be granted at the source for a plan to be read. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "sync/read/stream_plan.h"

namespace sluice::sync {

// Each as it stands in a GRANT, between GRANT and TO: `USAGE ON SCHEMA "sales"`, `SELECT ON
// "sales"."orders"`; SELECT of single columns where no more is read. Of a query, what its text
// names as schema.table. A column of which no value is read needs no right.
std::vector<std::string> RightsNeeded(const StreamPlan& plan);

}  // namespace sluice::sync
