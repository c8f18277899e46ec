// Goal: a secret never prints itself, and leaves no copy behind where we can help it.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <sstream>

namespace sluice::base {
namespace {

TEST(Secret, NeverPrintsItself) {
  std::ostringstream out;
  out << Secret("hunter2");
  EXPECT_EQ(out.str(), "[secret]");
  EXPECT_EQ(testing::PrintToString(Secret("hunter2")), "[secret]");
}

TEST(Secret, IsRevealedOnlyByName) {
  EXPECT_EQ(Secret("hunter2").Reveal(), "hunter2");
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, MovedFromIsWiped) {
  for (const std::string& text : {std::string("short"), std::string(100, 's')}) {
    Secret from(text);
    const Secret to(std::move(from));
    EXPECT_EQ(to.Reveal(), text);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is tested
    Secret assigned;
    Secret source(text);
    assigned = std::move(source);
    EXPECT_EQ(assigned.Reveal(), text);
    EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): what is tested
  }
}

TEST(Secret, CopiesAreEqual) {
  const Secret one("x");
  Secret two;
  two = one;
  EXPECT_EQ(one, two);
  EXPECT_FALSE(one == Secret("y"));
}

TEST(Redact, RemovesEveryOccurrence) {
  EXPECT_EQ(Redact("a key KEY and KEY", Secret("KEY")), "a key [secret] and [secret]");
  EXPECT_EQ(Redact("nothing to hide", Secret()), "nothing to hide");
  EXPECT_EQ(Redact("secrets", Secret("secret")), "[secret]s");
}

}  // namespace
}  // namespace sluice::base
