// Sends what is to be told, and again where nobody took it. The messages lie in the store, so a new
// start loses none.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "notify/deliver.h"
#include "serve/runs/runs.h"

namespace sluice::serve {

// How a message leaves; tests have their own.
struct Senders {
  std::function<std::string(const notify::WebMessage&, bool any_address, std::stop_token)> post;
  std::function<std::string(const notify::Mail&, bool any_address, std::stop_token)> mail;
};
Senders RealSenders(const std::string& ca_file);

// When a message that was not taken is sent again, counted from the attempt before: 8 attempts over
// two days, as the Standard Webhooks convention proposes. nullopt: given up.
std::optional<std::chrono::seconds> PauseBeforeAttempt(int attempts);

// Thread-safe. REQUIRES: store, clock and log outlive it.
class Alerts {
 public:
  Alerts(const RunsOptions& options, Store& store, Senders senders, const base::Clock& clock,
         base::Logger& log);
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;
  ~Alerts();

  void Begin();  // the thread; once
  void End();    // may be called again

  // A run is over, `before` is how the pipeline's last one ended. Writes a message for each alert
  // that wants to know; again for the same run writes none. So it is called before the run's end is
  // written down: a death between the two costs no message. Throws what the store throws.
  void Ended(const Run& run, std::optional<RunState> before);
  // It waits although it was due.
  void Late(const Run& run);

  // Sends what is due now, once; the thread's work. Returns how many were tried and settled. What
  // became of one that cannot be written down is kept in mind: it is not sent again for that.
  int SendDue(const std::stop_token& stop);
  // One message, now, not kept.
  Delivery Test(const Resource& alert);

  struct Counts {
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;  // attempts
    std::uint64_t given_up = 0;
  };
  Counts counts() const;

 private:
  void Tell(std::string_view event, const Run& run);
  std::string Send(const Resource& alert, const Json& news, const std::string& id,
                   const std::stop_token& stop);
  std::string SendMail(const Resource& alert, const Json& news, const std::string& id,
                       const std::stop_token& stop);
  bool AnyAddress(std::string_view host) const;
  bool SendOne(const Message& message, const std::stop_token& stop);
  void Count(const Message& message, const std::string& problem);
  void Settle(const Message& message, const std::string& problem);
  void Work(const std::stop_token& stop);

  const RunsOptions options_;
  Store& store_;
  const Senders senders_;
  const base::Clock& clock_;
  base::Logger& log_;
  std::atomic<std::uint64_t> delivered_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<std::uint64_t> given_up_ = 0;
  std::mutex mu_;
  // Guarded by mu_: what Send said of a message, until the store has it; by the message's id.
  std::map<std::string, std::string> unsettled_;
  std::jthread thread_;
};

}  // namespace sluice::serve
