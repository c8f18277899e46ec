// What one attempt reads, as UNLOADs: which select goes to which folder, and how to tell later
// whether what lies there is what would be read again. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "sync/read/stream_plan.h"

namespace sluice::sync {

// One UNLOAD to be sent.
struct UnloadStep {
  std::string what;         // its folder beneath the attempt's prefix
  std::string condition;    // of its piece; empty: no piece
  base::Secret select;      // level 1, without keys, but with the salt of hashes
  std::string fingerprint;  // equal: the same rows in the same columns, at the same snapshot
  bool keys = false;        // a key scan's
};

inline constexpr std::string_view kKeys = "keys";

// "" if nothing was committed yet, else the commit's run and attempt: what a read goes on from.
std::string BasisOf(const StreamPlan& plan);

// The condition of the plan's range up to `high`; empty if the plan has none. nullopt: no row can
// be in it.
std::optional<std::string> RangeOf(const StreamPlan& plan, const std::optional<std::string>& high);

// The UNLOADs that bring the plan's rows up to `high` (ignored unless the plan has a range), one
// for each of `pieces` (conditions; one that is empty if it is not split). None if no row can be in
// the range.
std::vector<UnloadStep> RowSteps(const StreamPlan& plan, const std::optional<std::string>& high,
                                 const std::vector<std::string>& pieces);

// REQUIRES: plan.key_select.
UnloadStep KeyStep(const StreamPlan& plan);

// Of what Watermark::shape tells; nullopt: all rows are taken, and nothing is hidden.
std::optional<std::string> ShapeDigest(const model::Stream& stream);

}  // namespace sluice::sync
