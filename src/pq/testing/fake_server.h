// A server of the PostgreSQL wire protocol whose side of the talk a test writes: one function per
// connection, on a thread of its own. Listens on loopback, port 0.
// https://www.postgresql.org/docs/15/protocol-message-formats.html
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "pq/testing/tls_identity.h"

namespace sluice::pq::testing {

// The client went away, or broke the protocol: ends the talk.
struct TalkEnded : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The server's end of one connection.
class Peer {
 public:
  struct Shared {
    std::mutex mu;
    std::condition_variable changed;
    int cancels = 0;
    bool closing = false;
  };

  Peer(int fd, SSL_CTX* tls, Shared& shared) : fd_(fd), tls_(tls), shared_(shared) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    ssl_.reset();
    close(fd_);
  }

  // Reads start-up packets until the real one, agreeing to TLS if the server has it. False for a
  // cancel request, which it counts.
  bool ReadStartup() {
    for (;;) {
      const std::string packet = ReadBytes(ReadInt() - 4);
      const std::uint32_t code = IntAt(packet, 0);
      if (code == 80877102) {
        const std::lock_guard lock(shared_.mu);
        ++shared_.cancels;
        shared_.changed.notify_all();
        return false;
      }
      if (code == 80877103) {
        WriteBytes(tls_ == nullptr ? "N" : "S");
        if (tls_ != nullptr) AcceptTls();
        continue;
      }
      if (code == 80877104) {
        WriteBytes("N");
        continue;
      }
      ReadParameters(packet);
      return true;
    }
  }

  // As sent by the client: "user", "database", "application_name".
  const std::map<std::string, std::string>& startup() const { return startup_; }
  bool tls() const { return ssl_ != nullptr; }

  // Asks for the password in clear text, as Redshift may.
  std::string ReadPassword() {
    Send('R', Int(3));
    auto [type, body] = ReadMessage();
    if (type != 'p') throw TalkEnded("no password came");
    body.pop_back();
    return body;
  }

  void AcceptLogin(const std::string& server_version = "8.0.2",
                   const std::map<std::string, std::string>& further = {}) {
    Send('R', Int(0));
    for (const auto& [name, value] : further) Parameter(name, value);
    Parameter("server_version", server_version);
    Parameter("client_encoding", "UNICODE");
    Send('K', Int(4711) + Int(815));
    Ready();
  }
  void Parameter(const std::string& name, const std::string& value) {
    Send('S', name + '\0' + value + '\0');
  }

  // The text of the next query, by either protocol. Throws TalkEnded when the client leaves.
  std::string ReadQuery() {
    auto [type, body] = ReadMessage();
    by_extended_protocol_ = type == 'P';
    if (type == 'P') return ReadExtended(body);
    if (type != 'Q') throw TalkEnded("the client left");
    body.pop_back();
    return body;
  }
  // How the last query came.
  bool by_extended_protocol() const { return by_extended_protocol_; }

  struct Column {
    std::string name;
    std::uint32_t oid = 1043;
    int type_modifier = -1;
  };
  void Rows(const std::vector<Column>& columns,
            const std::vector<std::vector<std::optional<std::string>>>& rows) {
    std::string description = Short(columns.size());
    for (const auto& column : columns) {
      description += column.name + '\0' + Int(0) + Short(0) + Int(column.oid) + Short(0xffff) +
                     Int(static_cast<std::uint32_t>(column.type_modifier)) + Short(0);
    }
    Send('T', description);
    for (const auto& row : rows) {
      std::string data = Short(row.size());
      for (const auto& field : row) {
        data += field ? Int(static_cast<std::uint32_t>(field->size())) + *field : Int(0xffffffff);
      }
      Send('D', data);
    }
    Tag("SELECT");
  }
  void Tag(const std::string& tag) { Send('C', tag + '\0'); }
  void Notice(const std::string& severity, const std::string& text) {
    Send('N', Fields(severity, "00000", text, ""));
  }
  void Fail(const std::string& sqlstate, const std::string& text, const std::string& detail = "",
            const std::string& severity = "ERROR") {
    Send('E', Fields(severity, sqlstate, text, detail));
  }
  // 'I' idle, 'T' in a transaction, 'E' in a failed one.
  void Ready(char state = 'I') { Send('Z', std::string(1, state)); }

  // Waits until the server got `count` cancel requests in all; throws TalkEnded if it shuts down.
  void AwaitCancel(int count = 1) {
    std::unique_lock lock(shared_.mu);
    shared_.changed.wait(lock, [&] { return shared_.cancels >= count || shared_.closing; });
    if (shared_.cancels < count) throw TalkEnded("the server shuts down");
  }
  // Says nothing more until the server shuts down or the client leaves.
  void Hang() { ReadBytes(1); }

  void WriteBytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto size = static_cast<int>(bytes.size());
      const auto n = ssl_ ? SSL_write(ssl_.get(), bytes.data(), size)
                          : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) throw TalkEnded("the client left");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

 private:
  static std::string Int(std::uint32_t value) {
    const std::uint32_t net = htonl(value);
    return {reinterpret_cast<const char*>(&net), 4};
  }
  static std::string Short(std::size_t value) {
    const std::uint16_t net = htons(static_cast<std::uint16_t>(value));
    return {reinterpret_cast<const char*>(&net), 2};
  }
  static std::uint32_t IntAt(const std::string& bytes, std::size_t at) {
    if (bytes.size() < at + 4) throw TalkEnded("a packet is too short");
    std::uint32_t net = 0;
    bytes.copy(reinterpret_cast<char*>(&net), 4, at);
    return ntohl(net);
  }
  static std::string Fields(const std::string& severity, const std::string& sqlstate,
                            const std::string& text, const std::string& detail) {
    std::string fields = "S" + severity + '\0' + "C" + sqlstate + '\0' + "M" + text + '\0';
    if (!detail.empty()) fields += "D" + detail + '\0';
    return fields + '\0';
  }

  // Parse, Bind, Describe, Execute, Sync, of a statement without a name or parameters.
  std::string ReadExtended(const std::string& parse) {
    const std::string sql = parse.c_str() + 1;
    while (ReadMessage().first != 'S') {
    }
    Send('1', "");
    Send('2', "");
    return sql;
  }

  void Send(char type, const std::string& body) {
    WriteBytes(type + Int(static_cast<std::uint32_t>(body.size() + 4)) + body);
  }
  std::uint32_t ReadInt() { return IntAt(ReadBytes(4), 0); }
  std::pair<char, std::string> ReadMessage() {
    const char type = ReadBytes(1)[0];
    return {type, ReadBytes(ReadInt() - 4)};
  }
  std::string ReadBytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t have = 0; have < count;) {
      const auto left = count - have;
      const auto n = ssl_ ? SSL_read(ssl_.get(), bytes.data() + have, static_cast<int>(left))
                          : recv(fd_, bytes.data() + have, left, 0);
      if (n <= 0) throw TalkEnded("the client left");
      have += static_cast<std::size_t>(n);
    }
    return bytes;
  }
  void AcceptTls() {
    ssl_ = {SSL_new(tls_), SSL_free};
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_accept(ssl_.get()) != 1) throw TalkEnded("the TLS handshake failed");
  }
  void ReadParameters(const std::string& packet) {
    std::size_t at = 4;
    const auto word = [&] {
      std::string text = packet.c_str() + at;
      at += text.size() + 1;
      return text;
    };
    while (at + 1 < packet.size()) {
      const std::string name = word();
      startup_[name] = word();
    }
  }

  const int fd_;
  SSL_CTX* const tls_;
  Shared& shared_;
  bool by_extended_protocol_ = false;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_{nullptr, SSL_free};
  std::map<std::string, std::string> startup_;
};

class FakeServer {
 public:
  // `talk` runs for each connection but cancel requests, after the start-up packet was read.
  // REQUIRES: `identity`, if any, outlives the server.
  explicit FakeServer(std::function<void(Peer&)> talk, const TlsIdentity* identity = nullptr)
      : talk_(std::move(talk)) {
    // OpenSSL writes to sockets that the client may have closed.
    signal(SIGPIPE, SIG_IGN);
    if (identity != nullptr) SetUpTls(*identity);
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, any, &size) != 0) {
      throw std::runtime_error("cannot listen on loopback");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer() { Stop(); }

  // Ends every talk and waits for its thread: what they wrote may be read afterwards. May be called
  // twice.
  void Stop() {
    if (!acceptor_.joinable()) return;
    {
      const std::lock_guard lock(shared_.mu);
      shared_.closing = true;
      shared_.changed.notify_all();
      for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    for (auto& thread : talks_) thread.join();
  }

  int port() const { return port_; }
  int cancels() {
    const std::lock_guard lock(shared_.mu);
    return shared_.cancels;
  }
  int connections() const { return connections_; }

 private:
  void SetUpTls(const TlsIdentity& identity) {
    tls_ = {SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    if (!tls_ || SSL_CTX_use_certificate(tls_.get(), identity.certificate()) != 1 ||
        SSL_CTX_use_PrivateKey(tls_.get(), identity.key()) != 1) {
      throw std::runtime_error("OpenSSL refuses the certificate");
    }
  }

  void Accept() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      // Answers in several small writes would otherwise wait for the client's delayed ACK.
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::lock_guard lock(shared_.mu);
      if (shared_.closing) {
        close(fd);
        return;
      }
      open_.push_back(fd);
      talks_.emplace_back([this, fd] { Talk(fd); });
    }
  }

  void Talk(int fd) {
    const int own = dup(fd);  // open_ keeps `fd`, so that its number is not used again meanwhile
    try {
      Peer peer(own, tls_.get(), shared_);
      if (peer.ReadStartup()) {
        ++connections_;
        talk_(peer);
      }
    } catch (const TalkEnded&) {
      // The test judges by what the client saw.
    }
    const std::lock_guard lock(shared_.mu);
    std::erase(open_, fd);
    shutdown(fd, SHUT_RDWR);
    close(fd);
  }

  const std::function<void(Peer&)> talk_;
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> tls_{nullptr, SSL_CTX_free};
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  Peer::Shared shared_;
  std::vector<int> open_;  // guarded by shared_.mu, as talks_
  std::vector<std::thread> talks_;
  std::thread acceptor_;
};

}  // namespace sluice::pq::testing
