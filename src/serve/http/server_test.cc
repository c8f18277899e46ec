// Goal: over a real connection of this machine, each request has one answer, in its order; what has
// no end is counted, and what nobody waits for is stopped.
#include "serve/http/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "base/clock.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"

namespace sluice::serve {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { Close(); }

  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  void Send(std::string_view text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // All that comes until `until` is in it, or the other side closes.
  std::string ReadUntil(std::string_view until) {
    std::string text;
    char part[4096];
    while (text.find(until) == std::string::npos) {
      const ssize_t bytes = recv(fd_, part, sizeof(part), 0);
      if (bytes <= 0) break;
      text.append(part, static_cast<std::size_t>(bytes));
    }
    return text;
  }
  std::string ReadAll() { return ReadUntil("\x01 never"); }

 private:
  int fd_;
};

class ServerTest : public testing::Test {
 protected:
  void Start(Handler handler, ServerOptions options = {}) {
    server_.emplace(options, std::move(handler), clock_, log_);
    server_->Begin();
  }

  const base::SystemClock clock_;
  test::NullLogger log_;
  std::optional<Server> server_;
};

Reply Echo(const Request& request) {
  return {.response = {.status = 200, .fields = {}, .body = request.path + " " + request.body}};
}

TEST_F(ServerTest, AnswersRequestsInTheirOrderOnOneConnection) {
  Start(Echo);
  Client client(server_->port());
  client.Send("GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
  client.Send("GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string all = client.ReadAll();
  const auto one = all.find("/1 ");
  const auto two = all.find("/2 hi");
  const auto three = all.find("/3 ");
  EXPECT_TRUE(one < two && two < three && three != std::string::npos) << all;
}

TEST_F(ServerTest, AsksForTheBodyThatAClientHoldsBack) {
  Start(Echo);
  Client client(server_->port());
  client.Send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100 "));
  client.Send("hi");
  EXPECT_THAT(client.ReadUntil("hi"), HasSubstr("/a hi"));
}

TEST_F(ServerTest, TellsWhoSendsTooMuchBeforeItCloses) {
  Start(Echo);
  Client client(server_->port());
  client.Send("POST /a HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + std::string(300'000, 'a'));
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(ServerTest, GivesARequestThatNeverEndsItsTime) {
  Start(Echo, {.header_patience = std::chrono::milliseconds(50),
               .body_patience = std::chrono::milliseconds(50)});
  Client header(server_->port());
  header.Send("GET / HTT");
  EXPECT_THAT(header.ReadAll(), StartsWith("HTTP/1.1 408 "));
  Client body(server_->port());
  body.Send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_THAT(body.ReadAll(), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, MakesRoomForWhoAsksAtTheCostOfWhoDoesNot) {
  Start(Echo, {.connections_max = 3});
  Client silent(server_->port());
  Client others[] = {Client(server_->port()), Client(server_->port()), Client(server_->port())};
  others[2].Send("GET /here HTTP/1.1\r\n\r\n");
  EXPECT_THAT(others[2].ReadUntil("/here"), HasSubstr(" 200 "));
  EXPECT_EQ(silent.ReadAll(), "");  // closed
}

TEST_F(ServerTest, CountsStreams) {
  Start(
      [](const Request&) -> Reply {
        return {.response = {}, .poll = [] { return Piece{.text = "event\n", .over = false}; }};
      },
      {.streams_max = 1});
  Client first(server_->port());
  first.Send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(first.ReadUntil("event"), HasSubstr("chunked"));
  Client second(server_->port());
  second.Send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 503 "));
  // Its place is free again when its reader is gone.
  first.Close();
  for (;;) {
    Client third(server_->port());
    third.Send("GET / HTTP/1.1\r\n\r\n");
    if (third.ReadUntil("\r\n\r\n").find(" 200 ") != std::string::npos) break;
  }
}

TEST_F(ServerTest, StopsWorkThatNobodyWaitsFor) {
  std::latch begun(1);
  std::latch stopped(1);
  Start([&](const Request&) -> Reply {
    return {.response = {}, .work = [&](Writer&, std::stop_token stop) {
              const std::stop_callback on_stop(stop, [&] { stopped.count_down(); });
              begun.count_down();
              stopped.wait();
              return Response{};
            }};
  });
  Client client(server_->port());
  client.Send("GET / HTTP/1.1\r\n\r\n");
  begun.wait();
  client.Close();
  stopped.wait();
  server_->End();  // its threads still wait at what is about to go
}

TEST_F(ServerTest, AWriterWaitsForItsReaderAndIsToldWhenItIsGone) {
  std::latch begun(1);
  std::latch ended(1);
  Start([&](const Request&) -> Reply {
    return {.response = {},
            .work =
                [&](Writer& writer, std::stop_token) {
                  const std::string text(100'000, 'a');
                  begun.count_down();
                  while (writer.Write(text)) continue;
                  ended.count_down();
                  return Response{};
                },
            .streams = true};
  });
  Client client(server_->port());
  client.Send("GET / HTTP/1.1\r\n\r\n");
  begun.wait();
  EXPECT_THAT(client.ReadUntil("aaaa"), HasSubstr("chunked"));
  client.Close();
  ended.wait();
  server_->End();  // as above
}

TEST_F(ServerTest, RefusesWhatTakesLongWhereAllThreadsHaveWork) {
  std::latch go(1);
  std::latch begun(1);
  Start(
      [&](const Request&) -> Reply {
        return {.response = {}, .work = [&](Writer&, std::stop_token) {
                  begun.count_down();
                  go.wait();
                  return Response{.status = 200, .fields = {}, .body = "done"};
                }};
      },
      {.long_workers = 1});
  Client first(server_->port());
  first.Send("GET / HTTP/1.1\r\n\r\n");
  begun.wait();
  Client second(server_->port());
  second.Send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 503 "));
  go.count_down();
  EXPECT_THAT(first.ReadUntil("done"), HasSubstr(" 200 "));
}

TEST_F(ServerTest, EndsStreamsAndLetsAnswersEnd) {
  std::latch begun(1);
  std::latch go(1);
  Start([&](const Request&) -> Reply {
    begun.count_down();
    go.wait();
    return {.response = {.status = 200, .fields = {}, .body = "whole"}};
  });
  Client client(server_->port());
  client.Send("GET / HTTP/1.1\r\n\r\n");
  begun.wait();
  std::jthread end([&] { server_->End(); });
  go.count_down();
  EXPECT_THAT(client.ReadAll(), HasSubstr("whole"));
}

TEST_F(ServerTest, TellsThatThePortIsTaken) {
  Start(Echo);
  EXPECT_THAT([&] { Server({.port = server_->port()}, Echo, clock_, log_); },
              test::ThrowsError(base::ErrorCode::kConflict));
  EXPECT_THAT([&] { Server({.address = "192.0.2.1"}, Echo, clock_, log_); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
  EXPECT_THAT(
      [&] { Server({.tls_certificate = "/no/such", .tls_key = "/no/such"}, Echo, clock_, log_); },
      test::ThrowsError(base::ErrorCode::kNotFound));
}

}  // namespace
}  // namespace sluice::serve
