#include "pq/connection.h"

#include <filesystem>
#include <utility>

#include "pq/reach.h"

namespace sluice::pq {
namespace {

constexpr std::size_t kNoticesMax = 100;

bool IsCopy(ExecStatusType status) {
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

// How far a log-in came, for the one who has to find out what holds it up.
const char* Progress(ConnStatusType status) {
  switch (status) {
    case CONNECTION_STARTED: return "timed out: the port did not answer";
    case CONNECTION_SSL_STARTUP: return "timed out during the TLS handshake";
    default: return "timed out: the port is open, but the server did not finish the log-in";
  }
}

}  // namespace

struct Connection::Inbox {
  std::vector<ServerMessage> notices;

  static void Receive(void* self, const PGresult* result) {
    auto& notices = static_cast<Inbox*>(self)->notices;
    // The last ones count: a command's own notice comes at its end.
    if (notices.size() == kNoticesMax) notices.erase(notices.begin());
    notices.push_back(ReadMessage(result));
  }
};

struct Connection::Wait {
  base::Deadline deadline;
  std::optional<Waiter> waiter;
  std::optional<Ready> interrupted;  // why the statement was cancelled
};

Connection::Connection(ConnectionHandle handle, const base::Clock& clock)
    : inbox_(std::make_unique<Inbox>()), handle_(std::move(handle)), clock_(&clock) {
  // Before the first message is read: libpq's own receiver prints to stderr.
  PQsetNoticeReceiver(handle_.get(), &Inbox::Receive, inbox_.get());
}

Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this == &other) return *this;
  handle_ = std::move(other.handle_);  // before the inbox that it writes to
  inbox_ = std::move(other.inbox_);
  clock_ = other.clock_;
  return *this;
}

bool Connection::open() const { return handle_ && PQstatus(handle_.get()) == CONNECTION_OK; }

bool Connection::in_transaction() const {
  if (!open()) return false;
  const auto status = PQtransactionStatus(handle_.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

std::optional<std::string> Connection::ServerParameter(const std::string& name) const {
  const char* value = handle_ ? PQparameterStatus(handle_.get(), name.c_str()) : nullptr;
  if (value == nullptr) return std::nullopt;
  return value;
}

bool Connection::tls() const { return handle_ && PQsslInUse(handle_.get()) != 0; }

void Connection::Close() noexcept { handle_.reset(); }

void Connection::CheckCall(const base::Call& call) {
  if (call.stop.stop_requested()) ThrowInterrupted(Ready::kStopped, false);
  if (call.deadline.Expired(*clock_)) ThrowInterrupted(Ready::kExpired, false);
}

Reply Connection::Run(const std::string& sql, const base::Call& call) {
  return Run(sql, Protocol::kSimple, call);
}

Reply Connection::RunOne(const std::string& sql, const base::Call& call) {
  return Run(sql, Protocol::kExtended, call);
}

Reply Connection::Run(const std::string& sql, Protocol protocol, const base::Call& call) {
  CheckCall(call);
  inbox_->notices.clear();
  Wait wait{.deadline = call.deadline};
  wait.waiter.emplace(call.stop);
  Send(sql, protocol);
  return Collect(wait);
}

Reply Connection::Begin(const std::string& sql, const base::Call& call, ExecStatusType wanted) {
  CheckCall(call);
  inbox_->notices.clear();
  Wait wait{.deadline = call.deadline};
  wait.waiter.emplace(call.stop);
  Send(sql);
  const std::optional<Result> first = Next(wait);
  if (first && first->status() == wanted) {
    if (!wait.interrupted) return {};
    Close();
    ThrowInterrupted(*wait.interrupted, false);
  }
  Reply rest = Collect(wait);
  if (first && first->failed()) rest.error = first->message();
  if (!rest.error) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "run a statement",
                       .message = "the server did not begin the COPY that was asked for"});
  }
  return rest;
}

Reply Connection::Collect(const base::Call& call) {
  Wait wait{.deadline = call.deadline};
  wait.waiter.emplace(call.stop);
  return Collect(wait);
}

Reply Connection::Collect(Wait& wait) {
  Reply reply;
  while (std::optional<Result> result = Next(wait)) {
    if (IsCopy(result->status())) {
      Close();
      throw base::Error({.code = base::ErrorCode::kInternal,
                         .operation = "run a statement",
                         .message = "the server began a COPY, which Run does not speak"});
    }
    if (result->failed()) {
      if (!reply.error) reply.error = result->message();
    } else {
      reply.result = std::move(result);
    }
  }
  if (!open()) ThrowLost(reply.error ? reply.error->sqlstate.c_str() : "");
  // Servers word a cancelled statement in many ways when it was busy with something else than rows.
  if (wait.interrupted && reply.error) ThrowInterrupted(*wait.interrupted, false);
  if (reply.error) reply.result.reset();
  reply.notices = std::exchange(inbox_->notices, {});
  return reply;
}

void Connection::Send(const std::string& sql, Protocol protocol) {
  const auto send = [&] {
    if (protocol == Protocol::kSimple) return PQsendQuery(handle_.get(), sql.c_str());
    constexpr int kText = 0;
    return PQsendQueryParams(handle_.get(), sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                             kText);
  };
  if (!open() || send() == 0) {
    Close();
    throw base::Error({.code = base::ErrorCode::kUnreachable,
                       .operation = "send a statement",
                       .message = "the connection to the server was already closed",
                       .retryable = true});
  }
}

std::optional<Result> Connection::Next(Wait& wait) {
  FinishSending(wait);
  while (PQisBusy(handle_.get()) != 0) {
    AwaitInput(wait);
    // On a broken socket PQgetResult has the reason, perhaps with the server's last words.
    if (PQconsumeInput(handle_.get()) == 0) break;
  }
  ResultHandle result(PQgetResult(handle_.get()));
  if (!result) return std::nullopt;
  return Result(std::move(result));
}

void Connection::FinishSending(Wait& wait) {
  // A server that answers while it is still being sent to would block both sides, so input is read
  // in between.
  while (PQflush(handle_.get()) == 1) {
    const Ready ready =
        wait.waiter->Wait(PQsocket(handle_.get()), Direction::kReadWrite, wait.deadline, *clock_);
    if (ready != Ready::kSocket) OnInterrupted(wait, ready);
    if (PQconsumeInput(handle_.get()) == 0) return;
  }
}

void Connection::AwaitInput(Wait& wait) {
  const Ready ready =
      wait.waiter->Wait(PQsocket(handle_.get()), Direction::kRead, wait.deadline, *clock_);
  if (ready != Ready::kSocket) OnInterrupted(wait, ready);
}

void Connection::OnInterrupted(Wait& wait, Ready why) {
  if (wait.interrupted) {
    const Ready first = *wait.interrupted;
    Close();
    ThrowInterrupted(first, true);
  }
  wait.interrupted = why;
  AskForCancel();
  wait.waiter.emplace(std::stop_token());
  wait.deadline = base::Deadline::After(*clock_, drain_time());
}

void Connection::AskForCancel() noexcept {
  // Opens a second socket and waits for the server to close it; TCP time-outs of the connection's
  // parameters bound it. A refusal is not told: the drain that follows then times out.
  const CancelHandle cancel(PQgetCancel(handle_.get()));
  char reason[256];
  if (cancel) PQcancel(cancel.get(), reason, sizeof reason);
}

void Connection::ThrowLost(const char* what) {
  Close();
  const std::string sqlstate = what;
  throw base::Error({.code = base::ErrorCode::kUnreachable,
                     .operation = "wait for the answer",
                     .message = sqlstate.empty()
                                    ? "the connection broke before the server had answered"
                                    : "the server ended the session (SQLSTATE " + sqlstate + ")",
                     .retryable = true,
                     .in_doubt = true});
}

void Connection::ThrowInterrupted(Ready why, bool in_doubt) {
  const bool stopped = why == Ready::kStopped;
  throw base::Error(
      {.code = stopped ? base::ErrorCode::kCancelled : base::ErrorCode::kTimeout,
       .operation = "run a statement",
       .message = std::string(stopped ? "stopped before it finished" : "it took too long") +
                  (in_doubt ? "; the server did not confirm the cancellation in time" : ""),
       .in_doubt = in_doubt});
}

// libpq would wait for a pipe that nobody writes to, and read a device without an end.
void RefusePipes(const Parameters& parameters) {
  for (const auto& [keyword, value] : parameters.values) {
    std::error_code failed;
    const auto status = std::filesystem::status(value, failed);
    if (keyword != "sslrootcert" || value == "system" || failed ||
        !std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
      continue;
    }
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "connect",
                       .subject = "sslrootcert " + value,
                       .message = "it is not a file, but a folder, a pipe or a device",
                       .remedy = "Name a PEM file of certificates."});
  }
}

struct Connector {
  const base::Clock& clock;
  const base::Call& call;
  ConnectResult result;

  void Connect(const Parameters& parameters) {
    RefusePipes(parameters);
    const ParameterArrays arrays(parameters);
    Connection connection(
        ConnectionHandle(PQconnectStartParams(arrays.keywords(), arrays.values(), 1)), clock);
    PGconn* const native = connection.native();
    if (native == nullptr) {
      throw base::Error({.code = base::ErrorCode::kInternal,
                         .operation = "connect",
                         .message = "libpq is out of memory"});
    }
    if (!Poll(native)) return;
    PQsetnonblocking(native, 1);
    result.connection = std::move(connection);
  }

  // False if it failed, with the reason in `result`.
  bool Poll(PGconn* native) {
    if (PQstatus(native) == CONNECTION_BAD) return Fail(PQerrorMessage(native));
    const Waiter waiter(call.stop);
    // "behave as if PQconnectPoll had last returned PGRES_POLLING_WRITING"
    // https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-PQCONNECTSTARTPARAMS
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
      if (state == PGRES_POLLING_FAILED) return Fail(PQerrorMessage(native));
      if (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        if (!Await(waiter, native, state)) return false;
      }
      state = PQconnectPoll(native);
    }
    return true;
  }

  bool Await(const Waiter& waiter, PGconn* native, PostgresPollingStatusType state) {
    const auto direction = state == PGRES_POLLING_READING ? Direction::kRead : Direction::kWrite;
    switch (waiter.Wait(PQsocket(native), direction, call.deadline, clock)) {
      case Ready::kSocket: return true;
      case Ready::kStopped: base::ThrowCancelled("connect", "");
      case Ready::kExpired: break;
    }
    result.timed_out = true;
    return Fail(Progress(PQstatus(native)));
  }

  bool Fail(const char* text) {
    result.failure = text;
    return false;
  }
};

ConnectResult Connect(const Parameters& parameters, const base::Clock& clock,
                      const base::Call& call) {
  if (const auto variable = DisturbingVariable()) {
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "connect",
                       .subject = "environment variable " + *variable,
                       .message = "it would change the connection behind the configuration's back",
                       .remedy = "unset " + *variable});
  }
  Connector connector{.clock = clock, .call = call, .result = {}};
  connector.Connect(Pinned(OwnReach(), parameters));
  return std::move(connector.result);
}

}  // namespace sluice::pq
