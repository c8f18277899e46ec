// Goal: a receiver can tell that a message is ours and whole; nobody's name leads us to an address
// of this machine or its network; and no name of anybody's ends a header.
#include "notify/deliver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

#include "base/descriptor.h"
#include "notify/signature.h"

namespace sluice::notify {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The example of the convention itself:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_test.go
TEST(Signature, IsThatOfTheConventionsOwnExample) {
  const base::Secret secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const auto headers =
      SignedHeaders(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})");
  ASSERT_EQ(headers.size(), 3U);
  EXPECT_EQ(headers[0].value, "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_EQ(headers[1].value, "1614265330");
  EXPECT_EQ(headers[2].name, "webhook-signature");
  EXPECT_EQ(headers[2].value, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(Signature, DependsOnEachPart) {
  const auto sign = [](const char* secret, const char* id, std::int64_t time, const char* body) {
    return SignedHeaders(base::Secret(secret), id, time, body)[2].value;
  };
  const auto one = sign("s", "i", 1, "b");
  EXPECT_EQ(one, sign("s", "i", 1, "b"));
  EXPECT_NE(one, sign("t", "i", 1, "b"));
  EXPECT_NE(one, sign("s", "j", 1, "b"));
  EXPECT_NE(one, sign("s", "i", 2, "b"));
  EXPECT_NE(one, sign("s", "i", 1, "c"));
  // What only looks like base64 counts as it stands.
  EXPECT_NE(sign("whsec_!!!!", "i", 1, "b"), one);
}

// A server that takes one request and answers it.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : listening_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), size);
    listen(listening_.get(), 1);
    getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const base::Descriptor peer(accept(listening_.get(), nullptr, nullptr));
      char buffer[4096];
      while (peer.get() >= 0 && request.find("\r\n\r\n{}") == std::string::npos) {
        const ssize_t count = read(peer.get(), buffer, sizeof buffer);
        if (count <= 0) return;
        request.append(buffer, static_cast<std::size_t>(count));
      }
      [[maybe_unused]] const ssize_t sent = write(peer.get(), answer.data(), answer.size());
    });
  }
  ~OneAnswer() { Join(); }
  void Join() {
    shutdown(listening_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  int port = 0;
  std::string request;

 private:
  const base::Descriptor listening_;
  std::thread thread_;
};

WebMessage MessageTo(int port) {
  return {.url = base::Secret("http://127.0.0.1:" + std::to_string(port) + "/secret-path"),
          .headers = {{"webhook-id", "i\r\nX-Injected: 1"}},
          .body = "{}"};
}

TEST(Deliver, PostsJsonWithItsHeaders) {
  OneAnswer server("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(Deliver(MessageTo(server.port), {.any_address = true}, {}), "");
  server.Join();
  EXPECT_THAT(server.request,
              AllOf(HasSubstr("POST /secret-path HTTP/1.1\r\n"),
                    HasSubstr("Content-Type: application/json\r\n"), HasSubstr("webhook-id: i")));
  EXPECT_THAT(server.request, Not(HasSubstr("\nX-Injected")));
}

TEST(Deliver, TellsAStatusWithoutTheAddressAndFollowsNoRedirect) {
  OneAnswer server(
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(Deliver(MessageTo(server.port), {.any_address = true}, {}),
            "127.0.0.1:" + std::to_string(server.port) + " answered with status 302");
}

TEST(Deliver, NeverConnectsToAnAddressOfThisMachineUnlessItIsAllowed) {
  OneAnswer server("HTTP/1.1 204 No Content\r\n\r\n");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    auto message = MessageTo(server.port);
    message.url = base::Secret("http://" + std::string(host) + ":" + std::to_string(server.port));
    EXPECT_THAT(Deliver(message, {}, {}), HasSubstr("--allow-host"));
  }
  Mail mail{.host = "localhost", .port = server.port, .from = "a@b.c", .to = {"d@e.f"}};
  EXPECT_THAT(Deliver(mail, {}, {}), HasSubstr("--allow-host"));
  server.Join();
  EXPECT_EQ(server.request, "");
}

TEST(Deliver, SendsNoOtherProtocol) {
  auto message = MessageTo(1);
  message.url = base::Secret("file:///etc/passwd");
  EXPECT_NE(Deliver(message, {.any_address = true}, {}), "");
}

TEST(MailText, NamesEndNoHeader) {
  const std::string text = MailText({.from = "a@b.c>\r\nBcc: x@y.z",
                                     .to = {"d@e.f", "g@h.i"},
                                     .subject = "Failed: x\r\nBcc: evil@example.com",
                                     .text = "Hello",
                                     .id = "m1",
                                     .date = 1767225600});
  EXPECT_THAT(text, AllOf(HasSubstr("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"),
                          HasSubstr("To: <d@e.f>,\r\n <g@h.i>\r\n"), HasSubstr("SGVsbG8="),
                          Not(HasSubstr("\nBcc")), Not(HasSubstr("evil@"))));
}

TEST(MailText, ALongSubjectInAnyScriptIsCutBetweenCharacters) {
  std::string subject;
  for (int i = 0; i < 60; ++i) subject += "\xE2\x82\xAC";  // the euro sign
  const std::string text = MailText({.from = "a@b.c", .to = {}, .subject = subject});
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find("\r\n", at);
    EXPECT_LE(end - at, 78U);
    at = end + 2;
  }
  // 14 signs fill a word's 42 bytes.
  std::string first = Base64(subject.substr(0, 42));
  EXPECT_THAT(text, HasSubstr("=?UTF-8?B?" + first + "?="));
}

}  // namespace
}  // namespace sluice::notify
