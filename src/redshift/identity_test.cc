// Goal: the prediction follows AWS's table, and a name that only looks the same is told apart.
#include "redshift/identity.h"

#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

TEST(PredictDbUser, FollowsTheTable) {
  EXPECT_EQ(PredictDbUser("arn:aws:iam::123456789012:user/alice"), "IAM:alice");
  EXPECT_EQ(PredictDbUser("arn:aws:iam::123456789012:user/team/a/alice"), "IAM:alice");
  EXPECT_EQ(PredictDbUser("arn:aws:sts::123456789012:assumed-role/sluice-reader/sluice-42"),
            "IAMR:sluice-reader");
  EXPECT_EQ(PredictDbUser("arn:aws-cn:sts::1:assumed-role/AWSReservedSSO_Set_ab12/me@x.org"),
            "IAMR:AWSReservedSSO_Set_ab12");
  EXPECT_EQ(PredictDbUser("arn:aws:iam::123456789012:root"), "IAM:RootIdentity");
}

TEST(PredictDbUser, TakesTheTagOfARole) {
  EXPECT_EQ(PredictDbUser("arn:aws:sts::1:assumed-role/r/s", "etl"), "IAMR:etl");
  EXPECT_EQ(PredictDbUser("arn:aws:sts::1:assumed-role/r/s", ""), "IAMR:r");
  EXPECT_EQ(PredictDbUser("arn:aws:iam::1:user/alice", "etl"), "IAM:alice");
}

TEST(PredictDbUser, AdmitsWhatItDoesNotKnow) {
  for (const char* arn : {"", "alice", "arn:aws:sts::1:federated-user/x", "arn:aws:iam::1:role/r",
                          "arn:aws:sts::1:assumed-role/", "arn:aws:iam::1:user/", "arn:aws:iam::1",
                          "arn:aws:s3:::bucket", "ARN:aws:iam::1:root"}) {
    EXPECT_EQ(PredictDbUser(arn), std::nullopt) << arn;
  }
}

TEST(AccountOf, IsTheFifthField) {
  EXPECT_EQ(AccountOf("arn:aws:iam::123456789012:root"), "123456789012");
  EXPECT_EQ(AccountOf("arn:aws:s3:::bucket"), std::nullopt);
  EXPECT_EQ(AccountOf("123456789012"), std::nullopt);
}

TEST(StripDbUser, TakesThePrefixAndTheGroupsAway) {
  EXPECT_EQ(StripDbUser("IAM:x"), "x");
  EXPECT_EQ(StripDbUser("IAMR:x:y"), "x:y");
  EXPECT_EQ(StripDbUser("IAMA:x:group1:group2"), "x");
  EXPECT_EQ(StripDbUser("x"), "x");
  EXPECT_EQ(StripDbUser("IAM:IAM:x"), "IAM:x");
  EXPECT_EQ(StripDbUser("iam:x"), "iam:x");
}

TEST(MatchDbUser, TellsTheFourCasesApart) {
  EXPECT_EQ(MatchDbUser("", "IAMR:r"), DbUserMatch::kSame);
  EXPECT_EQ(MatchDbUser("IAMR:r", "IAMR:r"), DbUserMatch::kSame);
  EXPECT_EQ(MatchDbUser("r", "IAMR:r"), DbUserMatch::kSameButPrefix);
  EXPECT_EQ(MatchDbUser("IAM:r", "IAMR:r"), DbUserMatch::kSameButPrefix);
  EXPECT_EQ(MatchDbUser("IAMR:R", "IAMR:r"), DbUserMatch::kDiffersInCase);
  EXPECT_EQ(MatchDbUser("r", "IAMR:R"), DbUserMatch::kDiffersInCase);
  EXPECT_EQ(MatchDbUser("other", "IAMR:r"), DbUserMatch::kDifferent);
}

TEST(IsExpectedCurrentUser, TakesTheNameWithOrWithoutPrefix) {
  EXPECT_TRUE(IsExpectedCurrentUser("IAMR:r", "IAMR:r"));
  EXPECT_TRUE(IsExpectedCurrentUser("r", "IAM:r"));
  EXPECT_FALSE(IsExpectedCurrentUser("R", "IAM:r"));
  EXPECT_FALSE(IsExpectedCurrentUser("IAM:r", "IAMR:r"));
}

}  // namespace
}  // namespace sluice::redshift
