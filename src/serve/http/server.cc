#include "serve/http/server.h"

#include <fcntl.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/error.h"
#include "serve/http/connection.h"

namespace sluice::serve {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using BoostError = boost::system::error_code;

namespace {

constexpr int kWaitingMax = 256;  // connections that the kernel keeps for us
constexpr std::size_t kRequestsWaitingMax = 512;
constexpr std::chrono::milliseconds kAcceptAgain{100};

// A child must not keep our port or a client's connection open when we are gone.
void CloseOnExec(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

[[noreturn]] void ThrowListen(const ServerOptions& options, const BoostError& error) {
  base::ErrorInfo info{.code = base::ErrorCode::kInvalidConfig,
                       .operation = "listen",
                       .subject = options.address + ":" + std::to_string(options.port),
                       .message = "it cannot be listened on: " + error.message(),
                       .remedy =
                           "--listen takes an address of this machine and a port, such as "
                           "127.0.0.1:8765."};
  if (error == asio::error::address_in_use) {
    info.code = base::ErrorCode::kConflict;
    info.message = "another program listens there";
    info.remedy = "End that program, or give another port: --listen 127.0.0.1:8766.";
  } else if (error == asio::error::access_denied) {
    info.code = base::ErrorCode::kPermission;
    info.message = "this user may not listen there";
    info.remedy = "Ports below 1024 are root's: give one above, such as --listen 127.0.0.1:8765.";
  }
  throw base::Error(std::move(info));
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, Handler handler, const base::Clock& clock, base::Logger& log)
      : options_(options),
        handler_(std::move(handler)),
        log_(log),
        acceptor_(io_),
        again_(io_),
        look_(io_) {
    if (!options_.tls_certificate.empty()) {
      tls_.emplace(options_.tls_certificate, options_.tls_key, log_);
    }
    Listen();
    workers_.emplace(options_.workers, kRequestsWaitingMax);
    long_workers_.emplace(options_.long_workers, 0);
    host_.emplace(ConnectionHost{
        .options = options_,
        .handler = handler_,
        .clock = clock,
        .io = io_,
        .workers = *workers_,
        .long_workers = *long_workers_,
        .may_stream = [this](const std::string& address) { return MayStream(address); },
        .streamed =
            [this](const std::string& address) {
              Uncount(streams_by_address_, address);
              --streams_;
            },
        .closed = [this](Connection& connection) { OnClosed(connection); }});
  }

  ~Impl() { End(); }

  std::uint16_t port() const { return port_; }

  void Begin() {
    asio::post(io_, [this] {
      Accept();
      if (tls_) LookLater();
    });
    thread_ = std::jthread([this] { io_.run(); });
  }

  void End() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { Drain(); });
    {
      std::unique_lock lock(mu_);
      emptied_.wait_for(lock, options_.end_patience, [this] { return empty_; });
    }
    asio::post(io_, [this] { CloseAll(); });
    // What works still may post to io_, which therefore ends last.
    long_workers_.reset();
    workers_.reset();
    guard_.reset();
    asio::post(io_, [this] { CloseAll(); });
    thread_.join();
    log_.Debug("the HTTP server has ended");
  }

 private:
  void Listen() {
    BoostError error;
    Tcp::resolver resolver(io_);
    const auto found = resolver.resolve(options_.address, std::to_string(options_.port),
                                        Tcp::resolver::passive, error);
    if (error || found.empty()) ThrowListen(options_, error);
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (error) ThrowListen(options_, error);
    CloseOnExec(acceptor_.native_handle());
    acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) ThrowListen(options_, error);
    acceptor_.listen(kWaitingMax, error);
    if (error) ThrowListen(options_, error);
    port_ = acceptor_.local_endpoint().port();
  }

  void Accept() {
    acceptor_.async_accept([this](const BoostError& error, Tcp::socket socket) {
      if (draining_) return;
      if (error) return AcceptLater();
      Take(std::move(socket));
      Accept();
    });
  }

  // No descriptor is free, most likely; connections that end give some back.
  void AcceptLater() {
    again_.expires_after(kAcceptAgain);
    again_.async_wait([this](const BoostError& error) {
      if (!error && !draining_) Accept();
    });
  }

  void LookLater() {
    look_.expires_after(options_.tls_patience);
    look_.async_wait([this](const BoostError& error) {
      if (error || draining_) return;
      tls_->Look();
      LookLater();
    });
  }

  void Take(Tcp::socket socket) {
    BoostError error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) return;
    CloseOnExec(socket.native_handle());
    socket.set_option(Tcp::no_delay(true), error);
    const std::string address = endpoint.address().to_string();
    const bool own = endpoint.address().is_loopback();
    if (own) own_.emplace(address);
    const auto known = by_address_.find(address);
    if (!own && known != by_address_.end() &&
        known->second >= options_.connections_per_address_max) {
      return;  // closes it
    }
    if (connections_.size() >= options_.connections_max && !MakeRoom()) return;
    auto connection = std::make_shared<Connection>(
        *host_, MakeSocket(std::move(socket), tls_ ? tls_->context() : nullptr), address);
    connections_.emplace(connection.get(), connection);
    ++by_address_[address];
    NoteEmpty();
    connection->Start();
  }

  // Closes the connection that has waited longest without a request.
  bool MakeRoom() {
    Connection* oldest = nullptr;
    for (const auto& [one, owner] : connections_) {
      if (one->Waits() && (oldest == nullptr || one->waits_since() < oldest->waits_since())) {
        oldest = one;
      }
    }
    if (oldest != nullptr) oldest->Close();
    return oldest != nullptr;
  }

  bool MayStream(const std::string& address) {
    if (streams_ >= options_.streams_max) return false;
    auto& count = streams_by_address_[address];
    if (!own_.contains(address) && count >= options_.streams_per_address_max) return false;
    ++count;
    ++streams_;
    return true;
  }

  static void Uncount(std::map<std::string, std::size_t>& counts, const std::string& address) {
    const auto found = counts.find(address);
    if (found != counts.end() && --found->second == 0) counts.erase(found);
  }

  void OnClosed(Connection& connection) {
    Uncount(by_address_, connection.address());
    connections_.erase(&connection);
    NoteEmpty();
  }

  void NoteEmpty() {
    const std::lock_guard lock(mu_);
    empty_ = connections_.empty();
    if (empty_) emptied_.notify_all();
  }

  void Drain() {
    draining_ = true;
    BoostError ignored;
    acceptor_.close(ignored);
    again_.cancel();
    look_.cancel();
    for (const auto& connection : All()) connection->Drain();
    NoteEmpty();
  }

  void CloseAll() {
    for (const auto& connection : All()) connection->Close();
  }

  std::vector<std::shared_ptr<Connection>> All() const {
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [one, owner] : connections_) all.push_back(owner);
    return all;
  }

  const ServerOptions options_;
  const Handler handler_;
  base::Logger& log_;
  asio::io_context io_{1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> guard_{
      io_.get_executor()};
  std::optional<TlsFiles> tls_;  // of the thread of io_, once it runs
  Tcp::acceptor acceptor_;
  asio::steady_timer again_;
  asio::steady_timer look_;
  std::uint16_t port_ = 0;

  // Of the thread of io_.
  bool draining_ = false;
  std::map<std::string, std::size_t> by_address_;
  std::map<std::string, std::size_t> streams_by_address_;
  std::set<std::string> own_;  // addresses of this machine's that were seen
  std::size_t streams_ = 0;
  std::optional<ConnectionHost> host_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;

  std::mutex mu_;
  std::condition_variable emptied_;
  bool empty_ = true;  // guarded by mu_

  std::optional<WorkerPool> workers_;
  std::optional<WorkerPool> long_workers_;
  std::jthread thread_;
};

Server::Server(const ServerOptions& options, Handler handler, const base::Clock& clock,
               base::Logger& log)
    : impl_(std::make_unique<Impl>(options, std::move(handler), clock, log)) {}
Server::~Server() = default;
std::uint16_t Server::port() const { return impl_->port(); }
void Server::Begin() { impl_->Begin(); }
void Server::End() { impl_->End(); }

}  // namespace sluice::serve
