// One client's connection: reads requests, has them answered, writes answers, and gives nobody more
// time than they have. For server.cc alone.
#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "serve/http/message.h"
#include "serve/http/parser.h"
#include "serve/http/server.h"
#include "serve/http/socket.h"
#include "serve/http/worker_pool.h"

namespace sluice::serve {

class Connection;

// What connections share. REQUIRES: outlives them.
struct ConnectionHost {
  const ServerOptions& options;
  const Handler& handler;
  const base::Clock& clock;
  boost::asio::io_context& io;
  WorkerPool& workers;
  WorkerPool& long_workers;
  std::function<bool(const std::string& address)> may_stream;  // counts one, if it may
  std::function<void(const std::string& address)> streamed;    // and takes it off again
  std::function<void(Connection& connection)> closed;
  std::uint64_t turn = 0;  // counts what Connection::waits_since tells
};

// How a stream's writer waits for its reader. Shared by both threads.
struct Backlog {
  std::mutex mu;
  std::condition_variable shrunk;
  std::size_t bytes = 0;  // guarded by mu: given to the connection and not sent
  bool gone = false;      // guarded by mu: nobody reads
};

// Everything on the io_context's one thread; it lives while a callback of its own is waited for.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionHost& host, std::unique_ptr<Socket> socket, std::string address);

  void Start();
  void Close();
  // The server ends: nothing new is read, streams end.
  void Drain();

  const std::string& address() const { return address_; }
  // Nothing would be lost with it but a client's time.
  bool Waits() const;
  // Grows from connection to connection, and whenever one begins to wait.
  std::uint64_t waits_since() const { return waits_since_; }

 private:
  enum class Phase {
    kHandshake,
    kIdle,
    kHeader,
    kBody,
    kServing,
    kWriting,
    kStreaming,
    kLingering
  };

  void Arm(std::chrono::milliseconds patience);
  void Disarm() {
    ++timer_turn_;
    timer_.cancel();
  }
  void OnTimeout();
  void NextRequest();
  void Read();
  void OnRead(std::size_t bytes);
  void Parse();
  void Serve();
  void OnReply(Reply reply);
  void Answer(const Response& response);
  void AnswerProblem(int status, std::string_view title);
  void AfterAnswer(bool done);
  void Linger();
  bool CountStream();
  void BeginStream(const Response& head);
  void BeginWork(Reply reply);
  void Poll();
  void PollLater();
  void OnPiece(const Piece& piece);
  void Send(std::string_view text);
  void EndStream();
  void Flush();
  std::string Head(const Response& response, std::optional<std::size_t> length) const;
  std::string Framed(std::string_view text) const;

  friend class StreamWriter;

  ConnectionHost& host_;
  const std::unique_ptr<Socket> socket_;
  const std::string address_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_turn_ = 0;  // a timer that was set again must not fire for its past
  boost::asio::steady_timer poll_timer_;
  Phase phase_ = Phase::kHandshake;
  std::uint64_t waits_since_ = 0;
  bool closed_ = false;
  bool draining_ = false;
  bool reading_ = false;
  bool keep_alive_ = false;
  bool http11_ = true;
  bool head_only_ = false;
  std::array<char, 16384> chunk_;
  std::string in_;
  std::size_t lingered_ = 0;
  std::optional<RequestParser> parser_;
  std::stop_source gone_;  // of the request that is served
  std::string out_;        // being written
  // Of a stream.
  std::function<Piece()> poll_;
  int empty_polls_ = 0;
  bool counted_ = false;
  bool writing_ = false;
  bool stream_over_ = false;
  std::string pending_;  // to be written behind out_
  std::shared_ptr<Backlog> backlog_ = std::make_shared<Backlog>();
};

}  // namespace sluice::serve
