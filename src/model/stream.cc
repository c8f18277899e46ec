#include "model/stream.h"

namespace sluice::model {

std::string_view ToString(SyncMode mode) {
  return mode == SyncMode::kFullRefresh ? "full_refresh" : "incremental";
}

std::string_view ToString(WriteMode mode) {
  switch (mode) {
    case WriteMode::kOverwrite: return "overwrite";
    case WriteMode::kAppend: return "append";
    case WriteMode::kMerge: return "merge";
    case WriteMode::kHistory: return "history";
  }
  return "overwrite";
}

bool MeetsByKey(WriteMode mode) { return mode == WriteMode::kMerge || mode == WriteMode::kHistory; }

bool DeletePolicy::Allows(std::uint64_t deleted, std::uint64_t rows) const {
  if (!share_max || deleted == 0 || rows < share_rows_min) return true;
  return static_cast<double>(deleted) <= *share_max * static_cast<double>(rows);
}

}  // namespace sluice::model
