// Goal: each failure that passes by itself is tried again at the cheapest level, a bounded number
// of times; each that does not, and each in doubt, is not.
#include "sync/base/retry_policy.h"

#include <gtest/gtest.h>

namespace sluice::sync {
namespace {
using base::ErrorCode;
using enum Again;
using enum Stage;

struct Case {
  Stage stage;
  base::ErrorInfo error;
  bool adopted;
  std::optional<Again> again;
  int tries;
};

base::ErrorInfo Passing(ErrorCode code) { return {.code = code, .retryable = true}; }
base::ErrorInfo Final(ErrorCode code, std::string reason = "") {
  return {.code = code, .reason = std::move(reason)};
}
base::ErrorInfo InDoubt(ErrorCode code) {
  return {.code = code, .retryable = true, .in_doubt = true};
}

// One row per rule, in the order of the table, then what fits none.
const std::vector<Case> kCases = {
    {kPlan, Passing(ErrorCode::kUnreachable), false, kLogin, 3},
    {kPlan, Passing(ErrorCode::kUnavailable), false, kLogin, 3},
    {kPlan, Passing(ErrorCode::kThrottled), false, kLogin, 3},
    {kPlan, Passing(ErrorCode::kConflict), false, kAttempt, 3},
    {kPlan, Passing(ErrorCode::kDestination), false, kAttempt, 3},
    {kRead, Passing(ErrorCode::kUnreachable), false, kLogin, 3},
    {kRead, Passing(ErrorCode::kUnavailable), false, kLogin, 3},
    {kRead, Passing(ErrorCode::kThrottled), false, kLogin, 3},
    {kRead, Passing(ErrorCode::kConflict), false, kAttempt, 3},
    {kRead, Final(ErrorCode::kNotFound, "no_column"), false, kAttempt, 2},
    {kRead, Final(ErrorCode::kNotFound, "no_table"), false, kAttempt, 2},
    {kRead, Final(ErrorCode::kConflict, "not_empty"), false, kAttempt, 2},
    {kRead,
     {.code = ErrorCode::kAuthentication, .retryable = true, .reason = "keys_expired"},
     false,
     kAttempt,
     2},
    {kRead, Final(ErrorCode::kCorrupt, "vanished"), false, kAttempt, 2},
    {kLoad, Final(ErrorCode::kCorrupt, "vanished"), false, kAttempt, 2},
    {kLoad, Final(ErrorCode::kCorrupt, "damaged_here"), false, kStaged, 2},
    {kLoad, Final(ErrorCode::kCorrupt), true, kAttempt, 2},
    {kLoad, Final(ErrorCode::kConflict, "overtaken"), false, kAttempt, 3},
    {kLoad, Passing(ErrorCode::kConflict), false, kStaged, 6},
    {kLoad, Passing(ErrorCode::kUnreachable), false, kStaged, 6},
    {kLoad, Passing(ErrorCode::kUnavailable), false, kStaged, 6},
    {kLoad, Passing(ErrorCode::kThrottled), false, kStaged, 6},
    {kLoad, Passing(ErrorCode::kTimeout), false, kStaged, 2},
    {kLoad, Passing(ErrorCode::kDestination), false, kStaged, 6},
    {kCommit, Passing(ErrorCode::kConflict), false, kStaged, 6},
    {kCommit, Final(ErrorCode::kConflict), true, kAttempt, 3},
    {kCommit, Final(ErrorCode::kUnsupported), true, kAttempt, 3},
    {kCommit, Final(ErrorCode::kUnreachable), false, kStaged, 6},
    {kCommit, Final(ErrorCode::kUnavailable), false, kStaged, 6},
    {kCommit, Passing(ErrorCode::kThrottled), false, kStaged, 6},
    {kCommit, Passing(ErrorCode::kDestination), false, kStaged, 6},
};

const std::vector<Case> kFinal = {
    {kPlan, Final(ErrorCode::kUnreachable), false, {}, 0},  // no such host
    {kPlan, Passing(ErrorCode::kCancelled), false, {}, 0},
    {kRead, Final(ErrorCode::kPermission), false, {}, 0},
    {kRead, Passing(ErrorCode::kTimeout), false, {}, 0},  // as long again, and as dear
    {kRead, Final(ErrorCode::kConflict), false, {}, 0},   // a cursor that went back
    {kRead, Final(ErrorCode::kCorrupt), true, {}, 0},
    {kRead, Final(ErrorCode::kAuthentication), false, {}, 0},
    {kLoad, Final(ErrorCode::kCorrupt), false, {}, 0},
    {kLoad, Final(ErrorCode::kCorrupt, "damaged"), false, {}, 0},  // fetched twice already
    {kLoad, Final(ErrorCode::kNoSpace), false, {}, 0},
    {kLoad, Final(ErrorCode::kUnsupported), false, {}, 0},
    {kCommit, Final(ErrorCode::kUnsupported), false, {}, 0},  // a key without a value
    {kCommit, Final(ErrorCode::kConflict), false, {}, 0},     // duplicate keys, too many deletes
    {kCommit, Final(ErrorCode::kNoSpace), false, {}, 0},
    {kCommit, InDoubt(ErrorCode::kUnreachable), false, {}, 0},
    {kCommit, InDoubt(ErrorCode::kDestination), false, {}, 0},
};

TEST(RetryPolicy, EveryRuleIsHitByItsCaseInOrder) {
  ASSERT_EQ(kCases.size(), RetryRules().size());
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    const Case& c = kCases[i];
    const RetryRule* rule = FindRetryRule(c.stage, c.error, c.adopted);
    ASSERT_NE(rule, nullptr) << "case " << i;
    // "not_empty" is not flagged, "vanished" stands before the bare code: each case means its rule.
    EXPECT_EQ(rule, &RetryRules()[i]) << "case " << i;
    EXPECT_EQ(rule->again, *c.again) << "case " << i;
    EXPECT_EQ(rule->tries, c.tries) << "case " << i;
  }
}

TEST(RetryPolicy, WhatDoesNotPassIsFinal) {
  for (std::size_t i = 0; i < kFinal.size(); ++i) {
    EXPECT_EQ(FindRetryRule(kFinal[i].stage, kFinal[i].error, kFinal[i].adopted), nullptr)
        << "case " << i;
  }
}

TEST(RetryBudget, EndsAfterTheTriesAndPausesWithinItsBounds) {
  for (const auto& rule : RetryRules()) {
    RetryBudget budget(7);
    const base::ErrorInfo error{
        .code = rule.code, .retryable = true, .reason = std::string(rule.reason)};
    // The rule as the table finds it: an earlier one may fit the same error.
    const RetryRule* found = FindRetryRule(rule.stage, error, rule.adopted);
    ASSERT_NE(found, nullptr);
    for (int failed = 1; failed < found->tries; ++failed) {
      const auto next = budget.After(rule.stage, error, rule.adopted);
      ASSERT_TRUE(next);
      EXPECT_GE(next->pause.count(), 0);
      EXPECT_LE(next->pause, found->backoff_max);
      EXPECT_LE(next->pause, found->backoff_first * (1 << (failed - 1)));
    }
    EXPECT_FALSE(budget.After(rule.stage, error, rule.adopted));
  }
}

TEST(RetryBudget, LoadsAreCountedByAttempt) {
  RetryBudget budget(7);
  const auto locked = Passing(ErrorCode::kConflict);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(budget.After(kLoad, locked, false));
  EXPECT_FALSE(budget.After(kLoad, locked, false));
  budget.BeginAttempt();
  EXPECT_TRUE(budget.After(kLoad, locked, false));
}

}  // namespace
}  // namespace sluice::sync
