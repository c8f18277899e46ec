// Goal: the block of an S3 failure is read wherever it is cut, and what is shown is masked.
#include "redshift/server_text.h"

#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

constexpr char kBlock[] =
    "  error:  S3ServiceException:A, B,Status 403,Error AccessDenied,Rid 4H2,ExtRid x=,CanRetry 1\n"
    "  code:      8001\n  query:     4711\n  location:  s3_unloader.cpp:220\n";

TEST(ParseS3Failure, ReadsStatusErrorAndIds) {
  const auto failure = ParseS3Failure(kBlock);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, 403);
  EXPECT_EQ(failure->error, "AccessDenied");
  EXPECT_EQ(failure->request_id, "4H2");
  EXPECT_EQ(failure->query_id, "4711");
}

TEST(ParseS3Failure, ReadsMembersNotProse) {
  const auto failure =
      ParseS3Failure("S3ServiceException:Status 200 Error Fake,Status 301,Error X");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status, 301);
  EXPECT_EQ(failure->error, "X");
  EXPECT_EQ(ParseS3Failure("permission denied"), std::nullopt);
}

TEST(ParseS3Failure, EndsSoundlyWhereverTheTextIsCut) {
  const std::string block = kBlock;
  for (std::size_t n = 0; n <= block.size(); ++n) {
    const auto failure = ParseS3Failure(block.substr(0, n));
    if (!failure) continue;
    EXPECT_TRUE(failure->status == 0 || std::to_string(failure->status).size() <= 3);
    EXPECT_TRUE(std::string("AccessDenied").starts_with(failure->error)) << n;
  }
}

TEST(ParseS3Failure, TakesADamagedStatusAsNone) {
  EXPECT_EQ(ParseS3Failure("S3ServiceException:x,Status four,Error E")->status, 0);
  EXPECT_EQ(ParseS3Failure("S3ServiceException:x,Status 99999999999,Error E")->status, 0);
}

TEST(Mask, HidesQuotesNumbersAndKeys) {
  EXPECT_EQ(Mask("value 'x' of \"c\""), "value '...' of \"...\"");
  EXPECT_EQ(Mask("Query (12) canceled on user's request"), "Query (12) canceled on user's request");
  EXPECT_EQ(Mask("row 12345 code 8001"), "row ... code 8001");
  EXPECT_EQ(Mask("key ASIAABCDEFGHIJKLMNO1 and a/b+c=0123456789abcdef end"), "key ... and ... end");
  EXPECT_EQ(Mask("open 'never closed"), "open '...'");
  EXPECT_EQ(Mask("two\nlines"), "two lines");
  EXPECT_LT(Mask(std::string(2000, '-')).size(), 400U);
}

}  // namespace
}  // namespace sluice::redshift
