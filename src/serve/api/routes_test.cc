// Goal: the routes are those of the document, each has an owner, and no spelling of a path leads
// anywhere else.
#include "serve/api/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "serve/api/openapi.h"
#include "tests/support/fake_clock.h"

namespace sluice::serve {
namespace {

std::set<std::string> Documented() {
  std::set<std::string> operations;
  const Json document = Json::parse(OpenApiJson());
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      operations.insert(upper + " " + path);
    }
  }
  return operations;
}

TEST(Routes, AreThoseOfTheDocument) {
  std::set<std::string> routes;
  for (const Route& route : Routes()) {
    EXPECT_TRUE(routes.insert(std::string(route.method) + " " + std::string(route.path)).second);
  }
  EXPECT_EQ(routes, Documented());
}

TEST(Routes, WhatIsWrittenOutComesBeforeAName) {
  const auto test = FindRoute("POST", "/tenants/ten_a/sources/test");
  ASSERT_TRUE(test && test->route);
  EXPECT_EQ(test->route->path, "/tenants/{tenant}/sources/test");
  const auto saved = FindRoute("POST", "/tenants/ten_a/sources/src_a/test");
  ASSERT_TRUE(saved && saved->route);
  EXPECT_THAT(saved->ids, testing::ElementsAre("ten_a", "src_a"));
}

TEST(Routes, TellsTheMethodsOfAPath) {
  const auto found = FindRoute("PATCH", "/tenants/ten_a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->route, nullptr);
  EXPECT_EQ(found->methods, "GET, PUT, DELETE");
}

TEST(Routes, NoOtherSpellingIsAPath) {
  for (const char* path :
       {"", "/", "/tenants/", "//tenants", "/tenants/ten_a/", "/tenants/../tokens",
        "/tenants/%2e%2e%2ftokens", "/tenants/a%2fb", "/tenants/%00", "/tenants/%zz", "/tenants/%",
        "/TENANTS", "/tenants/%ff"}) {
    EXPECT_FALSE(FindRoute("GET", path)) << path;
  }
}

// Each row: who may call what at all.
TEST(Routes, AConnectTokenReachesTheFormAlone) {
  std::set<std::string> reached;
  for (const Route& route : Routes()) {
    if (route.who != Who::kAnyone && May(route.who, Scope::kConnect)) {
      reached.insert(std::string(route.method) + " " + std::string(route.path));
    }
  }
  EXPECT_THAT(
      reached,
      testing::UnorderedElementsAre(
          "GET /me", "POST /tenants/{tenant}/sources", "POST /tenants/{tenant}/sources/test",
          "POST /tenants/{tenant}/sources/setup", "GET /tenants/{tenant}/sources/{source}",
          "PUT /tenants/{tenant}/sources/{source}", "POST /tenants/{tenant}/sources/{source}/test",
          "GET /tenants/{tenant}/sources/{source}/setup"));
}

TEST(Routes, AReadTokenChangesNothing) {
  for (const Route& route : Routes()) {
    if (route.who == Who::kAnyone || route.method == "GET") continue;
    EXPECT_FALSE(May(route.who, Scope::kRead)) << route.method << " " << route.path;
  }
}

TEST(Routes, OnlyAnAdministratorMakesTenants) {
  for (const Route& route : Routes()) {
    if (route.path != "/tenants" && route.path != "/tenants/{tenant}") continue;
    EXPECT_EQ(May(route.who, Scope::kTenant), route.method == "GET") << route.method;
    EXPECT_TRUE(May(route.who, Scope::kAdmin));
  }
}

TEST(ParseQuery, ReadsNamesAndValues) {
  EXPECT_EQ(ParseQuery("a=1&b=x%20y+z&c"), (Query{{"a", "1"}, {"b", "x y z"}, {"c", ""}}));
  EXPECT_EQ(ParseQuery(""), Query());
}

TEST(ParseQuery, RefusesWhatCanBeReadInTwoWays) {
  for (const char* text : {"a=1&a=2", "a=%", "a=%0", "a=%zz", "a=%00", "a=%ff"}) {
    EXPECT_FALSE(ParseQuery(text)) << text;
  }
}

TEST(SignIns, BoundFailuresOfAnAddressForAMinute) {
  test::FakeClock clock;
  SignIns sign_ins(clock);
  for (int i = 0; i < SignIns::kFailuresMax; ++i) EXPECT_TRUE(sign_ins.MayFail("192.0.2.1"));
  EXPECT_FALSE(sign_ins.MayFail("192.0.2.1"));
  EXPECT_TRUE(sign_ins.MayFail("192.0.2.2"));
  clock.Advance(SignIns::kWithin);
  EXPECT_TRUE(sign_ins.MayFail("192.0.2.1"));
}

}  // namespace
}  // namespace sluice::serve
