// Goal: nothing that comes from outside moves the cursor, begins a line of ours, turns the reading
// direction or hides; and what people write in any script stays as they wrote it.
#include "base/printable.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sluice::base {
namespace {

TEST(Printable, WhatIsHiddenBecomesVisible) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x1b[2J", "\\u001b[2J"},
      {"a\rb", "a\\u000db"},
      {std::string("a\0b", 3), "a\\u0000b"},
      {"\x7f\b\a", "\\u007f\\u0008\\u0007"},
      {"\xC2\x9B"
       "31m",
       "\\u009b31m"},                        // CSI of C1
      {"\u202Ecod.exe", "\\u202ecod.exe"},   // right to left
      {"\u2066x\u2069", "\\u2066x\\u2069"},  // isolates
      {"a\u200Bb\u200Dc\uFEFF", "a\\u200bb\\u200dc\\ufeff"},
      {"a\u00ADb\u2028c\u2029", "a\\u00adb\\u2028c\\u2029"},
      {"\U000E0041", "\\udb40\\udc41"},    // tags
      {"\u3164\u115F", "\\u3164\\u115f"},  // fillers
      {"\xFF\xC0\x80", "\\xff\\xc0\\x80"},
      {"\xED\xA0\x80", "\\ud800"},
      {"\xE2\x80", "\\xe2\\x80"},
  };
  for (const auto& [raw, visible] : cases) {
    EXPECT_EQ(Printable(raw), visible);
    EXPECT_EQ(PrintableLine(raw), visible);
    EXPECT_EQ(Guarded(raw).find(raw), raw.starts_with("\x1b[2J") ? 0 : std::string::npos);
  }
}

TEST(Printable, WhatPeopleWriteStays) {
  for (const char* text :
       {"Kunden Süd", "заказы", "注文", "عملاء", "ñandú", "€ 😀 ❤\uFE0F", "a\\b", "\"q\"", ""}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_EQ(PrintableLine(text), text);
    EXPECT_EQ(Guarded(text), text);
  }
}

TEST(Printable, LineEndsStayWhereLinesAreMeant) {
  EXPECT_EQ(Printable("a\n\tb"), "a\n\tb");
  EXPECT_EQ(PrintableLine("a\n\tb"), "a\\u000a\\u0009b");
  EXPECT_EQ(PrintableRemedy("GRANT\n  \"s\nx\".\"t\"\nTO u"), "GRANT\n  \"s\\u000ax\".\"t\"\nTO u");
  EXPECT_EQ(PrintableRemedy("an odd \" one\nstays"), "an odd \" one\nstays");
}

TEST(Guarded, LetsThroughWhatTheProgramWritesItself) {
  const std::string own = "\x1b[31m✗\x1b[0m x\n\r\x1b[3A\x1b[Jline\x1b[K\n";
  EXPECT_EQ(Guarded(own), own);
  EXPECT_EQ(Guarded("\x1b]0;title\a"), "\\u001b]0;title\\u0007");
  EXPECT_EQ(Guarded("\x1b[?25l\x1b"), "\\u001b[?25l\\u001b");
  EXPECT_EQ(Guarded("over\rwritten"), "over\\u000dwritten");
}

TEST(Printable, RandomBytesNeverReachAScreen) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (auto left = random() % 30; left > 0; --left) text += static_cast<char>(random());
    for (const std::string& line : {PrintableLine(text), Printable(text), Guarded(text)}) {
      for (const char c : line) {
        const bool kept = c == '\n' || c == '\t' || c == '\x1b' || c == '\r';
        EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' || kept);
      }
      EXPECT_EQ(Printable(line).find('\x1b'), std::string::npos);
    }
    EXPECT_EQ(PrintableLine(PrintableLine(text)), PrintableLine(text));
  }
}

}  // namespace
}  // namespace sluice::base
