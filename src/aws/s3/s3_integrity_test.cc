// Goal: whole objects are asked for so that S3 tells their digest, and are compared with it; lists
// end, whatever answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "aws/fake_keys.h"
#include "aws/s3/page_guard.h"
#include "aws/s3/s3.h"
#include "http/fake_transport.h"
#include "tests/support/digests.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using testing::HasSubstr;

std::string Entry(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</"
         "ETag><Size>1</Size></Contents>";
}
std::string ListingPage(const std::string& contents, const std::string& next = "") {
  return "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>" +
         std::string(next.empty() ? "false" : "true") + "</IsTruncated>" +
         (next.empty() ? "" : "<NextContinuationToken>" + next + "</NextContinuationToken>") +
         contents + "</ListBucketResult>";
}

class S3IntegrityTest : public testing::Test {
 protected:
  static std::vector<http::Header> Told(std::string_view body) {
    std::string told = test::DefaultDigest(body).told;
    told.erase(0, told.find(": ") + 2);
    return {{"x-amz-checksum-crc64nvme", told},
            {"x-amz-checksum-type", "FULL_OBJECT"},
            {"Content-Length", std::to_string(body.size())}};
  }
  static std::string HeaderOf(const http::Request& request, const std::string& name) {
    for (const http::Header& header : request.headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }
  // Reads the whole object of ten bytes.
  std::string ReadWhole() {
    struct State {
      std::string got;
      std::promise<std::string> done;
    };
    const auto state = std::make_shared<State>();
    auto done = state->done.get_future();
    store_->StartRead({.key = "p/a",
                       .offset = 0,
                       .bytes = 10,
                       .whole = true,
                       .on_told = [this](const ObjectDigest& told) { told_ = told; },
                       .on_bytes =
                           [state](std::uint64_t, std::span<const std::byte> piece) {
                             state->got.append(reinterpret_cast<const char*>(piece.data()),
                                               piece.size());
                           },
                       .on_done =
                           [state](std::exception_ptr error) {
                             if (error) return state->done.set_exception(error);
                             state->done.set_value(state->got);
                           }},
                      call_);
    return done.get();
  }

  test::FakeClock clock_;
  test::FakeKeys keys_{{"AKID", base::Secret("secret"), base::Secret("token"), std::nullopt}};
  test::FakeTransport transport_;
  std::unique_ptr<ObjectStore> store_ = MakeS3Store({.bucket = "acme",
                                                     .endpoint = S3Endpoint("eu-west-1", "acme"),
                                                     .reads_max = 2,
                                                     .retry = {.attempts_max = 3}},
                                                    keys_, transport_, clock_);
  base::Call call_;
  ObjectDigest told_;
};

TEST_F(S3IntegrityTest, GetComparesWithWhatS3Tells) {
  transport_.Add(200, "0123456789", Told("0123456789"));
  EXPECT_EQ(store_->Get("p/a", 100, call_), "0123456789");
  EXPECT_EQ(HeaderOf(transport_.seen()[0], "x-amz-checksum-mode"), "ENABLED");
}

TEST_F(S3IntegrityTest, GetReadsADamagedObjectOnceMoreAndThenRefusesIt) {
  transport_.Add(200, "0123456780", Told("0123456789"));
  transport_.Add(200, "0123456789", Told("0123456789"));
  EXPECT_EQ(store_->Get("p/a", 100, call_), "0123456789");
  transport_.Add(200, "0123456780", Told("0123456789"));
  transport_.Add(200, "0123456780", Told("0123456789"));
  EXPECT_THAT([&] { store_->Get("p/a", 100, call_); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::reason, kDamaged));
}

TEST_F(S3IntegrityTest, AWholeReadHasNoRangeAndTellsTheDigest) {
  transport_.Add(200, "0123456789", Told("0123456789"));
  EXPECT_EQ(ReadWhole(), "0123456789");
  EXPECT_EQ(told_, test::DefaultDigest("0123456789"));
  EXPECT_EQ(HeaderOf(transport_.seen()[0], "Range"), "");
}

TEST_F(S3IntegrityTest, AWholeReadThatBreaksGoesOnWithARangeAndKeepsWhatWasTold) {
  transport_.AddError(ErrorCode::kUnreachable, true, "01234", Told("0123456789"), 200);
  // What a range may carry is its upload part's.
  transport_.Add(206, "56789",
                 {{"Content-Range", "bytes 5-9/10"}, {"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="}});
  EXPECT_EQ(ReadWhole(), "0123456789");
  EXPECT_EQ(told_, test::DefaultDigest("0123456789"));
  EXPECT_EQ(HeaderOf(transport_.seen()[1], "Range"), "bytes=5-9");
}

TEST_F(S3IntegrityTest, AWholeReadRefusesAReplyThatIsARange) {
  transport_.Add(206, "0123456789", {{"Content-Range", "bytes 0-9/10"}});
  EXPECT_THAT([&] { ReadWhole(); }, ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(S3IntegrityTest, HeadTellsTheDigestOfTheObjectAndTheSizeOfAPart) {
  transport_.Add(200, "", Told("0123456789"));
  const HeadResult whole = HeadNow(*store_, {.key = "p/a", .etag = "\"e\""}, call_);
  EXPECT_EQ(whole.digest, test::DefaultDigest("0123456789"));
  EXPECT_EQ(whole.bytes, 10u);
  EXPECT_EQ(transport_.seen()[0].method, "HEAD");
  EXPECT_EQ(HeaderOf(transport_.seen()[0], "If-Match"), "\"e\"");
  transport_.Add(206, "", Told("0123"));
  const HeadResult part = HeadNow(*store_, {.key = "p/a", .part_number = 3}, call_);
  EXPECT_EQ(part.bytes, 4u);
  EXPECT_FALSE(part.digest.known()) << "it may be the part's";
  EXPECT_THAT(transport_.seen()[1].url, HasSubstr("partNumber=3"));
}

TEST_F(S3IntegrityTest, HeadRetriesAndEndsByTheCodeOfTheAnswer) {
  transport_.Add(503, "");
  transport_.Add(200, "", Told("0123456789"));
  EXPECT_EQ(HeadNow(*store_, {.key = "p/a"}, call_).bytes, 10u);
  transport_.Add(412, "");
  EXPECT_THAT([&] { HeadNow(*store_, {.key = "p/a"}, call_); }, ThrowsError(ErrorCode::kConflict));
}

TEST_F(S3IntegrityTest, ACopyThatIsNotItsSourceIsRefused) {
  const auto copy = [&](const ObjectDigest& told, const std::string& answer) {
    transport_.Add(200, "<CopyObjectResult><ETag>\"e\"</ETag>" + answer + "</CopyObjectResult>");
    store_->CopyFrom({.bucket = "staging",
                      .key = "p/a",
                      .bytes = 10,
                      .digest = std::make_shared<const ObjectDigest>(told)},
                     "lake/a", call_);
  };
  const auto member = [](const ObjectDigest& digest) {
    return "<ChecksumCRC64NVME>" + digest.told.substr(digest.told.find(": ") + 2) +
           "</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType>";
  };
  const ObjectDigest source = test::DefaultDigest("0123456789");
  const ObjectDigest other = test::DefaultDigest("0123456780");
  copy(source, member(source));
  copy(source, "");                      // the service tells nothing of its copies
  copy(ObjectDigest{}, member(source));  // nor of its objects
  copy(test::DigestOf(DigestKind::kSha256, "0123456789"), member(source));
  EXPECT_THAT([&] { copy(source, member(other)); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::message,
                              testing::AllOf(HasSubstr(source.told), HasSubstr(other.told))));
}

TEST_F(S3IntegrityTest, AListWhoseTokenRepeatsEnds) {
  for (const auto& tokens : {std::vector<std::string>{"a", "a"}, {"a", "b", "a"}}) {
    for (const auto& token : tokens) transport_.Add(200, ListingPage(Entry("p/a"), token));
    EXPECT_THAT(
        [&] { store_->List("p/", call_); },
        ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, HasSubstr("s3://acme/p/")));
  }
}

TEST_F(S3IntegrityTest, AListThatIsEndlessIsGivenUp) {
  int pages = 0;
  transport_.Otherwise([&](const http::Request&) {
    std::string entries;
    ++pages;
    for (int i = 0; i < 1000; ++i) {
      entries += Entry("p/" + std::to_string(pages) + "-" + std::to_string(i));
    }
    return http::Result{{200, {}, ListingPage(entries, "t" + std::to_string(pages))}, nullptr};
  });
  EXPECT_THAT([&] { store_->List("p/", call_); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::reason, "endless_list"));
  EXPECT_LE(static_cast<std::size_t>(pages), PageGuard::kItemsMax / 1000 + 1);
}

TEST_F(S3IntegrityTest, EmptyPagesArePassedOverButNotForEver) {
  for (int i = 0; i < 5; ++i) transport_.Add(200, ListingPage("", "t" + std::to_string(i)));
  transport_.Add(200, ListingPage(Entry("p/a")));
  EXPECT_EQ(store_->List("p/", call_).size(), 1u);
  int pages = 0;
  transport_.Otherwise([&](const http::Request&) {
    return http::Result{{200, {}, ListingPage("", "t" + std::to_string(++pages))}, nullptr};
  });
  EXPECT_THAT([&] { store_->List("p/", call_); }, ThrowsError(ErrorCode::kCorrupt));
  EXPECT_LE(static_cast<std::size_t>(pages), PageGuard::kEmptyMax);
}

TEST_F(S3IntegrityTest, AListOfUploadsWhoseMarkerRepeatsEnds) {
  transport_.Otherwise([](const http::Request&) {
    return http::Result{
        {200,
         {},
         "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>p/a</"
         "NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker></ListMultipartUploadsResult>"},
        nullptr};
  });
  EXPECT_THAT([&] { store_->ListUploads("p/", call_); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::reason, "endless_list"));
}

TEST_F(S3IntegrityTest, KeysThatComeTwiceOrOutOfOrderAreMended) {
  transport_.Add(200, ListingPage(Entry("p/b") + Entry("p/a"), "t"));
  transport_.Add(200, ListingPage(Entry("p/b") + Entry("p/c")));
  const auto objects = store_->List("p/", call_);
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0].key, "p/a");
  EXPECT_EQ(objects[2].key, "p/c");
}

TEST_F(S3IntegrityTest, KeysOutsideOfThePrefixAreRefused) {
  for (const std::string key : {"other/a", "p", "P/a", "/p/a"}) {
    transport_.Add(200, ListingPage(Entry("p/a") + Entry(key)));
    EXPECT_THAT([&] { store_->List("p/", call_); }, ThrowsError(ErrorCode::kCorrupt)) << key;
  }
  transport_.Add(200,
                 "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>q/a</"
                 "Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>");
  EXPECT_THAT([&] { store_->ListUploads("p/", call_); }, ThrowsError(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace sluice::aws
