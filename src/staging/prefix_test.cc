// Goal: whatever a user calls things, keys stay beneath our own root, and no attempt's prefix is
// the beginning of another's.
#include "staging/prefix.h"

#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::staging {
namespace {
using base::ErrorCode;

TEST(Prefix, SpellsRunAndAttempt) {
  const std::string run = RunPrefix("sluice/", "acme", "20260101T000000Z-00ff");
  EXPECT_EQ(run, "sluice/acme/20260101T000000Z-00ff/");
  EXPECT_EQ(AttemptPrefix(run, "sales.orders", "1-abcd"),
            "sluice/acme/20260101T000000Z-00ff/sales-orders/1-abcd/");
}

TEST(Prefix, RefusesRootsThatAreNotAFolderOfOurOwn) {
  for (const char* root :
       {"", "/", "/sluice/", "sluice", "a//b/", "_hidden/", "a/.b/", "a b/", "ä/"}) {
    EXPECT_THAT([&] { OwnRoot(root, "acme"); }, test::ThrowsError(ErrorCode::kInvalidConfig))
        << root;
  }
}

TEST(Prefix, AcceptsDeepRoots) { EXPECT_EQ(OwnRoot("a/b=1/c.d/", "x"), "a/b=1/c.d/x/"); }

TEST(Slug, KeepsNamesInsideOneComponent) {
  EXPECT_EQ(Slug("../../etc"), "etc");
  EXPECT_EQ(Slug("a/b"), "a-b");
  EXPECT_EQ(Slug("Kunden \"Süd\""), "Kunden-S-d");
  EXPECT_EQ(Slug("_x"), "x");
  EXPECT_EQ(Slug("…"), "stream");
  EXPECT_EQ(Slug(std::string(200, 'a')).size(), 64u);
}

TEST(RunOfKey, FindsTheRunOnlyBelowOurRoot) {
  EXPECT_EQ(RunOfKey("sluice/acme/", "sluice/acme/r1/orders/a/0000_part_00.parquet"), "r1");
  EXPECT_EQ(RunOfKey("sluice/acme/", "sluice/acme2/r1/x"), "");
  EXPECT_EQ(RunOfKey("sluice/acme/", "sluice/acme/stray"), "");
}

}  // namespace
}  // namespace sluice::staging
