#include "staging/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/s3/object_check.h"
#include "base/crc.h"
#include "staging/part_file.h"

namespace sluice::staging {

struct Fetch::Download {
  struct Range {
    std::uint64_t bytes = 0;
    std::uint64_t crc = 0;  // CRC64NVME of what arrived
  };

  model::Part part;
  std::string etag;
  bool expected = false;  // the manifest lists it
  bool handed_out = false;
  bool dropped = false;         // no longer needed; goes when its last range ends
  bool checked = false;         // nothing speaks against its bytes
  int damaged = 0;              // times that it was not what S3's digest is of, so far
  std::size_t ranges_left = 0;  // and the HEAD, where there is one
  std::vector<Range> ranges;
  std::uint64_t crc = 0;   // of all ranges
  aws::ObjectDigest told;  // by S3
  std::exception_ptr error;
  base::ByteBudget::Lease lease;
  std::unique_ptr<PartFile> file;
  std::stop_source stop;

  bool started() const { return file != nullptr; }
  bool complete() const { return started() && ranges_left == 0 && !error; }
  aws::ObjectInfo info() const { return {.key = part.key, .bytes = part.bytes, .etag = etag}; }

  // Once all has arrived.
  void Judge() {
    for (const Range& range : ranges) {
      crc = base::CombineCrc(base::CrcKind::kCrc64Nvme, crc, range.crc, range.bytes);
    }
    if (!told.known()) {
      checked = true;
    } else if (told.kind == aws::DigestKind::kCrc64Nvme && told.pieces == 0) {
      const std::string made = BigEndian(crc);
      checked = made == told.bytes;
      if (!checked) Refuse(aws::SpellDigest(told, made));
    }
  }
  void Refuse(std::string_view received) {
    ++damaged;
    error = std::make_exception_ptr(
        aws::DamagedError("fetch part", "part " + part.key, told, received));
  }

  static std::string BigEndian(std::uint64_t value) {
    std::string bytes(8, '\0');
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it, value >>= 8) {
      *it = static_cast<char>(value & 0xFF);
    }
    return bytes;
  }
};

namespace {

// Joins a range's pieces before they are written: libcurl hands over at most 16 KiB at a time, and
// a pwrite for each doubled the CPU of a download (0.8-1.5 s against 0.5-0.7 s for 537 MB,
// measured).
// While they are in the processor's cache they are checked as well.
class RangeWriter {
 public:
  RangeWriter(PartFile& file, const std::function<void(std::uint64_t)>& on_bytes)
      : file_(file), on_bytes_(on_bytes) {}
  std::uint64_t crc() const { return crc_; }
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
    crc_ = base::ExtendCrc(base::CrcKind::kCrc64Nvme, crc_, buffer_);
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
  std::uint64_t crc_ = 0;
};

// `listed` is by key. nullptr: it is not there.
const aws::ObjectInfo* FindIn(std::span<const aws::ObjectInfo> listed, std::string_view key) {
  const auto it = std::lower_bound(
      listed.begin(), listed.end(), key,
      [](const aws::ObjectInfo& object, std::string_view wanted) { return object.key < wanted; });
  return it == listed.end() || it->key != key ? nullptr : &*it;
}

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

[[noreturn]] void ThrowDamagedHere(const std::string& key, const std::filesystem::path& file) {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "release part",
       .subject = "part " + key,
       .message = fmt::format("its file in {} does not hold any more what was received",
                              file.parent_path().string()),
       .remedy = "Nothing was committed. The disk of limits.work_dir or this machine's memory may "
                 "be faulty: set limits.work_dir to a folder on another disk, and look into the "
                 "system's log.",
       .reason = std::string(kDamagedHere)});
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
  const std::lock_guard lock(mu_);
  waiting_.reserve(manifest.parts.size());
  for (const auto& part : manifest.parts) {
    const aws::ObjectInfo* object = FindIn(listed, part.key);
    if (object == nullptr) {
      Changed(part.key, "the manifest lists it, the bucket does not hold it");
    }
    if (object->bytes != part.bytes) {
      Changed(part.key,
              fmt::format("the manifest says {} bytes, the bucket {}", part.bytes, object->bytes));
    }
    ExpectLocked(part, object->etag);
  }
  to_hand_out_ = manifest.parts.size();
  std::reverse(waiting_.begin(), waiting_.end());
  std::erase_if(downloads_, [&](const auto& entry) {
    if (entry.second->expected) return false;
    DropLocked(entry.second);
    return true;
  });
}

void Fetch::ExpectLocked(const model::Part& part, const std::string& etag) {
  Waiting waiting{.part = &part, .etag = etag, .damaged = 0};
  const auto found = downloads_.find(part.key);
  if (found == downloads_.end()) return waiting_.push_back(std::move(waiting));
  const auto& download = found->second;
  if (download->error || download->etag != etag) {
    waiting.damaged = download->damaged;
    DropLocked(download);
    downloads_.erase(found);
    return waiting_.push_back(std::move(waiting));
  }
  download->part = part;
  download->expected = true;
  if (download->complete()) bytes_complete_ += part.bytes;
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
  // Numbered: a part fetched again must not share its file with the try that is still ending.
  const auto name = fmt::format("{:05}.parquet", files_made_++);
  auto file = std::make_unique<PartFile>(options_.dir / name, download->part.bytes);
  {
    const std::lock_guard lock(mu_);
    download->lease = std::move(lease);
    download->file = std::move(file);
    downloads_[download->part.key] = download;
    const std::uint64_t bytes = download->part.bytes;
    const auto count =
        std::max<std::uint64_t>(1, (bytes + options_.range_bytes - 1) / options_.range_bytes);
    download->ranges.resize(count);
    download->ranges_left = count + (count > 1 ? 1 : 0);
    ranges_in_flight_ += download->ranges_left;
  }
  StartRanges(download);
}

void Fetch::StartRanges(const std::shared_ptr<Download>& download) {
  const base::Call call{.deadline = base::Deadline::Never(), .stop = download->stop.get_token()};
  const bool whole = download->ranges.size() == 1;
  if (!whole) StartHead(download, call);
  std::uint64_t offset = 0;
  for (auto& range : download->ranges) {
    range.bytes = std::min(options_.range_bytes, download->part.bytes - offset);
    const auto writer = std::make_shared<RangeWriter>(*download->file, on_bytes_);
    store_.StartRead(
        {.key = download->part.key,
         .etag = download->etag,
         .offset = offset,
         .bytes = range.bytes,
         .whole = whole,
         .on_told = [download](const aws::ObjectDigest& told) { download->told = told; },
         .on_bytes = [writer](std::uint64_t at,
                              std::span<const std::byte> data) { writer->Add(at, data); },
         .on_done =
             [this, download, writer, &range](std::exception_ptr error) {
               try {
                 if (!error) writer->Flush();
                 range.crc = writer->crc();
               } catch (...) {
                 error = std::current_exception();
               }
               OnRangeDone(download, std::move(error));
             }},
        call);
    offset += range.bytes;
  }
}

void Fetch::StartHead(const std::shared_ptr<Download>& download, const base::Call& call) {
  store_.StartHead({.key = download->part.key,
                    .etag = download->etag,
                    .part_number = std::nullopt,
                    .on_done =
                        [this, download](aws::HeadResult head, std::exception_ptr error) {
                          download->told = std::move(head.digest);
                          OnRangeDone(download, std::move(error));
                        }},
                   call);
}

void Fetch::OnRangeDone(const std::shared_ptr<Download>& download, std::exception_ptr error) {
  const std::lock_guard lock(mu_);
  --ranges_in_flight_;
  --download->ranges_left;
  if (error && !download->error) {
    download->error = std::move(error);
    download->stop.request_stop();  // The part's other ranges are not needed.
  }
  if (download->ranges_left == 0) {
    if (download->dropped) {
      download->file.reset();
      download->lease = {};
    } else if (!download->error) {
      download->Judge();
    }
    if (!download->dropped && download->expected && download->complete()) {
      bytes_complete_ += download->part.bytes;
    }
  }
  // Under the lock: the destructor may end this object as soon as it sees the count at 0.
  changed_.notify_all();
}

bool Fetch::StartWhatFits() {
  while (!waiting_.empty()) {
    auto lease = disk_.TryAcquire(waiting_.back().part->bytes);
    if (!lease) {
      const std::lock_guard lock(mu_);
      return ranges_in_flight_ > 0 ||
             std::any_of(downloads_.begin(), downloads_.end(), [](const auto& entry) {
               return entry.second->complete() && !entry.second->handed_out;
             });
    }
    StartWaiting(std::move(*lease));
  }
  return true;
}

void Fetch::StartOneWaiting(const base::Call& call) {
  if (waiting_.empty()) return;
  StartWaiting(disk_.Acquire(waiting_.back().part->bytes, call.stop));
}

void Fetch::StartWaiting(base::ByteBudget::Lease lease) {
  const Waiting& next = waiting_.back();
  const auto download = std::make_shared<Download>();
  download->part = *next.part;
  download->etag = next.etag;
  download->damaged = next.damaged;
  download->expected = true;
  Start(download, std::move(lease));
  waiting_.pop_back();
}

Fetch::Ready Fetch::TakeReadyLocked() {
  Ready ready;
  for (auto& [key, download] : downloads_) {
    if (!download->started() || download->ranges_left > 0 || download->handed_out) continue;
    if (download->error) {
      if (download->damaged == 1) {
        ready.damaged.push_back(download);
        continue;
      }
      ready.error = download->error;
      ready.failed = key;
      return ready;
    }
    if (!download->checked) {
      ready.unchecked.push_back(download);
      continue;
    }
    ready.parts.push_back({download->part, download->file->path()});
    download->handed_out = true;
    ++verified_[std::string(ToString(download->told.kind))];
  }
  return ready;
}

std::vector<model::LocalPart> Fetch::Next(const base::Call& call, const base::Clock& clock) {
  for (;;) {
    if (!StartWhatFits()) StartOneWaiting(call);
    Ready ready;
    {
      std::unique_lock lock(mu_);
      const auto look = [&] {
        ready = TakeReadyLocked();
        return ready.error || !ready.parts.empty() || !ready.unchecked.empty() ||
               !ready.damaged.empty() || to_hand_out_ == 0;
      };
      // In short waits, since the deadline is the Clock's and a condition variable knows only its
      // own.
      while (!changed_.wait_for(lock, call.stop, std::chrono::milliseconds(200), look)) {
        if (call.stop.stop_requested()) base::ThrowCancelled("fetch parts", "");
        if (call.deadline.Expired(clock)) {
          throw base::Error({.code = base::ErrorCode::kTimeout,
                             .operation = "fetch parts",
                             .message = "the time for it has passed",
                             .retryable = true});
        }
      }
      to_hand_out_ -= ready.parts.size();
    }
    if (ready.error) ThrowDownloadError(ready.error, ready.failed);
    for (const auto& download : ready.damaged) FetchAgain(download);
    if (!ready.parts.empty() || ready.unchecked.empty()) {
      if (ready.parts.empty() && !ready.damaged.empty()) continue;
      return std::move(ready.parts);
    }
    CheckWhole(ready.unchecked.front(), call);
  }
}

// Its digest is another than the one that was made as it arrived: of pieces, or of another kind.
void Fetch::CheckWhole(const std::shared_ptr<Download>& download, const base::Call& call) {
  aws::ObjectCheck check;
  try {
    const auto feed = [&](aws::DigestCheck& digest) {
      download->file->Read([&](std::span<const std::byte> bytes) {
        if (call.stop.stop_requested()) base::ThrowCancelled("fetch parts", "");
        digest.Add(bytes);
      });
    };
    check = aws::CheckObject(store_, download->info(), download->told, feed, call);
  } catch (const base::Error&) {
    ThrowDownloadError(std::current_exception(), download->part.key);
  }
  const std::lock_guard lock(mu_);
  if (check.verdict == aws::Verdict::kDiffers) {
    bytes_complete_ -= download->part.bytes;
    return download->Refuse(check.received);
  }
  if (check.verdict == aws::Verdict::kUnknown) download->told = {};
  download->checked = true;
}

// In its file's place on disk, but in another file: what had arrived must not show through.
void Fetch::FetchAgain(const std::shared_ptr<Download>& download) {
  ++refetched_;
  const auto again = std::make_shared<Download>();
  again->part = download->part;
  again->etag = download->etag;
  again->expected = download->expected;
  again->damaged = download->damaged;
  base::ByteBudget::Lease lease;
  {
    const std::lock_guard lock(mu_);
    lease = std::move(download->lease);
    download->file.reset();
  }
  Start(again, std::move(lease));
}

void Fetch::Release(std::span<const model::LocalPart> parts) {
  for (const auto& part : parts) {
    std::shared_ptr<Download> download;
    {
      const std::lock_guard lock(mu_);
      const auto found = downloads_.find(part.part.key);
      if (found == downloads_.end()) continue;
      download = found->second;
    }
    // After it was used: what was read of it then is what is read of it now, or the disk is worse
    // than faulty.
    std::uint64_t crc = 0;
    download->file->Read([&](std::span<const std::byte> bytes) {
      crc = base::ExtendCrc(base::CrcKind::kCrc64Nvme, crc, bytes);
    });
    const std::lock_guard lock(mu_);
    const auto file = download->file->path();
    DropLocked(download);
    downloads_.erase(part.part.key);
    if (crc != download->crc) ThrowDamagedHere(part.part.key, file);
  }
}

std::uint64_t Fetch::bytes_complete() const {
  const std::lock_guard lock(mu_);
  return bytes_complete_;
}

}  // namespace sluice::staging
