// Goal: AWS's own words for which policy refused choose the cure, whoever quotes them.
#include "aws/denial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/errors.h"

namespace sluice::aws {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum PolicyKind;

constexpr char kWho[] = "User: arn:aws:sts::123456789012:assumed-role/reader/me is not authorized ";

struct DenialRow {
  std::string text;  // behind kWho
  PolicyKind kind;
  bool outright;
  std::string reason;
  std::string seen;
  std::string remedy;
};

std::string S3(const std::string& because) {
  return "to perform: s3:PutObject on resource: \"arn:aws:s3:::acme/x/y\" " + because;
}
std::string Kms(const std::string& because) {
  return "to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:key/11 " + because;
}
std::string Assume(const std::string& because) {
  return "to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r " + because;
}

const std::vector<DenialRow> kDenialRows = {
    {S3("because no identity-based policy allows the s3:PutObject action"), kIdentity, false,
     "not_allowed", "no identity-based policy of role reader",
     R"("Action":"s3:PutObject","Resource":"arn:aws:s3:::acme/x/y")"},
    {S3("with an explicit deny in an identity-based policy"), kIdentity, true, "explicit_deny",
     "identity-based policy of role reader denies", "policies attached to role reader"},
    {S3("with an explicit deny in an identity-based policy: "
        "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"),
     kIdentity, true, "explicit_deny", "denies s3:PutObject outright",
     "(arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3)"},
    {S3("because no resource-based policy allows the s3:PutObject action"), kResource, false,
     "bucket_policy", "policy of bucket acme does not allow",
     "sluice setup bucket --bucket-account"},
    {S3("with an explicit deny in a resource-based policy"), kResource, true, "explicit_deny",
     "policy of bucket acme denies", "get-bucket-policy --bucket acme"},
    {S3("because no VPC endpoint policy allows the s3:PutObject action"), kVpcEndpoint, false,
     "limited", "does not allow s3:PutObject", "VPC endpoint between this machine and AWS"},
    {S3("with an explicit deny in a VPC endpoint policy"), kVpcEndpoint, true, "limited",
     "denies s3:PutObject", "describe-vpc-endpoints"},
    {S3("because no permissions boundary allows the s3:PutObject action"), kBoundary, false,
     "limited", "permissions boundary of role reader does not allow", "Permissions boundary"},
    {S3("with an explicit deny in a permissions boundary: arn:aws:iam::1:policy/b."), kBoundary,
     true, "limited", "boundary of role reader denies", "(arn:aws:iam::1:policy/b)"},
    {S3("because no session policy allows the s3:PutObject action"), kSession, false, "limited",
     "session policy", "without a session policy"},
    {S3("with an explicit deny in a session policy"), kSession, true, "limited", "session policy",
     "GetFederationToken"},
    {S3("because no service control policy allows the s3:PutObject action"), kServiceControl, false,
     "limited", "(SCP) of the organization does not allow", "Service control policies"},
    {S3("with an explicit deny in a service control policy: "
        "arn:aws:organizations::2:policy/o-a/service_control_policy/p-0"),
     kServiceControl, true, "limited", "(SCP) of the organization denies",
     "service_control_policy/p-0"},
    {S3("because no resource control policy allows the s3:PutObject action"), kResourceControl,
     false, "limited", "(RCP)", "Resource control policies"},
    {S3("with an explicit deny in a resource control policy"), kResourceControl, true, "limited",
     "(RCP) of the organization denies", "administrators of the organization"},
    {S3("with an explicit deny"), kUnknown, true, "explicit_deny", "a policy denies", "outright"},
    {S3("because a bucket policy explicitly denies access"), kResource, true, "explicit_deny",
     "policy of bucket acme denies", "get-bucket-policy"},
    {S3(""), kUnknown, false, "not_allowed", "", "sluice setup bucket --bucket-account ID"},
    {Kms("because no identity-based policy allows the kms:GenerateDataKey action"), kIdentity,
     false, "kms_denied", "no policy of role reader allows kms:GenerateDataKey",
     R"(["kms:GenerateDataKey","kms:Decrypt"],"Resource":"arn:aws:kms:us-east-1:1:key/11")"},
    {Kms("because no resource-based policy allows the kms:GenerateDataKey action"), kKey, false,
     "kms_denied", "key policy of arn:aws:kms:us-east-1:1:key/11 does not allow",
     R"("Principal":{"AWS":"arn:aws:iam::123456789012:role/reader"})"},
    {Kms("with an explicit deny in a resource-based policy"), kKey, true, "kms_denied",
     "key policy of arn:aws:kms:us-east-1:1:key/11 denies", "exempt"},
    {Kms("with an explicit deny in an identity-based policy"), kIdentity, true, "kms_denied",
     "policy of role reader denies", "kms:Decrypt"},
    {Kms("with an explicit deny in a service control policy"), kServiceControl, true, "limited",
     "(SCP)", "kms:GenerateDataKey"},
    {"to perform: kms:Decrypt on the resource associated with this ciphertext because the resource "
     "does not exist in this Region, no resource-based policies allow access, or a resource-based "
     "policy explicitly denies access",
     kKey, false, "kms_denied", "key policy", "another region or one that was deleted"},
    {Kms(""), kUnknown, false, "kms_denied", "not allowed to role reader", "kms:GenerateDataKey"},
    {Assume("because no identity-based policy allows the sts:AssumeRole action"), kIdentity, false,
     "not_allowed", "no identity-based policy", R"("Action":"sts:AssumeRole")"},
    {Assume("because no role trust policy allows the sts:AssumeRole action"), kTrust, false,
     "trust_refused", "trust policy", "to call sts:AssumeRole"},
    {Assume("with an explicit deny in the role trust policy"), kTrust, true, "explicit_deny",
     "trust policy of arn:aws:iam::1:role/r denies", "Trust relationships"},
    {Assume("because no resource-based policy allows the sts:AssumeRole action"), kTrust, false,
     "trust_refused", "trust policy", "ExternalId"},
    {Assume(""), kUnknown, false, "trust_refused", "", "to call sts:AssumeRole"},
};

TEST(Denial, EachOfAwssWordsHasItsPolicyAndItsCure) {
  for (const DenialRow& row : kDenialRows) {
    SCOPED_TRACE(row.text);
    const auto denial = ReadDenial(kWho + row.text);
    ASSERT_TRUE(denial);
    EXPECT_EQ(denial->kind, row.kind);
    EXPECT_EQ(denial->outright, row.outright);
    const auto advice = AdviseOn(*denial, Asker::kUs);
    EXPECT_EQ(advice.reason, row.reason);
    EXPECT_THAT(advice.seen, HasSubstr(row.seen));
    EXPECT_THAT(advice.remedy, HasSubstr(row.remedy));
    EXPECT_THAT(advice.seen, Not(HasSubstr("{action}")));
    for (const char* word : {"{action}", "{resource}", "{holder}", "{principal}", "{policy}",
                             "{bucket}", "{endpoint}", "{refuses}", "{list}", "{identity}"}) {
      EXPECT_THAT(advice.seen + advice.remedy, Not(HasSubstr(word)));
    }
  }
}

TEST(Denial, KmsIsAGuessOnlyWhereTheBucketRefusesAPut) {
  for (const DenialRow& row : kDenialRows) {
    const auto denial = ReadDenial(kWho + row.text);
    const bool may = denial->action == "s3:PutObject" && denial->outright &&
                     (denial->kind == kResource || denial->kind == kUnknown);
    const std::string remedy = AdviseOn(*denial, Asker::kUs).remedy;
    EXPECT_EQ(remedy.find("staging.kms_key") != std::string::npos && denial->action[0] == 's', may)
        << row.text;
  }
}

TEST(Denial, LooksForTheEndpointWhereTheRequestWent) {
  const auto denial = ReadDenial(kWho + S3("because no VPC endpoint policy allows it"));
  EXPECT_THAT(AdviseOn(*denial, Asker::kWorkgroup).remedy,
              HasSubstr("VPC endpoint between the workgroup and S3"));
}

TEST(Denial, IsNotReadFromOtherTexts) {
  for (const char* text : {"Access Denied", "", "The provided token has expired.",
                           "Forbidden: identity-based policy"}) {
    EXPECT_FALSE(ReadDenial(text)) << text;
  }
}

TEST(Denial, KnowsWhosePolicyItIs) {
  EXPECT_EQ(HolderOf("arn:aws:sts::1:assumed-role/reader/s"), "role reader");
  EXPECT_EQ(HolderOf("arn:aws:iam::1:user/a/b/ann"), "user ann");
  EXPECT_EQ(HolderOf("arn:aws:sts::1:federated-user/f"), "federated user f");
  EXPECT_EQ(HolderOf("arn:aws:iam::1:root"), "arn:aws:iam::1:root");
}

}  // namespace
}  // namespace sluice::aws
