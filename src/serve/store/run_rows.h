// A row of `run` -> Run. For store_runs.cc and store_standings.cc.
#pragma once
#include <string>
#include <string_view>

#include "serve/base/runs.h"
#include "serve/store/store.h"
#include "sqlite/sqlite.h"

namespace sluice::serve {

// "SELECT ... FROM run r ... WHERE ...". Column 0 is its number.
std::string SelectRuns(std::string_view where, RunDetail detail = RunDetail::kCounts);
// `with_result`: its streams, too. REQUIRES: a row of SelectRuns.
Run ReadRun(const sqlite::Statement& row, bool with_result);

}  // namespace sluice::serve
