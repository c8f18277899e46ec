// Goal: an object comes into a bucket whole or not at all, at most one writer wins a name, and a
// lost answer is settled by what is there, never by a guess.
#include "aws/s3/s3_writes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "aws/fake_keys.h"
#include "aws/s3/s3.h"
#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Property;

std::string Failed(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>m</Message></Error>";
}
std::string Upload(const std::string& id) {
  return "<InitiateMultipartUploadResult><UploadId>" + id +
         "</UploadId></InitiateMultipartUploadResult>";
}
constexpr const char* kCompleted =
    "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
constexpr const char* kCopied = "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>";
constexpr const char* kPieceCopied = "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>";

class S3WritesTest : public testing::Test {
 protected:
  void SetUp() override { MakeStore(""); }
  void MakeStore(std::string kms_key_arn) {
    store_ = MakeS3Store({.bucket = "acme",
                          .endpoint = S3Endpoint("eu-west-1", "acme"),
                          .kms_key_arn = std::move(kms_key_arn),
                          .retry = {.attempts_max = 3}},
                         keys_, transport_, clock_);
  }
  std::filesystem::path FileOf(std::uint64_t bytes) {
    const auto path = dir_.path() / "part.parquet";
    std::ofstream(path, std::ios::binary).close();
    std::filesystem::resize_file(path, bytes);
    return path;
  }
  // "PUT /k?partNumber=1&..." of each request so far.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const http::Request& request : transport_.seen()) {
      lines.push_back(request.method + " " + request.url.substr(request.url.find(".com/") + 4));
    }
    return lines;
  }
  std::string Header(std::size_t request, const std::string& name) const {
    const http::Response view{.headers = transport_.seen().at(request).headers};
    const std::string* value = view.Find(name);
    return value == nullptr ? "" : *value;
  }
  auto InDoubt(ErrorCode code, bool in_doubt) {
    return testing::Throws<base::Error>(
        AllOf(Property(&base::Error::code, code),
              Property(&base::Error::info, testing::Field(&base::ErrorInfo::in_doubt, in_doubt))));
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  test::FakeKeys keys_{{"AKID", base::Secret("secret"), base::Secret("token"), std::nullopt}};
  test::FakeTransport transport_;
  std::unique_ptr<ObjectStore> store_;
  base::Call call_;
};

TEST_F(S3WritesTest, PutIfAbsentSaysSoAndSignsIt) {
  transport_.Add(200, "");
  EXPECT_TRUE(store_->PutIfAbsent("k", "mine", call_));
  EXPECT_EQ(Header(0, "If-None-Match"), "*");
  EXPECT_THAT(Header(0, "authorization"), HasSubstr("if-none-match"));
}

TEST_F(S3WritesTest, PutIfAbsentLosesToAnother) {
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(200, "theirs");
  EXPECT_FALSE(store_->PutIfAbsent("k", "mine", call_));
  // Longer than any that is read; gone again; as long but other.
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.AddError(ErrorCode::kCorrupt, false);
  EXPECT_FALSE(store_->PutIfAbsent("k", "mine", call_));
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(404, Failed("NoSuchKey"));
  EXPECT_FALSE(store_->PutIfAbsent("k", "mine", call_));
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(200, "mina");
  EXPECT_FALSE(store_->PutIfAbsent("k", "mine", call_));
}

TEST_F(S3WritesTest, ALostAnswerIsSettledByWhatIsThere) {
  // It happened, the answer was lost, the repeat is refused for our own object.
  transport_.AddError(ErrorCode::kUnreachable, true);
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(200, "mine");
  EXPECT_TRUE(store_->PutIfAbsent("k", "mine", call_));
  // The same, but another writer came first.
  transport_.AddError(ErrorCode::kUnreachable, true);
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(200, "theirs");
  EXPECT_FALSE(store_->PutIfAbsent("k", "mine", call_));
}

TEST_F(S3WritesTest, PutIfAbsentRepeatsWhatMayPass) {
  transport_.Add(409, Failed("ConditionalRequestConflict"));
  transport_.Add(503, Failed("SlowDown"));
  transport_.Add(200, "");
  EXPECT_TRUE(store_->PutIfAbsent("k", "mine", call_));
  EXPECT_EQ(transport_.seen().size(), 3u);
}

TEST_F(S3WritesTest, PutIfAbsentIsInDoubtOnlyIfItMayHaveHappened) {
  for (int i = 0; i < 3; ++i) transport_.AddError(ErrorCode::kUnreachable, true);
  EXPECT_THAT([&] { store_->PutIfAbsent("k", "b", call_); },
              InDoubt(ErrorCode::kUnreachable, true));
  for (int i = 0; i < 3; ++i) transport_.Add(500, Failed("InternalError"));
  EXPECT_THAT([&] { store_->PutIfAbsent("k", "b", call_); },
              InDoubt(ErrorCode::kUnavailable, true));
  for (int i = 0; i < 3; ++i) transport_.Add(409, Failed("ConditionalRequestConflict"));
  EXPECT_THAT([&] { store_->PutIfAbsent("k", "b", call_); }, InDoubt(ErrorCode::kConflict, false));
  transport_.Add(403, Failed("AccessDenied"));
  EXPECT_THAT([&] { store_->PutIfAbsent("k", "b", call_); },
              InDoubt(ErrorCode::kPermission, false));
  // What is there cannot be read: nobody knows.
  transport_.Add(412, Failed("PreconditionFailed"));
  transport_.Add(403, Failed("AccessDenied"));
  EXPECT_THAT([&] { store_->PutIfAbsent("k", "b", call_); }, InDoubt(ErrorCode::kPermission, true));
}

TEST_F(S3WritesTest, ASmallFileIsOnePut) {
  transport_.Add(200, "");
  store_->PutFile(FileOf(kUploadPieceBytes), "k", call_);
  EXPECT_THAT(Lines(), ElementsAre("PUT /k"));
  EXPECT_EQ(transport_.seen()[0].body.size(), kUploadPieceBytes);
}

TEST_F(S3WritesTest, ALargeFileGoesInPieces) {
  transport_.Add(200, Upload("u/1"));
  transport_.Add(200, "", {{"ETag", "\"a\""}});
  transport_.Add(503, Failed("SlowDown"));  // one piece is sent again, not all
  transport_.Add(200, "", {{"ETag", "\"b\""}});
  transport_.Add(200, kCompleted);
  store_->PutFile(FileOf(kUploadPieceBytes + 7), "k", call_);
  EXPECT_THAT(Lines(), ElementsAre("POST /k?uploads=", "PUT /k?partNumber=1&uploadId=u%2F1",
                                   "PUT /k?partNumber=2&uploadId=u%2F1",
                                   "PUT /k?partNumber=2&uploadId=u%2F1", "POST /k?uploadId=u%2F1"));
  EXPECT_EQ(transport_.seen()[1].body.size(), kUploadPieceBytes);
  EXPECT_EQ(transport_.seen()[3].body.size(), 7u);
  EXPECT_THAT(transport_.seen()[4].body,
              HasSubstr("<Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part><Part>"
                        "<PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag></Part>"));
}

TEST_F(S3WritesTest, AFailedUploadIsAborted) {
  transport_.Add(200, Upload("u"));
  transport_.Add(403, Failed("AccessDenied"));
  transport_.Add(204, "");
  EXPECT_THAT([&] { store_->PutFile(FileOf(kUploadPieceBytes + 7), "k", call_); },
              ThrowsError(ErrorCode::kPermission));
  EXPECT_EQ(Lines().back(), "DELETE /k?uploadId=u");
  // A 200 that says it failed; that the abort fails as well changes nothing.
  transport_.Add(200, Upload("u"));
  transport_.Add(200, "", {{"ETag", "\"a\""}});
  transport_.Add(200, "", {{"ETag", "\"b\""}});
  for (int i = 0; i < 3; ++i) transport_.Add(200, Failed("InternalError"));
  transport_.Add(403, Failed("AccessDenied"));
  EXPECT_THAT([&] { store_->PutFile(FileOf(kUploadPieceBytes + 7), "k", call_); },
              ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(S3WritesTest, ACompletionWhoseAnswerWasLostIsFoundDone) {
  const std::uint64_t bytes = kUploadPieceBytes + 7;
  for (const bool there : {true, false}) {
    transport_.Add(200, Upload("u"));
    transport_.Add(200, "", {{"ETag", "\"a\""}});
    transport_.Add(200, "", {{"ETag", "\"b\""}});
    transport_.AddError(ErrorCode::kUnreachable, true);
    transport_.Add(404, Failed("NoSuchUpload"));
    transport_.Add(200, "", {{"content-length", std::to_string(there ? bytes : 1)}});
    if (there) {
      store_->PutFile(FileOf(bytes), "k", call_);
    } else {
      transport_.Add(404, Failed("NoSuchUpload"));  // of the abort
      EXPECT_THAT([&] { store_->PutFile(FileOf(bytes), "k", call_); },
                  ThrowsError(ErrorCode::kNotFound));
    }
  }
}

TEST_F(S3WritesTest, AFileThatIsGoneIsNamed) {
  EXPECT_THAT(
      [&] { store_->PutFile(dir_.path() / "none", "k", call_); },
      test::ThrowsErrorWith(ErrorCode::kNotFound, &base::ErrorInfo::subject, HasSubstr("none")));
}

TEST_F(S3WritesTest, CopiesWithinTheService) {
  const CopySource source{
      .bucket = "staging", .key = "p/a b+ü", .etag = "\"x\"", .bytes = kCopyAtOnceMax};
  transport_.Add(200, kCopied);
  store_->CopyFrom(source, "k", call_);
  EXPECT_THAT(Lines(), ElementsAre("PUT /k"));
  EXPECT_EQ(transport_.seen()[0].body, "");
  EXPECT_EQ(Header(0, "x-amz-copy-source"), "/staging/p/a%20b%2B%C3%BC");
  EXPECT_EQ(Header(0, "x-amz-copy-source-if-match"), "\"x\"");
  EXPECT_THAT(Header(0, "authorization"), HasSubstr("x-amz-copy-source;"));
}

TEST_F(S3WritesTest, ACopyThatFailsInsideA200IsTriedAgain) {
  transport_.Add(200, Failed("InternalError"));
  transport_.Add(200, std::string(kCopied).substr(0, 20));
  transport_.Add(200, kCopied);
  store_->CopyFrom({.bucket = "s", .key = "p", .bytes = 1}, "k", call_);
  EXPECT_EQ(transport_.seen().size(), 3u);
}

TEST_F(S3WritesTest, ACopyOfWhatChangedOrIsGoneIsRefused) {
  const CopySource source{.bucket = "s", .key = "p", .etag = "\"x\"", .bytes = 1};
  transport_.Add(412, Failed("PreconditionFailed"));
  EXPECT_THAT([&] { store_->CopyFrom(source, "k", call_); }, ThrowsError(ErrorCode::kConflict));
  transport_.Add(404, Failed("NoSuchKey"));
  EXPECT_THAT([&] { store_->CopyFrom(source, "k", call_); }, ThrowsError(ErrorCode::kNotFound));
  transport_.Add(403, Failed("AccessDenied"));
  EXPECT_THAT([&] { store_->CopyFrom(source, "k", call_); }, ThrowsError(ErrorCode::kPermission));
}

TEST_F(S3WritesTest, ALargeCopyGoesInPiecesUnderTheKeyOfTheUpload) {
  MakeStore("arn:aws:kms:eu-west-1:123456789012:key/k");
  transport_.Add(200, Upload("u"));
  for (int i = 0; i < 3; ++i) transport_.Add(200, kPieceCopied);
  transport_.Add(200, kCompleted);
  store_->CopyFrom({.bucket = "s", .key = "p", .etag = "\"x\"", .bytes = kCopyAtOnceMax + 1}, "k",
                   call_);
  EXPECT_EQ(Header(0, "x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(Header(1, "x-amz-copy-source-range"), "bytes=0-536870911");
  EXPECT_EQ(Header(3, "x-amz-copy-source-range"), "bytes=1073741824-1073741824");
  EXPECT_EQ(Header(1, "x-amz-copy-source-if-match"), "\"x\"");
  EXPECT_EQ(Header(1, "x-amz-server-side-encryption"), "");
  EXPECT_THAT(Lines()[3], HasSubstr("partNumber=3"));
}

TEST_F(S3WritesTest, ReadRangeReadsOneRangeOrThrows) {
  const ObjectInfo object{.key = "k", .bytes = 10, .etag = "\"x\""};
  transport_.Add(206, "tail", {{"Content-Range", "bytes 6-9/10"}});
  EXPECT_EQ(ReadRange(*store_, object, 6, 4, call_), "tail");
  EXPECT_EQ(Header(0, "Range"), "bytes=6-9");
  EXPECT_EQ(Header(0, "If-Match"), "\"x\"");
  transport_.Add(412, Failed("PreconditionFailed"));
  EXPECT_THAT([&] { ReadRange(*store_, object, 6, 4, call_); }, ThrowsError(ErrorCode::kConflict));
}

}  // namespace
}  // namespace sluice::aws
