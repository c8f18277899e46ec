// Download of one attempt's parts to local disk: begun while UNLOAD still writes, bounded in bytes,
// each range written to its place in a pre-sized file. Only parts the manifest lists come out, and
// only if their bytes are those that S3's digest is of, where S3 tells one.
// The check costs no second look at the bytes where the digest is CRC64NVME of all bytes, which S3
// computes of everything since December 2024: each range is checked as it arrives, and the checks
// are joined. The look at each file after its use costs some 0.1 s of a processor for 512 MB, where
// the download takes 0.5-0.7 s (measured). Small parts come in one GET, which tells the digest; the
// others need a HEAD each, because S3 tells none with a range.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "aws/s3/object_store.h"
#include "base/byte_budget.h"
#include "model/part.h"
#include "staging/manifest.h"

namespace sluice::staging {

// `reason` of the kCorrupt errors that mean: a file on local disk lost what had arrived.
inline constexpr std::string_view kDamagedHere = "damaged_here";

struct FetchOptions {
  // Folder of this attempt's files. REQUIRES: exists, and nobody else writes in it.
  std::filesystem::path dir;
  // One ranged GET. 8-16 MiB keep 16 connections busy without many requests (measured).
  std::uint64_t range_bytes = 8ULL << 20;
};

// Prefetch and the calls after it may come from different threads, but never at the same time.
// REQUIRES: store and budget outlive it.
class Fetch {
 public:
  // `on_bytes(n)`: n more bytes are on disk; called from the store's threads.
  Fetch(aws::ObjectStore& store, base::ByteBudget& disk, FetchOptions options,
        std::function<void(std::uint64_t)> on_bytes);
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;
  // Cancels what is in flight, waits for the store to let go of it, removes the files.
  ~Fetch();

  // While UNLOAD runs: starts the parts of `listed` not yet started. An object that S3 lists is
  // whole. Takes at most half of the disk budget, so that attempts whose manifest is not there yet
  // cannot starve one that is ready to load. Never blocks, never throws: a failed prefetch is
  // fetched again by Next.
  void Prefetch(std::span<const aws::ObjectInfo> listed);

  // UNLOAD has ended: from now on only the manifest's parts count; prefetched others are dropped.
  // `listed`: the prefix as it is now. Throws kCorrupt, reason kVanished, if a part is missing in
  // it or has another size. Called once. REQUIRES: `listed` is by key, and the manifest's parts
  // stay where they are in memory as long as this lives.
  void Expect(const Manifest& manifest, std::span<const aws::ObjectInfo> listed);

  // Parts that are complete, in any order, each handed out once; waits for at least one. Empty: all
  // have been handed out. Throws the first download error (those of ObjectStore, but kCorrupt,
  // reason kVanished, for a part that is gone or was replaced; kCorrupt, reason aws::kDamaged, for
  // one that twice was not what S3's digest is of; kNoSpace if the disk is full), kCancelled,
  // kTimeout.
  std::vector<model::LocalPart> Next(const base::Call& call, const base::Clock& clock);

  // The caller is done with these: their files are removed, their bytes free again. Throws
  // kCorrupt, reason kDamagedHere, if a file does not hold any more what was received: what the
  // caller read of it must not be committed.
  void Release(std::span<const model::LocalPart> parts);

  // How many of the parts handed out were verified by what: "crc64nvme", "md5", ...; "none" where
  // S3 told no digest.
  const std::map<std::string, std::uint64_t>& verified() const { return verified_; }
  // Parts that arrived damaged and were fetched again.
  std::uint64_t refetched() const { return refetched_; }

  // Bytes of the manifest's parts that have arrived on disk.
  std::uint64_t bytes_complete() const;

 private:
  struct Download;
  // An expected part that is not started yet: there may be hundreds of thousands.
  struct Waiting {
    const model::Part* part;
    std::string etag;
    int damaged;  // as in Download
  };
  void ExpectLocked(const model::Part& part, const std::string& etag);
  void StartWaiting(base::ByteBudget::Lease lease);
  void Start(const std::shared_ptr<Download>& download, base::ByteBudget::Lease lease);
  void StartRanges(const std::shared_ptr<Download>& download);
  // Starts expected parts while the budget lasts. False if that started nothing, nothing is in
  // flight and nothing is complete: then only waiting for the budget helps.
  bool StartWhatFits();
  void StartOneWaiting(const base::Call& call);
  void StartHead(const std::shared_ptr<Download>& download, const base::Call& call);
  void OnRangeDone(const std::shared_ptr<Download>& download, std::exception_ptr error);
  // What is to be done about complete downloads.
  struct Ready {
    std::vector<model::LocalPart> parts;
    std::vector<std::shared_ptr<Download>> unchecked;
    std::vector<std::shared_ptr<Download>> damaged;
    std::exception_ptr error;
    std::string failed;  // key
  };
  Ready TakeReadyLocked();
  void CheckWhole(const std::shared_ptr<Download>& download, const base::Call& call);
  void FetchAgain(const std::shared_ptr<Download>& download);
  void DropLocked(const std::shared_ptr<Download>& download);

  // Constant.
  aws::ObjectStore& store_;
  base::ByteBudget& disk_;
  const FetchOptions options_;
  const std::function<void(std::uint64_t)> on_bytes_;
  // The driving thread's own.
  std::uint64_t files_made_ = 0;
  std::uint64_t refetched_ = 0;
  std::map<std::string, std::uint64_t> verified_;
  std::vector<Waiting> waiting_;  // last first
  // Guarded by mu_.
  mutable std::mutex mu_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Download>> downloads_;  // by key
  std::size_t to_hand_out_ = 0;
  std::size_t ranges_in_flight_ = 0;
  std::uint64_t bytes_complete_ = 0;
};

}  // namespace sluice::staging
