#include "sync/base/effect.h"

namespace sluice::sync {

std::string_view ToString(Effect effect) {
  switch (effect) {
    case Effect::kPrefixRecorded: return "prefix_recorded";
    case Effect::kAdopted: return "adopted";
    case Effect::kPieceUnloaded: return "piece_unloaded";
    case Effect::kUnloaded: return "unloaded";
    case Effect::kLoaded: return "loaded";
    case Effect::kCommitted: return "committed";
    case Effect::kRecorded: return "recorded";
    case Effect::kCleaned: return "cleaned";
  }
  return "prefix_recorded";
}

}  // namespace sluice::sync
