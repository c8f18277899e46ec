// Keys for tests.
#pragma once
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "aws/session_keys.h"

namespace sluice::test {

// Keys that do not change, and count how often they were asked for and rejected.
class FakeKeys final : public aws::CredentialProvider {
 public:
  explicit FakeKeys(aws::SessionKeys keys) : keys_(std::move(keys)) {}
  aws::SessionKeys Get(std::chrono::seconds, const base::Call&) override {
    const std::lock_guard lock(mu_);
    if (error) std::rethrow_exception(error);
    ++gets;
    return keys_;
  }
  bool Reject(const aws::SessionKeys&) override {
    const std::lock_guard lock(mu_);
    ++rejects;
    return renewable;
  }
  std::string Describe() const override { return "fake keys"; }

  std::exception_ptr error;
  bool renewable = true;
  int gets = 0;
  int rejects = 0;

 private:
  std::mutex mu_;
  const aws::SessionKeys keys_;
};

}  // namespace sluice::test
