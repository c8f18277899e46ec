// The ranged reads of a bucket: a queue, a bounded number under way, and each one's tries.
#pragma once
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "aws/s3/object_store.h"
#include "aws/service.h"
#include "base/retry.h"

namespace sluice::aws {

// Thread-safe. A thread of its own starts reads, because getting keys may block on the network,
// which the transport's threads must not; pauses between tries pass there as well.
// REQUIRES: `client` and `credentials` outlive it.
class S3Reads {
 public:
  S3Reads(const ServiceClient& client, std::string bucket, CredentialProvider& credentials,
          int reads_max);
  // Ends all with kCancelled and waits for their callbacks.
  ~S3Reads();
  S3Reads(const S3Reads&) = delete;
  S3Reads& operator=(const S3Reads&) = delete;

  void Start(RangeRead read, const base::Call& call);
  void StartHead(HeadRead read, const base::Call& call);

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;

  void Run(const std::stop_token& stop);
  // What to do next: a job to start, or one to end because it was stopped or is late.
  struct Step {
    JobPtr job;
    std::exception_ptr end_with;
  };
  void Enqueue(JobPtr job, const base::Call& call);
  std::optional<Step> NextStepLocked();
  std::exception_ptr WhyEnd(const Job& job) const;
  void Wait(std::unique_lock<std::mutex>& lock);
  void Wake();
  void WakeLocked();

  void Launch(const JobPtr& job);
  ServiceCall CallOf(const Job& job) const;
  http::Request RequestOf(const JobPtr& job);
  void TakeBytes(Job& job, const http::Response& head, std::span<const std::byte> bytes);
  void CheckHead(const Job& job, const http::Response& head) const;
  std::exception_ptr TakeHead(Job& job, const http::Response& response) const;
  void OnDone(const JobPtr& job, http::Result result);
  std::exception_ptr ErrorOf(Job& job, http::Result result);
  bool KeysWereTooOld(Job& job, const http::Result& result);
  void RetryOrFinish(const JobPtr& job, const base::Error& error);
  void Requeue(const JobPtr& job, base::SteadyTime not_before);
  void Finish(const JobPtr& job, std::exception_ptr error);
  void End(Job& job, std::exception_ptr error);
  base::Error Error(const Job& job, base::ErrorCode code, std::string message, std::string remedy,
                    bool retryable) const;

  const ServiceClient& client_;
  const std::string bucket_;
  CredentialProvider& credentials_;
  const base::Clock& clock_;
  const int reads_max_;

  std::mutex mu_;
  // Guarded by mu_.
  std::condition_variable_any changed_;
  std::list<JobPtr> waiting_;
  std::list<JobPtr> running_;
  bool woken_ = false;
  std::stop_source wake_;  // ends a pause early

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sluice::aws
