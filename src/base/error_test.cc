// Goal: an error tells what failed on what, in every code, and foreign exceptions become one.
#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "tests/support/matchers.h"

namespace sluice::base {
namespace {

TEST(Error, SaysOperationSubjectMessageAndCode) {
  const Error error({.code = ErrorCode::kPermission,
                     .operation = "UNLOAD",
                     .subject = "stream sales.orders",
                     .message = "permission denied"});
  EXPECT_STREQ(error.what(), "UNLOAD, stream sales.orders: permission denied (permission)");
}

TEST(Error, SpeaksWithWhatItHas) {
  EXPECT_STREQ(Error({.message = "odd"}).what(), "odd (internal)");
  EXPECT_STREQ(Error({.subject = "file x", .message = "odd"}).what(), "file x: odd (internal)");
}

TEST(ErrorCode, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.insert(ErrorCodeName(static_cast<ErrorCode>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kInternal) + 1);
}

TEST(AsError, KeepsOursAndNamesForeignOnes) {
  const auto ours = std::make_exception_ptr(Error({.code = ErrorCode::kNoSpace}));
  EXPECT_EQ(AsError(ours).code(), ErrorCode::kNoSpace);
  const auto foreign = std::make_exception_ptr(std::runtime_error("vector is full"));
  EXPECT_EQ(AsError(foreign).code(), ErrorCode::kInternal);
  EXPECT_EQ(AsError(foreign).info().message, "vector is full");
  EXPECT_EQ(AsError(std::make_exception_ptr(7)).code(), ErrorCode::kInternal);
}

TEST(ThrowCancelled, IsACodeOfItsOwn) {
  EXPECT_THAT([] { ThrowCancelled("fetch", "part x"); }, test::ThrowsError(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace sluice::base
