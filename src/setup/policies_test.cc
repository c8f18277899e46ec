// Goal: each document asks for what is used, on what is used, and no more.
#include "setup/policies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "setup/testing/facts.h"

namespace sluice::setup {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Sids(const std::string& document) {
  std::vector<std::string> sids;
  const auto statements = json::parse(document)["Statement"];
  for (const auto& statement : statements) sids.push_back(statement["Sid"]);
  return sids;
}

json Statement(const std::string& document, const std::string& sid) {
  const auto statements = json::parse(document)["Statement"];
  for (const auto& statement : statements) {
    if (statement["Sid"] == sid) return statement;
  }
  return nullptr;
}

TEST(PermissionPolicy, OfARoleLogsInAndUsesItsPrefix) {
  const std::string policy = PermissionPolicy(KnownFacts());
  EXPECT_THAT(Sids(policy), ElementsAre("Login", "Bucket", "Objects"));
  EXPECT_EQ(json::parse(policy)["Version"], "2012-10-17");
  EXPECT_EQ(Statement(policy, "Login")["Resource"],
            "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/"
            "11112222-3333-4444-5555-666677778888");
  EXPECT_EQ(Statement(policy, "Bucket")["Resource"], "arn:aws:s3:::acme-sluice-staging");
  EXPECT_EQ(Statement(policy, "Objects")["Resource"], "arn:aws:s3:::acme-sluice-staging/sluice/*");
}

TEST(PermissionPolicy, OfKeysMayNarrowThemUnlessRedshiftUsesARole) {
  Facts facts = KnownFacts();
  facts.by_role = false;
  EXPECT_THAT(Sids(PermissionPolicy(facts)), ElementsAre("Login", "Bucket", "Objects", "Narrow"));
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Narrow")["Resource"],
            "arn:aws:sts::123456789012:federated-user/*");
  facts.unload_role = "default";
  EXPECT_THAT(Sids(PermissionPolicy(facts)), ElementsAre("Login", "Bucket", "Objects"));
}

TEST(PermissionPolicy, OfALakeMayWriteBeneathItsPrefixAlone) {
  Facts facts = KnownFacts();
  facts.lake_bucket = "acme-warehouse";
  facts.lake_prefix = "lake/";
  const std::string policy = PermissionPolicy(facts);
  EXPECT_THAT(Sids(policy), ElementsAre("Login", "Bucket", "Objects", "Lake", "LakeObjects"));
  EXPECT_EQ(Statement(policy, "Lake")["Resource"], "arn:aws:s3:::acme-warehouse");
  EXPECT_EQ(Statement(policy, "LakeObjects")["Resource"], "arn:aws:s3:::acme-warehouse/lake/*");
}

TEST(PermissionPolicy, AsksForAKeyOnlyUnderKms) {
  Facts facts = KnownFacts();
  facts.kms_key = "arn:aws:kms:us-east-1:123456789012:key/k";
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Key"), json::parse(R"({"Sid":"Key","Effect":"Allow",
                            "Action":["kms:GenerateDataKey","kms:Decrypt"],
                            "Resource":"arn:aws:kms:us-east-1:123456789012:key/k"})"));
  facts.kms_key = "auto";
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Key")["Resource"], "<KMS_KEY_ARN>");
}

TEST(PermissionPolicy, ReadsTagsOnlyIfTheyStandOnTheIdentity) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kRolesTag;
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Tags"), nullptr);
  facts.tag_on_identity = true;
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Tags")["Action"],
            json({"tag:GetResources", "tag:GetTagKeys"}));
  facts.pattern = Pattern::kUserTag;
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Tags"), nullptr);
}

TEST(PermissionPolicy, OfPatternDNamesUserAndDatabase) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kClusterCredentials;
  facts.db_user = "IAM:sluice";
  const std::string policy = PermissionPolicy(facts);
  EXPECT_THAT(Sids(policy), ElementsAre("Login", "Workgroup", "Namespace", "Bucket", "Objects"));
  EXPECT_EQ(Statement(policy, "Login")["Action"], "redshift:GetClusterCredentials");
  EXPECT_EQ(Statement(policy, "Login")["Resource"],
            json({"arn:aws:redshift:us-east-1:123456789012:dbuser:*/sluice",
                  "arn:aws:redshift:us-east-1:123456789012:dbname:*/dev"}));
  EXPECT_EQ(Statement(policy, "Namespace")["Resource"],
            "arn:aws:redshift-serverless:us-east-1:123456789012:namespace/"
            "99992222-3333-4444-5555-666677778888");
}

TEST(PermissionPolicy, IsOfThePartition) {
  Facts facts = KnownFacts();
  facts.partition = "aws-cn";
  EXPECT_THAT(PermissionPolicy(facts), Not(HasSubstr("arn:aws:")));
  EXPECT_THAT(PermissionPolicy(facts), HasSubstr("arn:aws-cn:s3:::"));
}

TEST(PermissionPolicy, HoldsPlaceholdersForWhatIsNotKnown) {
  Facts facts = KnownFacts();
  facts.account.clear();
  facts.region.clear();
  facts.workgroup_id.clear();
  EXPECT_EQ(Statement(PermissionPolicy(facts), "Login")["Resource"],
            "arn:aws:redshift-serverless:<REGION>:<ACCOUNT_ID>:workgroup/<WORKGROUP_ID>");
}

TEST(TrustPolicy, NamesThePrincipalAndDemandsTheExternalId) {
  EXPECT_EQ(json::parse(TrustPolicy(KnownFacts()))["Statement"],
            json::parse(R"([{"Sid":"Assume","Effect":"Allow",
              "Principal":{"AWS":"arn:aws:iam::210987654321:user/sluice-base"},
              "Action":"sts:AssumeRole",
              "Condition":{"StringEquals":{"sts:ExternalId":"acme-42"}}}])"));
  Facts facts = KnownFacts();
  facts.external_id.clear();
  facts.principal_arn.clear();
  EXPECT_THAT(TrustPolicy(facts), Not(HasSubstr("Condition")));
  EXPECT_THAT(TrustPolicy(facts), HasSubstr("<SLUICE_PRINCIPAL_ARN>"));
}

TEST(TrustPolicy, AllowsTagsOnlyWhereTheyAreSent) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kUserTag;
  EXPECT_EQ(Statement(TrustPolicy(facts), "Assume")["Action"],
            json({"sts:AssumeRole", "sts:TagSession"}));
  facts.tag_on_identity = true;
  EXPECT_EQ(Statement(TrustPolicy(facts), "Assume")["Action"], "sts:AssumeRole");
  facts.tag_on_identity = false;
  facts.pattern = Pattern::kClusterCredentials;
  EXPECT_EQ(Statement(TrustPolicy(facts), "Assume")["Action"], "sts:AssumeRole");
}

TEST(TrustPolicy, OfAWebIdentityDemandsAudienceAndSubject) {
  Facts facts = KnownFacts();
  facts.web_identity = {.issuer = "https://token.example.com/", .audience = "sts", .subject = "s1"};
  EXPECT_EQ(json::parse(TrustPolicy(facts))["Statement"], json::parse(R"([{"Sid":"Assume",
    "Effect":"Allow",
    "Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.example.com"},
    "Action":"sts:AssumeRoleWithWebIdentity",
    "Condition":{"StringEquals":{"token.example.com:aud":"sts","token.example.com:sub":"s1"}}}])"));
  facts.web_identity = {.issuer = "https://accounts.google.com", .audience = "a", .subject = ""};
  EXPECT_EQ(json::parse(TrustPolicy(facts))["Statement"], json::parse(R"([{"Sid":"Assume",
    "Effect":"Allow","Principal":{"Federated":"accounts.google.com"},
    "Action":"sts:AssumeRoleWithWebIdentity",
    "Condition":{"StringEquals":{"accounts.google.com:oaud":"a",
                                 "accounts.google.com:sub":"<TOKEN_SUBJECT>"}}}])"));
}

TEST(TrustPolicy, IsNotThereForKeys) {
  Facts facts = KnownFacts();
  facts.by_role = false;
  EXPECT_EQ(TrustPolicy(facts), "");
}

TEST(BucketPolicy, IsThereOnlyAcrossAccounts) {
  Facts facts = KnownFacts();
  EXPECT_EQ(BucketPolicy(facts), "");
  facts.bucket_account = facts.account;
  EXPECT_EQ(BucketPolicy(facts), "");
  facts.bucket_account = "333333333333";
  EXPECT_THAT(Sids(BucketPolicy(facts)), ElementsAre("SluiceBucket", "SluiceObjects"));
  EXPECT_EQ(Statement(BucketPolicy(facts), "SluiceObjects")["Principal"],
            json({{"AWS", "arn:aws:iam::123456789012:role/teams/sluice-reader"}}));
}

TEST(LifecycleRule, CoversOnlyTheRoot) {
  EXPECT_EQ(json::parse(LifecycleRule(KnownFacts())),
            json::parse(R"({"Rules":[{"ID":"sluice-staging","Status":"Enabled",
              "Filter":{"Prefix":"sluice/"},"Expiration":{"Days":2},
              "NoncurrentVersionExpiration":{"NoncurrentDays":1},
              "AbortIncompleteMultipartUpload":{"DaysAfterInitiation":2}}]})"));
}

TEST(UnloadRole, IsForRedshiftOnBehalfOfOurUserAndMayNotDelete) {
  const auto trust = json::parse(UnloadRoleTrust(KnownFacts()))["Statement"];
  ASSERT_EQ(trust.size(), 1U);
  EXPECT_EQ(trust[0]["Principal"]["Service"],
            json({"redshift.amazonaws.com", "redshift-serverless.amazonaws.com"}));
  EXPECT_EQ(trust[0]["Condition"]["StringEquals"]["sts:ExternalId"],
            "arn:aws:redshift:us-east-1:123456789012:dbuser:serverless-123456789012-"
            "11112222-3333-4444-5555-666677778888/IAMR:sluice-reader");
  EXPECT_THAT(UnloadRolePolicy(KnownFacts()), Not(HasSubstr("Delete")));
}

}  // namespace
}  // namespace sluice::setup
