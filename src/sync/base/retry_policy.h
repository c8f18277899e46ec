// What failed, and whether it is worth another try: one table. Pure; any thread.
//
// Levels. A *request* is repeated by base::Retry inside aws and nowhere else; what arrives here has
// used that up. A *load* starts again from the parts that are staged: nothing is read twice from
// the source. An *attempt* is a new UNLOAD (or the adoption of one that ended without us). A
// *login* is that with a new session. What is in doubt is in no row: it is asked for first.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string_view>

#include "base/error.h"

namespace sluice::sync {

// Where a stream was when it failed.
enum class Stage {
  kPlan,    // login, catalog, the destination's last commit
  kRead,    // the transaction, UNLOAD, its manifest
  kLoad,    // parts on their way into the destination
  kCommit,  // known not to have happened
};

// `reason` of the kConflict error that says: the destination holds a commit that the plan did not
// know.
inline constexpr std::string_view kOvertaken = "overtaken";

enum class Again { kStaged, kAttempt, kLogin };

struct RetryRule {
  Stage stage;
  base::ErrorCode code;
  std::string_view reason;  // of the error; empty: any
  // The error must say of itself that it may pass (ErrorInfo::retryable); false: the code is enough
  bool flagged;
  bool adopted;  // only while parts of another attempt are loaded, which may be the cause
  Again again;
  int tries;  // in all, the first one included; the loads of one attempt are counted by themselves
  std::chrono::milliseconds backoff_first;
  std::chrono::milliseconds backoff_max;
};

std::span<const RetryRule> RetryRules();

// The first rule that fits, or nullptr: final. Errors that are in doubt fit none at kCommit.
const RetryRule* FindRetryRule(Stage stage, const base::ErrorInfo& error, bool adopted);

// One stream's budget. Not thread-safe.
class RetryBudget {
 public:
  explicit RetryBudget(std::uint64_t seed) : random_(seed) {}

  struct Next {
    Again again;
    std::chrono::nanoseconds pause;  // full jitter, as base::Retry
  };
  // Counts the failure; nullopt: give up.
  std::optional<Next> After(Stage stage, const base::ErrorInfo& error, bool adopted);
  // A new attempt has a budget of loads of its own.
  void BeginAttempt() { loads_ = 0; }

 private:
  std::mt19937_64 random_;
  int attempts_ = 0;  // that failed
  int loads_ = 0;     // of this attempt that failed
};

}  // namespace sluice::sync
