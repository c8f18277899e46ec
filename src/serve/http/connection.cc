#include "serve/http/connection.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "serve/http/status_text.h"

namespace sluice::serve {

namespace {

// A client that sends requests ahead of their answers keeps no more than this of our memory.
constexpr std::size_t kAheadMax = 16U << 10U;
// A writer waits while this much is not sent.
constexpr std::size_t kBacklogMax = 256U << 10U;
// What a refused client may still send before we hang up on it.
constexpr std::size_t kLingerMax = 4U << 20U;
constexpr std::chrono::milliseconds kLingerPatience{2'000};
constexpr std::chrono::milliseconds kHandshakePatience{10'000};
// A stream is asked four times a second, and once a second when nothing came for five.
constexpr std::chrono::milliseconds kPollEvery{250};
constexpr std::chrono::milliseconds kPollSeldom{1'000};
constexpr int kPollsUntilSeldom = 20;
// A comment, about every 15 seconds, by which both sides notice that the other is gone.
constexpr int kPollsUntilSign = 15;
constexpr std::string_view kSign = ":\n\n";

}  // namespace

// A stream's work writes through this, on its own thread.
class StreamWriter final : public Writer {
 public:
  StreamWriter(std::shared_ptr<Connection> connection, std::shared_ptr<Backlog> backlog)
      : connection_(std::move(connection)), backlog_(std::move(backlog)) {}

  bool Write(std::string_view text) override {
    std::unique_lock lock(backlog_->mu);
    backlog_->shrunk.wait(lock, [this] { return backlog_->gone || backlog_->bytes < kBacklogMax; });
    if (backlog_->gone) return false;
    backlog_->bytes += text.size();
    lock.unlock();
    boost::asio::post(connection_->host_.io, [connection = connection_, text = std::string(text)] {
      connection->Send(text);
    });
    return true;
  }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Backlog> backlog_;
};

namespace {

// Work that answers at its end has nothing to write before.
class NoWriter final : public Writer {
 public:
  bool Write(std::string_view) override { return false; }
};

}  // namespace

Connection::Connection(ConnectionHost& host, std::unique_ptr<Socket> socket, std::string address)
    : host_(host),
      socket_(std::move(socket)),
      address_(std::move(address)),
      timer_(host.io),
      poll_timer_(host.io),
      waits_since_(host.turn++) {}

void Connection::Start() {
  Arm(kHandshakePatience);
  socket_->Handshake([self = shared_from_this()](bool done) {
    if (done && !self->draining_) {
      self->NextRequest();
    } else {
      self->Close();
    }
  });
}

bool Connection::Waits() const {
  return phase_ == Phase::kHandshake || phase_ == Phase::kIdle || phase_ == Phase::kHeader ||
         phase_ == Phase::kBody || phase_ == Phase::kLingering;
}

void Connection::Close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();  // the server lets go of it below
  Disarm();
  poll_timer_.cancel();
  socket_->Close();
  {
    const std::lock_guard lock(backlog_->mu);
    backlog_->gone = true;
  }
  backlog_->shrunk.notify_all();
  gone_.request_stop();
  if (std::exchange(counted_, false)) host_.streamed(address_);
  host_.closed(*this);
}

void Connection::Drain() {
  draining_ = true;
  keep_alive_ = false;
  if (Waits() || phase_ == Phase::kStreaming) Close();
}

void Connection::Arm(std::chrono::milliseconds patience) {
  const auto turn = ++timer_turn_;
  timer_.expires_after(patience);
  timer_.async_wait([self = shared_from_this(), turn](const boost::system::error_code& error) {
    if (!error && turn == self->timer_turn_) self->OnTimeout();
  });
}

void Connection::OnTimeout() {
  if (phase_ == Phase::kHeader || phase_ == Phase::kBody) {
    keep_alive_ = false;
    AnswerProblem(408, "The request took too long to arrive");
  } else {
    Close();
  }
}

void Connection::NextRequest() {
  phase_ = Phase::kIdle;
  waits_since_ = host_.turn++;
  parser_.emplace(host_.options.parser);
  gone_ = std::stop_source();
  Arm(host_.options.idle_patience);
  if (in_.empty()) {
    Read();
  } else {
    Parse();
  }
}

void Connection::Read() {
  if (reading_ || closed_) return;
  reading_ = true;
  socket_->Read(chunk_.data(), chunk_.size(),
                [self = shared_from_this()](std::size_t bytes) { self->OnRead(bytes); });
}

// While a request is served one read stays open: it is how we notice that nobody waits any more.
void Connection::OnRead(std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (bytes == 0) return Close();
  if (phase_ == Phase::kLingering) {
    lingered_ += bytes;
    return lingered_ > kLingerMax ? Close() : Read();
  }
  in_.append(chunk_.data(), bytes);
  if (phase_ == Phase::kIdle || phase_ == Phase::kHeader || phase_ == Phase::kBody) {
    Parse();
  } else if (in_.size() < kAheadMax) {
    Read();
  }
}

void Connection::Parse() {
  const auto fed = parser_->Feed(in_);
  in_.erase(0, fed.used);
  if (fed.state == RequestParser::State::kDone) return Serve();
  if (fed.state == RequestParser::State::kRefused) {
    keep_alive_ = false;
    return AnswerProblem(parser_->refusal(), "The request cannot be read");
  }
  if (phase_ == Phase::kIdle) {
    phase_ = Phase::kHeader;
    Arm(host_.options.header_patience);
  }
  if (phase_ == Phase::kHeader && parser_->HeaderDone()) {
    phase_ = Phase::kBody;
    Arm(host_.options.body_patience);
    if (parser_->TakeExpectsContinue()) {
      out_ = "HTTP/1.1 100 Continue\r\n\r\n";
      socket_->Write(
          out_, [self = shared_from_this()](bool done) { done ? self->Read() : self->Close(); });
      return;
    }
  }
  Read();
}

void Connection::Serve() {
  phase_ = Phase::kServing;
  Disarm();
  keep_alive_ = parser_->KeepAlive() && !draining_;
  http11_ = parser_->IsHttp11();
  Request request = parser_->Take();
  head_only_ = request.method == "HEAD";
  request.address = address_;
  request.tls = !host_.options.tls_certificate.empty();
  Read();
  const bool taken = host_.workers.Post([self = shared_from_this(), request = std::move(request)] {
    boost::asio::post(self->host_.io, [self, reply = self->host_.handler(request)]() mutable {
      self->OnReply(std::move(reply));
    });
  });
  if (!taken) AnswerProblem(503, "Too much is asked at once; ask again in a second");
}

void Connection::OnReply(Reply reply) {
  if (closed_) return;
  if (reply.work) {
    BeginWork(std::move(reply));
  } else if (reply.poll) {
    if (head_only_)
      return Answer({.status = reply.response.status, .fields = reply.response.fields});
    if (!CountStream()) return;
    poll_ = std::move(reply.poll);
    BeginStream(reply.response);
  } else {
    Answer(reply.response);
  }
}

bool Connection::CountStream() {
  if (host_.may_stream(address_)) return counted_ = true;
  AnswerProblem(503, "Too many streams are read at once; ask again later");
  return false;
}

void Connection::BeginWork(Reply reply) {
  const bool streams = reply.streams;
  if (streams && !CountStream()) return;
  const bool taken = host_.long_workers.Post(
      [self = shared_from_this(), work = std::move(reply.work), stop = gone_.get_token(), streams] {
        NoWriter none;
        StreamWriter writer(self, self->backlog_);
        Response response = work(streams ? static_cast<Writer&>(writer) : none, stop);
        boost::asio::post(self->host_.io, [self, streams, response = std::move(response)] {
          if (self->closed_) return;
          streams ? self->EndStream() : self->Answer(response);
        });
      });
  if (!taken) {
    keep_alive_ = false;  // with it goes its place among the streams
    return AnswerProblem(503, "Too much that takes long is asked at once; ask again later");
  }
  if (streams) BeginStream(reply.response);
}

void Connection::BeginStream(const Response& head) {
  phase_ = Phase::kStreaming;
  keep_alive_ = false;
  pending_ = Head(head, std::nullopt) + pending_;
  Flush();
}

void Connection::Poll() {
  if (closed_ || !poll_) return;
  const bool taken = host_.workers.Post([self = shared_from_this()] {
    boost::asio::post(self->host_.io, [self, piece = self->poll_()] { self->OnPiece(piece); });
  });
  if (!taken) PollLater();
}

void Connection::PollLater() {
  poll_timer_.expires_after(empty_polls_ < kPollsUntilSeldom ? kPollEvery : kPollSeldom);
  poll_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->Poll();
  });
}

// What was sent must have left before more is asked for (Flush): a slow reader costs one piece.
void Connection::OnPiece(const Piece& piece) {
  if (closed_) return;
  if (piece.over) {
    Send(piece.text);
    return EndStream();
  }
  if (!piece.text.empty()) {
    empty_polls_ = 0;
    return Send(piece.text);
  }
  if (++empty_polls_ < kPollsUntilSeldom + kPollsUntilSign) return PollLater();
  empty_polls_ = kPollsUntilSeldom;
  Send(kSign);
}

std::string Connection::Framed(std::string_view text) const {
  return http11_ ? fmt::format("{:x}\r\n{}\r\n", text.size(), text) : std::string(text);
}

void Connection::Send(std::string_view text) {
  if (closed_ || text.empty()) return;
  pending_ += Framed(text);
  if (phase_ == Phase::kStreaming) Flush();
}

void Connection::EndStream() {
  if (http11_) pending_ += "0\r\n\r\n";
  stream_over_ = true;
  poll_ = nullptr;
  Flush();
}

void Connection::Flush() {
  if (writing_) return;
  if (pending_.empty()) {
    Disarm();
    if (stream_over_) {
      Linger();
    } else if (poll_) {
      empty_polls_ == 0 ? Poll() : PollLater();
    }
    return;
  }
  writing_ = true;
  out_ = std::exchange(pending_, {});
  Arm(host_.options.write_patience);
  socket_->Write(out_, [self = shared_from_this()](bool done) {
    self->writing_ = false;
    if (!done) return self->Close();
    {
      const std::lock_guard lock(self->backlog_->mu);
      const std::size_t sent = std::min(self->backlog_->bytes, self->out_.size());
      self->backlog_->bytes -= sent;
    }
    self->backlog_->shrunk.notify_all();
    self->Flush();
  });
}

void Connection::AnswerProblem(int status, std::string_view title) {
  Answer(ProblemResponse(status, title));
}

void Connection::Answer(const Response& response) {
  if (closed_) return;
  phase_ = Phase::kWriting;
  out_ = Head(response, response.body.size());
  if (!head_only_ && response.status != 204 && response.status != 304) out_ += response.body;
  Arm(host_.options.write_patience);
  socket_->Write(out_, [self = shared_from_this()](bool done) { self->AfterAnswer(done); });
}

void Connection::AfterAnswer(bool done) {
  if (closed_) return;
  if (!done) return Close();
  out_.clear();
  if (keep_alive_ && !draining_) return NextRequest();
  Linger();
}

// A client that is still sending would lose our answer with the connection: the kernel answers what
// nobody reads with a reset.
void Connection::Linger() {
  if (closed_) return;
  phase_ = Phase::kLingering;
  socket_->EndWriting();
  Arm(kLingerPatience);
  Read();
}

std::string Connection::Head(const Response& response, std::optional<std::size_t> length) const {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n",
                                 response.status, StatusText(response.status),
                                 fmt::gmtime(base::UtcTime::clock::to_time_t(host_.clock.Utc())));
  for (const auto& [name, value] : response.fields) head += name + ": " + value + "\r\n";
  if (length && response.status != 204 && response.status != 304) {
    head += fmt::format("Content-Length: {}\r\n", *length);
  } else if (!length && http11_) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  head += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

}  // namespace sluice::serve
