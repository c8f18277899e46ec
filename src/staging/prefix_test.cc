// Goal: whatever a user calls things, keys stay beneath our own root, and no attempt's prefix is
// the beginning of another's.
#include "staging/prefix.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

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

// Two connections that share a root take each other's files for leftovers.
TEST(OwnRoot, IsOfOneConnectionAlone) {
  const std::vector<std::string> names = {"acme",
                                          "Acme",
                                          "acme-prod",
                                          "acme_prod",
                                          "acme--prod",
                                          "acme__prod",
                                          "acme_-prod",
                                          "acme-",
                                          "acme_",
                                          "acme-_",
                                          "acme prod",
                                          "acme.prod",
                                          "acme=prod",
                                          "acme=20prod",
                                          "_acme",
                                          "-acme",
                                          "=5Facme",
                                          "é",
                                          "e",
                                          "\xC3",
                                          std::string(63, 'a'),
                                          std::string(64, 'a'),
                                          std::string(65, 'a')};
  std::map<std::string, std::string> owners;
  for (const auto& name : names) {
    const std::string root = OwnRoot("sluice/", name);
    const auto [owner, fresh] = owners.try_emplace(root, name);
    EXPECT_TRUE(fresh) << root << " is of " << owner->second << " and of " << name;
    EXPECT_EQ(OwnRoot(root, "x"), root + "x/") << "a folder that Redshift reads";
  }
}

TEST(OwnRoot, RandomNamesNeverMeet) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "aA0-_=. 5F";
  std::map<std::string, std::string> owners;
  for (int i = 0; i < 20'000; ++i) {
    std::string name;
    for (auto left = 1 + random() % 6; left > 0; --left) {
      name += kAlphabet[random() % kAlphabet.size()];
    }
    const auto [owner, fresh] = owners.try_emplace(OwnRoot("sluice/", name), name);
    ASSERT_TRUE(fresh || owner->second == name) << owner->second << " and " << name;
  }
}

TEST(OwnRoot, OfMostNamesIsAsItWas) {
  for (const char* name : {"acme", "acme-prod", "A1-b2-c3", "x"}) {
    EXPECT_EQ(OwnRoot("sluice/", name), "sluice/" + std::string(name) + "/");
    EXPECT_EQ(Slug(name), name);
  }
}

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
