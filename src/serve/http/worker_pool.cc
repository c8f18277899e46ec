#include "serve/http/worker_pool.h"

namespace sluice::serve {

WorkerPool::WorkerPool(std::size_t threads, std::size_t waiting_max)
    : waiting_max_(waiting_max), idle_(threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
}

bool WorkerPool::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(mu_);
    if (ending_ || waiting_.size() >= idle_ + waiting_max_) return false;
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::Work() {
  std::unique_lock lock(mu_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds goes while nobody waits for the lock
    lock.lock();
    ++idle_;
  }
}

}  // namespace sluice::serve
