// Goal: no message of the configuration repeats a secret, whatever field it slipped into, whatever
// its form; and a plain mistake is still shown to whoever made it.
#include "config/showable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/config.h"
#include "config/edit.h"

namespace sluice::config {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kShownGood = R"(name: acme
redshift:
  workgroup: analytics
  host: analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com
  database: dev
staging: { bucket: acme-staging, region: us-east-1 }
auth: { role_arn: "arn:aws:iam::123456789012:role/reader" }
destination: { type: duckdb, path: a.duckdb }
streams:
  - table: sales.orders
)";

// Beyond doubt.
const std::vector<std::string> kKeys = {
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "aB3/dE5+gH7iJ9kL1mN3oP5qR7sT9uV1wX3yZ5aB",
    "s3n://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY@acme",
    "jdbc:redshift:iam://h/dev?AccessKeyID=AKIAIOSFODNN7EXAMPLE&SecretAccessKey=wJalrXUtnFEMI/"
    "K7MDENG/bPxRfiCYEXAMPLEKEY",
    "arn:aws:iam::123456789012:role/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "-----BEGIN RSA PRIVATE KEY----- MIIEpAIBAAKCAQEA -----END RSA PRIVATE KEY-----",
};
// Likely.
const std::vector<std::string> kLikely = {
    "sluice:hunter2@db.acme.com",
    "postgresql://sluice:hunter2@db.acme.com/warehouse",
    "password=hunter2!",
    "my secret value?",
    "IQoJb3JpZ2luX2VjEHYaCXVzLWVhc3QtMSJHMEUCIQC0aB9xK3LmN7pQ2rS5tU8vW1yZ",
    "0123456789abcdef0123456789abcdef01234567",
    "xoxb-1234567890-abcdefghijklmnop",
};

struct Place {
  const char* group;
  const char* key;
};
const std::vector<Place> kPlaces = {
    {"", "name"},
    {"redshift", "workgroup"},
    {"redshift", "host"},
    {"redshift", "port"},
    {"redshift", "database"},
    {"redshift", "username"},
    {"redshift", "login_api"},
    {"redshift", "region"},
    {"redshift", "sslrootcert"},
    {"redshift", "no_such_field"},
    {"staging", "bucket"},
    {"staging", "region"},
    {"staging", "root"},
    {"staging", "kms_key"},
    {"staging", "unload_role"},
    {"auth", "role_arn"},
    {"auth", "session_name"},
    {"auth", "external_id"},
    {"auth", "access_key_id"},
    {"auth", "secret_access_key"},
    {"auth", "duration"},
    {"auth", "profile"},
    {"auth", "source"},
    {"auth", "allow_keys_in_unload"},
    {"auth", "session_tags"},
    {"destination", "type"},
    {"destination", "path"},
    {"destination", "host"},
    {"destination", "port"},
    {"destination", "user"},
    {"destination", "database"},
    {"destination", "sslmode"},
    {"destination", "schema"},
    {"destination", "connections"},
    {"destination", "endpoint_url"},
    {"destination", "region"},
    {"destination", "keep_for"},
    {"defaults", "sync_mode"},
    {"defaults", "overlap"},
    {"limits", "memory_mb"},
    {"limits", "work_dir"},
    {"history", "keep"},
    {"aws", "ca_bundle"},
    {"aws", "endpoint_url"},
    {"aws", "use_fips"},
    {"", "streams_parallel"},
    {"", "no_such_field"},
    {"no_such_group", "field"},
};

std::string TextOf(const Loaded& loaded) {
  std::string text;
  for (const Problem& problem : loaded.problems) {
    text += problem.field + " " + problem.problem + " " + problem.remedy + "\n";
  }
  return text;
}

Loaded ParseShown(const std::string& text) {
  return Parse(text, "sluice.yaml", [](std::string_view) { return std::nullopt; });
}

// No long piece of it either: a message that shows the half of a key has shown it.
void ExpectHidden(const std::string& text, const std::string& secret, const std::string& where) {
  constexpr std::size_t kPiece = 12;
  for (std::size_t at = 0; at + std::min(kPiece, secret.size()) <= secret.size(); ++at) {
    const std::string piece = secret.substr(at, kPiece);
    // What every ARN and address has.
    if (std::string("jdbc:redshift:iam://h/dev arn:aws:iam::123456789012:role/ postgresql://")
            .find(piece) != std::string::npos) {
      continue;
    }
    ASSERT_EQ(text.find(piece), std::string::npos) << where << ": " << text;
  }
}

TEST(Disclosure, NoFieldRepeatsASecret) {
  std::vector<std::string> secrets = kKeys;
  secrets.insert(secrets.end(), kLikely.begin(), kLikely.end());
  for (const Place& place : kPlaces) {
    for (const std::string& secret : secrets) {
      const std::string where = std::string(place.group) + "." + place.key + " = " + secret;
      const Loaded loaded = ParseShown(EditYaml(kShownGood, {{place.group, place.key, secret}}));
      ExpectHidden(TextOf(loaded), secret, where);
    }
  }
}

TEST(Disclosure, KeyMaterialIsRefusedOutsideItsField) {
  for (const Place& place : kPlaces) {
    if (std::string_view(place.key) == "secret_access_key" || place.group[0] == 'n') continue;
    if (std::string_view(place.key) == "access_key_id") continue;
    // What external IDs look like is their owner's business; they are never shown.
    if (std::string_view(place.key) == "external_id") continue;
    for (const std::string& secret : kKeys) {
      const Loaded loaded = ParseShown(EditYaml(kShownGood, {{place.group, place.key, secret}}));
      EXPECT_THAT(TextOf(loaded), HasSubstr(place.key)) << place.group << " = " << secret;
    }
  }
}

TEST(Disclosure, NeitherNamesOfFieldsNorStreamsNorYamlRepeatASecret) {
  std::vector<std::string> secrets = kKeys;
  secrets.insert(secrets.end(), kLikely.begin(), kLikely.end());
  for (const std::string& secret : secrets) {
    const std::string quoted = "\"" + secret + "\"";
    const std::string good(kShownGood);
    for (const std::string& text :
         {good + "  - table: " + quoted + "\n",
          good + "  - " + quoted + "\n",
          good + "  - { name: q, sql: " + quoted + " }\n",
          good + "    primary_key: [" + quoted + ", {}]\n",
          good + "    cursor: " + quoted + "\n    cursor: x\n",
          good + "  - { name: " + quoted + ", sql: SELECT 1 }\n  - { name: " + quoted +
              ", sql: SELECT 2 }\n",
          good + quoted + ": x\n",
          good + quoted + ": x\n" + quoted + ": y\n",
          good + "aws: { " + quoted + ": x }\n",
          good + "limits: " + quoted + "\n",
          good + "aws: {" + secret + "\n",
          good + "aws: *" + secret + "\n",
          good + "aws: &" + secret + " x\n",
          good + "aws: !" + secret + " x\n",
          good + "aws: \"\\q" + secret + "\"\n",
          good + "aws: " + secret + ": " + secret + ": x\n",
          good + "  " + secret + "\n",
          good + "%" + secret + "\n",
          secret,
          EditYaml(kShownGood, {{"auth", "session_name", "x"}}) + "? {" + quoted + ": 1}\n: 2\n"}) {
      const Loaded loaded = ParseShown(text);
      ExpectHidden(TextOf(loaded), secret, text);
    }
    const std::string tags =
        "auth: { role_arn: \"arn:aws:iam::123456789012:role/r\", session_tags: ";
    const std::string text = EditYaml(kShownGood, {})
                                 .replace(kShownGood.find("auth:"), 6,
                                          tags + "{" + quoted + ": \"a;" + secret + "\"} }\nx: ");
    ExpectHidden(TextOf(ParseShown(text)), secret, text);
  }
}

TEST(Disclosure, SwappedKeysAreToldAtBoth) {
  const Loaded loaded = ParseShown(
      EditYaml(kShownGood, {{"auth", "access_key_id", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
                            {"auth", "secret_access_key", "AKIAIOSFODNN7EXAMPLE"},
                            {"auth", "role_arn", std::nullopt}}));
  ASSERT_EQ(loaded.problems.size(), 2U);
  EXPECT_EQ(loaded.problems[0].field, "auth.access_key_id");
  EXPECT_EQ(loaded.problems[1].field, "auth.secret_access_key");
  for (const Problem& problem : loaded.problems) {
    EXPECT_THAT(problem.remedy, HasSubstr("swapped"));
  }
}

TEST(Showable, PlainMistakesAreShown) {
  EXPECT_TRUE(IsShowable("70000", Form::kNumber));
  EXPECT_TRUE(IsShowable("-1", Form::kNumber));
  EXPECT_TRUE(IsShowable("10 min", Form::kDuration));
  EXPECT_TRUE(IsShowable("us_east_1", Form::kRegion));
  EXPECT_TRUE(IsShowable("Virginia", Form::kRegion));
  EXPECT_TRUE(IsShowable("Acme Corp!", Form::kWords));
  EXPECT_TRUE(IsShowable("dev.sales.orders", Form::kTable));
  EXPECT_TRUE(IsShowableKey("streems"));
  EXPECT_TRUE(IsShowableKey("Workgroup name"));
  EXPECT_TRUE(IsShowableKey("secretAccessKey"));
}

TEST(Showable, WhatMayBeASecretIsNot) {
  EXPECT_FALSE(IsShowable("1234567890123", Form::kNumber));
  EXPECT_FALSE(IsShowable("hunter2", Form::kNumber));
  EXPECT_FALSE(IsShowable("5hunter", Form::kDuration));
  EXPECT_FALSE(IsShowable("eu-hunter-2", Form::kRegion));
  EXPECT_FALSE(IsShowable("hunter2", Form::kWords));
  EXPECT_FALSE(IsShowable("password", Form::kWords));
  EXPECT_FALSE(IsShowable("auth.tokens", Form::kTable));
  EXPECT_FALSE(IsShowable("anything", Form::kNever));
  EXPECT_FALSE(IsShowableKey("AKIAIOSFODNN7EXAMPLE"));
  EXPECT_FALSE(IsShowableKey("wJalrXUtnFEMIKMDENGbPxRfiCYEXAMPLEKEY"));
}

TEST(HoldsKeyMaterial, NoHonestValueLooksSo) {
  for (const char* value :
       {"arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/"
        "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        "/Users/JohnSmith1/projects/CompanyWide/warehouse/Main1/data.duckdb",
        "/run/secrets/kubernetes.io/serviceaccount/token",
        "0123456789abcdef0123456789abcdef01234567", "AKIA_is_a_name", "ASIAN_ORDERS_2024_ALL",
        "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com",
        "CustomerOrdersByRegionAndCountryOfOrigin", "IAM:someone@example.com"}) {
    EXPECT_FALSE(HoldsKeyMaterial(value)) << value;
  }
  for (const std::string& key : kKeys) EXPECT_TRUE(HoldsKeyMaterial(key)) << key;
}

}  // namespace
}  // namespace sluice::config
