// Goal: whatever stands between here and the workgroup is told apart, in time, and nothing but an
// SSLRequest and a TLS handshake is ever sent.
#include "pq/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pq/testing/fake_server.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::pq {
namespace {

using ::testing::ElementsAre;
using testing::FakeServer;
using ::testing::HasSubstr;
using testing::Peer;
using testing::TlsIdentity;

const base::SystemClock kProbeClock;

// Answers a first packet with `reply` and hangs up; an empty reply says nothing.
class RawServer {
 public:
  explicit RawServer(std::string reply, int backlog = 4) : reply_(std::move(reply)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, any, size) != 0 || listen(listener_, backlog) != 0 ||
        getsockname(listener_, any, &size) != 0) {
      throw std::runtime_error("cannot listen on loopback");
    }
    port_ = ntohs(address.sin_port);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer() {
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  int port() const { return port_; }
  void ServeOne() {
    thread_ = std::thread([this] {
      const int fd = accept(listener_, nullptr, nullptr);
      char packet[8];
      [[maybe_unused]] const auto got = recv(fd, packet, sizeof packet, MSG_WAITALL);
      got_.assign(packet, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      [[maybe_unused]] const auto sent = send(fd, reply_.data(), reply_.size(), MSG_NOSIGNAL);
      close(fd);
    });
  }
  std::string Got() {
    thread_.join();
    return got_;
  }

 private:
  const std::string reply_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::string got_;
};

class ProbeTest : public ::testing::Test {
 protected:
  ProbeResult Reach(const std::string& host, int port) {
    return Probe({.host = host,
                  .port = port,
                  .roots_file = roots_.string(),
                  .patience = std::chrono::milliseconds(700)},
                 kProbeClock, {.deadline = base::Deadline::Never(), .stop = {}});
  }
  ProbeOutcome Shake(const TlsIdentity& shown, const TlsIdentity& trusted) {
    trusted.WriteCertificate(roots_);
    const FakeServer server([](Peer&) { ADD_FAILURE() << "a log-in was begun"; }, &shown);
    result_ = Reach("127.0.0.1", server.port());
    return result_.outcome;
  }
  test::TempDir folder_;
  std::filesystem::path roots_ = folder_.path() / "roots.pem";
  ProbeResult result_;
};

TEST_F(ProbeTest, GoesUpToTlsAndNoFurther) {
  const TlsIdentity identity("DNS:localhost,IP:127.0.0.1");
  EXPECT_EQ(Shake(identity, identity), ProbeOutcome::kOk);
  EXPECT_EQ(result_.local_address, "127.0.0.1");
  EXPECT_EQ(result_.tls_version, "TLSv1.3");
}

TEST_F(ProbeTest, TellsCertificatesApart) {
  const TlsIdentity other("DNS:other.example");
  EXPECT_EQ(Shake(other, other), ProbeOutcome::kNameDiffers);
  EXPECT_THAT(result_.names, ElementsAre("other.example"));
  const TlsIdentity right("IP:127.0.0.1");
  EXPECT_EQ(Shake(right, other), ProbeOutcome::kNotTrusted);
  const TlsIdentity old("IP:127.0.0.1");
  X509_gmtime_adj(X509_getm_notAfter(old.certificate()), -60);
  X509_sign(old.certificate(), old.key(), EVP_sha256());
  EXPECT_EQ(Shake(old, old), ProbeOutcome::kExpired);
  EXPECT_THAT(result_.valid_until, HasSubstr("GMT"));
}

TEST_F(ProbeTest, TellsServersApart) {
  for (const auto& [reply, outcome] : std::map<std::string, ProbeOutcome>{
           {"N", ProbeOutcome::kTlsRefused},
           {"HTTP/1.1 400 Bad Request\r\n", ProbeOutcome::kNotPostgres},
           {"", ProbeOutcome::kSaysNothing},
           {"S", ProbeOutcome::kTlsFailed}}) {
    TlsIdentity("DNS:x").WriteCertificate(roots_);
    RawServer server(reply);
    server.ServeOne();
    EXPECT_EQ(Reach("127.0.0.1", server.port()).outcome, outcome) << reply;
    EXPECT_EQ(server.Got(), std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8));
  }
}

TEST_F(ProbeTest, TellsWaysThereApart) {
  EXPECT_EQ(Reach("no-such-host.invalid", 5439).outcome, ProbeOutcome::kNameNotFound);
  int port = 0;
  {
    const RawServer gone("");
    port = gone.port();
  }
  EXPECT_EQ(Reach("127.0.0.1", port).outcome, ProbeOutcome::kRefused);
}

TEST_F(ProbeTest, SilenceEndsInTime) {
  const RawServer listens("");  // and never accepts, but the system takes the connection
  const auto began = kProbeClock.Steady();
  EXPECT_EQ(Reach("127.0.0.1", listens.port()).outcome, ProbeOutcome::kSaysNothing);
  EXPECT_LT(kProbeClock.Steady() - began, std::chrono::seconds(5));
}

TEST_F(ProbeTest, QueueThatIsFullLooksLikeAFirewall) {
  const RawServer full("", 0);
  std::vector<int> waiting;
  for (int i = 0; i < 4; ++i) {  // more than the queue takes: further packets are dropped
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(full.port()));
    [[maybe_unused]] const int begun =
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    waiting.push_back(fd);
  }
  EXPECT_EQ(Reach("127.0.0.1", full.port()).outcome, ProbeOutcome::kSilent);
  for (const int fd : waiting) close(fd);
}

TEST_F(ProbeTest, CtrlCEndsIt) {
  const RawServer listens("");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(
      [&] {
        Probe({.host = "127.0.0.1", .port = listens.port(), .roots_file = roots_.string()},
              kProbeClock, {.deadline = base::Deadline::Never(), .stop = stop.get_token()});
      },
      test::ThrowsError(base::ErrorCode::kCancelled));
}

TEST_F(ProbeTest, RootsThatCannotBeReadAreOurFault) {
  const TlsIdentity identity("IP:127.0.0.1");
  const FakeServer server([](Peer&) {}, &identity);
  EXPECT_EQ(Reach("127.0.0.1", server.port()).outcome, ProbeOutcome::kRootsMissing);
}

}  // namespace
}  // namespace sluice::pq
