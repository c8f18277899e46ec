// One exchange while libcurl works on it: the request's options, and the callbacks that take the
// reply. Used by one thread at a time, that of its loop.
#pragma once
#include <array>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "http/curl_handles.h"
#include "http/transport.h"
#include "http/transport_error.h"

namespace sluice::http {

class CurlExchange {
 public:
  CurlExchange(Request request, base::Call call, std::function<void(Result)> on_done)
      : request_(std::move(request)), call_(std::move(call)), on_done_(std::move(on_done)) {}
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;

  // `wake` is called, on whatever thread, when the call is stopped.
  void WakeOnStop(std::function<void()> wake) { on_stop_.emplace(call_.stop, std::move(wake)); }

  // Gives `easy` the request. REQUIRES: it is fresh or reset, and is reset again
  // before this dies, as it points in here.
  void Prepare(CURL* easy, const TransportOptions& options);
  // What came of it; `code` is libcurl's.
  Result ResultOf(CURL* easy, CURLcode code);
  // Hands the result over; the last call of its life.
  void Finish(Result result);
  void Fail(std::exception_ptr error);

  bool streamed() const { return static_cast<bool>(request_.on_body); }
  const base::Call& call() const { return call_; }
  base::Error Error(base::ErrorCode code, std::string message, std::string remedy,
                    bool retryable) const;

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user);
  void TakeHeader(std::string_view line);
  void TakeBody(std::string_view bytes);
  void ReserveBody();
  void SetMethod(CURL* easy);
  void SetHeaders(CURL* easy);
  OnTheWay Way(CURL* easy, CURLcode code) const;
  std::exception_ptr ErrorOf(CURL* easy, CURLcode code) const;
  std::string Host() const;

  Request request_;
  const base::Call call_;
  std::function<void(Result)> on_done_;
  Response response_;
  std::size_t header_bytes_ = 0;  // of all replies, a 100 and a proxy's included
  std::exception_ptr thrown_;     // by a callback: libcurl's C frames must not see it
  CurlList headers_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;  // last: destroyed first
};

}  // namespace sluice::http
