// Goal: the server reads exactly the select we were given, and a bad option is caught here
// instead of costing a workgroup wake-up (billed for at least 60 s).
#include "redshift/unload_statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using ::testing::Eq;
using ::testing::HasSubstr;

const UnloadOptions kOptions{.staging_prefix = "s3://acme/sluice/r1/orders/a1/",
                             .bucket_region = "eu-west-1"};
const aws::SessionKeys kKeys{"AKID", base::Secret("shh"), base::Secret("token"), {}};

auto RefusesField(const std::string& field) {
  return test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::subject, Eq(field));
}

TEST(BuildUnload, WritesTheWholeStatement) {
  EXPECT_EQ(BuildUnload("SELECT 1 AS \"a\"", kOptions, kKeys).Reveal(),
            "UNLOAD ('SELECT 1 AS \"a\"') TO 's3://acme/sluice/r1/orders/a1/' "
            "ACCESS_KEY_ID 'AKID' SECRET_ACCESS_KEY 'shh' SESSION_TOKEN 'token' "
            "FORMAT AS PARQUET MANIFEST VERBOSE MAXFILESIZE 256 MB REGION 'eu-west-1'");
}

TEST(BuildUnload, DoublesQuotesAndBackslashesOfTheSelect) {
  EXPECT_THAT(BuildUnload(R"(SELECT 'a\b')", kOptions, kKeys).Reveal(),
              HasSubstr(R"(UNLOAD ('SELECT ''a\\b''') TO)"));
}

TEST(BuildUnload, LeavesTheTokenOutForLongTermKeys) {
  const aws::SessionKeys keys{"AKID", base::Secret("a+b/c="), {}, {}};
  EXPECT_THAT(BuildUnload("SELECT 1", kOptions, keys).Reveal(),
              HasSubstr("ACCESS_KEY_ID 'AKID' SECRET_ACCESS_KEY 'a+b/c=' FORMAT"));
}

TEST(BuildUnload, RejectsPrefixThatCouldMeetAnotherAttempt) {
  UnloadOptions options = kOptions;
  options.staging_prefix.pop_back();  // ".../a1" would also match ".../a10/".
  EXPECT_THAT([&] { BuildUnload("SELECT 1", options, kKeys); }, RefusesField("staging_prefix"));
}

TEST(BuildUnload, RejectsPrefixesThatS3OrOtherReadersTakeOtherwise) {
  for (const char* prefix : {"", "s3://", "s3:///", "s3://acme/", "acme/a/", "s3://acme//a/",
                             "s3://acme/_a/", "s3://acme/.a/", "s3://acme/a b/", "s3://acme/a'/",
                             "s3://acme/a\\/", "s3://acme/ä/", "S3://acme/a/", "s3://acme/a+b/"}) {
    UnloadOptions options = kOptions;
    options.staging_prefix = prefix;
    EXPECT_THAT([&] { BuildUnload("SELECT 1", options, kKeys); }, RefusesField("staging_prefix"))
        << prefix;
  }
}

TEST(BuildUnload, RejectsRegionsThatAreNone) {
  for (const char* region : {"", "eu west", "eu-west-1'", "eu_west_1"}) {
    UnloadOptions options = kOptions;
    options.bucket_region = region;
    EXPECT_THAT([&] { BuildUnload("SELECT 1", options, kKeys); }, RefusesField("bucket_region"));
  }
}

TEST(BuildUnload, TakesPartSizesOfTheServerOnly) {
  for (const int mb : {5, 32, 6200}) {
    UnloadOptions options = kOptions;
    options.part_mb_max = mb;
    EXPECT_THAT(BuildUnload("SELECT 1", options, kKeys).Reveal(),
                HasSubstr("MAXFILESIZE " + std::to_string(mb) + " MB"));
  }
  for (const int mb : {-1, 0, 4, 6201}) {
    UnloadOptions options = kOptions;
    options.part_mb_max = mb;
    EXPECT_THAT([&] { BuildUnload("SELECT 1", options, kKeys); }, RefusesField("part_mb_max"));
  }
}

TEST(BuildUnload, RejectsSelectsThatTheLiteralCannotCarry) {
  EXPECT_THAT([] { BuildUnload("", kOptions, kKeys); }, RefusesField("select"));
  EXPECT_THAT([] { BuildUnload(" \n", kOptions, kKeys); }, RefusesField("select"));
  EXPECT_THAT([] { BuildUnload("SELECT 1 ; ", kOptions, kKeys); }, RefusesField("select"));
  EXPECT_THAT([] { BuildUnload("SELECT '\xff'", kOptions, kKeys); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { BuildUnload(std::string_view("SELECT '\0'", 10), kOptions, kKeys); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  const std::string large = "SELECT '" + std::string(16U << 20U, 'x') + "'";
  EXPECT_THAT([&] { BuildUnload(large, kOptions, kKeys); }, RefusesField("select"));
}

TEST(BuildUnload, RejectsKeysThatCouldEndTheirLiteral) {
  const auto build = [](aws::SessionKeys keys) {
    return [keys = std::move(keys)] { BuildUnload("SELECT 1", kOptions, keys); };
  };
  using base::Secret;
  EXPECT_THAT(build({"AK'ID", Secret("s"), {}, {}}), RefusesField("access_key_id"));
  EXPECT_THAT(build({"", Secret("s"), {}, {}}), RefusesField("access_key_id"));
  EXPECT_THAT(build({"AKID", Secret("s s"), {}, {}}), RefusesField("secret_access_key"));
  EXPECT_THAT(build({"AKID", Secret(), {}, {}}), RefusesField("secret_access_key"));
  EXPECT_THAT(build({"AKID", Secret("s"), Secret("t\\"), {}}), RefusesField("session_token"));
}

TEST(BuildUnload, NeverTellsAKeyInAnError) {
  try {
    BuildUnload("SELECT 1", kOptions, aws::SessionKeys{"AKID", base::Secret("hush'hush"), {}, {}});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_THAT(std::string(error.what()) + error.info().remedy, ::testing::Not(HasSubstr("hush")));
  }
}

TEST(BuildUnload, NeverPrintsItsKeys) {
  EXPECT_EQ(::testing::PrintToString(BuildUnload("SELECT 1", kOptions, kKeys)), "[secret]");
}

TEST(BuildUnload, EncryptsWithTheKeyAskedFor) {
  UnloadOptions options = kOptions;
  options.kms_key = "auto";
  EXPECT_THAT(BuildUnload("SELECT 1", options, kKeys).Reveal(),
              HasSubstr("MANIFEST VERBOSE ENCRYPTED AUTO MAXFILESIZE"));
  options.kms_key = "arn:aws:kms:eu-west-1:123456789012:key/1-a";
  EXPECT_THAT(BuildUnload("SELECT 1", options, kKeys).Reveal(),
              HasSubstr("KMS_KEY_ID 'arn:aws:kms:eu-west-1:123456789012:key/1-a' ENCRYPTED MAX"));
  for (const char* key : {"", "AUTO", "1-a", "arn:'", "arn:aws:kms:k\\"}) {
    options.kms_key = key;
    EXPECT_THAT([&] { BuildUnload("SELECT 1", options, kKeys); }, RefusesField("kms_key")) << key;
  }
}

TEST(BuildUnload, TakesARoleInsteadOfKeys) {
  const UnloadRole chain{"arn:aws:iam::1:role/a,arn:aws:iam::2:role/b"};
  EXPECT_THAT(BuildUnload("SELECT 1", kOptions, chain).Reveal(),
              HasSubstr("IAM_ROLE 'arn:aws:iam::1:role/a,arn:aws:iam::2:role/b' FORMAT"));
  EXPECT_THAT(BuildUnload("SELECT 1", kOptions, UnloadRole{"default"}).Reveal(),
              HasSubstr("IAM_ROLE default FORMAT"));
  for (const char* role : {"", "reader", "arn:aws:iam::1:role/a, arn:aws:iam::2:role/b", "arn:'"}) {
    EXPECT_THAT([&] { BuildUnload("SELECT 1", kOptions, UnloadRole{role}); }, RefusesField("role"));
  }
}

}  // namespace
}  // namespace sluice::redshift
