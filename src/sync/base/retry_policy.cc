#include "sync/base/retry_policy.h"

#include <algorithm>
#include <array>

namespace sluice::sync {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using enum Again;
using enum Stage;

constexpr milliseconds kShort{200};
constexpr milliseconds kSoon{1000};
constexpr milliseconds kLater{5000};

// Three UNLOADs at most: each is paid for.
constexpr int kAttempts = 3;
// Loads cost the source nothing. Six with these pauses outlast a reader that closes a DuckDB file,
// or a PostgreSQL that restarts in seconds.
constexpr int kLoads = 6;

// The order counts: the first that fits.
constexpr auto kRules = std::to_array<RetryRule>({
    // A connection that broke, a server that restarts or accepts no connections: a new session.
    {kPlan, ErrorCode::kUnreachable, "", true, false, kLogin, kAttempts, kSoon, kLater * 2},
    {kPlan, ErrorCode::kUnavailable, "", true, false, kLogin, kAttempts, kSoon, kLater * 2},
    {kPlan, ErrorCode::kThrottled, "", true, false, kLogin, kAttempts, kLater, kLater * 6},
    // The destination is asked in this stage too: another program holds it.
    {kPlan, ErrorCode::kConflict, "", true, false, kAttempt, kAttempts, kSoon, kLater},
    {kPlan, ErrorCode::kDestination, "", true, false, kAttempt, kAttempts, kSoon, kLater},
    {kRead, ErrorCode::kUnreachable, "", true, false, kLogin, kAttempts, kSoon, kLater * 2},
    {kRead, ErrorCode::kUnavailable, "", true, false, kLogin, kAttempts, kSoon, kLater * 2},
    {kRead, ErrorCode::kThrottled, "", true, false, kLogin, kAttempts, kLater, kLater * 6},
    // 1018, 1023, 40001, concurrent DDL, COMMIT answered by ROLLBACK: the whole transaction again.
    {kRead, ErrorCode::kConflict, "", true, false, kAttempt, kAttempts, kShort, kLater},
    // What the catalog told may be a minute old (sync/run_catalog.h): asked again.
    {kRead, ErrorCode::kNotFound, "no_column", false, false, kAttempt, 2, kShort, kSoon},
    {kRead, ErrorCode::kNotFound, "no_table", false, false, kAttempt, 2, kShort, kSoon},
    // A prefix of its own is the cure, and each attempt has one.
    {kRead, ErrorCode::kConflict, "not_empty", false, false, kAttempt, 2, kShort, kSoon},
    // Of the UNLOAD, in mid-run: the next has fresh ones.
    {kRead, ErrorCode::kAuthentication, "keys_expired", true, false, kAttempt, 2, kShort, kSoon},
    // The objects went between UNLOAD and us: a lifecycle rule, or another program. Once more; if
    // they go again somebody must look.
    {kRead, ErrorCode::kCorrupt, "vanished", false, false, kAttempt, 2, kShort, kSoon},
    {kLoad, ErrorCode::kCorrupt, "vanished", false, false, kAttempt, 2, kShort, kSoon},
    // Local files lost what had arrived; the bucket still has it.
    {kLoad, ErrorCode::kCorrupt, "damaged_here", false, false, kStaged, 2, kShort, kSoon},
    // Parts that are hours old are the most likely cause, and reading again is the fix.
    {kLoad, ErrorCode::kCorrupt, "", false, true, kAttempt, 2, kShort, kSoon},
    // What was read continues from an older commit: it cannot be used.
    {kLoad, ErrorCode::kConflict, kOvertaken, false, false, kAttempt, kAttempts, kSoon, kLater},
    // The parts are staged: from them.
    {kLoad, ErrorCode::kConflict, "", true, false, kStaged, kLoads, kSoon, kLater},
    {kLoad, ErrorCode::kUnreachable, "", true, false, kStaged, kLoads, kSoon, kLater},
    {kLoad, ErrorCode::kUnavailable, "", true, false, kStaged, kLoads, kSoon, kLater},
    {kLoad, ErrorCode::kThrottled, "", true, false, kStaged, kLoads, kLater, kLater * 6},
    {kLoad, ErrorCode::kTimeout, "", true, false, kStaged, 2, kSoon, kLater},
    {kLoad, ErrorCode::kDestination, "", true, false, kStaged, kLoads, kSoon, kLater},
    {kCommit, ErrorCode::kConflict, "", true, false, kStaged, kLoads, kShort, kLater},
    // Rows that an earlier sync read must not refuse a merge: the source may have changed since.
    {kCommit, ErrorCode::kConflict, "", false, true, kAttempt, kAttempts, kShort, kSoon},
    {kCommit, ErrorCode::kUnsupported, "", false, true, kAttempt, kAttempts, kShort, kSoon},
    // The destination was asked after the connection broke, and has no such commit.
    {kCommit, ErrorCode::kUnreachable, "", false, false, kStaged, kLoads, kSoon, kLater},
    {kCommit, ErrorCode::kUnavailable, "", false, false, kStaged, kLoads, kSoon, kLater},
    {kCommit, ErrorCode::kThrottled, "", true, false, kStaged, kLoads, kLater, kLater * 6},
    {kCommit, ErrorCode::kDestination, "", true, false, kStaged, kLoads, kSoon, kLater},
});

bool Fits(const RetryRule& rule, Stage stage, const base::ErrorInfo& error, bool adopted) {
  return rule.stage == stage && rule.code == error.code &&
         (rule.reason.empty() || rule.reason == error.reason) &&
         (!rule.flagged || error.retryable) && (!rule.adopted || adopted);
}

}  // namespace

std::span<const RetryRule> RetryRules() { return kRules; }

const RetryRule* FindRetryRule(Stage stage, const base::ErrorInfo& error, bool adopted) {
  if (stage == kCommit && error.in_doubt) return nullptr;
  for (const auto& rule : kRules) {
    if (Fits(rule, stage, error, adopted)) return &rule;
  }
  return nullptr;
}

std::optional<RetryBudget::Next> RetryBudget::After(Stage stage, const base::ErrorInfo& error,
                                                    bool adopted) {
  const RetryRule* rule = FindRetryRule(stage, error, adopted);
  if (rule == nullptr) return std::nullopt;
  int& failed = rule->again == kStaged ? loads_ : attempts_;
  if (++failed >= rule->tries) return std::nullopt;
  const auto bound = std::min<std::chrono::nanoseconds>(
      rule->backoff_max, rule->backoff_first * (1LL << (failed - 1)));
  std::uniform_int_distribution<std::int64_t> pause(0, bound.count());
  return Next{rule->again, std::chrono::nanoseconds(pause(random_))};
}

}  // namespace sluice::sync
