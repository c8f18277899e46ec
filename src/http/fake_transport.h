// A transport for tests: replies in the order they were scripted, on a thread of its own, as the
// real one does. A reply may carry a body and an error both: the body is delivered, then the line
// breaks. Held exchanges wait until released or stopped.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/transport.h"

namespace sluice::test {

class FakeTransport final : public http::Transport {
 public:
  // nullopt: held.
  using Reply = std::function<std::optional<http::Result>(const http::Request&)>;

  FakeTransport() : worker_([this](const std::stop_token& stop) { Work(stop); }) {}
  ~FakeTransport() override {
    worker_.request_stop();
    changed_.notify_all();
  }

  // The next exchange gets this reply.
  void Add(Reply reply) {
    const std::lock_guard lock(mu_);
    replies_.push_back(std::move(reply));
  }
  void Add(int status, std::string body, std::vector<http::Header> headers = {}) {
    Add([=](const http::Request&) { return http::Result{{status, headers, body}, nullptr}; });
  }
  void AddError(base::ErrorCode code, bool retryable, std::string body_before = "",
                std::vector<http::Header> headers = {}, int status = 206) {
    Add([=](const http::Request&) {
      return http::Result{
          {status, headers, body_before},
          std::make_exception_ptr(base::Error(
              {.code = code, .operation = "send", .message = "scripted", .retryable = retryable}))};
    });
  }
  void AddHeld() {
    Add([](const http::Request&) { return std::nullopt; });
  }
  // What answers when the script has ended; without it that is an error of the test.
  void Otherwise(Reply reply) {
    const std::lock_guard lock(mu_);
    otherwise_ = std::move(reply);
  }

  void Start(http::Request request, const base::Call& call,
             std::function<void(http::Result)> on_done) override {
    auto exchange =
        std::make_shared<Exchange>(Exchange{std::move(request), call, std::move(on_done), nullptr});
    const std::lock_guard lock(mu_);
    seen_.push_back(exchange->request);
    seen_.back().on_body = nullptr;
    todo_.push_back([this, exchange] { Answer(exchange); });
    changed_.notify_all();
  }

  // Finishes the oldest held exchange with this.
  void Release(http::Result result) {
    const std::lock_guard lock(mu_);
    todo_.push_back([this, result] {
      auto exchange = std::move(held_.begin()->second);
      held_.erase(held_.begin());
      Finish(exchange, result);
    });
    changed_.notify_all();
  }
  // Waits until that many exchanges were started in all.
  void AwaitStarted(std::size_t count) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return seen_.size() >= count; });
  }

  std::vector<http::Request> seen() const {
    const std::lock_guard lock(mu_);
    return seen_;
  }

 private:
  struct Exchange {
    http::Request request;
    base::Call call;
    std::function<void(http::Result)> on_done;
    std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;
  };

  void Work(const std::stop_token& stop) {
    std::unique_lock lock(mu_);
    while (changed_.wait(lock, stop, [&] { return !todo_.empty(); })) {
      const auto task = std::move(todo_.front());
      todo_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  void Answer(const std::shared_ptr<Exchange>& exchange) {
    if (exchange->call.stop.stop_requested()) return Cancel(exchange);
    Reply reply;
    {
      const std::lock_guard lock(mu_);
      reply = otherwise_;
      if (!replies_.empty()) {
        reply = std::move(replies_.front());
        replies_.pop_front();
      }
    }
    if (!reply) {
      return Finish(exchange, {{},
                               std::make_exception_ptr(base::Error(
                                   {.message = "the test scripted no further reply"}))});
    }
    if (const auto result = reply(exchange->request)) return Finish(exchange, *result);
    Hold(exchange);
  }

  void Hold(const std::shared_ptr<Exchange>& exchange) {
    const int id = next_held_++;
    held_[id] = exchange;
    exchange->on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(
        exchange->call.stop, [this, id] {
          const std::lock_guard lock(mu_);
          todo_.push_back([this, id] {
            const auto held = held_.find(id);
            if (held == held_.end()) return;
            const auto stopped = std::move(held->second);
            held_.erase(held);
            Cancel(stopped);
          });
          changed_.notify_all();
        });
  }

  static void Cancel(const std::shared_ptr<Exchange>& exchange) {
    Finish(exchange, {{},
                      std::make_exception_ptr(base::Error(
                          {.code = base::ErrorCode::kCancelled, .operation = "send"}))});
  }

  static void Finish(const std::shared_ptr<Exchange>& exchange, http::Result result) {
    exchange->on_stop.reset();
    const auto& on_body = exchange->request.on_body;
    if (on_body && result.response.ok()) {
      const std::string body = std::exchange(result.response.body, "");
      try {
        // In pieces, as they come from a socket.
        for (std::size_t at = 0; at < body.size(); at += 3) {
          const auto count = std::min<std::size_t>(3, body.size() - at);
          on_body(result.response, std::as_bytes(std::span(body.data() + at, count)));
        }
      } catch (...) {
        result.error = std::current_exception();
      }
    }
    exchange->on_done(std::move(result));
  }

  mutable std::mutex mu_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> todo_;  // guarded by mu_, as the next three
  std::deque<Reply> replies_;
  std::vector<http::Request> seen_;
  Reply otherwise_;
  std::map<int, std::shared_ptr<Exchange>> held_;  // the worker's alone, as the next
  int next_held_ = 0;
  std::jthread worker_;  // last: it uses all of the above
};

}  // namespace sluice::test
