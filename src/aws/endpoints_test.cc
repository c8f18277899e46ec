// Goal: each service is asked at its own host, and no configured text can lead anywhere else.
#include "aws/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/matchers.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;

TEST(Endpoints, AreRegionalAndFollowThePartition) {
  EXPECT_EQ(StsEndpoint("us-east-1").Url(), "https://sts.us-east-1.amazonaws.com");
  EXPECT_EQ(StsEndpoint("cn-north-1").Url(), "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(RedshiftServerlessEndpoint("us-gov-west-1").Url(),
            "https://redshift-serverless.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(StsEndpoint("eu-west-1").region, "eu-west-1");
  EXPECT_EQ(PartitionOf("us-gov-east-1"), "aws-us-gov");
  EXPECT_EQ(PartitionOf("cn-northwest-1"), "aws-cn");
  EXPECT_EQ(PartitionOf("us-east-2"), "aws");
}

TEST(Endpoints, NameTheBucketInTheHostUnlessItHasDots) {
  EXPECT_EQ(S3Endpoint("eu-west-1", "acme").Url(), "https://acme.s3.eu-west-1.amazonaws.com");
  const Endpoint dotted = S3Endpoint("eu-west-1", "acme.staging");
  EXPECT_EQ(dotted.Url(), "https://s3.eu-west-1.amazonaws.com/acme.staging");
  EXPECT_TRUE(dotted.path_style);
}

TEST(Endpoints, TakeTheServicesOwnOverrideFirst) {
  const std::map<std::string, std::string, std::less<>> variables = {
      {"AWS_ENDPOINT_URL", "https://127.0.0.1:8443/"},
      {"AWS_ENDPOINT_URL_STS", "http://localhost:1/base/"},
      {"AWS_ENDPOINT_URL_S3", ""}};
  const auto overrides = EndpointOverridesFrom([&](std::string_view name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  });
  EXPECT_EQ(StsEndpoint("us-east-1", overrides).Url(), "http://localhost:1/base");
  EXPECT_FALSE(StsEndpoint("us-east-1", overrides).tls());
  EXPECT_EQ(RedshiftServerlessEndpoint("us-east-1", overrides).Url(), "https://127.0.0.1:8443");
  EXPECT_EQ(S3Endpoint("us-east-1", "acme", overrides).Url(), "https://127.0.0.1:8443/acme");
}

TEST(Endpoints, RefuseWhatCouldBecomeAnotherHost) {
  for (const std::string bad : {"", "us east", "evil.example/", "us-east-1@x", "US-EAST-1"}) {
    EXPECT_THAT([&] { StsEndpoint(bad); }, ThrowsError(ErrorCode::kInvalidConfig)) << bad;
  }
  for (const std::string bad : {"", "ab", "s3://acme", "Acme", "acme/x", "a..b", "-acme", "a_b"}) {
    EXPECT_THAT([&] { S3Endpoint("us-east-1", bad); }, ThrowsError(ErrorCode::kInvalidConfig))
        << bad;
  }
  for (const std::string bad : {"127.0.0.1:8443", "ftp://x", "https://", "https://user@host",
                                "https://h/?x", "https://h h"}) {
    EXPECT_THAT([&] { StsEndpoint("us-east-1", {.all = bad}); },
                ThrowsError(ErrorCode::kInvalidConfig))
        << bad;
  }
}

}  // namespace
}  // namespace sluice::aws
