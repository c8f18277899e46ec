// Goal: each service is asked at its own host, and no configured text can lead anywhere else.
#include "aws/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

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

// G22: Keys and rows travel to another machine without TLS only where `aws.allow_http` says so.
TEST(Endpoints, TakeHttpToOtherMachinesOnlyIfAllowed) {
  const auto with = [](const char* url, bool allow) {
    EndpointOverrides overrides;
    overrides.s3 = OtherAddress(url, "AWS_ENDPOINT_URL_S3");
    overrides.allow_http = allow;
    return S3Endpoint("us-east-1", "acme", overrides);
  };
  for (const char* url : {"http://minio:9000", "http://10.0.0.1", "http://127.evil.example",
                          "http://localhost.evil.example", "http://169.254.169.254",
                          "http://[fd00::1]:9000", "http://0.0.0.0:1"}) {
    EXPECT_THAT([&] { with(url, false); },
                test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                      testing::Eq("AWS_ENDPOINT_URL_S3")))
        << url;
    EXPECT_EQ(with(url, true).scheme, "http") << url;
  }
  for (const char* url : {"http://localhost:9000", "http://127.0.0.1:1", "http://[::1]:1",
                          "http://s3.localhost:1", "https://minio:9000"}) {
    EXPECT_NO_THROW(with(url, false)) << url;
  }
}

TEST(Endpoints, KnowWhatGaveTheirAddress) {
  EndpointOverrides overrides;
  overrides.all = OtherAddress("https://localhost:1", "aws.endpoint_url");
  EXPECT_EQ(StsEndpoint("us-east-1", overrides).address_from, "aws.endpoint_url");
  EXPECT_EQ(S3Endpoint("us-east-1", "acme", overrides).address_from, "aws.endpoint_url");
  EXPECT_EQ(StsEndpoint("us-east-1").address_from, "");
  overrides.all = OtherAddress("https://ann:hunter2@h", "AWS_ENDPOINT_URL");
  try {
    StsEndpoint("us-east-1", overrides);
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.info().subject, "AWS_ENDPOINT_URL");
    EXPECT_THAT(std::string(error.what()) + error.info().remedy,
                testing::Not(testing::HasSubstr("hunter2")));
  }
}

TEST(Endpoints, AgreeWithBotocore) {
  // In the source tree, beside which this file's path begins.
  const auto path =
      std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "tests/vectors";
  std::ifstream file(path / "endpoints.json");
  ASSERT_TRUE(file) << path;
  const auto vectors = nlohmann::json::parse(file);
  ASSERT_GE(vectors.size(), 100u);
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector.dump());
    const std::string service = vector["service"];
    const std::string region = vector["region"];
    const EndpointOverrides overrides{.fips = vector["fips"], .dualstack = vector["dualstack"]};
    const auto make = [&]() -> Endpoint {
      if (service == "s3")
        return S3Endpoint(region, vector["bucket"].get<std::string>(), overrides);
      if (service == "sts") return StsEndpoint(region, overrides);
      if (service == "redshift") return RedshiftEndpoint(region, overrides);
      return RedshiftServerlessEndpoint(region, overrides);
    };
    if (vector["url"] == "") {
      EXPECT_THAT([&] { make(); }, ThrowsError(ErrorCode::kUnsupported));
      continue;
    }
    EXPECT_EQ(make().Url(), vector["url"]);
    EXPECT_EQ(make().region, region);
  }
}

TEST(Endpoints, TakeFipsAndDualStackFromEnvironmentThenProfile) {
  const test::TempDir dir;
  const std::string config = (dir.path() / "config").string();
  std::ofstream(config) << "[default]\nuse_fips_endpoint = TRUE\n"
                           "[profile odd]\nuse_dualstack_endpoint = maybe\n";
  std::map<std::string, std::string, std::less<>> variables = {{"AWS_CONFIG_FILE", config},
                                                               {"HOME", dir.path().string()}};
  const auto read = [&](const std::string& profile = "") {
    return EndpointOverridesFrom(
        [&](std::string_view name) {
          const auto it = variables.find(name);
          return it == variables.end() ? std::nullopt : std::optional(it->second);
        },
        profile);
  };
  EXPECT_TRUE(read().fips);
  EXPECT_FALSE(read().dualstack);
  EXPECT_FALSE(read("absent").fips);
  EXPECT_THAT([&] { read("odd"); }, ThrowsError(ErrorCode::kInvalidConfig));
  variables["AWS_USE_FIPS_ENDPOINT"] = "false";
  variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  EXPECT_FALSE(read().fips);
  EXPECT_TRUE(read("odd").dualstack);
}

TEST(Endpoints, RefuseAnAddressBesideFipsOrDualStack) {
  EXPECT_THAT([] { StsEndpoint("us-east-1", {.all = "https://h", .fips = true}); },
              ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { S3Endpoint("us-east-1", "acme", {.s3 = "https://h", .dualstack = true}); },
              ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_EQ(StsEndpoint("us-east-1", {.s3 = "https://h", .fips = true}).Url(),
            "https://sts-fips.us-east-1.amazonaws.com");
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
