// Goal: each code has its status, and what is internal stays inside.
#include "serve/base/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice::serve {
namespace {

using base::ErrorCode;

TEST(Problem, EachCodeHasItsStatus) {
  const std::pair<ErrorCode, int> cases[] = {
      {ErrorCode::kInvalidConfig, 422}, {ErrorCode::kAuthentication, 401},
      {ErrorCode::kPermission, 403},    {ErrorCode::kNotFound, 404},
      {ErrorCode::kConflict, 409},      {ErrorCode::kThrottled, 429},
      {ErrorCode::kUnavailable, 503},   {ErrorCode::kTimeout, 504},
      {ErrorCode::kNoSpace, 507},       {ErrorCode::kUnreachable, 502},
      {ErrorCode::kCorrupt, 500},       {ErrorCode::kInternal, 500},
  };
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(StatusOf({.code = code}), status) << base::ErrorCodeName(code);
  }
  EXPECT_EQ(StatusOf({.code = ErrorCode::kConflict, .reason = std::string(kReasonChanged)}), 412);
}

TEST(Problem, TellsEveryField) {
  const Problem problem =
      ProblemOf(Refused("source", {{"host", "is missing", "Copy it."}, {"port", "is not", "x"}}));
  const Json json = ToJson(problem);
  EXPECT_EQ(json["status"], 422);
  EXPECT_EQ(json["code"], "invalid_config");
  EXPECT_EQ(json["detail"], "host is missing (and 1 more)");
  EXPECT_EQ(json["remedy"], "Copy it.");
  EXPECT_EQ(json["problems"].size(), 2U);
  EXPECT_EQ(json["problems"][1].dump(), R"({"field":"port","problem":"is not","remedy":"x"})");
}

TEST(Problem, KeepsWhatIsInternalToItself) {
  const Problem problem =
      ProblemOf(std::make_exception_ptr(std::runtime_error("password=hunter2")));
  EXPECT_EQ(problem.status, 500);
  EXPECT_THAT(ToJson(problem).dump(), testing::Not(testing::HasSubstr("hunter2")));
}

}  // namespace
}  // namespace sluice::serve
