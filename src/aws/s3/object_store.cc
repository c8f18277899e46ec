#include "aws/s3/object_store.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace sluice::aws {

base::Error DamagedError(std::string operation, std::string subject, const ObjectDigest& told,
                         std::string_view received) {
  return base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = std::move(operation),
       .subject = std::move(subject),
       .message = "its bytes changed on the way: S3 tells " + told.told + ", received was " +
                  std::string(received),
       .remedy = "Nothing was committed. Run the sync again. If it comes back: a proxy that opens "
                 "TLS may change bytes (let AWS's hosts pass it: NO_PROXY), or this machine's "
                 "memory or disk is faulty.",
       .reason = std::string(kDamaged)});
}

HeadResult HeadNow(ObjectStore& store, HeadRead read, const base::Call& call) {
  struct State {
    std::mutex mu;
    std::condition_variable done;
    bool over = false;
    std::exception_ptr error;
    HeadResult result;
  };
  const auto state = std::make_shared<State>();
  read.on_done = [state](HeadResult result, std::exception_ptr error) {
    const std::lock_guard lock(state->mu);
    state->result = std::move(result);
    state->error = std::move(error);
    state->over = true;
    state->done.notify_all();
  };
  store.StartHead(std::move(read), call);
  std::unique_lock lock(state->mu);
  state->done.wait(lock, [&] { return state->over; });
  if (state->error) std::rethrow_exception(std::exchange(state->error, nullptr));
  return std::move(state->result);
}

std::string ReadRange(ObjectStore& store, const ObjectInfo& object, std::uint64_t offset,
                      std::uint64_t bytes, const base::Call& call) {
  // Shared with the callbacks: on_done may still be returning when the waiter goes on.
  struct State {
    std::mutex mu;
    std::condition_variable done;
    bool over = false;
    std::exception_ptr error;
    std::string bytes;
  };
  const auto state = std::make_shared<State>();
  store.StartRead({.key = object.key,
                   .etag = object.etag,
                   .offset = offset,
                   .bytes = bytes,
                   .on_bytes =
                       [state](std::uint64_t, std::span<const std::byte> piece) {
                         state->bytes.append(reinterpret_cast<const char*>(piece.data()),
                                             piece.size());
                       },
                   .on_done =
                       [state](std::exception_ptr error) {
                         const std::lock_guard lock(state->mu);
                         state->error = std::move(error);
                         state->over = true;
                         state->done.notify_all();
                       }},
                  call);
  std::unique_lock lock(state->mu);
  state->done.wait(lock, [&] { return state->over; });
  if (state->error) std::rethrow_exception(std::exchange(state->error, nullptr));
  return std::move(state->bytes);
}

}  // namespace sluice::aws
