// Goal: what is pasted into a shell runs as it stands, and only where it is needed.
#include "setup/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "setup/terraform.h"
#include "setup/testing/facts.h"

namespace sluice::setup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ShellQuote, LetsNothingOut) { EXPECT_EQ(ShellQuote("a'b $x `y`"), "'a'\\''b $x `y`'"); }

TEST(BucketCommands, SetTheRuleAndThePolicyOnlyAcrossAccounts) {
  Facts facts = KnownFacts();
  EXPECT_THAT(BucketCommands(facts),
              AllOf(HasSubstr("\naws s3api put-bucket-lifecycle-configuration --bucket "
                              "acme-sluice-staging --lifecycle-configuration '{"),
                    Not(HasSubstr("LocationConstraint")), Not(HasSubstr("put-bucket-policy"))));
  facts.bucket_account = "333333333333";
  facts.bucket_region = "eu-west-1";
  EXPECT_THAT(BucketCommands(facts), AllOf(HasSubstr("\naws s3api put-bucket-policy"),
                                           HasSubstr("LocationConstraint=eu-west-1")));
}

TEST(NetworkCommands, OpenOnePortToOneAddress) {
  Facts facts = KnownFacts();
  facts.port = 5440;
  EXPECT_THAT(NetworkCommands(facts),
              HasSubstr("'IpProtocol=tcp,FromPort=5440,ToPort=5440,IpRanges=[{CidrIp=203.0.113.7/"
                        "32,Description=sluice-acme}]'"));
  facts.our_address = "2001:db8::1";
  EXPECT_THAT(NetworkCommands(facts), HasSubstr("Ipv6Ranges=[{CidrIpv6=2001:db8::1/128,"));
  facts.our_address.clear();
  EXPECT_THAT(NetworkCommands(facts),
              AllOf(HasSubstr("# <SLUICE_ADDRESS>: the public address that Sluice connects from. "
                              "To find it:\n#   where Sluice runs: curl"),
                    HasSubstr("CidrIp=<SLUICE_ADDRESS>/32")));
}

TEST(IdentityCommands, TagWhatIsToBeTagged) {
  Facts facts = KnownFacts();
  EXPECT_EQ(IdentityCommands(facts), "");
  facts.pattern = Pattern::kUserTag;
  facts.db_user = "IAMR:sluice";
  EXPECT_EQ(IdentityCommands(facts), "");  // sent with the session
  facts.tag_on_identity = true;
  EXPECT_THAT(IdentityCommands(facts), HasSubstr("\naws iam tag-role --role-name sluice-reader "
                                                 "--tags 'Key=RedshiftDbUser,Value=sluice'\n"));
  facts.pattern = Pattern::kRolesTag;
  facts.db_roles = {"a", "b"};
  facts.by_role = false;
  EXPECT_THAT(IdentityCommands(facts), HasSubstr("tag-user --user-name sluice-reader --tags "
                                                 "'Key=RedshiftDbRoles,Value=a:b'\n"));
}

TEST(IdentityCommands, LengthenTheRolesSession) {
  Facts facts = KnownFacts();
  facts.session_hours_max = 4;
  EXPECT_THAT(IdentityCommands(facts),
              HasSubstr("update-role --role-name sluice-reader --max-session-duration 14400"));
}

TEST(UnloadRoleCommands, AreOfTheFirstRoleOfAChain) {
  Facts facts = KnownFacts();
  EXPECT_EQ(UnloadRoleCommands(facts), "");
  facts.unload_role = "arn:aws:iam::123456789012:role/a/first,arn:aws:iam::1:role/second";
  EXPECT_THAT(UnloadRoleCommands(facts),
              AllOf(HasSubstr("update-assume-role-policy --role-name first --policy-document '{"),
                    HasSubstr("--iam-roles arn:aws:iam::123456789012:role/a/first\n")));
}

TEST(Terraform, MakesVariablesOfWhatIsNotKnown) {
  Facts facts = KnownFacts();
  facts.workgroup_id.clear();
  const std::string text = Terraform(facts);
  EXPECT_THAT(text, AllOf(HasSubstr("variable \"workgroup_id\" {"),
                          HasSubstr("workgroup/${var.workgroup_id}\""),
                          Not(HasSubstr("variable \"account_id\"")), Not(HasSubstr("<WORK"))));
}

TEST(Terraform, LetsNoValueBeginATemplate) {
  EXPECT_EQ(HclQuote("a\"\\${b}%{c}\n"), "\"a\\\"\\\\$${b}%%{c}\\n\"");
  Facts facts = KnownFacts();
  facts.schemas = {{.name = "${file(\"/etc/passwd\")}", .tables = {}}};
  EXPECT_THAT(Terraform(facts), HasSubstr("ON SCHEMA \"$${file(\"\"/etc/passwd\"\")}\" TO"));
}

TEST(Terraform, OfKeysMakesAUserAndNoKey) {
  Facts facts = KnownFacts();
  facts.by_role = false;
  EXPECT_THAT(Terraform(facts),
              AllOf(HasSubstr("resource \"aws_iam_user\" \"sluice_acme\" {"),
                    Not(HasSubstr("aws_iam_access_key")), Not(HasSubstr("assume_role_policy"))));
}

}  // namespace
}  // namespace sluice::setup
