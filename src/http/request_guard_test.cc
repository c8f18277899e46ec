// Goal: no control character leaves in a request, wherever in it it stands.
#include "http/request_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/matchers.h"

namespace sluice::http {
namespace {

using base::ErrorCode;

TEST(CheckRequest, RefusesAnyControlCharacterAtLast) {
  for (const char sign : {'\r', '\n', '\0', '\x01', '\x7f', '\t'}) {
    const std::string bad = std::string("x") + sign + "y";
    for (const Request& request :
         {Request{.url = "https://h/" + bad}, Request{.method = bad, .url = "https://h/"},
          Request{.url = "https://h/", .headers = {{"N", bad}}},
          Request{.url = "https://h/", .headers = {{bad, "v"}}}}) {
      EXPECT_THAT([&] { CheckRequest(request); }, test::ThrowsError(ErrorCode::kInvalidConfig));
    }
  }
  EXPECT_NO_THROW(CheckRequest({.url = "https://h/a%0Ab", .headers = {{"N", "a b=\"c\""}}}));
}

}  // namespace
}  // namespace sluice::http
