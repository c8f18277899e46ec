// Counts what S3 bills: requests by their price, and the bytes of objects.
// https://aws.amazon.com/s3/pricing/
#pragma once
#include <cstdint>
#include <mutex>

#include "http/watched_transport.h"
#include "model/cost.h"

namespace sluice::aws {

// Thread-safe.
class S3Traffic {
 public:
  // Of an exchange with S3. One that was not sent is not billed, and not counted; nor is one that
  // broke off before an answer, of which nobody knows whether it arrived.
  void Count(const http::Exchange& exchange);
  model::S3Requests requests() const;
  // Of objects, in both directions; without lists, errors and copies that S3 makes by itself.
  std::uint64_t bytes_moved() const;

 private:
  mutable std::mutex mu_;
  model::S3Requests requests_;     // guarded by mu_
  std::uint64_t bytes_moved_ = 0;  // guarded by mu_
};

}  // namespace sluice::aws
