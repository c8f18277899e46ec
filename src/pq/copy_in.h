// COPY ... FROM STDIN over a connection: bytes out, one reply at the end. Memory is bounded: Send
// returns when libpq has handed everything to the system.
#pragma once
#include <string>
#include <string_view>

#include "pq/connection.h"

namespace sluice::pq {

// Move-only; one thread at a time. Throws as Connection::Run does: kCancelled and kTimeout, with
// the connection closed if bytes had been sent, and kUnreachable with in_doubt.
class CopyIn {
 public:
  // Sends `sql`, a COPY ... FROM STDIN. What the server refused stands in refused(): then nothing
  // else may be called. REQUIRES: connection.open(), which outlives this; it runs nothing else
  // until Finish.
  CopyIn(Connection& connection, const std::string& sql, const base::Call& call);
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;
  // Closes the connection if neither Finish nor Abort was called: it would be out of step.
  ~CopyIn();

  const std::optional<ServerMessage>& refused() const { return refused_; }
  // Sends one message of the protocol with `bytes`. A failure of the server is told by Finish.
  void Send(std::string_view bytes);
  // Ends the data and waits for the reply, whose tag is "COPY n".
  Reply Finish();
  // Has the server undo what came; the connection stays usable. Does not throw: where it fails,
  // the connection is closed.
  void Abort() noexcept;

 private:
  void Flush();
  void AwaitRoom();
  void End(const char* failure);

  Connection& connection_;
  const base::Call call_;
  std::unique_ptr<Waiter> waiter_;
  std::optional<ServerMessage> refused_;
  bool open_ = false;
};

}  // namespace sluice::pq
