#include "staging/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "staging/part_file.h"

namespace sluice::staging {

struct Fetch::Download {
  model::Part part;
  std::string etag;
  bool expected = false;  // the manifest lists it
  bool handed_out = false;
  bool dropped = false;  // nobody wants it any more; goes when its last range ends
  std::size_t ranges_left = 0;
  std::exception_ptr error;
  base::ByteBudget::Lease lease;
  std::unique_ptr<PartFile> file;
  std::stop_source stop;

  bool started() const { return file != nullptr; }
  bool complete() const { return started() && ranges_left == 0 && !error; }
};

namespace {

// Joins a range's pieces before they are written: libcurl hands over at most 16 KiB at a time, and
// a pwrite for each doubled the CPU of a download (0.8-1.5 s against 0.5-0.7 s for 537 MB,
// measured).
class RangeWriter {
 public:
  RangeWriter(PartFile& file, const std::function<void(std::uint64_t)>& on_bytes)
      : file_(file), on_bytes_(on_bytes) {}
  void Add(std::uint64_t at, std::span<const std::byte> data) {
    if (buffer_.empty()) {
      // Not before the first byte: ranges wait in line by the hundred.
      buffer_.reserve(kBufferBytes);
      begins_at_ = at;
    }
    buffer_.insert(buffer_.end(), data.begin(), data.end());
    if (buffer_.size() >= kBufferBytes) Flush();
  }
  void Flush() {
    if (buffer_.empty()) return;
    file_.Write(begins_at_, buffer_);
    on_bytes_(buffer_.size());
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kBufferBytes = 256 << 10;
  PartFile& file_;
  const std::function<void(std::uint64_t)>& on_bytes_;
  std::vector<std::byte> buffer_;
  std::uint64_t begins_at_ = 0;
};

bool IsPart(const aws::ObjectInfo& object) { return object.key.ends_with(".parquet"); }

[[noreturn]] void Changed(const std::string& key, std::string message) {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "compare bucket with manifest",
       .subject = "part " + key,
       .message = std::move(message),
       .remedy = "Nothing was committed. Run the sync again; if it comes back, look for another "
                 "program or a lifecycle rule that changes objects below the staging root.",
       .reason = std::string(kVanished)});
}

// A part that S3 had listed and then did not have, or not as it was.
[[noreturn]] void ThrowDownloadError(const std::exception_ptr& error, const std::string& key) {
  const base::Error read = base::AsError(error);
  const auto code = read.code();
  if (code != base::ErrorCode::kNotFound && code != base::ErrorCode::kConflict) throw read;
  Changed(key, code == base::ErrorCode::kNotFound ? "it is not in the bucket any more"
                                                  : "it was replaced while it was read");
}

}  // namespace

Fetch::Fetch(aws::ObjectStore& store, base::ByteBudget& disk, FetchOptions options,
             std::function<void(std::uint64_t)> on_bytes)
    : store_(store), disk_(disk), options_(std::move(options)), on_bytes_(std::move(on_bytes)) {}

Fetch::~Fetch() {
  std::unique_lock lock(mu_);
  for (const auto& [key, download] : downloads_) download->stop.request_stop();
  changed_.wait(lock, [&] { return ranges_in_flight_ == 0; });
}

void Fetch::Prefetch(std::span<const aws::ObjectInfo> listed) {
  for (const auto& object : listed) {
    if (!IsPart(object)) continue;
    {
      const std::lock_guard lock(mu_);
      if (downloads_.contains(object.key)) continue;
    }
    if (disk_.bytes_used() + object.bytes > disk_.bytes_max() / 2) return;
    auto lease = disk_.TryAcquire(object.bytes);
    if (!lease) return;
    auto download = std::make_shared<Download>();
    download->part = {.key = object.key, .bytes = object.bytes, .rows = 0};
    download->etag = object.etag;
    try {
      Start(download, std::move(*lease));
    } catch (const base::Error&) {
      return;  // No room on disk now: Next tries again and reports.
    }
  }
}

void Fetch::Expect(const Manifest& manifest, std::span<const aws::ObjectInfo> listed) {
  std::map<std::string_view, const aws::ObjectInfo*> by_key;
  for (const auto& object : listed) by_key[object.key] = &object;

  const std::lock_guard lock(mu_);
  for (const auto& part : manifest.parts) {
    const auto found = by_key.find(part.key);
    if (found == by_key.end())
      Changed(part.key, "the manifest lists it, the bucket does not hold it");
    const aws::ObjectInfo& object = *found->second;
    if (object.bytes != part.bytes) {
      Changed(part.key,
              fmt::format("the manifest says {} bytes, the bucket {}", part.bytes, object.bytes));
    }
    auto& download = downloads_[part.key];
    if (download && (download->error || download->etag != object.etag)) {
      DropLocked(download);
      download = nullptr;
    }
    if (!download) {
      download = std::make_shared<Download>();
      waiting_.push_back(part.key);
    }
    download->part = part;
    download->etag = object.etag;
    download->expected = true;
    if (download->complete()) bytes_complete_ += part.bytes;
  }
  to_hand_out_ = manifest.parts.size();
  std::reverse(waiting_.begin(), waiting_.end());
  std::erase_if(downloads_, [&](const auto& entry) {
    if (entry.second->expected) return false;
    DropLocked(entry.second);
    return true;
  });
}

// What runs keeps its file and lease until its last range has ended: the store still writes there.
void Fetch::DropLocked(const std::shared_ptr<Download>& download) {
  download->dropped = true;
  download->stop.request_stop();
  if (download->ranges_left == 0) {
    download->file.reset();
    download->lease = {};
  }
}

void Fetch::Start(const std::shared_ptr<Download>& download, base::ByteBudget::Lease lease) {
  // Numbered: a part fetched anew must not share its file with the try that is still ending.
  const auto name = fmt::format("{:05}.parquet", files_made_++);
  auto file = std::make_unique<PartFile>(options_.dir / name, download->part.bytes);
  {
    const std::lock_guard lock(mu_);
    download->lease = std::move(lease);
    download->file = std::move(file);
    downloads_[download->part.key] = download;
    download->ranges_left = std::max<std::uint64_t>(
        1, (download->part.bytes + options_.range_bytes - 1) / options_.range_bytes);
    ranges_in_flight_ += download->ranges_left;
  }
  StartRanges(download);
}

void Fetch::StartRanges(const std::shared_ptr<Download>& download) {
  const base::Call call{.deadline = base::Deadline::Never(), .stop = download->stop.get_token()};
  std::uint64_t offset = 0;
  do {
    const auto bytes = std::min(options_.range_bytes, download->part.bytes - offset);
    const auto writer = std::make_shared<RangeWriter>(*download->file, on_bytes_);
    store_.StartRead(
        {.key = download->part.key,
         .etag = download->etag,
         .offset = offset,
         .bytes = bytes,
         .on_bytes = [writer](std::uint64_t at,
                              std::span<const std::byte> data) { writer->Add(at, data); },
         .on_done =
             [this, download, writer](std::exception_ptr error) {
               try {
                 if (!error) writer->Flush();
               } catch (...) {
                 error = std::current_exception();
               }
               OnRangeDone(download, std::move(error));
             }},
        call);
    offset += bytes;
  } while (offset < download->part.bytes);
}

void Fetch::OnRangeDone(const std::shared_ptr<Download>& download, std::exception_ptr error) {
  const std::lock_guard lock(mu_);
  --ranges_in_flight_;
  --download->ranges_left;
  if (error && !download->error) {
    download->error = std::move(error);
    download->stop.request_stop();  // The part's other ranges are of no use.
  }
  if (download->ranges_left == 0) {
    if (download->dropped) {
      download->file.reset();
      download->lease = {};
    } else if (download->expected && download->complete()) {
      bytes_complete_ += download->part.bytes;
    }
  }
  // Under the lock: the destructor may end this object as soon as it sees the count at 0.
  changed_.notify_all();
}

bool Fetch::StartWhatFits() {
  for (;;) {
    std::shared_ptr<Download> download;
    {
      const std::lock_guard lock(mu_);
      if (waiting_.empty()) return true;
      download = downloads_.at(waiting_.back());
    }
    auto lease = disk_.TryAcquire(download->part.bytes);
    if (!lease) {
      const std::lock_guard lock(mu_);
      return ranges_in_flight_ > 0 ||
             std::any_of(downloads_.begin(), downloads_.end(), [](const auto& entry) {
               return entry.second->complete() && !entry.second->handed_out;
             });
    }
    Start(download, std::move(*lease));
    const std::lock_guard lock(mu_);
    waiting_.pop_back();
  }
}

void Fetch::StartOneWaiting(const base::Call& call) {
  std::shared_ptr<Download> download;
  {
    const std::lock_guard lock(mu_);
    if (waiting_.empty()) return;
    download = downloads_.at(waiting_.back());
  }
  Start(download, disk_.Acquire(download->part.bytes, call.stop));
  const std::lock_guard lock(mu_);
  waiting_.pop_back();
}

std::vector<model::LocalPart> Fetch::Next(const base::Call& call, const base::Clock& clock) {
  if (!StartWhatFits()) StartOneWaiting(call);
  std::unique_lock lock(mu_);
  std::vector<model::LocalPart> ready;
  std::exception_ptr error;
  std::string failed;
  const auto look = [&] {
    for (auto& [key, download] : downloads_) {
      if (!download->started() || download->ranges_left > 0 || download->handed_out) continue;
      if (download->error) {
        error = download->error;
        failed = key;
        return true;
      }
      ready.push_back({download->part, download->file->path()});
      download->handed_out = true;
    }
    return !ready.empty() || to_hand_out_ == 0;
  };
  // In short waits, since the deadline is the Clock's and a condition variable knows only its own.
  while (!changed_.wait_for(lock, call.stop, std::chrono::milliseconds(200), look)) {
    if (call.stop.stop_requested()) base::ThrowCancelled("fetch parts", "");
    if (call.deadline.Expired(clock)) {
      throw base::Error({.code = base::ErrorCode::kTimeout,
                         .operation = "fetch parts",
                         .message = "the time for it has passed",
                         .retryable = true});
    }
  }
  if (error) ThrowDownloadError(error, failed);
  to_hand_out_ -= ready.size();
  return ready;
}

void Fetch::Release(std::span<const model::LocalPart> parts) {
  const std::lock_guard lock(mu_);
  for (const auto& part : parts) {
    const auto found = downloads_.find(part.part.key);
    if (found == downloads_.end()) continue;
    DropLocked(found->second);
    downloads_.erase(found);
  }
}

std::uint64_t Fetch::bytes_complete() const {
  const std::lock_guard lock(mu_);
  return bytes_complete_;
}

}  // namespace sluice::staging
