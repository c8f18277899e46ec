// Goal: each exchange is told once, with what came and went, and arrives as it would without.
#include "http/watched_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "http/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace sluice::http {
namespace {

struct Told {
  std::string method;
  std::string url;
  std::string operation;
  int status;
  std::uint64_t sent;
  std::uint64_t received;
  bool failed;
};

class WatchedTransportTest : public testing::Test {
 protected:
  test::FakeTransport inner_;
  test::FakeClock clock_;
  std::mutex mu_;
  std::vector<Told> told_;
  WatchedTransport transport_{
      inner_, clock_, [this](const Exchange& exchange) {
        const std::lock_guard lock(mu_);
        told_.push_back({exchange.method, exchange.url, exchange.operation,
                         exchange.response.status, exchange.bytes_sent, exchange.bytes_received,
                         exchange.error != nullptr});
      }};
};

TEST_F(WatchedTransportTest, TellsAReplyWithItsBytesAndHandsItOn) {
  inner_.Add(404, "gone", {{"x-amz-request-id", "R1"}});
  const Response response = transport_.Send(
      {.method = "PUT", .url = "https://s3/b/k", .body = "12345", .operation = "PutObject"}, {});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "gone");
  EXPECT_NE(response.Find("x-amz-request-id"), nullptr);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].method, "PUT");
  EXPECT_EQ(told_[0].url, "https://s3/b/k");
  EXPECT_EQ(told_[0].operation, "PutObject");
  EXPECT_EQ(told_[0].status, 404);
  EXPECT_EQ(told_[0].sent, 5U);
  EXPECT_EQ(told_[0].received, 4U);
  EXPECT_FALSE(told_[0].failed);
}

TEST_F(WatchedTransportTest, CountsTheBytesOfABodyThatIsStreamedAndThenBreaks) {
  inner_.AddError(base::ErrorCode::kUnreachable, true, "half of it");
  std::string got;
  Request request{.url = "https://s3/b/k", .operation = "GetObject"};
  request.on_body = [&](const Response&, std::span<const std::byte> bytes) {
    got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_THROW(transport_.Send(std::move(request), {}), base::Error);
  EXPECT_EQ(got, "half of it");
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].received, 10U);
  EXPECT_EQ(told_[0].status, 206);
  EXPECT_TRUE(told_[0].failed);
}

}  // namespace
}  // namespace sluice::http
