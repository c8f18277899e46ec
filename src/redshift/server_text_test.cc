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

TEST(Mask, KeepsNames) {
  for (const char* text :
       {"relation \"Orders 2024\" of schema \"s\"", "Query Monitoring Rule \"long_unload\"",
        "database \"sales_share\" created from Data Catalog ARN.",
        "function \"a\".\"b\" is missing", "role arn:aws:iam::123456789012:role/x is not attached",
        "timed out after 50000 ms, code: 15007, query: 1234567", "table - 100123",
        "syntax error at or near \"FORM\"", "syntax error at or near \")\""}) {
    EXPECT_EQ(Mask(text), text);
  }
}

TEST(Mask, HidesWhatIsNoNameInTheSamePlaces) {
  EXPECT_EQ(Mask("at or near \"'secret'\""), "at or near \"...\"");
  EXPECT_EQ(Mask("at or near \"AKIAIOSFODNN7EXAMPLE\""), "at or near \"...\"");
  EXPECT_EQ(Mask("integer: \"abc\", user: \"AKIAIOSFODNN7EXAMPLE\""),
            "integer: \"...\", user: \"...\"");
  EXPECT_EQ(Mask("value \"a\".\"b\""), "value \"...\".\"...\"");
  EXPECT_EQ(Mask("50000 rows of 123456"), "... rows of ...");
}

TEST(ParseBlock, ReadsItsLinesWhereverTheTextIsCut) {
  const std::string block =
      "  ----\n  error:  Disk Full\n  code:      1016\n  context:   node: 0\n  query:     4711\n"
      "  location:  fdisk_api.cpp:343\n";
  const auto whole = ParseBlock(block);
  EXPECT_EQ(whole.error, "Disk Full");
  EXPECT_EQ(whole.code, "1016");
  EXPECT_EQ(whole.context, "node: 0");
  EXPECT_EQ(whole.query, "4711");
  EXPECT_EQ(whole.location, "fdisk_api.cpp:343");
  for (std::size_t n = 0; n < block.size(); ++n) {
    EXPECT_TRUE(whole.error.starts_with(ParseBlock(block.substr(0, n)).error)) << n;
  }
  EXPECT_EQ(ParseBlock("in prose code: 12").code, "");
  EXPECT_EQ(ParseBlock("code: four").code, "");
}

TEST(CurlErrorIn, ReadsItsForms) {
  EXPECT_EQ(CurlErrorIn("S3CurlException: x, CurlError 28, multiCurlError 0"), 28);
  EXPECT_EQ(CurlErrorIn("curlCode: 6"), 6);
  EXPECT_EQ(CurlErrorIn("CurlError x"), std::nullopt);
  EXPECT_EQ(CurlErrorIn(""), std::nullopt);
}

TEST(Mask, HidesQuotesNumbersAndKeys) {
  EXPECT_EQ(Mask("value 'x' of \"c\""), "value '...' of \"...\"");
  EXPECT_EQ(Mask("Query (12) canceled on user's request"), "Query (12) canceled on user's request");
  EXPECT_EQ(Mask("row 12345 code 8001"), "row ... code 8001");
  EXPECT_EQ(Mask("key ASIAABCDEFGHIJKLMNO1 and a/b+c=0123456789abcdef end"), "key ... and ... end");
  EXPECT_EQ(Mask("open 'never closed"), "open '...'");
  EXPECT_EQ(Mask("two\nlines"), "two lines");
  EXPECT_LT(Mask(std::string(2000, '-')).size(), 600U);
}

}  // namespace
}  // namespace sluice::redshift
