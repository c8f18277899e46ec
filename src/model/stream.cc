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
  }
  return "overwrite";
}

}  // namespace sluice::model
