// Goal: staging sees every object and byte exactly once, however S3 pages, breaks off or throttles,
// and learns by code what it may not do.
#include "aws/s3/s3.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "aws/fake_keys.h"
#include "aws/s3/s3_xml.h"
#include "aws/sigv4.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Contents(const std::string& key, int size) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</"
         "ETag><Size>" +
         std::to_string(size) + "</Size></Contents>";
}

std::string Page(const std::string& contents, const std::string& next = "") {
  return "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>" +
         std::string(next.empty() ? "false" : "true") + "</IsTruncated>" +
         (next.empty() ? "" : "<NextContinuationToken>" + next + "</NextContinuationToken>") +
         contents + "</ListBucketResult>";
}

std::string Denied(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>m</Message></Error>";
}

std::string HeaderOf(const http::Request& request, const std::string& name) {
  for (const http::Header& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

class S3Test : public testing::Test {
 protected:
  void MakeStore(int reads_max = 2) {
    store_ = MakeS3Store({.bucket = "acme",
                          .endpoint = S3Endpoint("eu-west-1", "acme"),
                          .reads_max = reads_max,
                          .retry = {.attempts_max = 3}},
                         keys_, transport_, clock_);
  }
  void SetUp() override { MakeStore(); }

  // A read of `bytes` at `offset`, and what became of it.
  struct Reading {
    std::string got;
    std::promise<void> promise;
    std::future<void> done = promise.get_future();
  };
  std::shared_ptr<Reading> Read(std::uint64_t offset, std::uint64_t bytes, base::Call call = {},
                                std::string etag = "") {
    auto reading = std::make_shared<Reading>();
    store_->StartRead({.key = "p/0000_part_00.parquet",
                       .etag = std::move(etag),
                       .offset = offset,
                       .bytes = bytes,
                       .on_bytes =
                           [reading, offset](std::uint64_t at, std::span<const std::byte> piece) {
                             EXPECT_EQ(at, offset + reading->got.size());
                             reading->got.append(reinterpret_cast<const char*>(piece.data()),
                                                 piece.size());
                           },
                       .on_done =
                           [reading](std::exception_ptr error) {
                             if (error) {
                               reading->promise.set_exception(error);
                             } else {
                               reading->promise.set_value();
                             }
                           }},
                      call);
    return reading;
  }
  static std::vector<http::Header> RangeHead(std::uint64_t from) {
    return {{"Content-Range", "bytes " + std::to_string(from) + "-9/10"}};
  }

  test::FakeClock clock_;
  test::FakeKeys keys_{{"AKID", base::Secret("secret"), base::Secret("token"), std::nullopt}};
  test::FakeTransport transport_;
  std::unique_ptr<ObjectStore> store_;
  base::Call call_;
};

TEST_F(S3Test, ListsAllPagesAndDecodesKeys) {
  transport_.Add(200, Page(Contents("p/a%2Bb+c%C3%BC", 1), "tok/en="));
  transport_.Add(200, Page(Contents("p/z", 2)));
  const auto objects = store_->List("p/", call_);
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].key, "p/a+b cü");
  EXPECT_EQ(objects[0].etag, "\"e\"");
  EXPECT_EQ(objects[0].last_modified, clock_.Utc());
  EXPECT_EQ(objects[1].bytes, 2u);
  EXPECT_EQ(transport_.seen()[0].url,
            "https://acme.s3.eu-west-1.amazonaws.com/?encoding-type=url&list-type=2&prefix=p%2F");
  EXPECT_THAT(transport_.seen()[1].url, HasSubstr("continuation-token=tok%2Fen%3D"));
}

TEST_F(S3Test, ListsAgainWhenA200IsCutOrCarriesAnError) {
  transport_.Add(200, Page(Contents("p/a", 1)).substr(0, 80));
  transport_.Add(200, Denied("InternalError"));
  transport_.Add(200, Page(Contents("p/a", 1)));
  EXPECT_EQ(store_->List("p/", call_).size(), 1u);
  EXPECT_EQ(clock_.sleeps().size(), 2u);
}

TEST_F(S3Test, GivesUpAfterTheLastTry) {
  for (int i = 0; i < 3; ++i) transport_.Add(503, Denied("SlowDown"));
  EXPECT_THAT([&] { store_->List("p/", call_); }, ThrowsError(ErrorCode::kThrottled));
  EXPECT_EQ(transport_.seen().size(), 3u);
}

TEST_F(S3Test, RefusesWithTheCodeOfTheAnswer) {
  const std::vector<std::tuple<int, std::string, ErrorCode>> rows = {
      {403, "AccessDenied", ErrorCode::kPermission},
      {403, "SignatureDoesNotMatch", ErrorCode::kAuthentication},
      {404, "NoSuchBucket", ErrorCode::kNotFound}};
  for (const auto& [status, code, expected] : rows) {
    const auto body = Denied(code);
    for (int i = 0; i < 5; ++i) transport_.Add(status, body);
    EXPECT_THAT([&] { store_->List("p/", call_); }, ThrowsError(expected));
    EXPECT_THAT([&] { store_->Get("k", 9, call_); }, ThrowsError(expected));
    EXPECT_THAT([&] { store_->Put("k", "b", call_); }, ThrowsError(expected));
    EXPECT_THAT([&] { store_->Delete({"k"}, call_); }, ThrowsError(expected));
    EXPECT_THAT([&] { store_->ListUploads("p/", call_); }, ThrowsError(expected));
  }
}

TEST_F(S3Test, PutTellsOfVersionsAndExpiry) {
  transport_.Add(
      200, "",
      {{"x-amz-version-id", "v1"}, {"x-amz-expiration", "expiry-date=\"x\", rule-id=\"y\""}});
  const PutResult both = store_->Put("k", "b", call_);
  EXPECT_EQ(both.version_id, "v1");
  EXPECT_EQ(both.expiration, "expiry-date=\"x\", rule-id=\"y\"");
  // Suspended versioning: the next object replaces this one, as without.
  transport_.Add(200, "", {{"x-amz-version-id", "null"}});
  const PutResult neither = store_->Put("k", "b", call_);
  EXPECT_EQ(neither.version_id, "");
  EXPECT_EQ(neither.expiration, "");
}

TEST_F(S3Test, PutAsksForTheKeyAndSignsThat) {
  const std::string key = "arn:aws:kms:eu-west-1:123456789012:key/k";
  const auto store = MakeS3Store(
      {.bucket = "acme", .endpoint = S3Endpoint("eu-west-1", "acme"), .kms_key_arn = key}, keys_,
      transport_, clock_);
  transport_.Add(200, "");
  store->Put("k", "b", call_);
  transport_.Add(200, "");
  store_->Put("k", "b", call_);
  const http::Response with{.headers = transport_.seen()[0].headers};
  const http::Response without{.headers = transport_.seen()[1].headers};
  ASSERT_NE(with.Find("x-amz-server-side-encryption"), nullptr);
  EXPECT_EQ(*with.Find("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(*with.Find("x-amz-server-side-encryption-aws-kms-key-id"), key);
  EXPECT_THAT(
      *with.Find("authorization"),
      HasSubstr("x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id"));
  EXPECT_EQ(without.Find("x-amz-server-side-encryption"), nullptr);
}

TEST_F(S3Test, HeadAndGetTellAbsentFromForbidden) {
  transport_.Add(404, "");
  EXPECT_EQ(store_->Head("k", call_), std::nullopt);
  transport_.Add(404, Denied("NoSuchKey"));
  EXPECT_EQ(store_->Get("k", 9, call_), std::nullopt);
  transport_.Add(403, "");
  EXPECT_THAT([&] { store_->Head("k", call_); }, ThrowsError(ErrorCode::kPermission));
}

TEST_F(S3Test, HeadReadsLengthTagAndTime) {
  transport_.Add(200, "",
                 {{"content-length", "12"},
                  {"ETag", "\"x\""},
                  {"Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"}});
  const auto info = store_->Head("a b/ü", call_);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->bytes, 12u);
  EXPECT_EQ(info->etag, "\"x\"");
  EXPECT_EQ(info->last_modified, clock_.Utc());
  EXPECT_THAT(transport_.seen()[0].url, testing::EndsWith("/a%20b/%C3%BC"));
}

TEST_F(S3Test, GetRefusesAnObjectThatIsTooLong) {
  transport_.Add(200, "0123456789");
  EXPECT_EQ(store_->Get("k", 10, call_), "0123456789");
  transport_.Add(200, "0123456789x");
  EXPECT_THAT([&] { store_->Get("k", 10, call_); }, ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(S3Test, DeletesInThousandsAndReturnsWhatWasRefused) {
  transport_.Add(200,
                 "<DeleteResult><Error><Key>k1</Key><Code>AccessDenied</Code><Message>no</"
                 "Message></Error></DeleteResult>");
  transport_.Add(200, "<DeleteResult/>");
  std::vector<std::string> keys;
  for (int i = 0; i < 1001; ++i) keys.push_back("k&" + std::to_string(i));
  const auto failures = store_->Delete(keys, call_);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].key, "k1");
  EXPECT_EQ(failures[0].code, "AccessDenied");
  const auto seen = transport_.seen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(seen[0].body, HasSubstr("<Key>k&amp;999</Key>"));
  EXPECT_THAT(seen[0].body, Not(HasSubstr("k&amp;1000")));
  EXPECT_THAT(seen[1].body, HasSubstr("k&amp;1000"));
  EXPECT_EQ(HeaderOf(seen[1], "Content-MD5"), Md5Base64(seen[1].body));
  EXPECT_TRUE(store_->Delete({}, call_).empty());
}

TEST_F(S3Test, ListsAllPagesOfUploads) {
  transport_.Add(200,
                 "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</"
                 "IsTruncated><NextKeyMarker>p%2Fa</NextKeyMarker><NextUploadIdMarker>1</"
                 "NextUploadIdMarker><Upload><Key>p%2Fa</Key><UploadId>1</UploadId></Upload></"
                 "ListMultipartUploadsResult>");
  transport_.Add(200,
                 "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>p/b</"
                 "Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>");
  const auto uploads = store_->ListUploads("p/", call_);
  ASSERT_EQ(uploads.size(), 2u);
  EXPECT_EQ(uploads[0].key, "p/a");
  EXPECT_EQ(uploads[1].upload_id, "2");
  EXPECT_THAT(transport_.seen()[1].url,
              HasSubstr("key-marker=p%2Fa&prefix=p%2F&upload-id-marker=1"));
}

TEST_F(S3Test, AbortsUntilTheUploadIsGone) {
  const std::string still =
      "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>p/b</"
      "Key><UploadId>i/d</UploadId></Upload></ListMultipartUploadsResult>";
  transport_.Add(204, "");
  transport_.Add(200, still);
  transport_.Add(404, Denied("NoSuchUpload"));
  store_->AbortUpload({"p/b", "i/d"}, call_);
  EXPECT_THAT(transport_.seen()[0].url, HasSubstr("/p/b?uploadId=i%2Fd"));
  EXPECT_EQ(transport_.seen().size(), 3u);

  for (int i = 0; i < 5; ++i) {
    transport_.Add(204, "");
    transport_.Add(200, still);
  }
  EXPECT_THAT(
      [&] {
        store_->AbortUpload({"p/b", "i/d"}, call_);
      },
      ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(S3Test, TellsTheRegionOnSuccessAndOnRefusal) {
  for (const int status : {200, 301, 400, 403}) {
    transport_.Add(status, "", {{"x-amz-bucket-region", "sa-east-1"}});
    EXPECT_EQ(store_->BucketRegion(call_), "sa-east-1") << status;
  }
  transport_.Add(404, "");
  EXPECT_THAT(
      [&] { store_->BucketRegion(call_); },
      ThrowsErrorWith(ErrorCode::kNotFound, &base::ErrorInfo::remedy, HasSubstr("staging.bucket")));
}

TEST_F(S3Test, RenewsKeysOnceThatWereRefusedForTheirAge) {
  transport_.Add(400, Denied("ExpiredToken"));
  transport_.Add(200, Page(""));
  store_->List("p/", call_);
  EXPECT_EQ(keys_.rejects, 1);
  transport_.Add(400, Denied("ExpiredToken"));
  transport_.Add(400, Denied("ExpiredToken"));
  EXPECT_THAT([&] { store_->List("p/", call_); }, ThrowsError(ErrorCode::kAuthentication));
}

TEST_F(S3Test, ReadsARangeInOrder) {
  transport_.Add(206, "3456789", RangeHead(3));
  const auto reading = Read(3, 7, {}, "\"tag\"");
  reading->done.get();
  EXPECT_EQ(reading->got, "3456789");
  EXPECT_EQ(HeaderOf(transport_.seen()[0], "Range"), "bytes=3-9");
  EXPECT_EQ(HeaderOf(transport_.seen()[0], "If-Match"), "\"tag\"");
}

TEST_F(S3Test, ReadOfNothingNeedsNoRequest) {
  Read(0, 0)->done.get();
  EXPECT_TRUE(transport_.seen().empty());
}

TEST_F(S3Test, ResumesBehindTheLastByteHandedOver) {
  transport_.AddError(ErrorCode::kUnreachable, true, "01234", RangeHead(0));
  transport_.Add(503, Denied("SlowDown"));
  transport_.AddError(ErrorCode::kUnreachable, true, "56", RangeHead(5));
  transport_.AddError(ErrorCode::kUnreachable, true, "7", RangeHead(7));
  transport_.Add(206, "89", RangeHead(8));
  const auto reading = Read(0, 10);
  reading->done.get();  // Five tries of an allowed three: bytes that advance refill the budget.
  EXPECT_EQ(reading->got, "0123456789");
  EXPECT_EQ(HeaderOf(transport_.seen()[4], "Range"), "bytes=8-9");
}

TEST_F(S3Test, ReadGivesUpWhenNothingAdvances) {
  for (int i = 0; i < 3; ++i) transport_.AddError(ErrorCode::kUnreachable, true);
  EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(ErrorCode::kUnreachable));
}

TEST_F(S3Test, ReadEndsByTheCodeOfTheAnswer) {
  const std::vector<std::tuple<int, std::string, ErrorCode>> rows = {
      {403, "AccessDenied", ErrorCode::kPermission},
      {404, "NoSuchKey", ErrorCode::kNotFound},
      {412, "PreconditionFailed", ErrorCode::kConflict},
      {416, "InvalidRange", ErrorCode::kCorrupt}};
  for (const auto& [status, code, expected] : rows) {
    transport_.Add(status, Denied(code));
    EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(expected));
  }
}

TEST_F(S3Test, ReadRefusesAReplyThatIsNotItsRange) {
  transport_.Add(206, "012", RangeHead(0));  // Shorter than asked for, and complete.
  EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(ErrorCode::kCorrupt));
  transport_.Add(206, "0123456789x", RangeHead(0));
  EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(ErrorCode::kCorrupt));
  transport_.Add(206, "56789", RangeHead(0));
  EXPECT_THAT([&] { Read(5, 5)->done.get(); }, ThrowsError(ErrorCode::kCorrupt));
  transport_.Add(200, "0123456789");
  EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(S3Test, ReadEndsWithWhatItsSinkThrows) {
  transport_.Add(206, "0123456789", RangeHead(0));
  std::promise<std::exception_ptr> done;
  store_->StartRead({.key = "k",
                     .bytes = 10,
                     .on_bytes =
                         [](std::uint64_t, std::span<const std::byte>) {
                           // Even if it calls itself retryable: the disk is not S3.
                           throw base::Error({.code = ErrorCode::kNoSpace, .retryable = true});
                         },
                     .on_done = [&](std::exception_ptr error) { done.set_value(error); }},
                    call_);
  const auto error = done.get_future().get();
  EXPECT_THAT([&] { std::rethrow_exception(error); }, ThrowsError(ErrorCode::kNoSpace));
  EXPECT_EQ(transport_.seen().size(), 1u);
}

TEST_F(S3Test, ReadsRenewKeysOnceAndFailWithoutThem) {
  transport_.Add(400, Denied("ExpiredToken"));
  transport_.Add(206, "0123456789", RangeHead(0));
  Read(0, 10)->done.get();
  EXPECT_EQ(keys_.rejects, 1);
  keys_.error = std::make_exception_ptr(base::Error({.code = ErrorCode::kAuthentication}));
  EXPECT_THAT([&] { Read(0, 10)->done.get(); }, ThrowsError(ErrorCode::kAuthentication));
}

TEST_F(S3Test, RunsOnlySoManyReadsAtOnceAndTheRestInOrder) {
  transport_.AddHeld();
  transport_.AddHeld();
  transport_.Add(206, "2", RangeHead(2));
  const auto first = Read(0, 1);
  const auto second = Read(1, 1);
  const auto third = Read(2, 1);
  transport_.AwaitStarted(2);
  EXPECT_EQ(third->done.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  EXPECT_EQ(transport_.seen().size(), 2u);
  transport_.Release({{206, RangeHead(0), "0"}, nullptr});
  third->done.get();
  transport_.Release({{206, RangeHead(1), "1"}, nullptr});
  first->done.get();
  second->done.get();
}

TEST_F(S3Test, StopEndsReadsUnderWayAndWaiting) {
  MakeStore(1);
  transport_.AddHeld();
  std::stop_source stop;
  const auto running = Read(0, 1, {.stop = stop.get_token()});
  const auto waiting = Read(1, 1, {.stop = stop.get_token()});
  transport_.AwaitStarted(1);
  stop.request_stop();
  EXPECT_THAT([&] { running->done.get(); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { waiting->done.get(); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { Read(0, 1, {.stop = stop.get_token()})->done.get(); },
              ThrowsError(ErrorCode::kCancelled));
}

TEST_F(S3Test, TheStoresEndCancelsItsReads) {
  MakeStore(1);
  transport_.AddHeld();
  const auto running = Read(0, 1);
  const auto waiting = Read(1, 1);
  transport_.AwaitStarted(1);
  store_.reset();
  EXPECT_THAT([&] { running->done.get(); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { waiting->done.get(); }, ThrowsError(ErrorCode::kCancelled));
}

TEST_F(S3Test, ALateReadIsATimeout) {
  base::Call late{.deadline = base::Deadline::After(clock_, std::chrono::seconds(1))};
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT([&] { Read(0, 1, late)->done.get(); }, ThrowsError(ErrorCode::kTimeout));
}

TEST_F(S3Test, NoErrorHoldsAKey) {
  transport_.Add(403,
                 "<Error><Code>InvalidToken</Code><Message>token secret AKID</Message></Error>");
  EXPECT_THAT([&] { store_->List("p/", call_); },
              ThrowsErrorWith(ErrorCode::kAuthentication, &base::ErrorInfo::message,
                              HasSubstr("InvalidToken: [secret] [secret] AKID")));
}

// Each reply of S3, and the reader it belongs to.
TEST(S3Xml, RefusesRepliesCutAtEveryLength) {
  const std::string page = Page(Contents("a", 1), "t");
  const std::string uploads =
      "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>u</UploadId></Upload></"
      "ListMultipartUploadsResult>";
  const std::string deleted =
      "<DeleteResult><Error><Key>k</Key><Code>c</Code></Error></DeleteResult>";
  ASSERT_TRUE(ReadObjectPage(page));
  ASSERT_TRUE(ReadUploadPage(uploads));
  ASSERT_TRUE(ReadDeleteResult(deleted));
  for (std::size_t i = 0; i < page.size(); ++i) EXPECT_FALSE(ReadObjectPage(page.substr(0, i)));
  for (std::size_t i = 0; i < uploads.size(); ++i)
    EXPECT_FALSE(ReadUploadPage(uploads.substr(0, i)));
  for (std::size_t i = 0; i < deleted.size(); ++i)
    EXPECT_FALSE(ReadDeleteResult(deleted.substr(0, i)));
}

TEST(S3Xml, RefusesRepliesWithADamagedField) {
  const std::string good = Page(Contents("a", 1), "t");
  const auto damaged = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return ReadObjectPage(text);
  };
  EXPECT_FALSE(damaged("<Size>1</Size>", "<Size>-1</Size>"));
  EXPECT_FALSE(damaged("<Size>1</Size>", "<Size>99999999999999999999</Size>"));
  EXPECT_FALSE(damaged("<Size>1</Size>", ""));
  EXPECT_FALSE(damaged("<Key>a</Key>", "<Key></Key>"));
  EXPECT_FALSE(damaged("2026-01-01", "2026-13-01"));
  // Without a token the first page would be listed for ever.
  EXPECT_FALSE(damaged("<NextContinuationToken>t</NextContinuationToken>", ""));
  EXPECT_FALSE(ReadObjectPage("<Other/>"));
}

}  // namespace
}  // namespace sluice::aws
