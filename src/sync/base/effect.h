// The order of effects, as moments: each half of a sync tells when it has reached one.
#pragma once
#include <string_view>

namespace sluice::sync {

// The moments of the order of effects (docs/GUARANTEES.md), each right after its effect is durable.
// Tests kill the process in each; the names are stable.
enum class Effect {
  kPrefixRecorded,  // the ledger holds the prefix; UNLOAD not yet sent
  kAdopted,         // the ledger says whose parts will be loaded; after kPrefixRecorded
  kPieceUnloaded,   // one UNLOAD has ended and the ledger has its notice; before its manifest is
                    // read
  kUnloaded,        // all objects are in the bucket, manifests read; nothing loaded
  kLoaded,          // all rows are with the destination; nothing committed
  kCommitted,       // rows and watermark are visible; the ledger does not say so yet
  kRecorded,        // the ledger says so; the objects are still in the bucket
  kCleaned,         // the objects are gone; the ledger does not say so yet
};
inline constexpr int kEffects = 8;
std::string_view ToString(Effect effect);  // "prefix_recorded", ...

}  // namespace sluice::sync
