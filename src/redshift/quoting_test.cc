// Goal: the server reads exactly the names and values that we were given, at both levels.
#include "redshift/quoting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;

TEST(Ident, DoublesQuotesOnly) {
  EXPECT_EQ(Ident("IAMR:reader"), "\"IAMR:reader\"");
  EXPECT_EQ(Ident(R"(x"y)"), R"("x""y")");
  EXPECT_EQ(Ident(R"(x\y)"), R"("x\y")");
  EXPECT_EQ(Ident("größe 日本"), "\"größe 日本\"");
  EXPECT_EQ(Ident(model::TableName{"a.b", "c\"d"}), R"("a.b"."c""d")");
}

TEST(Ident, RefusesWhatIsNoName) {
  EXPECT_THAT([] { Ident(""); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { Ident(std::string_view("a\0b", 3)); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { Ident("a\xff"); }, test::ThrowsError(ErrorCode::kInvalidConfig));
}

// The value a\b'c and the column x\y, as the reference writes them.
TEST(Levels, EscapeTwiceForUnload) {
  EXPECT_EQ(Literal(R"(a\b'c)"), R"('a\\b''c')");
  EXPECT_EQ(Inner(Literal(R"(a\b'c)")), R"(''a\\\\b''''c'')");
  EXPECT_EQ(Inner(Ident(R"(x\y)")), R"("x\\y")");
}

// What the server does to a literal: undone once per level, the value is back.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' || text[i] == '\'') ++i;
    plain += text[i];
  }
  return plain;
}

TEST(Levels, RoundTripEveryShortTextOfSpecialBytes) {
  const std::string alphabet = "a'\\\"\n$-;%";
  std::vector<std::string> texts = {""};
  for (std::size_t from = 0, round = 0; round < 4; ++round) {
    const std::size_t to = texts.size();
    for (; from < to; ++from) {
      for (const char c : alphabet) texts.push_back(texts[from] + c);
    }
  }
  for (const auto& text : texts) {
    const std::string literal = Literal(text);
    ASSERT_EQ(Unescape(literal.substr(1, literal.size() - 2)), text);
    ASSERT_EQ(Unescape(Inner(literal)), literal);
  }
}

TEST(Utf8, TakesOnlyTheShortestFormOfRealCharacters) {
  EXPECT_TRUE(IsUtf8WithoutNul(""));
  EXPECT_TRUE(IsUtf8WithoutNul("aß日\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"));
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xc3", "\xe2\x82",
        "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3(", "\xff"}) {
    EXPECT_FALSE(IsUtf8WithoutNul(bad)) << ::testing::PrintToString(bad);
  }
}

TEST(Utf8, IsRefusedWhenCutInTheMiddle) {
  const std::string text = "\xf0\x9f\x98\x80";
  for (std::size_t n = 1; n < text.size(); ++n) {
    EXPECT_FALSE(IsUtf8WithoutNul(text.substr(0, n))) << n;
    EXPECT_THAT([&] { Literal(text.substr(0, n)); }, test::ThrowsError(ErrorCode::kInvalidConfig));
    EXPECT_THAT([&] { Inner(text.substr(0, n)); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  }
}

}  // namespace
}  // namespace sluice::redshift
