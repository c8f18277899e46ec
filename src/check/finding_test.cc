// Goal: an error becomes the finding of its cause: by what AWS or the server said, before what was
// being done.
#include "check/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::check {
namespace {

using ::testing::HasSubstr;
using enum Step;

base::ErrorInfo Denied(const std::string& reason, const std::string& operation = "PutObject",
                       const std::string& action = "s3:PutObject") {
  return {.code = base::ErrorCode::kPermission,
          .operation = operation,
          .message = "seen",
          .remedy = "the error's own cure",
          .reason = reason,
          .facts = {{"action", action}, {"resource", "arn:x"}, {"holder", "role r"}}};
}

TEST(MakeFailure, WhatWasDeniedOutranksWhatWasBeingDone) {
  EXPECT_EQ(MakeFailure(kBucketRights, "", Denied("not_allowed"), {}).id, "bucket_rights.no_put");
  EXPECT_EQ(
      MakeFailure(kBucketRights, "", Denied("not_allowed", "PutObject", "s3:ListBucket"), {}).id,
      "bucket_rights.no_list");
  EXPECT_EQ(MakeFailure(kUnload, "", Denied("not_allowed", "UNLOAD", "s3:ListBucket"), {}).id,
            "unload.no_list");
  EXPECT_EQ(MakeFailure(kUnload, "", Denied("not_allowed", "UNLOAD"), {}).id, "unload.not_allowed");
}

TEST(MakeFailure, EachCauseHasItsFindingAndKeepsItsCure) {
  struct Row {
    Step step;
    const char* reason;
    const char* id;
  };
  for (const Row& row : {Row{kIdentity, "limited", "identity.limited"},
                         {kIdentity, "proxy", "identity.proxy"},
                         {kIdentity, "foreign_answer", "identity.foreign_answer"},
                         {kIdentity, "certificate", "identity.certificate"},
                         {kIdentity, "key_form", "identity.key_form"},
                         {kIdentity, "mfa", "identity.mfa"},
                         {kDatabaseCredentials, "proxy", "identity.proxy"},
                         {kDatabaseCredentials, "limited", "database_credentials.limited"},
                         {kDatabaseCredentials, "explicit_deny", "database_credentials.denied"},
                         {kLogin, "shared_database", "login.shared_database"},
                         {kLogin, "usage_limit", "login.usage_limit"},
                         {kLogin, "not_ready", "login.not_ready"},
                         {kLogin, "login_refused", "login.refused"},
                         {kBucket, "foreign_answer", "identity.foreign_answer"},
                         {kBucketRights, "kms_denied", "bucket_rights.kms_denied"},
                         {kBucketRights, "kms_key", "bucket_rights.kms_key"},
                         {kBucketRights, "explicit_deny", "bucket_rights.denied"},
                         {kBucketRights, "limited", "bucket_rights.limited"},
                         {kBucketRights, "bucket_policy", "bucket_rights.bucket_policy"},
                         {kUnload, "explicit_deny", "unload.denied"},
                         {kUnload, "limited", "unload.limited"},
                         {kUnload, "bucket_policy", "unload.bucket_policy"},
                         {kUnload, "kms_denied", "unload.kms_denied"},
                         {kUnload, "no_way_to_s3", "unload.no_way_to_s3"}}) {
    const Finding finding = MakeFailure(row.step, "", Denied(row.reason), {});
    EXPECT_EQ(finding.id, row.id);
    EXPECT_EQ(finding.step, row.step);
    EXPECT_THAT(finding.remedy, HasSubstr("the error's own cure")) << row.id;
    EXPECT_THAT(finding.why, ::testing::Not(HasSubstr("<"))) << row.id;
  }
}

TEST(MakeFailure, KmsIsToldAsAGuess) {
  const Finding finding = MakeFailure(kBucketRights, "", Denied("kms_guess"), {{"bucket", "acme"}});
  EXPECT_EQ(finding.id, "bucket_rights.kms_demanded");
  EXPECT_THAT(finding.remedy, HasSubstr("If the bucket's policy requires"));
  EXPECT_THAT(finding.remedy, HasSubstr("get-bucket-policy --bucket acme"));
}

}  // namespace
}  // namespace sluice::check
