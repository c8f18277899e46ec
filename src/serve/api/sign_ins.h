// Who fails to sign in, how often. A wrong token can be tried for ever without being found; what
// this bounds is what trying costs: the record of it, and the log.
#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace sluice::serve {

// Any thread. REQUIRES: `clock` outlives it.
class SignIns {
 public:
  static constexpr int kFailuresMax = 10;
  static constexpr std::chrono::seconds kWithin{60};
  static constexpr std::size_t kAddressesMax = 4096;

  explicit SignIns(const base::Clock& clock) : clock_(clock) {}
  // Counts one. False: it was one too many within the minute.
  bool MayFail(const std::string& address);

 private:
  struct Failures {
    base::SteadyTime since;
    int count = 0;
  };
  const base::Clock& clock_;
  std::mutex mu_;
  std::map<std::string, Failures> failures_;  // guarded by mu_
};

}  // namespace sluice::serve
