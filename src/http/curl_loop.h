// One thread, one libcurl multi handle, a bounded number of exchanges at a time; the rest waits in
// order, those with a collected body (lists, keys) before those that stream.
#pragma once
#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http/curl_exchange.h"

namespace sluice::http {

class CurlLoop {
 public:
  // REQUIRES: `options` and `clock` outlive it.
  CurlLoop(const TransportOptions& options, int connections_max, const base::Clock& clock);
  // Ends everything with kCancelled.
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // Thread-safe.
  void Submit(std::unique_ptr<CurlExchange> exchange);
  // Exchanges waiting or under way; thread-safe.
  int load() const { return load_.load(std::memory_order_relaxed); }

 private:
  struct Active {
    CurlEasy easy;
    std::unique_ptr<CurlExchange> exchange;
  };
  using ActiveList = std::list<Active>;
  using Queue = std::deque<std::unique_ptr<CurlExchange>>;

  void Run(const std::stop_token& stop);
  void TakeIncoming();
  void StartWaiting();
  bool StartNext(Queue& queue);
  void FinishDone();
  void EndStoppedAndLate();
  void EndAll();
  // The error that ends it now, if its call is stopped or late.
  std::exception_ptr WhyEnd(const CurlExchange& exchange) const;
  ActiveList::iterator Remove(ActiveList::iterator active, bool reuse);
  int PollMilliseconds() const;
  void Wake() const { curl_multi_wakeup(multi_.get()); }
  void Fail(std::unique_ptr<CurlExchange> exchange, std::exception_ptr error);

  const TransportOptions& options_;
  const std::size_t connections_max_;
  const base::Clock& clock_;
  const CurlMulti multi_;
  std::atomic<int> load_ = 0;

  std::mutex mu_;
  Queue incoming_;      // guarded by mu_
  bool ended_ = false;  // guarded by mu_

  // The loop's thread alone uses these.
  Queue urgent_;
  Queue streamed_;
  ActiveList active_;
  std::vector<CurlEasy> idle_;

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::http
