// Goal: text is read the same in every locale, and a number is a number to its last byte.
#include "base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace sluice::base {
namespace {

using testing::Optional;

TEST(Lower, ChangesAsciiLettersAlone) {
  EXPECT_EQ(Lower("X-Amz-Date [@`{"), "x-amz-date [@`{");
  EXPECT_EQ(Lower("\xc3\x84"), "\xc3\x84");
  EXPECT_EQ(Lower(std::string_view("A\0B", 3)), std::string("a\0b", 3));
  EXPECT_EQ(Lower(""), "");
}

TEST(EqualFolded, ComparesWholeTexts) {
  EXPECT_TRUE(EqualFolded("ETag", "etag"));
  EXPECT_FALSE(EqualFolded("ETag", "etags"));
  EXPECT_FALSE(EqualFolded("[", "{"));
}

TEST(ReplaceAll, LeavesWhatItBroughtAlone) {
  EXPECT_EQ(ReplaceAll("aXbXX", "X", "XX"), "aXXbXXXX");
  EXPECT_EQ(ReplaceAll("a", "X", "y"), "a");
}

TEST(ParseNumber, TakesAllOfTheText) {
  EXPECT_THAT(ParseNumber<int>("-12"), Optional(-12));
  EXPECT_THAT(ParseNumber<std::uint64_t>("18446744073709551615"), Optional(~0ULL));
  EXPECT_THAT(ParseNumber<unsigned>("fF", 16), Optional(255U));
  for (const std::string_view text :
       {"", " 1", "1 ", "+1", "1x", "x", "99999999999", "1.0", "0x1"}) {
    EXPECT_EQ(ParseNumber<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseNumber<unsigned>("-1"), std::nullopt);
}

}  // namespace
}  // namespace sluice::base
