// Goal: what arrives in whatever pieces is the request that was sent, and what proxies and servers
// might read in two ways, or without end, is refused.
#include "serve/http/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::serve {
namespace {

using State = RequestParser::State;

constexpr ParserLimits kLimits{.header_bytes_max = 512, .body_bytes_max = 64};

constexpr std::string_view kPost =
    "POST /api/v1/tenants?limit=2 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: "
    "5\r\n\r\nhello";

RequestParser::Fed FeedAll(RequestParser& parser, std::string_view text) {
  return parser.Feed(text);
}

int RefusalOf(std::string_view text) {
  RequestParser parser(kLimits);
  const auto fed = FeedAll(parser, text);
  return fed.state == State::kRefused ? parser.refusal() : 0;
}

TEST(RequestParser, ReadsARequestCutAnywhere) {
  for (std::size_t cut = 0; cut <= kPost.size(); ++cut) {
    RequestParser parser(kLimits);
    std::string waiting(kPost.substr(0, cut));
    waiting.erase(0, parser.Feed(waiting).used);
    waiting += kPost.substr(cut);
    const auto fed = parser.Feed(waiting);
    ASSERT_EQ(fed.state, State::kDone) << cut;
    const Request request = parser.Take();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/api/v1/tenants");
    EXPECT_EQ(request.query, "limit=2");
    EXPECT_EQ(request.Field("x-one"), "1");
    EXPECT_EQ(request.body, "hello");
  }
}

TEST(RequestParser, LeavesTheNextRequestWhereItIs) {
  RequestParser parser(kLimits);
  const std::string two = std::string(kPost) + "GET / HTTP/1.1\r\n";
  const auto fed = parser.Feed(two);
  EXPECT_EQ(fed.state, State::kDone);
  EXPECT_EQ(two.substr(fed.used), "GET / HTTP/1.1\r\n");
}

TEST(RequestParser, RefusesWhatIsTooLong) {
  EXPECT_EQ(RefusalOf("GET /" + std::string(600, 'a') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nA: " + std::string(600, 'a')), 431);
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65\r\n\r\n"), 413);
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n" +
                      std::string(80, 'a')),
            413);
}

// Two readers of these would find two bodies: the second is a request of the attacker's.
TEST(RequestParser, RefusesTwoLengths) {
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400);
  EXPECT_EQ(
      RefusalOf("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0"),
      400);
  for (const char* encoding :
       {"gzip, chunked", "gzip, chunked, x", "identity", "chunked, chunked"}) {
    EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nTransfer-Encoding: " + std::string(encoding) +
                        "\r\n\r\n0\r\n\r\n"),
              400)
        << encoding;
  }
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"), 400);
}

TEST(RequestParser, RefusesWhatIsNoRequestForAPath) {
  EXPECT_EQ(RefusalOf("GET http://other/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf("CONNECT other:443 HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf("OPTIONS * HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf("GET /\\..\\etc HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf("GET / HTTP/3.0\r\n\r\n"), 505);
  EXPECT_EQ(RefusalOf("\x16\x03\x01 TLS to a plain port\r\n\r\n"), 400);
  EXPECT_EQ(RefusalOf(std::string_view("GET /\0 HTTP/1.1\r\n\r\n", 18)), 400);
}

TEST(RequestParser, SaysOnceThatTheClientWaits) {
  RequestParser parser(kLimits);
  parser.Feed("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_TRUE(parser.HeaderDone());
  EXPECT_TRUE(parser.TakeExpectsContinue());
  EXPECT_FALSE(parser.TakeExpectsContinue());
}

TEST(RequestParser, KnowsWhetherTheConnectionGoesOn) {
  RequestParser one(kLimits);
  one.Feed("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(one.KeepAlive());
  RequestParser two(kLimits);
  two.Feed("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(two.KeepAlive());
  RequestParser three(kLimits);
  three.Feed("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(three.KeepAlive());
  EXPECT_FALSE(three.IsHttp11());
}

}  // namespace
}  // namespace sluice::serve
