// Goal: a table's text is filled once, and a word that is missing is a gap to read, not a crash.
#include "base/fill.h"

#include <gtest/gtest.h>

namespace sluice::base {
namespace {

TEST(Fill, PutsWordsWhereverTheirNameStands) {
  EXPECT_EQ(Fill("{a} and {b_2}, {a}", {{"a", "1"}, {"b_2", "2"}}), "1 and 2, 1");
  EXPECT_EQ(Fill("", {{"a", "1"}}), "");
  EXPECT_EQ(Fill("{a}", {{"a", ""}}), "");
}

TEST(Fill, ShowsAMissingWordAsAGap) { EXPECT_EQ(Fill("to {host}.", {}), "to <host>."); }

TEST(Fill, LeavesOtherBracesAlone) {
  for (const char* form : {"{", "}", "{}", "{A}", R"({"Version": "x"})", "{a b}", "a {", "{{"}) {
    EXPECT_EQ(Fill(form, {{"a", "1"}}), form);
  }
  EXPECT_EQ(Fill("{{a}}", {{"a", "1"}}), "{1}");
}

TEST(Fill, DoesNotReadWhatAWordBrings) {
  EXPECT_EQ(Fill("{a}{b}", {{"a", "{b}"}, {"b", "{a}"}}), "{b}{a}");
}

}  // namespace
}  // namespace sluice::base
