#include "http/curl_loop.h"

#include <algorithm>

#include "http/transport_error.h"

namespace sluice::http {
namespace {

constexpr int kPollMillisecondsMax = 1000;

bool IsSent(CURL* easy) {
  long bytes = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

// What was sent is billed, whether or not its answer was waited for.
std::exception_ptr MarkedAsSent(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const base::Error& ended) {
    if (ended.code() != base::ErrorCode::kCancelled) return error;
    base::ErrorInfo info = ended.info();
    info.reason = kSent;
    return std::make_exception_ptr(base::Error(std::move(info)));
  }
}

std::exception_ptr Cancelled(const CurlExchange& exchange) {
  return std::make_exception_ptr(
      exchange.Error(base::ErrorCode::kCancelled, "stopped before it finished", "", false));
}

}  // namespace

CurlLoop::CurlLoop(const TransportOptions& options, int connections_max, const base::Clock& clock)
    : options_(options),
      connections_max_(static_cast<std::size_t>(connections_max)),
      clock_(clock),
      multi_(curl_multi_init()) {
  if (!multi_) throw std::bad_alloc();
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

CurlLoop::~CurlLoop() {
  thread_.request_stop();
  Wake();
  thread_.join();
}

void CurlLoop::Submit(std::unique_ptr<CurlExchange> exchange) {
  load_.fetch_add(1, std::memory_order_relaxed);
  // Before the lock: a call that is stopped already runs this at once.
  exchange->WakeOnStop([this] { Wake(); });
  std::unique_lock lock(mu_);
  if (!ended_) {
    incoming_.push_back(std::move(exchange));
    Wake();
    return;
  }
  lock.unlock();
  std::exception_ptr error = Cancelled(*exchange);
  Fail(std::move(exchange), std::move(error));
}

void CurlLoop::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    TakeIncoming();
    EndStoppedAndLate();
    StartWaiting();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    FinishDone();
    // What ended may have left room: start the next before sleeping.
    StartWaiting();
    curl_multi_poll(multi_.get(), nullptr, 0, PollMilliseconds(), nullptr);
  }
  EndAll();
}

void CurlLoop::TakeIncoming() {
  Queue taken;
  {
    const std::lock_guard lock(mu_);
    taken.swap(incoming_);
  }
  for (auto& exchange : taken) {
    (exchange->streamed() ? streamed_ : urgent_).push_back(std::move(exchange));
  }
}

void CurlLoop::StartWaiting() {
  while (active_.size() < connections_max_) {
    if (!StartNext(urgent_) && !StartNext(streamed_)) return;
  }
}

bool CurlLoop::StartNext(Queue& queue) {
  if (queue.empty()) return false;
  auto exchange = std::move(queue.front());
  queue.pop_front();
  try {
    CurlEasy easy;
    if (idle_.empty()) {
      easy.reset(curl_easy_init());
      if (!easy) throw std::bad_alloc();
    } else {
      easy = std::move(idle_.back());
      idle_.pop_back();
    }
    exchange->Prepare(easy.get(), options_);
    active_.push_back({std::move(easy), std::move(exchange)});
  } catch (...) {
    Fail(std::move(exchange), std::make_exception_ptr(base::AsError(std::current_exception())));
    return true;
  }
  if (curl_multi_add_handle(multi_.get(), active_.back().easy.get()) != CURLM_OK) {
    auto failed = std::move(active_.back().exchange);
    active_.pop_back();
    std::exception_ptr error = std::make_exception_ptr(std::bad_alloc());
    Fail(std::move(failed), std::make_exception_ptr(base::AsError(error)));
  }
  return true;
}

// A handle whose transfer failed is not used again: libcurl 7.88 keeps its receive buffer then, and
// refuses CURLOPT_BUFFERSIZE while there is one.
CurlLoop::ActiveList::iterator CurlLoop::Remove(ActiveList::iterator active, bool reuse) {
  curl_multi_remove_handle(multi_.get(), active->easy.get());
  if (reuse) {
    curl_easy_reset(active->easy.get());  // It still points into the exchange.
    idle_.push_back(std::move(active->easy));
  }
  return active_.erase(active);
}

void CurlLoop::FinishDone() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    CURL* easy = message->easy_handle;
    const auto active = std::find_if(active_.begin(), active_.end(),
                                     [&](const Active& a) { return a.easy.get() == easy; });
    auto exchange = std::move(active->exchange);
    Result result = exchange->ResultOf(easy, code);
    Remove(active, code == CURLE_OK);
    load_.fetch_sub(1, std::memory_order_relaxed);
    exchange->Finish(std::move(result));
  }
}

std::exception_ptr CurlLoop::WhyEnd(const CurlExchange& exchange) const {
  if (exchange.call().stop.stop_requested()) return Cancelled(exchange);
  if (!exchange.call().deadline.Expired(clock_)) return nullptr;
  return std::make_exception_ptr(exchange.Error(
      base::ErrorCode::kTimeout, "it did not finish in the time it was given",
      "Run again; if it lasts, check the network between this machine and AWS.", false));
}

void CurlLoop::EndStoppedAndLate() {
  for (auto it = active_.begin(); it != active_.end();) {
    std::exception_ptr error = WhyEnd(*it->exchange);
    if (!error) {
      ++it;
      continue;
    }
    if (IsSent(it->easy.get())) error = MarkedAsSent(error);
    auto exchange = std::move(it->exchange);
    it = Remove(it, /*reuse=*/false);
    Fail(std::move(exchange), std::move(error));
  }
  for (Queue* queue : {&urgent_, &streamed_}) {
    for (auto it = queue->begin(); it != queue->end();) {
      std::exception_ptr error = WhyEnd(**it);
      if (!error) {
        ++it;
        continue;
      }
      auto exchange = std::move(*it);
      it = queue->erase(it);
      Fail(std::move(exchange), std::move(error));
    }
  }
}

void CurlLoop::EndAll() {
  {
    const std::lock_guard lock(mu_);
    ended_ = true;
  }
  TakeIncoming();
  for (auto it = active_.begin(); it != active_.end();) {
    auto exchange = std::move(it->exchange);
    it = Remove(it, /*reuse=*/false);
    std::exception_ptr error = Cancelled(*exchange);
    Fail(std::move(exchange), std::move(error));
  }
  for (Queue* queue : {&urgent_, &streamed_}) {
    for (auto& exchange : *queue) {
      std::exception_ptr error = Cancelled(*exchange);
      Fail(std::move(exchange), std::move(error));
    }
    queue->clear();
  }
}

void CurlLoop::Fail(std::unique_ptr<CurlExchange> exchange, std::exception_ptr error) {
  load_.fetch_sub(1, std::memory_order_relaxed);
  exchange->Fail(std::move(error));
}

int CurlLoop::PollMilliseconds() const {
  auto wait = std::chrono::nanoseconds(std::chrono::milliseconds(kPollMillisecondsMax));
  const auto consider = [&](const CurlExchange& exchange) {
    if (const auto left = exchange.call().deadline.Remaining(clock_)) wait = std::min(wait, *left);
  };
  for (const Active& active : active_) consider(*active.exchange);
  for (const Queue* queue : {&urgent_, &streamed_}) {
    for (const auto& exchange : *queue) consider(*exchange);
  }
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

}  // namespace sluice::http
