// Goal: nothing that comes from outside moves the cursor, begins a line of ours, turns the reading
// direction or hides; and what people write in any script stays as they wrote it.
#include "cli/printable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "cli/json_envelope.h"
#include "cli/screens.h"
#include "cli/style.h"

namespace sluice::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

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
  const Style style{.colour = true, .unicode = true};
  const std::string own = style.Red("✗") + " x\n\r\x1b[3A\x1b[Jline\x1b[K\n";
  EXPECT_EQ(Guarded(own), own);
  EXPECT_EQ(Guarded("\x1b]0;title\a"), "\\u001b]0;title\\u0007");
  EXPECT_EQ(Guarded("\x1b[?25l\x1b"), "\\u001b[?25l\\u001b");
  EXPECT_EQ(Guarded("over\rwritten"), "over\\u000dwritten");
}

TEST(Dump, KeepsTheValueAndHidesNothing) {
  const std::string name = "a\u202Eb\x1b[2J\n\u200B\U000E0041ü";
  const std::string text = Dump(Json{{"name", name}});
  EXPECT_EQ(Json::parse(text)["name"].get<std::string>(), name);
  for (const char* raw : {"\u202E", "\x1b", "\u200B", "\U000E0041"}) {
    EXPECT_THAT(text, Not(HasSubstr(raw)));
  }
  EXPECT_THAT(text, HasSubstr("\\u202e"));
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

// A name that begins a line of its own with a mark of ours.
TEST(Screens, NoNameShapesThem) {
  const std::string evil = "o\n✓ Ready.\x1b[2J\u202E";
  const Style plain{.unicode = true};
  DiscoveredSchema schema{.name = evil, .type = evil};
  schema.tables.push_back({.name = {evil, evil}, .type = evil, .columns = {{evil, {}}}});
  schema.tables[0].unknown = {{evil, evil}};
  check::Finding finding{.severity = check::Severity::kFailure,
                         .subject = "stream " + evil,
                         .seen = evil,
                         .why = "w",
                         .remedy = "GRANT SELECT ON \"" + evil + "\" TO u",
                         .title = "t"};
  sync::RunResult result{.run = "r"};
  result.streams.push_back({.stream = evil, .target = {evil, evil}, .warnings = {evil}});
  result.streams[0].error = base::ErrorInfo{.code = base::ErrorCode::kSource,
                                            .operation = evil,
                                            .subject = evil,
                                            .message = evil,
                                            .remedy = "r",
                                            .cause = evil};
  result.streams[0].left_behind = {evil};
  for (const std::string& screen :
       {DiscoverScreen({schema}, plain), FindingScreen(finding, plain),
        SyncScreen(result, evil, plain), ErrorScreen(*result.streams[0].error, plain),
        ProblemsScreen(evil, {{.field = evil, .problem = evil, .remedy = "r"}}, plain)}) {
    EXPECT_THAT(screen, Not(HasSubstr("\n✓ Ready."))) << screen;
    EXPECT_THAT(screen, Not(HasSubstr("\x1b"))) << screen;
    EXPECT_THAT(screen, Not(HasSubstr("\u202E"))) << screen;
    EXPECT_THAT(screen, HasSubstr("\\u202e")) << screen;
  }
}

}  // namespace
}  // namespace sluice::cli
