#include "destinations/postgres/copy_rows.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/error.h"
#include "columnar/chunk_reader.h"

namespace sluice::destinations::postgres {
namespace {

// One message of the protocol. Larger ones were not faster (docs/adr/0007); libpq keeps a copy of
// one, and this program another, per session.
constexpr std::size_t kMessageBytes = 128 << 10;

class Pump {
 public:
  Pump(const CopyInput& input, const base::Call& call)
      : input_(input),
        call_{.deadline = call.deadline, .stop = over_.get_token()},
        stopped_(call.stop, Stop{over_}) {
    OpenNext();
  }

  // One per session, each on a thread of its own. Does not throw: Result() does.
  void Run(Session& session) noexcept {
    try {
      rows_ += CopyAll(session);
    } catch (...) {
      Fail(std::current_exception());
    }
  }

  std::uint64_t Result() const {
    if (failure_) std::rethrow_exception(failure_);
    return rows_;
  }
  bool parts_failed() const { return parts_failed_; }

 private:
  struct Stop {
    std::stop_source& source;
    void operator()() const { source.request_stop(); }
  };

  std::uint64_t CopyAll(Session& session) {
    const auto copy = session.Copy(input_.copy, input_.task, call_);
    try {
      CopyBuffer buffer;
      RowEncoder::Begin(buffer);
      while (const std::optional<columnar::Chunk> chunk = NextChunk()) {
        SendChunk(*chunk, buffer, *copy, session);
      }
      RowEncoder::End(buffer);
      Send(buffer, *copy, session);
    } catch (...) {
      copy->Abort();
      throw;
    }
    return session.FinishCopy(*copy, input_.task);
  }

  void SendChunk(const columnar::Chunk& chunk, CopyBuffer& buffer, pq::CopyIn& copy,
                 const Session& session) const {
    std::size_t row = 0;
    while (row < chunk.rows()) {
      row = input_.encoder.Append(chunk, row, kMessageBytes, buffer);
      if (buffer.size() < kMessageBytes) continue;
      Send(buffer, copy, session);
    }
  }

  void Send(CopyBuffer& buffer, pq::CopyIn& copy, const Session& session) const {
    try {
      copy.Send(buffer.view());
    } catch (const base::Error& error) {
      throw session.Explain(error, input_.task);
    }
    buffer.Clear();
  }

  std::optional<columnar::Chunk> NextChunk() {
    const std::lock_guard lock(mu_);
    try {
      while (reader_) {
        if (auto chunk = reader_->Next()) return chunk;
        OpenNext();
      }
      return std::nullopt;
    } catch (const base::Error& error) {
      if (!failure_) parts_failed_ = true;
      throw;
    }
  }

  // REQUIRES: mu_, or nobody else is there yet.
  void OpenNext() {
    reader_.reset();
    if (const auto select = input_.next_select()) {
      reader_.emplace(input_.decoder, *select,
                      columnar::Task{input_.task.operation, input_.task.subject},
                      over_.get_token());
    }
  }

  void Fail(std::exception_ptr failure) noexcept {
    {
      const std::lock_guard lock(mu_);
      // What follows the first is its consequence.
      if (!failure_) failure_ = std::move(failure);
    }
    over_.request_stop();
  }

  const CopyInput& input_;
  std::stop_source over_;  // a failure, or the caller's stop
  const base::Call call_;
  const std::stop_callback<Stop> stopped_;
  std::atomic<std::uint64_t> rows_ = 0;

  std::mutex mu_;  // guards all below
  std::optional<columnar::ChunkReader> reader_;
  std::exception_ptr failure_;
  bool parts_failed_ = false;
};

}  // namespace

std::uint64_t CopyRows(const CopyInput& input, std::span<Session* const> sessions,
                       const base::Call& call, bool& parts_failed) {
  parts_failed = true;  // until the query has begun
  Pump pump(input, call);
  {
    std::vector<std::jthread> others;
    for (Session* session : sessions.subspan(1)) {
      others.emplace_back([&pump, session] { pump.Run(*session); });
    }
    pump.Run(*sessions.front());
  }
  parts_failed = pump.parts_failed();
  return pump.Result();
}

}  // namespace sluice::destinations::postgres
