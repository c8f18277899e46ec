// One connection to a server of the PostgreSQL protocol, over libpq's non-blocking calls, so that a
// deadline or a stop_token ends every wait at once. Nothing in it knows Redshift.
//
// A failure that the server reports is a value (ServerMessage), because what it means is the
// caller's to say. What ends the talk itself is thrown as base::Error: kCancelled, kTimeout,
// kUnreachable. No message of ours holds SQL or values.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "pq/handles.h"
#include "pq/parameters.h"
#include "pq/result.h"
#include "pq/waiter.h"

namespace sluice::pq {

// How a statement ended. Of several statements in one text: the last result, or the first failure.
struct Reply {
  std::optional<Result> result;  // nullopt if `error`, or if the text was empty
  std::optional<ServerMessage> error;
  std::vector<ServerMessage> notices;  // in the order they came; the last 100
};

// Move-only. One thread at a time.
class Connection {
 public:
  // Nothing but a Connection that Connect() returned is usable.
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Sends `sql` (simple protocol) and waits for its end. If `call` ends first, the statement is
  // cancelled at the server and its answer drained:
  //   - it fails: throws kCancelled or kTimeout, whatever the server calls the failure; the
  //     connection stays usable.
  //   - it had already finished: that reply is returned, because it is the truth.
  //   - it does not answer within drain_time(): the connection is closed, and kCancelled or
  //   kTimeout
  //     is thrown with in_doubt.
  // Throws kUnreachable with in_doubt if the socket broke after the statement was sent.
  // REQUIRES: open().
  Reply Run(const std::string& sql, const base::Call& call);
  // The same by the extended protocol, in which the server takes one statement: of a text with
  // several none is run. The statement has no name, so it cannot go stale.
  // https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
  Reply RunOne(const std::string& sql, const base::Call& call);

  bool open() const;
  // Inside BEGIN, failed or not.
  bool in_transaction() const;
  // As the server names it at log-in: "server_version", "client_encoding". nullopt if it did not.
  std::optional<std::string> ServerParameter(const std::string& name) const;
  bool tls() const;
  // Ends the session at once, without waiting for the server. May be called twice.
  void Close() noexcept;

  static constexpr std::chrono::seconds drain_time() { return std::chrono::seconds(10); }

  // For what looks at the socket. Borrowed.
  PGconn* native() const { return handle_.get(); }

 private:
  friend struct Connector;
  friend class CopyIn;
  struct Inbox;  // where libpq's notice receiver puts what it gets
  struct Wait;   // the deadline and stop of one Run
  Connection(ConnectionHandle handle, const base::Clock& clock);

  // What CopyIn is made of: sends `sql`, whose first result must have the status `wanted`, and
  // stops there; or returns the server's refusal.
  Reply Begin(const std::string& sql, const base::Call& call, ExecStatusType wanted);
  // Reads the reply to its end. If `call` ends first, as Run.
  Reply Collect(const base::Call& call);
  Reply Collect(Wait& wait);
  void CheckCall(const base::Call& call);
  enum class Protocol { kSimple, kExtended };
  Reply Run(const std::string& sql, Protocol protocol, const base::Call& call);
  void Send(const std::string& sql, Protocol protocol = Protocol::kSimple);
  // The next result; nullopt at the end of the reply.
  std::optional<Result> Next(Wait& wait);
  void FinishSending(Wait& wait);
  void AwaitInput(Wait& wait);
  void OnInterrupted(Wait& wait, Ready why);
  void AskForCancel() noexcept;
  [[noreturn]] void ThrowLost(const char* what);
  [[noreturn]] void ThrowInterrupted(Ready why, bool in_doubt);

  std::unique_ptr<Inbox> inbox_;  // REQUIRES: outlives handle_
  ConnectionHandle handle_;
  const base::Clock* clock_;
};

// What became of an attempt to log in: libpq tells no SQLSTATE here, so the text is all there is.
struct ConnectResult {
  std::optional<Connection> connection;
  std::string failure;     // libpq's text; may name host, user, database, never the password
  bool timed_out = false;  // the deadline passed first; `failure` tells how far it came
};

// Resolves, connects, negotiates TLS and logs in, all before the deadline of `call` (the look-up of
// the name is the resolver's own blocking call and may outlast it by the resolver's time-out).
// Throws kCancelled if `stop` fired, kInvalidConfig if DisturbingVariable() is set or the host is
// where this process may not connect to (reach.h). REQUIRES: `clock` outlives the connection.
ConnectResult Connect(const Parameters& parameters, const base::Clock& clock,
                      const base::Call& call);

}  // namespace sluice::pq
