// Goal: the real transport against a real socket: what is sent is exactly what was signed, bodies
// arrive uncopied and whole or as an error, and nothing outlives a stop, a deadline or the end.
#include "http/transport.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::http {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using testing::HasSubstr;
using testing::Not;

// HTTP on loopback: each request's text goes to `answer`, which writes what it likes.
class Server {
 public:
  using Answer = std::function<void(int socket, const std::string& request)>;
  explicit Server(Answer answer)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 32) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { Accept(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mu_);
      for (const int open : sockets_) shutdown(open, SHUT_RDWR);
    }
    serving_.clear();
    for (const int open : sockets_) close(open);
    close(listener_);
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int connections() const { return connections_; }

 private:
  void Accept() {
    for (;;) {
      const int socket = accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      ++connections_;
      const std::lock_guard lock(mu_);
      sockets_.push_back(socket);
      serving_.emplace_back([this, socket] { Serve(socket); });
    }
  }
  void Serve(int socket) {
    std::string text;
    char buffer[4096];
    for (;;) {
      const ssize_t got = read(socket, buffer, sizeof(buffer));
      if (got <= 0) return;
      text.append(buffer, static_cast<std::size_t>(got));
      const auto end = text.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      std::size_t length = 0;
      if (const auto at = text.find("Content-Length: "); at < end)
        length = std::stoul(text.substr(at + 16));
      if (text.size() < end + 4 + length) continue;
      answer_(socket, std::exchange(text, ""));
    }
  }

  const Answer answer_;
  const int listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mu_;
  std::vector<int> sockets_;
  std::vector<std::jthread> serving_;
  std::jthread thread_;
};

void Write(int socket, const std::string& text) {
  EXPECT_EQ(send(socket, text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

void Reply(int socket, const std::string& body, const std::string& status = "200 OK") {
  Write(socket, "HTTP/1.1 " + status + "\r\nX-Y: z \r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
}

class TransportTest : public testing::Test {
 protected:
  TransportOptions options_{
      .connections_max = 2, .threads = 1, .connect_timeout = std::chrono::milliseconds(5000)};
  base::SystemClock clock_;
  std::unique_ptr<Transport> transport_ = MakeCurlTransport(options_, clock_);
  base::Call call_;
};

TEST_F(TransportTest, SendsExactlyWhatItIsGiven) {
  std::promise<std::string> sent;
  Server server([&](int socket, const std::string& request) {
    sent.set_value(request);
    Reply(socket, "body", "201 Created");
  });
  const Response response = transport_->Send({.method = "PUT",
                                              .url = server.url("/a/../b//%20?x=%2F"),
                                              .headers = {{"X-Amz-Date", "d"}, {"X-Empty", ""}},
                                              .body = "abc"},
                                             call_);
  const std::string seen = sent.get_future().get();
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "body");
  EXPECT_EQ(*response.Find("x-y"), "z");
  EXPECT_EQ(response.Find("none"), nullptr);
  EXPECT_THAT(seen, testing::StartsWith("PUT /a/../b//%20?x=%2F HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Amz-Date: d\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Empty:\r\n"));
  EXPECT_THAT(seen, testing::EndsWith("\r\n\r\nabc"));
  EXPECT_THAT(seen, Not(HasSubstr("Expect")));
  EXPECT_THAT(seen, Not(HasSubstr("Content-Type")));
}

TEST_F(TransportTest, AsksDirectlyWhereNoProxyCouldAnswer) {
  Server proxy([](int socket, const std::string&) { Reply(socket, "proxy"); });
  Server server([](int socket, const std::string&) { Reply(socket, "server"); });
  setenv("http_proxy", proxy.url().c_str(), 1);
  EXPECT_EQ(transport_->Send({.url = server.url()}, call_).body, "proxy");
  EXPECT_EQ(transport_->Send({.url = server.url(), .direct = true}, call_).body, "server");
  EXPECT_EQ(transport_->Send({.url = server.url()}, call_).body, "proxy");
  unsetenv("http_proxy");
}

// The message of the error for a call through the proxy of HTTPS_PROXY at `proxy`.
base::ErrorInfo ThroughProxy(Transport& transport, const std::string& proxy,
                             const std::string& url = "https://sts.invalid/") {
  setenv("HTTPS_PROXY", proxy.c_str(), 1);
  setenv("NO_PROXY", "", 1);
  base::ErrorInfo info;
  try {
    transport.Send({.url = url, .operation = "o"}, base::Call());
  } catch (const base::Error& error) {
    info = error.info();
  }
  unsetenv("HTTPS_PROXY");
  unsetenv("NO_PROXY");
  return info;
}

TEST_F(TransportTest, AProxyThatRefusesIsNamedWithoutItsPassword) {
  std::string status;
  Server proxy([&](int socket, const std::string&) { Reply(socket, "", status); });
  std::string with_password = proxy.url("");
  const std::string shown = with_password + " (HTTPS_PROXY)";
  with_password.insert(7, "ann:hunter2@");
  for (const auto& [answer, message, retryable] :
       {std::tuple{"407 Proxy Authentication Required", "asks for a password", false},
        {"403 Forbidden", "refuses to connect to sts.invalid (HTTP 403)", false},
        {"405 Method Not Allowed", "refuses", false},
        {"502 Bad Gateway", "could not reach sts.invalid", true},
        {"503 Service Unavailable", "could not reach", true}}) {
    SCOPED_TRACE(answer);
    status = answer;
    const auto info = ThroughProxy(*transport_, with_password);
    EXPECT_EQ(info.code, ErrorCode::kUnreachable);
    EXPECT_THAT(info.message, HasSubstr(shown));
    EXPECT_THAT(info.message, HasSubstr(message));
    EXPECT_EQ(info.retryable, retryable);
    EXPECT_EQ(info.reason, "proxy");
    EXPECT_THAT(info.remedy, HasSubstr("NO_PROXY"));
    EXPECT_THAT(info.message + info.remedy + info.cause, Not(HasSubstr("hunter2")));
  }
}

TEST_F(TransportTest, AProxyThatIsNotThereIsNamed) {
  std::string gone;
  {
    Server server([](int, const std::string&) {});
    gone = server.url("");
  }
  const auto info = ThroughProxy(*transport_, gone);
  EXPECT_THAT(info.message, HasSubstr("the proxy " + gone));
  EXPECT_THAT(info.message, HasSubstr("does not accept connections"));
  EXPECT_THAT(ThroughProxy(*transport_, "http://proxy.invalid:1").message,
              HasSubstr("no address for the proxy http://proxy.invalid:1"));
  const auto socks = ThroughProxy(*transport_, "socks5h" + gone.substr(4));
  EXPECT_THAT(socks.message, HasSubstr("socks5h://"));
  EXPECT_EQ(socks.reason, "proxy");
  Server plain([](int socket, const std::string&) { Write(socket, "HTTP/1.1 400 no\r\n\r\n"); });
  const auto tls = ThroughProxy(*transport_, "https" + plain.url("").substr(4));
  EXPECT_EQ(tls.reason, "proxy") << tls.message;
}

TEST_F(TransportTest, AProxyThatHangsUpIsNamed) {
  Server proxy([](int socket, const std::string&) { shutdown(socket, SHUT_RDWR); });
  const auto info = ThroughProxy(*transport_, proxy.url(""));
  EXPECT_THAT(info.message, HasSubstr("the proxy " + proxy.url("")));
}

TEST_F(TransportTest, ProxiesAreNotBlamedForWhatGoesPastThem) {
  setenv("NO_PROXY", "127.0.0.1", 1);
  const auto info = [&] {
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    base::ErrorInfo told;
    try {
      transport_->Send({.url = "https://127.0.0.1:2/", .operation = "o"}, call_);
    } catch (const base::Error& error) {
      told = error.info();
    }
    return told;
  }();
  unsetenv("HTTPS_PROXY");
  unsetenv("NO_PROXY");
  EXPECT_THAT(info.message, HasSubstr("127.0.0.1:2 did not accept"));
  EXPECT_THAT(info.message, Not(HasSubstr("proxy")));
}

TEST_F(TransportTest, NeverFollowsARedirect) {
  std::atomic<int> asked = 0;
  Server elsewhere([&](int socket, const std::string&) {
    ++asked;
    Reply(socket, "keys, please");
  });
  for (const char* status : {"301 M", "302 F", "303 S", "307 T", "308 P"}) {
    Server server([&](int socket, const std::string&) {
      Write(socket, "HTTP/1.1 " + std::string(status) + "\r\nLocation: " + elsewhere.url() +
                        "\r\nContent-Length: 0\r\n\r\n");
    });
    const auto response = transport_->Send(
        {.url = server.url(), .headers = {{"Authorization", "secret"}}, .operation = "o"}, call_);
    EXPECT_EQ(response.status / 100, 3);
  }
  EXPECT_EQ(asked, 0);
}

TEST_F(TransportTest, SendsNoHeaderWithALineBreak) {
  std::atomic<int> asked = 0;
  Server server([&](int socket, const std::string&) {
    ++asked;
    Reply(socket, "");
  });
  EXPECT_THAT(
      [&] {
        transport_->Send({.url = server.url(), .headers = {{"A", "b\r\nX-Evil: 1"}}}, call_);
      },
      ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_EQ(asked, 0);
}

TEST_F(TransportTest, NamesWhatGaveTheAddress) {
  Server server([](int socket, const std::string&) { shutdown(socket, SHUT_RDWR); });
  try {
    transport_->Send({.url = server.url(), .address_from = "AWS_ENDPOINT_URL_S3", .operation = "o"},
                     call_);
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_THAT(error.info().message, HasSubstr("AWS_ENDPOINT_URL_S3"));
  }
}

TEST_F(TransportTest, KeepsItsMethodsAndConnections) {
  std::mutex mu;
  std::vector<std::string> methods;
  Server server([&](int socket, const std::string& request) {
    const std::lock_guard lock(mu);
    methods.push_back(request.substr(0, request.find(' ')));
    methods.back() == "HEAD" ? Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
                             : Reply(socket, "");
  });
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "GET"}) {
    EXPECT_EQ(transport_->Send({.method = method, .url = server.url()}, call_).status, 200);
  }
  const std::lock_guard lock(mu);
  EXPECT_THAT(methods, testing::ElementsAre("GET", "HEAD", "POST", "PUT", "DELETE", "GET"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(TransportTest, StreamsGoodBodiesAndCollectsBadOnes) {
  const std::string big(300000, 'x');
  Server server([&](int socket, const std::string& request) {
    Reply(socket, big, request.find("/bad") == std::string::npos ? "206 Partial" : "503 Slow");
  });
  std::string got;
  Request request{.url = server.url("/good"),
                  .on_body = [&](const Response& head, std::span<const std::byte> bytes) {
                    EXPECT_EQ(head.status, 206);
                    got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                  }};
  EXPECT_EQ(transport_->Send(request, call_).body, "");
  EXPECT_EQ(got, big);
  request.url = server.url("/bad");
  EXPECT_EQ(transport_->Send(request, call_).body, big);
  EXPECT_EQ(got, big);
}

TEST_F(TransportTest, EndsWithWhatTheSinkThrows) {
  Server server([](int socket, const std::string&) { Reply(socket, "body"); });
  const Request request{.url = server.url(),
                        .on_body = [](const Response&, std::span<const std::byte>) {
                          throw base::Error({.code = ErrorCode::kNoSpace});
                        }};
  EXPECT_THAT([&] { transport_->Send(request, call_); }, ThrowsError(ErrorCode::kNoSpace));
}

TEST_F(TransportTest, BoundsACollectedBody) {
  Server server([](int socket, const std::string&) { Reply(socket, "0123456789"); });
  EXPECT_EQ(transport_->Send({.url = server.url(), .body_bytes_max = 10}, call_).body.size(), 10u);
  EXPECT_THAT([&] { transport_->Send({.url = server.url(), .body_bytes_max = 9}, call_); },
              ThrowsError(ErrorCode::kCorrupt));
}

// Sends `piece` until nobody listens any more.
void WriteForEver(int socket, const std::string& piece) {
  while (send(socket, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) {
  }
}

TEST_F(TransportTest, BoundsTheHeadersOfAReply) {
  Server server([](int socket, const std::string&) {
    Write(socket, "HTTP/1.1 200 OK\r\n");
    WriteForEver(socket, "X-More: " + std::string(1000, 'x') + "\r\n");
  });
  EXPECT_THROW(transport_->Send({.url = server.url()}, call_), base::Error);
}

TEST_F(TransportTest, BoundsTheBodyOfARefusalHoweverMuchWasAskedFor) {
  Server server([](int socket, const std::string&) {
    Write(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 100000000000\r\n\r\n");
    WriteForEver(socket, std::string(64 << 10, 'x'));
  });
  EXPECT_THAT([&] { transport_->Send({.url = server.url(), .body_bytes_max = 1ULL << 40}, call_); },
              ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(TransportTest, AnEndlessBodyIsNotCollected) {
  Server server([](int socket, const std::string&) {
    Write(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    WriteForEver(socket, "10000\r\n" + std::string(65536, 'x') + "\r\n");
  });
  EXPECT_THAT([&] { transport_->Send({.url = server.url(), .body_bytes_max = 1 << 20}, call_); },
              ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(TransportTest, ABodyCutShortIsAnErrorThatMayBeRepeated) {
  Server server([](int socket, const std::string&) {
    Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    shutdown(socket, SHUT_RDWR);
  });
  try {
    transport_->Send({.url = server.url()}, call_);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnreachable);
    EXPECT_TRUE(error.info().retryable);
  }
}

TEST_F(TransportTest, NobodyThereIsUnreachable) {
  EXPECT_THAT([&] { transport_->Send({.url = "http://127.0.0.1:1/"}, call_); },
              ThrowsError(ErrorCode::kUnreachable));
  EXPECT_THAT([&] { transport_->Send({.url = "http://no-such-host.invalid/"}, call_); },
              ThrowsError(ErrorCode::kUnreachable));
  EXPECT_THAT([&] { transport_->Send({.url = "ftp://127.0.0.1/"}, call_); },
              ThrowsError(ErrorCode::kUnreachable));
  Server plain([](int socket, const std::string&) { Reply(socket, ""); });
  EXPECT_THAT(
      [&] {
        transport_->Send({.url = "https" + plain.url().substr(4), .operation = "o"},
                         {.deadline = base::Deadline::After(clock_, std::chrono::seconds(2))});
      },
      testing::Throws<base::Error>());
}

TEST_F(TransportTest, WorksOnAfterEveryKindOfFailure) {
  Server server([](int socket, const std::string& request) {
    if (request.find("/cut") != std::string::npos) {
      Write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      shutdown(socket, SHUT_RDWR);
    } else if (request.find("/good") != std::string::npos) {
      Reply(socket, "x");
    }
  });
  options_.connections_max = 1;
  const auto narrow = MakeCurlTransport(options_, clock_);
  for (const std::string& bad :
       {std::string("http://127.0.0.1:1/"), std::string("http://no-such-host.invalid/"),
        std::string("ftp://127.0.0.1/"), server.url("/cut"), server.url("/silent")}) {
    const base::Call soon{.deadline =
                              base::Deadline::After(clock_, std::chrono::milliseconds(300))};
    EXPECT_THAT([&] { narrow->Send({.url = bad}, soon); }, testing::Throws<base::Error>()) << bad;
    EXPECT_EQ(narrow->Send({.url = server.url("/good")}, call_).body, "x") << "after " << bad;
  }
}

TEST_F(TransportTest, GivesUpAtItsDeadlineAndWhenNothingMoves) {
  Server silent([](int, const std::string&) {});
  EXPECT_THAT(
      [&] {
        transport_->Send({.url = silent.url()}, {.deadline = base::Deadline::After(
                                                     clock_, std::chrono::milliseconds(50))});
      },
      ThrowsError(ErrorCode::kTimeout));
  options_.stall_timeout = std::chrono::seconds(1);
  const auto impatient = MakeCurlTransport(options_, clock_);
  EXPECT_THAT([&] { impatient->Send({.url = silent.url()}, call_); },
              ThrowsError(ErrorCode::kTimeout));
}

TEST_F(TransportTest, StopsWhatIsUnderWayAndWhatWaits) {
  std::promise<void> asked;
  Server silent([&, once = false](int, const std::string&) mutable {
    if (!std::exchange(once, true)) asked.set_value();
  });
  options_.connections_max = 1;
  const auto narrow = MakeCurlTransport(options_, clock_);
  std::stop_source stop;
  std::promise<Result> first, second;
  narrow->Start({.url = silent.url()}, {.stop = stop.get_token()},
                [&](Result r) { first.set_value(std::move(r)); });
  narrow->Start({.url = silent.url()}, {.stop = stop.get_token()},
                [&](Result r) { second.set_value(std::move(r)); });
  asked.get_future().get();
  stop.request_stop();
  for (auto* promise : {&first, &second}) {
    const Result result = promise->get_future().get();
    EXPECT_THAT([&] { std::rethrow_exception(result.error); }, ThrowsError(ErrorCode::kCancelled));
  }
  EXPECT_EQ(silent.connections(), 1);
  EXPECT_THAT([&] { narrow->Send({.url = silent.url()}, {.stop = stop.get_token()}); },
              ThrowsError(ErrorCode::kCancelled));
}

TEST_F(TransportTest, ItsEndCancelsEverything) {
  Server silent([](int, const std::string&) {});
  std::vector<std::promise<Result>> results(5);
  for (auto& result : results) {
    transport_->Start({.url = silent.url()}, call_,
                      [&](Result r) { result.set_value(std::move(r)); });
  }
  transport_.reset();
  for (auto& result : results) {
    const Result got = result.get_future().get();
    EXPECT_THAT([&] { std::rethrow_exception(got.error); }, ThrowsError(ErrorCode::kCancelled));
  }
}

TEST_F(TransportTest, NeverOpensMoreConnectionsThanAllowed) {
  std::mutex mu;
  std::condition_variable all_here;
  int here = 0;
  Server server([&](int socket, const std::string&) {
    std::unique_lock lock(mu);
    ++here;
    all_here.notify_all();
    all_here.wait(lock, [&] { return here >= 2; });  // Both connections are in use at one time.
    lock.unlock();
    Reply(socket, "x");
  });
  std::vector<std::promise<Result>> results(20);
  for (auto& result : results) {
    transport_->Start({.url = server.url()}, call_,
                      [&](Result r) { result.set_value(std::move(r)); });
  }
  for (auto& result : results) EXPECT_EQ(result.get_future().get().response.body, "x");
  EXPECT_EQ(server.connections(), 2);
}

TEST(CurlTransport, RefusesACaFileThatIsNotThere) {
  const base::SystemClock clock;
  EXPECT_THAT([&] { MakeCurlTransport({.ca_file = "/nonexistent/ca.pem"}, clock); },
              ThrowsError(ErrorCode::kInvalidConfig));
}

}  // namespace
}  // namespace sluice::http
