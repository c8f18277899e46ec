#include "pq/copy_in.h"

#include <utility>

namespace sluice::pq {

CopyIn::CopyIn(Connection& connection, const std::string& sql, const base::Call& call)
    : connection_(connection), call_(call), waiter_(std::make_unique<Waiter>(call.stop)) {
  Reply reply = connection_.Begin(sql, call, PGRES_COPY_IN);
  refused_ = std::move(reply.error);
  open_ = !refused_;
}

CopyIn::~CopyIn() {
  if (open_) connection_.Close();
}

void CopyIn::Send(std::string_view bytes) {
  // Not blocking, so that a stop ends the wait; 0 means that libpq has no room.
  int sent = 0;
  while ((sent = PQputCopyData(connection_.native(), bytes.data(),
                               static_cast<int>(bytes.size()))) == 0) {
    AwaitRoom();
  }
  if (sent < 0) connection_.ThrowLost("");
  Flush();
}

void CopyIn::Flush() {
  int left = 0;
  while ((left = PQflush(connection_.native())) == 1) AwaitRoom();
  if (left < 0) connection_.ThrowLost("");
}

// Input is read in between, or a server that has much to say would block both sides.
void CopyIn::AwaitRoom() {
  const Ready ready = waiter_->Wait(PQsocket(connection_.native()), Direction::kReadWrite,
                                    call_.deadline, *connection_.clock_);
  if (ready != Ready::kSocket) {
    open_ = false;
    connection_.Close();
    connection_.ThrowInterrupted(ready, false);
  }
  if (PQconsumeInput(connection_.native()) == 0) connection_.ThrowLost("");
}

void CopyIn::End(const char* failure) {
  int sent = 0;
  while ((sent = PQputCopyEnd(connection_.native(), failure)) == 0) AwaitRoom();
  if (sent < 0) connection_.ThrowLost("");
  open_ = false;
}

Reply CopyIn::Finish() {
  End(nullptr);
  return connection_.Collect(call_);
}

void CopyIn::Abort() noexcept {
  if (!open_) return;
  try {
    End("given up");
    // The stop that is the reason for this must not end it.
    connection_.Collect(
        {.deadline = base::Deadline::After(*connection_.clock_, Connection::drain_time()),
         .stop = {}});
  } catch (const std::exception&) {
    open_ = false;
    connection_.Close();
  }
}

}  // namespace sluice::pq
