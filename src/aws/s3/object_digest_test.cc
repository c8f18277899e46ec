// Goal: what S3 tells of an object is read as AWS documents it, and what is no digest of the bytes
// is never taken for one; bytes are compared with it piece by piece.
#include "aws/s3/object_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::aws {
namespace {

constexpr std::string_view kText = "123456789";
const std::string kMd5 = "25f9e794323b453885f5181f1b624d0b";

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

ObjectDigest Read(std::vector<http::Header> headers) {
  return ReadDigest({.status = 200, .headers = std::move(headers), .body = ""});
}

bool Holds(const ObjectDigest& digest, std::string_view text,
           std::vector<std::uint64_t> pieces = {}) {
  DigestCheck check(digest, std::move(pieces));
  // In odd portions, as they come from a socket.
  for (std::size_t at = 0; at < text.size(); at += 2) check.Add(Bytes(text.substr(at, 2)));
  return check.Holds();
}

TEST(ObjectDigest, ReadsEveryChecksumOfAllBytes) {
  const std::vector<std::pair<std::string, std::string>> told = {
      {"crc64nvme", "rosUhgp5mIg="},
      {"crc32c", "4waSgw=="},
      {"crc32", "y/Q5Jg=="},
      {"sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
      {"sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
      {"md5", "JfnnlDI7RTiF9RgfG2JNCw=="}};
  for (const auto& [name, value] : told) {
    const ObjectDigest digest = Read({{"x-amz-checksum-" + name, value},
                                      {"x-amz-checksum-type", "FULL_OBJECT"},
                                      {"ETag", "\"00000000000000000000000000000000\""}});
    EXPECT_EQ(ToString(digest.kind), name);
    EXPECT_EQ(digest.pieces, 0u);
    EXPECT_TRUE(Holds(digest, kText)) << name;
    EXPECT_FALSE(Holds(digest, "123456780")) << name;
    EXPECT_EQ(SpellDigest(digest, digest.bytes), "x-amz-checksum-" + name + ": " + value);
  }
}

TEST(ObjectDigest, ReadsAnETagThatIsAnMd5) {
  const ObjectDigest digest = Read({{"ETag", "\"" + kMd5 + "\""}});
  EXPECT_EQ(digest.kind, DigestKind::kMd5);
  EXPECT_TRUE(Holds(digest, kText));
  EXPECT_EQ(SpellDigest(digest, digest.bytes), "ETag: \"" + kMd5 + "\"");
  EXPECT_TRUE(
      Read({{"ETag", "\"" + kMd5 + "\""}, {"x-amz-server-side-encryption", "AES256"}}).known());
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
TEST(ObjectDigest, TakesNoETagForAnMd5ThatIsNone) {
  const http::Header etag{"ETag", "\"" + kMd5 + "\""};
  EXPECT_FALSE(Read({etag, {"x-amz-server-side-encryption", "aws:kms"}}).known());
  EXPECT_FALSE(Read({etag, {"x-amz-server-side-encryption", "aws:kms:dsse"}}).known());
  EXPECT_FALSE(Read({etag, {"x-amz-server-side-encryption-customer-algorithm", "AES256"}}).known());
  for (const std::string odd :
       {"", "\"\"", "\"e\"", "W/\"25f9\"", "25f9e794323b453885f5181f1b624d0b",
        "\"25f9e794323b453885f5181f1b624d0\"", "\"25f9e794323b453885f5181f1b624d0g\"",
        "\"25f9e794323b453885f5181f1b624d0b-\"", "\"25f9e794323b453885f5181f1b624d0b-0\"",
        "\"25f9e794323b453885f5181f1b624d0b-10001\"", "\"-1\""}) {
    EXPECT_FALSE(Read({{"ETag", odd}}).known()) << odd;
  }
}

TEST(ObjectDigest, PassesOverAChecksumThatCannotBeRead) {
  const http::Header etag{"ETag", "\"" + kMd5 + "\""};
  for (const std::string odd : {"", "rosUhgp5mIg", "rosUhgp5mIg==", "rosU", "!!!!!!!!!!!=",
                                "rosUhgp5mIg=-0", "rosUhgp5mIg=-x", "rosUhgp5mIg=-99999"}) {
    EXPECT_EQ(Read({{"x-amz-checksum-crc64nvme", odd}, etag}).kind, DigestKind::kMd5) << odd;
  }
  // Composite, and it is not said of how many.
  EXPECT_EQ(
      Read({{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-type", "COMPOSITE"}, etag}).kind,
      DigestKind::kMd5);
  EXPECT_EQ(Read({{"x-amz-checksum-xxhash3", "y/Q5Jg=="}}).kind, DigestKind::kNone);
}

TEST(ObjectDigest, PrefersOneOfAllBytes) {
  EXPECT_EQ(Read({{"x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=-2"},
                  {"ETag", "\"" + kMd5 + "-2\""}})
                .kind,
            DigestKind::kSha256);
  EXPECT_EQ(Read({{"x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=-1"},
                  {"ETag", "\"" + kMd5 + "\""}})
                .kind,
            DigestKind::kMd5);
}

TEST(ObjectDigest, ComparesPieceByPiece) {
  // MD5 of the MD5s of "1234" and "56789".
  Hasher first(DigestKind::kMd5);
  first.Add(Bytes("1234"));
  Hasher second(DigestKind::kMd5);
  second.Add(Bytes("56789"));
  const std::string joined = first.Finish() + second.Finish();
  Hasher both(DigestKind::kMd5);
  both.Add(Bytes(joined));
  const ObjectDigest digest{DigestKind::kMd5, both.Finish(), 2, "ETag"};
  EXPECT_TRUE(Holds(digest, kText, {4, 5}));
  EXPECT_FALSE(Holds(digest, kText, {5, 4}));
  EXPECT_FALSE(Holds(digest, "123456780", {4, 5}));
  EXPECT_FALSE(Holds(digest, "1234567890", {4, 5}));
  EXPECT_FALSE(Holds(digest, "1234", {4, 5}));
  EXPECT_EQ(SpellDigest(digest, digest.bytes).substr(39), "-2\"");
}

}  // namespace
}  // namespace sluice::aws
