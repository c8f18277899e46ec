// Goal: each request of S3 counts once, at the price that S3 bills it, and bytes of objects alone.
#include "aws/s3/s3_traffic.h"

#include <gtest/gtest.h>

#include "http/transport_error.h"

namespace sluice::aws {
namespace {

struct Case {
  const char* method;
  const char* url;
  model::S3Requests counted;
  std::uint64_t bytes;  // of 7 sent and 5 received
};

constexpr model::S3Requests kPut{.put = 1};
constexpr model::S3Requests kGet{.get = 1};
constexpr model::S3Requests kFree{.free = 1};

const Case kCases[] = {
    {"GET", "https://b.s3/k", kGet, 5},
    {"GET", "https://b.s3/k?partNumber=1", kGet, 5},
    {"GET", "https://b.s3/list-type?versionId=delete", kGet, 5},
    {"HEAD", "https://b.s3/k", kGet, 5},
    {"HEAD", "https://b.s3/", kGet, 5},
    {"GET", "https://b.s3/?list-type=2&prefix=a", kPut, 0},
    {"GET", "https://b.s3/?encoding-type=url&list-type=2", kPut, 0},
    {"GET", "https://b.s3/?encoding-type=url&uploads=", kPut, 0},
    {"PUT", "https://b.s3/k", kPut, 7},
    {"PUT", "https://b.s3/k?partNumber=1&uploadId=u", kPut, 7},
    {"POST", "https://b.s3/k?uploads=", kPut, 0},
    {"POST", "https://b.s3/k?uploadId=delete", kPut, 0},
    {"POST", "https://b.s3/?delete=", kFree, 0},
    {"DELETE", "https://b.s3/k?uploadId=u", kFree, 0},
};

void Count(S3Traffic& traffic, const char* method, const char* url, int status,
           const std::exception_ptr& error = {}) {
  const std::string verb = method;
  const std::string address = url;
  const std::string operation;
  const http::Response response{.status = status};
  traffic.Count({.method = verb,
                 .url = address,
                 .operation = operation,
                 .bytes_sent = 7,
                 .response = response,
                 .bytes_received = 5,
                 .error = error,
                 .began = {},
                 .duration = {}});
}

TEST(S3Traffic, CountsEachRequestAtItsPrice) {
  for (const Case& one : kCases) {
    S3Traffic traffic;
    Count(traffic, one.method, one.url, 200);
    EXPECT_EQ(traffic.requests(), one.counted) << one.method << " " << one.url;
    EXPECT_EQ(traffic.bytes_moved(), one.bytes) << one.method << " " << one.url;
  }
}

TEST(S3Traffic, CountsARefusalWithoutItsBytesAndNothingThatNobodyAnswered) {
  S3Traffic traffic;
  Count(traffic, "GET", "https://b.s3/k", 403);
  Count(traffic, "PUT", "https://b.s3/k", 503);
  Count(traffic, "GET", "https://b.s3/k", 0);
  Count(traffic, "GET", "https://b.s3/k", 0,
        std::make_exception_ptr(base::Error({.code = base::ErrorCode::kUnreachable})));
  EXPECT_EQ(traffic.requests(), (model::S3Requests{.put = 1, .get = 1}));
  EXPECT_EQ(traffic.bytes_moved(), 0U);
}

TEST(S3Traffic, CountsWhatWasSentAlthoughNobodyWaitedForTheAnswer) {
  S3Traffic traffic;
  Count(traffic, "GET", "https://b.s3/?list-type=2", 0,
        std::make_exception_ptr(
            base::Error({.code = base::ErrorCode::kCancelled, .reason = http::kSent})));
  EXPECT_EQ(traffic.requests(), (model::S3Requests{.put = 1}));
}

}  // namespace
}  // namespace sluice::aws
