// A transport that tells of each exchange when it is over: what counts requests and what writes
// them down. It changes nothing.
#pragma once
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "base/clock.h"
#include "http/transport.h"

namespace sluice::http {

// One that is over. What it refers to lives as long as the call.
struct Exchange {
  const std::string& method;
  const std::string& url;
  const std::string& operation;  // as in Request
  std::uint64_t bytes_sent;      // of the request's body
  const Response& response;      // status 0: nobody answered; without what on_body took
  std::uint64_t bytes_received;  // of the reply's body, wherever it went
  const std::exception_ptr& error;
  base::UtcTime began;
  std::chrono::nanoseconds duration;
};

// `watch` is called before the exchange's own on_done, on a thread of `inner`, for many exchanges
// at a time: thread-safe, quick, must not throw. REQUIRES: `inner` and `clock` outlive it, and it
// outlives its exchanges.
class WatchedTransport final : public Transport {
 public:
  using Watch = std::function<void(const Exchange&)>;
  WatchedTransport(Transport& inner, const base::Clock& clock, Watch watch)
      : inner_(inner), clock_(clock), watch_(std::move(watch)) {}

  void Start(Request request, const base::Call& call, std::function<void(Result)> on_done) override;

 private:
  Transport& inner_;
  const base::Clock& clock_;
  const Watch watch_;
};

}  // namespace sluice::http
