// A few threads that do what is given to them, first come, first served.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::serve {

// Thread-safe. The destructor does what waits, and joins.
class WorkerPool {
 public:
  // At most `waiting_max` tasks wait while all threads are busy.
  WorkerPool(std::size_t threads, std::size_t waiting_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: too much waits already, and nothing of it is done. REQUIRES: `task` throws nothing.
  bool Post(std::function<void()> task);

 private:
  void Work();

  const std::size_t waiting_max_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;  // guarded by mu_
  std::size_t idle_ = 0;                       // guarded by mu_: threads without a task
  bool ending_ = false;                        // guarded by mu_
  std::vector<std::jthread> threads_;          // last: they use those above
};

}  // namespace sluice::serve
