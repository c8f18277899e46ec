#include "aws/s3/s3_reads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/s3/s3_call.h"

namespace sluice::aws {

using base::ErrorCode;

struct S3Reads::Job {
  Job(RangeRead r, const base::Call& c, const base::Clock& clock, base::RetryOptions options)
      : read(std::move(r)), caller(c), retry(clock, options) {}

  RangeRead read;
  std::optional<HeadRead> head;  // a HEAD: of `read` only key and etag count
  HeadResult head_result;
  const base::Call caller;
  // The caller's stop, or the store's end: one token for the transport.
  std::stop_source stop;
  std::uint64_t delivered = 0;         // handed over in all tries
  std::uint64_t delivered_before = 0;  // when this try began
  std::exception_ptr refused;          // thrown by on_bytes: no further try
  SessionKeys keys;                    // of this try
  bool renewed = false;                // keys were refused for their age once already
  base::SteadyTime not_before{};       // of the next try
  base::Retry retry;
  std::optional<std::stop_callback<std::function<void()>>> on_caller_stop;  // destroyed first

  base::Call call() const { return {caller.deadline, stop.get_token()}; }
  std::uint64_t at() const { return read.offset + delivered; }
  std::uint64_t left() const { return read.bytes - delivered; }
  // A second try goes on from where the first ended, with a range.
  bool asks_whole() const { return read.whole && delivered == 0; }
};

S3Reads::S3Reads(const ServiceClient& client, std::string bucket, CredentialProvider& credentials,
                 int reads_max)
    : client_(client),
      bucket_(std::move(bucket)),
      credentials_(credentials),
      clock_(client.clock()),
      reads_max_(std::max(reads_max, 1)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

S3Reads::~S3Reads() {
  thread_.request_stop();
  std::vector<JobPtr> all;
  {
    const std::lock_guard lock(mu_);
    all.assign(waiting_.begin(), waiting_.end());
    all.insert(all.end(), running_.begin(), running_.end());
    WakeLocked();
  }
  // Outside the lock: the transport may end a read at once, on this thread.
  for (const JobPtr& job : all) job->stop.request_stop();
  thread_.join();
}

void S3Reads::Start(RangeRead read, const base::Call& call) {
  Enqueue(std::make_shared<Job>(std::move(read), call, clock_, client_.retry()), call);
}

void S3Reads::StartHead(HeadRead read, const base::Call& call) {
  auto job = std::make_shared<Job>(RangeRead{.key = read.key, .etag = read.etag}, call, clock_,
                                   client_.retry());
  job->head = std::move(read);
  Enqueue(std::move(job), call);
}

void S3Reads::Enqueue(JobPtr job, const base::Call& call) {
  // A raw pointer: the callback lives inside the job.
  job->on_caller_stop.emplace(call.stop, [this, raw = job.get()] {
    raw->stop.request_stop();
    Wake();
  });
  const std::lock_guard lock(mu_);
  waiting_.push_back(std::move(job));
  WakeLocked();
}

void S3Reads::Wake() {
  const std::lock_guard lock(mu_);
  WakeLocked();
}

void S3Reads::WakeLocked() {
  woken_ = true;
  changed_.notify_all();
  wake_.request_stop();
}

void S3Reads::Run(const std::stop_token& stop) {
  std::unique_lock lock(mu_);
  for (;;) {
    woken_ = false;
    if (auto step = NextStepLocked()) {
      lock.unlock();
      if (step->end_with) {
        End(*step->job, std::move(step->end_with));
      } else {
        Launch(step->job);
      }
      step.reset();
      lock.lock();
      continue;
    }
    // Stopped jobs have all been ended by now, except those the transport still holds.
    if (stop.stop_requested() && waiting_.empty() && running_.empty()) return;
    Wait(lock);
  }
}

std::exception_ptr S3Reads::WhyEnd(const Job& job) const {
  if (job.stop.stop_requested()) {
    return std::make_exception_ptr(
        Error(job, ErrorCode::kCancelled, "stopped before it finished", "", false));
  }
  if (!job.caller.deadline.Expired(clock_)) return nullptr;
  return std::make_exception_ptr(Error(job, ErrorCode::kTimeout,
                                       "it did not finish in the time it was given",
                                       "Run again; if it lasts, check the network.", false));
}

std::optional<S3Reads::Step> S3Reads::NextStepLocked() {
  const base::SteadyTime now = clock_.Steady();
  const bool room = static_cast<int>(running_.size()) < reads_max_;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    JobPtr job = *it;
    if (std::exception_ptr why = WhyEnd(*job)) {
      waiting_.erase(it);
      return Step{std::move(job), std::move(why)};
    }
    if (room && job->not_before <= now) {
      running_.splice(running_.end(), waiting_, it);
      return Step{std::move(job), nullptr};
    }
  }
  return std::nullopt;
}

// Until something changes, a pause ends or a deadline passes. The pause goes through the clock, so
// that tests need not wait for it.
void S3Reads::Wait(std::unique_lock<std::mutex>& lock) {
  std::optional<std::chrono::nanoseconds> pause;
  const base::SteadyTime now = clock_.Steady();
  const bool room = static_cast<int>(running_.size()) < reads_max_;
  for (const JobPtr& job : waiting_) {
    auto due = job->caller.deadline.Remaining(clock_);
    if (room && job->not_before > now) {
      const std::chrono::nanoseconds until = job->not_before - now;
      due = due ? std::min(*due, until) : until;
    }
    if (due) pause = pause ? std::min(*pause, *due) : *due;
  }
  if (!pause) {
    changed_.wait(lock, [&] { return woken_; });
    return;
  }
  if (woken_) return;
  wake_ = std::stop_source();
  const std::stop_token woken = wake_.get_token();
  lock.unlock();
  clock_.Sleep(*pause, woken);
  lock.lock();
}

void S3Reads::Launch(const JobPtr& job) {
  // A read of nothing needs no request.
  if (!job->head && job->left() == 0) return Finish(job, nullptr);
  try {
    job->keys = credentials_.Get(kKeyLifeMin, job->call());
    job->delivered_before = job->delivered;
    client_.transport().Start(RequestOf(job), job->call(),
                              [this, job](http::Result result) { OnDone(job, std::move(result)); });
  } catch (...) {
    // No keys: the provider has tried again by itself already.
    Finish(job, std::make_exception_ptr(base::AsError(std::current_exception())));
  }
}

ServiceCall S3Reads::CallOf(const Job& job) const {
  ServiceCall call = ObjectCall(client_.endpoint(), bucket_, job.read.key,
                                job.head ? "HeadObject" : "GetObject", "s3:GetObject");
  if (job.head) {
    call.method = "HEAD";
    if (job.head->part_number) {
      call.query = {{"partNumber", std::to_string(*job.head->part_number)}};
    }
  } else if (!job.asks_whole()) {
    call.headers = {{"Range", fmt::format("bytes={}-{}", job.at(), job.at() + job.left() - 1)}};
  }
  if (job.head || job.asks_whole()) call.headers.push_back({"x-amz-checksum-mode", "ENABLED"});
  if (!job.read.etag.empty()) call.headers.push_back({"If-Match", job.read.etag});
  return call;
}

http::Request S3Reads::RequestOf(const JobPtr& job) {
  http::Request request = client_.Build(CallOf(*job), job->keys);
  if (job->head) return request;
  request.on_body = [this, job](const http::Response& head, std::span<const std::byte> bytes) {
    TakeBytes(*job, head, bytes);
  };
  return request;
}

// "bytes 0-8388607/33554432"
void S3Reads::CheckHead(const Job& job, const http::Response& head) const {
  if (job.asks_whole()) {
    if (head.status != 200) {
      throw Error(job, ErrorCode::kCorrupt, "the reply is not the whole object",
                  "A proxy on the way changes replies: let AWS's hosts pass it (NO_PROXY).", false);
    }
    if (job.read.on_told) job.read.on_told(ReadDigest(head));
    return;
  }
  const std::string* range = head.Find("content-range");
  std::uint64_t first = 0;
  std::string_view text = range == nullptr ? std::string_view() : std::string_view(*range);
  const bool starts = text.starts_with("bytes ");
  if (starts) text.remove_prefix(6);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), first);
  if (head.status == 206 && starts && error == std::errc() && first == job.at()) return;
  throw Error(job, ErrorCode::kCorrupt, "the reply is not the range that was asked for",
              "A proxy or an S3-compatible service ignores Range headers: let AWS's hosts pass it.",
              false);
}

void S3Reads::TakeBytes(Job& job, const http::Response& head, std::span<const std::byte> bytes) {
  try {
    if (job.delivered == job.delivered_before) CheckHead(job, head);
    if (bytes.size() > job.left()) {
      throw Error(job, ErrorCode::kCorrupt, "the reply is longer than the range asked for",
                  "A proxy on the way changes replies: let AWS's hosts pass it (NO_PROXY).", false);
    }
    job.read.on_bytes(job.at(), bytes);
  } catch (...) {
    job.refused = std::make_exception_ptr(base::AsError(std::current_exception()));
    throw;
  }
  job.delivered += bytes.size();
}

void S3Reads::OnDone(const JobPtr& job, http::Result result) {
  if (job->delivered > job->delivered_before) job->retry.Refill();
  if (KeysWereTooOld(*job, result)) return Requeue(job, clock_.Steady());
  const bool refused = job->refused != nullptr;
  std::exception_ptr error = ErrorOf(*job, std::move(result));
  if (error && !refused) {
    try {
      std::rethrow_exception(error);
    } catch (const base::Error& failure) {
      return RetryOrFinish(job, failure);
    } catch (...) {
      error = std::make_exception_ptr(base::AsError(std::current_exception()));
    }
  }
  Finish(job, std::move(error));
}

std::exception_ptr S3Reads::ErrorOf(Job& job, http::Result result) {
  if (job.refused) return std::exchange(job.refused, nullptr);
  // Whatever happened after the last byte.
  if (!job.head && job.left() == 0) return nullptr;
  if (result.error) return std::move(result.error);
  if (job.head && result.response.ok()) return TakeHead(job, result.response);
  if (!result.response.ok()) {
    return std::make_exception_ptr(client_.ErrorOf(CallOf(job), result.response, job.keys));
  }
  // A complete reply that is too short: S3 gave all the object has.
  return std::make_exception_ptr(
      Error(job, ErrorCode::kCorrupt, "the object is shorter than it should be",
            "Nothing else may write below the staging prefix. Run again.", false));
}

std::exception_ptr S3Reads::TakeHead(Job& job, const http::Response& response) const {
  const std::string* length = response.Find("content-length");
  HeadResult& told = job.head_result;
  if (length == nullptr ||
      std::from_chars(length->data(), length->data() + length->size(), told.bytes).ec !=
          std::errc()) {
    return std::make_exception_ptr(client_.Unreadable(CallOf(job), response));
  }
  // Of a part the headers tell the part's own checksum, or the object's: it is not said which.
  if (!job.head->part_number) told.digest = ReadDigest(response);
  return nullptr;
}

// True once at most: then other keys may pass.
bool S3Reads::KeysWereTooOld(Job& job, const http::Result& result) {
  if (job.refused || result.error || result.response.ok() || job.renewed) return false;
  if (!IsExpired(ReadFailure(Service::kS3, result.response))) return false;
  job.renewed = true;
  return credentials_.Reject(job.keys);
}

void S3Reads::Requeue(const JobPtr& job, base::SteadyTime not_before) {
  const std::lock_guard lock(mu_);
  running_.remove(job);
  job->not_before = not_before;
  // At the front: an older read must not starve behind those queued since.
  waiting_.push_front(job);
  WakeLocked();
}

void S3Reads::Finish(const JobPtr& job, std::exception_ptr error) {
  End(*job, std::move(error));
  // Only now: while the job counts as running, the store lives.
  const std::lock_guard lock(mu_);
  running_.remove(job);
  WakeLocked();
}

void S3Reads::RetryOrFinish(const JobPtr& job, const base::Error& error) {
  const auto pause = job->retry.NextPause(error);
  const auto remaining = job->caller.deadline.Remaining(clock_);
  if (!pause || (remaining && *remaining <= *pause)) {
    return Finish(job, std::make_exception_ptr(error));
  }
  Requeue(job, clock_.Steady() + std::chrono::duration_cast<base::SteadyTime::duration>(*pause));
}

// The receiver gets the last hold on the error, so that nobody here drops it while he reads it.
void S3Reads::End(Job& job, std::exception_ptr error) {
  job.on_caller_stop.reset();
  if (job.head) {
    const auto on_head = std::move(job.head->on_done);
    on_head(std::move(job.head_result), std::move(error));
    return;
  }
  const auto on_done = std::move(job.read.on_done);
  job.read.on_told = nullptr;
  job.read.on_bytes = nullptr;  // What the callbacks hold on to is let go with them.
  on_done(std::move(error));
}

base::Error S3Reads::Error(const Job& job, ErrorCode code, std::string message, std::string remedy,
                           bool retryable) const {
  return base::Error({.code = code,
                      .operation = job.head ? "HeadObject" : "GetObject",
                      .subject = "s3://" + bucket_ + "/" + job.read.key,
                      .message = std::move(message),
                      .remedy = std::move(remedy),
                      .retryable = retryable});
}

}  // namespace sluice::aws
