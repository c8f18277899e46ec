// Goal: references bring what they name; what is not there is named; everything else stands as it
// is.
#include "config/references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace sluice::config {
namespace {

using testing::HasSubstr;
using testing::Not;

class References : public testing::Test {
 protected:
  Expanded Do(std::string_view raw) {
    return Expand(raw, {[](std::string_view name) -> std::optional<std::string> {
                          if (name == "USER_1") return "ann";
                          if (name == "EMPTY") return "";
                          if (name == "ODD") return "${USER_1}$$";
                          return std::nullopt;
                        },
                        dir_.path()});
  }
  std::string Text(std::string_view raw) {
    const Expanded out = Do(raw);
    EXPECT_EQ(out.problem, "") << raw;
    return out.text;
  }
  const test::TempDir dir_;
};

TEST_F(References, AreReplaced) {
  EXPECT_EQ(Text("a ${USER_1} b"), "a ann b");
  EXPECT_EQ(Text("${USER_1}${USER_1}"), "annann");
  EXPECT_EQ(Text("${NOT_SET:-x y}"), "x y");
  EXPECT_EQ(Text("${EMPTY:-x}"), "x");
  EXPECT_EQ(Text("${USER_1:-x}"), "ann");
  EXPECT_EQ(Text("${NOT_SET:-}"), "");
  EXPECT_EQ(Text("${EMPTY}"), "");
}

TEST_F(References, OtherDollarsStandForThemselves) {
  EXPECT_EQ(Text("$"), "$");
  EXPECT_EQ(Text("a$b $1 $"), "a$b $1 $");
  EXPECT_EQ(Text("$${USER_1}"), "${USER_1}");
  EXPECT_EQ(Text("$$$${x"), "$${x");
  EXPECT_FALSE(Do("$5").referenced);
}

TEST_F(References, WhatTheyBringIsNotReadAgain) { EXPECT_EQ(Text("${ODD}"), "${USER_1}$$"); }

TEST_F(References, FilesLoseTheLineEndAtTheirEnd) {
  std::ofstream(dir_.path() / "key") << "a b\nc\r\n\n";
  EXPECT_EQ(Text("${file:key}"), "a b\nc");
  EXPECT_EQ(Text("${file:" + (dir_.path() / "key").string() + "}"), "a b\nc");
}

TEST_F(References, ProblemsNameWhatIsMissing) {
  EXPECT_THAT(Do("${NOT_SET}").problem, HasSubstr("NOT_SET"));
  EXPECT_THAT(Do("${NOT_SET}").remedy, HasSubstr("export NOT_SET="));
  EXPECT_THAT(Do("${file:nope}").problem, HasSubstr((dir_.path() / "nope").string()));
  EXPECT_THAT(Do("${file:}").problem, HasSubstr("does not exist"));
  EXPECT_THAT(Do("${file:.}").problem, HasSubstr("not a file"));
  EXPECT_THAT(Do("${USER_1").problem, HasSubstr("without its }"));
  EXPECT_THAT(Do("${}").problem, HasSubstr("reference"));
  EXPECT_THAT(Do("${1A}").problem, HasSubstr("variable's name"));
  EXPECT_THAT(Do("${A:-${B}}").problem, HasSubstr("inside a reference"));
  std::ofstream(dir_.path() / "big") << std::string(70'000, 'x');
  EXPECT_THAT(Do("${file:big}").problem, HasSubstr("64 KiB"));
}

TEST_F(References, ProblemLeavesNoText) { EXPECT_EQ(Do("${USER_1}${NOT_SET}").text, ""); }

TEST_F(References, WhatStandsInTheirPlaceIsNotRepeated) {
  for (const std::string secret :
       {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "hunter2:pw@db",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "wJalrXUtnFEMIK7MDENGbPxRfiCY"}) {
    for (const std::string& raw :
         {"${" + secret + "}", "${file:" + secret + "}", "${file:/x/" + secret + "/y}"}) {
      const Expanded expanded = Do(raw);
      EXPECT_FALSE(expanded.problem.empty()) << raw;
      if (raw.find("file:") != std::string::npos && secret.starts_with("wJalrXUtnFEMIK")) continue;
      EXPECT_THAT(expanded.problem + expanded.remedy, Not(HasSubstr(secret))) << raw;
    }
  }
}

TEST(BareReference, IsToldByTheFormThatWorks) {
  for (const char* raw : {"$HOST", "$host", "$_x1"}) {
    const auto broken = BareReference(raw, /*secret=*/false);
    ASSERT_TRUE(broken) << raw;
    EXPECT_THAT(broken->remedy, HasSubstr("${" + std::string(raw + 1) + "}"));
  }
  for (const char* raw : {"${HOST}", "$$HOST", "a$HOST", "$", "$1", "$a-b", "$HOST/x", ""}) {
    EXPECT_FALSE(BareReference(raw, false)) << raw;
  }
}

TEST(BareReference, APasswordMayBeginWithADollarAndIsNotRepeated) {
  EXPECT_FALSE(BareReference("$ecret", /*secret=*/true));
  const auto broken = BareReference("$HUNTER2", /*secret=*/true);
  ASSERT_TRUE(broken);
  EXPECT_THAT(broken->problem + broken->remedy, Not(HasSubstr("HUNTER2")));
}

}  // namespace
}  // namespace sluice::config
