// Goal: however an endpoint is pasted, the pieces are right; what is none is refused by name.
#include "redshift/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

constexpr char kHost[] = "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com";

struct Pasted {
  std::string text;
  std::optional<int> port;
  std::optional<std::string> database;
};

TEST(ParseEndpoint, TakesEveryFormOfTheSameEndpoint) {
  const std::string host = kHost;
  const std::vector<Pasted> forms = {
      {host, {}, {}},
      {host + ".", {}, {}},
      {"  " + host + "\n", {}, {}},
      {"\"" + host + "\"", {}, {}},
      {host + ":", {}, {}},
      {host + "/", {}, {}},
      {host + ":5440", 5440, {}},
      {host + ".:5440/Dev", 5440, "Dev"},
      {host + "/dev", {}, "dev"},
      {"Analytics.123456789012.US-EAST-1.Redshift-Serverless.amazonaws.com", {}, {}},
      {"jdbc:redshift://" + host + ":5439/dev", 5439, "dev"},
      {"JDBC:Redshift:IAM://" + host + ":5439/dev?ssl=true&x=a@b", 5439, "dev"},
      {"jdbc:redshift://" + host + ":5439/dev;UID=x;PWD=y", 5439, "dev"},
      {"redshift://" + host + "/dev", {}, "dev"},
      {"postgresql://" + host + ":5439/dev", 5439, "dev"},
  };
  for (const auto& form : forms) {
    const Endpoint endpoint = ParseEndpoint(form.text);
    EXPECT_EQ(endpoint.host, kHost) << form.text;
    EXPECT_EQ(endpoint.port, form.port) << form.text;
    EXPECT_EQ(endpoint.database, form.database) << form.text;
    EXPECT_EQ(endpoint.workgroup, "analytics") << form.text;
    EXPECT_EQ(endpoint.account, "123456789012") << form.text;
    EXPECT_EQ(endpoint.region, "us-east-1") << form.text;
    EXPECT_EQ(endpoint.partition, "aws") << form.text;
    EXPECT_FALSE(endpoint.vpc_endpoint_suspected) << form.text;
  }
}

TEST(ParseEndpoint, KnowsThePartitions) {
  const auto china =
      ParseEndpoint("wg.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn");
  EXPECT_EQ(china.partition, "aws-cn");
  EXPECT_EQ(china.region, "cn-north-1");
  EXPECT_EQ(ParseEndpoint("wg.1.us-gov-west-1.redshift-serverless.amazonaws.com").partition,
            "aws-us-gov");
}

TEST(ParseEndpoint, SuspectsManagedVpcEndpoints) {
  const auto endpoint =
      ParseEndpoint("mine-endpoint-ab12.123456789012.us-east-1.redshift-serverless.amazonaws.com");
  EXPECT_TRUE(endpoint.vpc_endpoint_suspected);
  EXPECT_FALSE(ParseEndpoint("endpoint-x.1.us-east-1.redshift-serverless.amazonaws.com")
                   .vpc_endpoint_suspected);
}

TEST(ParseEndpoint, LeavesOtherHostsWithoutWorkgroup) {
  for (const char* text :
       {"warehouse.example.com:5439/dev", "localhost:15439", "127.0.0.1",
        "nlb-1.elb.us-east-1.amazonaws.com", "ec2-1-2-3-4.compute-1.amazonaws.com",
        "vpce-1-a.vpce-svc-2.us-east-1.vpce.amazonaws.com"}) {
    const auto endpoint = ParseEndpoint(text);
    EXPECT_EQ(endpoint.workgroup, std::nullopt) << text;
    EXPECT_EQ(endpoint.region, std::nullopt) << text;
  }
  EXPECT_EQ(ParseEndpoint("[::1]:5439/dev").host, "::1");
  EXPECT_EQ(ParseEndpoint("[::1]:5439/dev").port, 5439);
  EXPECT_EQ(ParseEndpoint("::1").host, "::1");
}

TEST(ParseEndpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", "   ", ":5439", "/dev", ".", "a..b", ".a", "host:0", "host:65536", "host:54x",
        "host:-1", "https://console.aws.amazon.com/redshift", "a b.example.com", "a,b.example.com",
        "h/dev/more", "[::1", "[::1]x", "hö.example.com", "h'x"}) {
    EXPECT_THAT([&] { ParseEndpoint(text); },
                test::ThrowsErrorWith(base::ErrorCode::kInvalidConfig, &base::ErrorInfo::subject,
                                      ::testing::Eq("redshift.host")))
        << text;
  }
}

TEST(ParseEndpoint, RecognizesWhatIsOftenPastedInstead) {
  struct Row {
    const char* text;
    const char* message;
    const char* remedy;
  };
  const Row rows[] = {
      {"c.abc123.eu-west-1.redshift.amazonaws.com:5439/dev", "provisioned cluster",
       ".eu-west-1.redshift-serverless.amazonaws.com"},
      {"jdbc:redshift://c.abc.cn-north-1.redshift.amazonaws.com.cn:5439/dev", "provisioned cluster",
       ".cn-north-1."},
      {"redshift-serverless.us-east-1.amazonaws.com", "API (redshift-serverless)", ".us-east-1."},
      {"redshift-serverless-fips.us-west-2.amazonaws.com", "API (redshift-serverless)",
       ".us-west-2."},
      {"redshift-data.eu-central-1.amazonaws.com", "API (redshift-data)", ".eu-central-1."},
      {"redshift.us-east-1.amazonaws.com", "API (redshift)", ".us-east-1."},
      {"sts.us-east-1.amazonaws.com", "API (sts)", ".redshift-serverless."},
      {"redshift-serverless.us-east-1.api.aws", "API (redshift-serverless)", ".us-east-1."},
      {"analytics.us-east-1.redshift-serverless.amazonaws.com", "parts",
       "analytics.123456789012.us-east-1."},
      {"analytics.redshift-serverless.amazonaws.com", "parts", "analytics.123456789012."},
      {"db.abc.us-east-1.rds.amazonaws.com", "RDS", ".us-east-1."},
      {"acme.s3.eu-west-1.amazonaws.com", "S3 bucket", ".eu-west-1."},
      {"arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0f1e", "ARN",
       ".redshift-serverless."},
      {"https://us-east-1.console.aws.amazon.com/redshiftv2/home", "page of the AWS console",
       ".redshift-serverless."}};
  for (const Row& row : rows) {
    try {
      ParseEndpoint(row.text);
      ADD_FAILURE() << row.text;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.info().subject, "redshift.host");
      EXPECT_THAT(error.info().message, ::testing::HasSubstr(row.message)) << row.text;
      EXPECT_THAT(error.info().remedy, ::testing::HasSubstr(row.remedy)) << row.text;
    }
  }
}

TEST(ParseEndpoint, NeverRepeatsAPasswordPastedAlong) {
  try {
    ParseEndpoint("postgresql://me:hunter2@host.example.com/dev");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ErrorCode::kInvalidConfig);
    EXPECT_THAT(std::string(error.what()) + error.info().remedy,
                ::testing::Not(::testing::HasSubstr("hunter2")));
  }
}

TEST(IsServerlessPort, FollowsTheTwoRanges) {
  for (const int port : {5431, 5439, 5455, 8191, 8215}) EXPECT_TRUE(IsServerlessPort(port));
  for (const int port : {5430, 5456, 8190, 8216, 443}) EXPECT_FALSE(IsServerlessPort(port));
}

}  // namespace
}  // namespace sluice::redshift
