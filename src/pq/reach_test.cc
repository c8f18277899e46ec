#include "pq/reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/error.h"
#include "pq/connection.h"
#include "pq/probe.h"

namespace sluice::pq {
namespace {

Reach ReachFrom(const std::string& value) {
  return ReachOf([&](std::string_view name) -> std::optional<std::string> {
    return name == "SLUICE_OUTSIDE_ONLY" ? std::optional(value) : std::nullopt;
  });
}

Parameters At(const std::string& host) {
  return {.values = {{"host", host}, {"port", "1"}}, .password = {}};
}

void ExpectRefusal(const Reach& reach, const std::string& host) {
  try {
    static_cast<void>(Pinned(reach, At(host)));
    ADD_FAILURE() << host;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.info().code, base::ErrorCode::kInvalidConfig) << host;
    EXPECT_EQ(error.info().subject, "host " + host);
    EXPECT_THAT(error.info().remedy, ::testing::HasSubstr("--allow-host"));
  }
}

TEST(Reach, WithoutTheVariableIsAnywhere) {
  const Reach reach = ReachFrom("");
  EXPECT_TRUE(reach.Anywhere("127.0.0.1"));
  EXPECT_EQ(Pinned(reach, At("localhost")).values, At("localhost").values);
}

TEST(Reach, ANameThatStandsForAnAddressInsideIsRefused) {
  const Reach reach = ReachFrom("1");
  for (const std::string host : {"localhost", "127.0.0.1", "::1", "10.1.2.3", "169.254.169.254",
                                 "/run/postgresql", "@socket", "", "1.1.1.1,127.0.0.1"}) {
    ExpectRefusal(reach, host);
  }
}

TEST(Reach, WhatTheOperatorAllowsIsReached) {
  const Reach reach = ReachFrom("1,localhost,db.internal");
  EXPECT_TRUE(reach.Anywhere("DB.internal"));
  EXPECT_FALSE(reach.Anywhere("internal"));
  EXPECT_FALSE(reach.Anywhere("1"));
  EXPECT_EQ(Pinned(reach, At("localhost")).values, At("localhost").values);
  ExpectRefusal(reach, "127.0.0.1");
}

TEST(Reach, AWorkgroupMayLieInANetworkOfItsOwn) {
  const Reach reach = ReachFrom("1");
  EXPECT_TRUE(reach.Anywhere("analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com"));
  EXPECT_FALSE(reach.Anywhere("analytics.redshift-serverless.amazonaws.com.example.com"));
}

TEST(Reach, AnAddressOutsideIsPinned) {
  const Parameters pinned = Pinned(ReachFrom("1"), At("1.1.1.1"));
  EXPECT_EQ(pinned.values.at("hostaddr"), "1.1.1.1");
  EXPECT_EQ(pinned.values.at("host"), "1.1.1.1");
  EXPECT_EQ(pinned.values.at("port"), "1");
}

TEST(Reach, ANameOfNobodyIsUnreachable) {
  try {
    static_cast<void>(Pinned(ReachFrom("1"), At("no-such-host.invalid")));
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.info().code, base::ErrorCode::kUnreachable);
  }
}

TEST(Reach, ConnectObeysTheVariableOfItsProcess) {
  const base::SystemClock clock;
  ASSERT_EQ(setenv("SLUICE_OUTSIDE_ONLY", "1", 1), 0);
  std::optional<base::ErrorCode> code;
  try {
    static_cast<void>(Connect(At("localhost"), clock, base::Call()));
  } catch (const base::Error& error) {
    code = error.info().code;
  }
  const ProbeResult probed =
      Probe({.host = "localhost", .port = 1, .roots_file = {}}, clock, base::Call());
  unsetenv("SLUICE_OUTSIDE_ONLY");
  EXPECT_EQ(code, base::ErrorCode::kInvalidConfig);
  EXPECT_EQ(probed.outcome, ProbeOutcome::kNoRoute);
  EXPECT_THAT(probed.detail, ::testing::HasSubstr("the service's own machine"));
  EXPECT_THAT(probed.addresses, ::testing::IsEmpty());
}

}  // namespace
}  // namespace sluice::pq
