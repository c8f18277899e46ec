// Matchers of tests: errors by code, never just "it failed".
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace sluice::test {

// EXPECT_THAT([&] { F(); }, ThrowsError(base::ErrorCode::kNoSpace));
inline auto ThrowsError(base::ErrorCode code) {
  return testing::Throws<base::Error>(testing::Property("code", &base::Error::code, code));
}

// The same, and the field of ErrorInfo meets `matcher`.
template <typename Matcher>
auto ThrowsErrorWith(base::ErrorCode code, std::string base::ErrorInfo::*field, Matcher matcher) {
  return testing::Throws<base::Error>(testing::AllOf(
      testing::Property("code", &base::Error::code, code),
      testing::Property("info", &base::Error::info, testing::Field(field, matcher))));
}

}  // namespace sluice::test
