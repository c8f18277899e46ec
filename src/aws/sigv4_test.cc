// Goal: every signature equals the one botocore makes, for paths and queries that a mistake in
// encoding would break; and keys of one day, secret or region never serve another.
#include "aws/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "aws/time_text.h"

namespace sluice::aws {
namespace {

using nlohmann::json;

// The vectors stand in the source tree, beside which this file's path begins.
std::filesystem::path VectorFolder() {
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "tests" /
         "vectors" / "sigv4";
}

base::UtcTime FromAmzDate(const std::string& t) {
  return *ParseIsoTime(t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 5) + ":" +
                       t.substr(11, 2) + ":" + t.substr(13, 2) + "Z");
}

SigningRequest RequestOf(const json& vector) {
  SigningRequest request{
      .method = vector["method"], .host = vector["host"], .path = vector["path"]};
  for (const auto& pair : vector["query"]) request.query.emplace_back(pair[0], pair[1]);
  for (const auto& pair : vector["headers"]) request.headers.push_back({pair[0], pair[1]});
  const std::string body = vector["body"];
  request.payload_hash =
      vector["unsigned_payload"] ? std::string(kUnsignedPayload) : Sha256Hex(body);
  return request;
}

SessionKeys KeysOf(const json& vector) {
  return {vector["access_key_id"], base::Secret(vector["secret_access_key"].get<std::string>()),
          base::Secret(vector["session_token"].get<std::string>()), std::nullopt};
}

std::string Value(const std::vector<http::Header>& headers, std::string_view name) {
  for (const http::Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return "";
}

class Vectors : public testing::TestWithParam<const char*> {};

TEST_P(Vectors, AgreeWithBotocore) {
  std::ifstream file(VectorFolder() / (std::string(GetParam()) + ".json"));
  ASSERT_TRUE(file) << VectorFolder();
  const json vectors = json::parse(file);
  ASSERT_GE(vectors.size(), 3u);
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector["name"].get<std::string>());
    const Signer signer({vector["region"], vector["service"]});
    const SigningRequest request = RequestOf(vector);
    const base::UtcTime now = FromAmzDate(vector["time"]);
    EXPECT_EQ(signer.CanonicalRequest(request, KeysOf(vector), now), vector["canonical_request"]);
    EXPECT_EQ(Value(signer.Sign(request, KeysOf(vector), now), "Authorization"),
              vector["authorization"]);
  }
}

INSTANTIATE_TEST_SUITE_P(SigV4, Vectors, testing::Values("s3", "sts", "redshift_serverless"),
                         [](const auto& set) { return std::string(set.param); });

const SessionKeys kKeys{"AKID", base::Secret("secret"), base::Secret("token"), std::nullopt};
const SessionKeys kOtherKeys{"AKID", base::Secret("other"), base::Secret("token"), std::nullopt};
constexpr base::UtcTime kSignedAt{std::chrono::seconds(1767225600)};

std::string SignatureOf(const Signer& signer, const SessionKeys& keys, base::UtcTime now) {
  const std::string text =
      Value(signer.Sign({.host = "h", .payload_hash = Sha256Hex("")}, keys, now), "Authorization");
  return text.substr(text.find("Signature="));
}

TEST(Signer, KeepsNoKeyOfAnotherDayOrSecret) {
  const Signer kept({"us-east-1", "s3"});
  std::set<std::string> seen;
  for (const SessionKeys& keys : {kKeys, kOtherKeys, kKeys}) {
    for (const base::UtcTime now : {kSignedAt, kSignedAt + std::chrono::hours(24), kSignedAt}) {
      const Signer fresh({"us-east-1", "s3"});
      EXPECT_EQ(SignatureOf(kept, keys, now), SignatureOf(fresh, keys, now));
      seen.insert(SignatureOf(kept, keys, now));
    }
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Signer, SendsTheTokenOnlyForASession) {
  const Signer signer({"us-east-1", "sts"});
  SessionKeys keys = kKeys;
  EXPECT_EQ(Value(signer.Sign({.host = "h"}, keys, kSignedAt), "X-Amz-Security-Token"), "token");
  keys.session_token = base::Secret();
  for (const http::Header& header : signer.Sign({.host = "h"}, keys, kSignedAt)) {
    EXPECT_NE(header.name, "X-Amz-Security-Token");
  }
}

TEST(Encoding, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(UriEncode("a b+c=d/e~f%ü"), "a%20b%2Bc%3Dd%2Fe~f%25%C3%BC");
  EXPECT_EQ(UriEncodePath("/a//b c/."), "/a//b%20c/.");
  EXPECT_EQ(EncodeQuery({{"uploads", ""}, {"prefix", "a/b"}}), "prefix=a%2Fb&uploads=");
}

TEST(Digests, MatchKnownValues) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Md5Base64(""), "1B2M2Y8AsgTpgAmY7PhCfg==");
}

TEST(TimeText, ReadsWhatAwsWrites) {
  EXPECT_EQ(FormatAmzDate(kSignedAt), "20260101T000000Z");
  EXPECT_EQ(ParseIsoTime("2026-01-01T00:00:00Z"), kSignedAt);
  EXPECT_EQ(ParseIsoTime("2026-01-01T00:00:00.250Z"), kSignedAt + std::chrono::milliseconds(250));
  EXPECT_EQ(ParseIsoTime("2026-01-01T00:00:00+00:00"), kSignedAt);
  EXPECT_EQ(ParseHttpDate("Thu, 01 Jan 2026 00:00:00 GMT"), kSignedAt);
  EXPECT_EQ(FromEpochSeconds(1767225600.25), kSignedAt + std::chrono::milliseconds(250));
}

TEST(TimeText, RefusesEveryTextCutShort) {
  for (const std::string& text :
       {std::string("2026-01-01T00:00:00Z"), std::string("2026-01-01T00:00:00.5Z")}) {
    for (std::size_t i = 0; i < text.size(); ++i)
      EXPECT_FALSE(ParseIsoTime(text.substr(0, i))) << i;
  }
  const std::string date = "Thu, 01 Jan 2026 00:00:00 GMT";
  for (std::size_t i = 0; i < date.size(); ++i) EXPECT_FALSE(ParseHttpDate(date.substr(0, i))) << i;
  EXPECT_FALSE(ParseIsoTime("2026-13-01T00:00:00Z"));
  EXPECT_FALSE(ParseIsoTime("2026-02-30T00:00:00Z"));
  EXPECT_FALSE(ParseHttpDate("Thu, 01 Foo 2026 00:00:00 GMT"));
}

}  // namespace
}  // namespace sluice::aws
