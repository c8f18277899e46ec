// One bucket, as staging needs it. The doer behind src/staging; S3 implements it, tests fake it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_digest.h"
#include "base/clock.h"
#include "base/error.h"

namespace sluice::aws {

struct ObjectInfo {
  std::string key;
  std::uint64_t bytes = 0;
  std::string etag;  // with its quotes, as S3 sends it
  base::UtcTime last_modified;
  // From Head alone, else null: a list does not tell it. Apart, as lists are long.
  std::shared_ptr<const ObjectDigest> digest;
};

// What S3 told of the bucket's settings while it took an object; needs no right beyond the PUT.
struct PutResult {
  std::string version_id;  // x-amz-version-id; empty: the bucket keeps no versions
  std::string expiration;  // x-amz-expiration, as sent; empty: no lifecycle rule will expire it
};

// An object to copy from, in this store's bucket or another one of its region.
struct CopySource {
  std::string bucket;
  std::string key;
  std::string etag;         // copied only while it is this one. May be empty
  std::uint64_t bytes = 0;  // as listed
  // As Head told it, or null. What S3 tells of the copy is compared with it where both are of all
  // bytes and of one kind.
  std::shared_ptr<const ObjectDigest> digest;
};

struct MultipartUpload {
  std::string key;
  std::string upload_id;
};

struct DeleteFailure {
  std::string key;
  std::string code;  // S3's: "AccessDenied"
  std::string message;
};

// One ranged read. Bytes are handed over as they arrive, in order within the request; after a
// failed try the store resumes behind the last byte handed over, so no byte is handed over twice.
struct RangeRead {
  std::string key;
  std::string etag;  // sent as If-Match: a part replaced underneath is an error. May be empty.
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // exactly as many are delivered, or on_done gets an error
  // REQUIRES: offset is 0, and the object has no byte more. It is asked for without a range then,
  // because S3 tells digests with whole objects alone: `on_told` gets it, before any byte.
  bool whole = false;
  std::function<void(const ObjectDigest&)> on_told;  // may be null
  // Called on a thread of the store: quick, and may throw base::Error, which ends the read with it
  // (a full disk, for instance).
  std::function<void(std::uint64_t offset, std::span<const std::byte>)> on_bytes;
  // Called exactly once: nullptr, or what ended it (base::Error). On a thread of the store or
  // within StartRead, but never within request_stop() of the call's stop source, whose caller may
  // hold locks.
  std::function<void(std::exception_ptr)> on_done;
};

// What HEAD tells of an object, or of one of the parts it was uploaded in.
struct HeadResult {
  ObjectDigest digest;      // of the object; kNone if a part was asked for
  std::uint64_t bytes = 0;  // of the object or the part
};

struct HeadRead {
  std::string key;
  std::string etag;                                             // as in RangeRead
  std::optional<int> part_number;                               // from 1; else the object
  std::function<void(HeadResult, std::exception_ptr)> on_done;  // as in RangeRead
};

// Thread-safe. Every call retries what is retryable (base::Retry) within its deadline.
// Errors of all calls: kAuthentication (unknown key, signature), kPermission (AccessDenied),
// kNotFound (bucket; for Get also the key), kInvalidConfig (bucket in another region, which the
// message names), kThrottled, kUnavailable, kUnreachable, kTimeout, kCancelled.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // All objects whose key starts with `prefix`, by key, all pages. Also kCorrupt: a list that does
  // not end (page_guard.h), or names other keys.
  virtual std::vector<ObjectInfo> List(std::string_view prefix, const base::Call& call) = 0;
  // nullopt only on a 404: a 403 is kPermission, never "absent".
  virtual std::optional<ObjectInfo> Head(std::string_view key, const base::Call& call) = 0;
  // The whole object, for small ones. kCorrupt if longer than bytes_max, or if it twice was not
  // what S3's digest says (then reason kDamaged). nullopt only on a 404.
  virtual std::optional<std::string> Get(std::string_view key, std::uint64_t bytes_max,
                                         const base::Call& call) = 0;
  virtual PutResult Put(std::string_view key, std::string_view body, const base::Call& call) = 0;
  // Puts the object if there is none of that key, in one step; false: there is one, whose body is
  // another. REQUIRES: nobody else would put this very body: it is how a lost answer is settled.
  // Thrown with in_doubt if it may have happened. kUnsupported: the service ignores or lacks
  // conditional writes. Also kConflict (retryable): writers kept meeting at this key.
  virtual bool PutIfAbsent(std::string_view key, std::string_view body, const base::Call& call) = 0;
  // Puts a local file of any size; some 24 MB of it are in memory at a time. A failure leaves no
  // object and, unless the network is gone, no unfinished upload. Also kNotFound and kPermission
  // for the file.
  virtual void PutFile(const std::filesystem::path& file, std::string_view key,
                       const base::Call& call) = 0;
  // Copies on the service's side: no byte passes through here. Needs s3:GetObject on the source.
  // Also kConflict (the source changed), kNotFound (it is gone), kCorrupt, reason kDamaged (S3
  // tells another digest of the copy).
  virtual void CopyFrom(const CopySource& source, std::string_view key, const base::Call& call) = 0;
  // Any number of keys; a missing key counts as deleted. Returns those that S3 refused.
  virtual std::vector<DeleteFailure> Delete(const std::vector<std::string>& keys,
                                            const base::Call& call) = 0;
  virtual std::vector<MultipartUpload> ListUploads(std::string_view prefix,
                                                   const base::Call& call) = 0;
  virtual void AbortUpload(const MultipartUpload& upload, const base::Call& call) = 0;

  // Queues a read and returns at once; the store runs as many at a time as it has connections for.
  // `call.stop` ends it with kCancelled. Reads still queued when the store dies end with
  // kCancelled.
  virtual void StartRead(RangeRead read, const base::Call& call) = 0;
  // The same of a HEAD.
  virtual void StartHead(HeadRead read, const base::Call& call) = 0;

  // The bucket's own region, from x-amz-bucket-region of HEAD bucket (present on 403 too).
  virtual std::string BucketRegion(const base::Call& call) = 0;
};

// `reason` of the kCorrupt errors that mean: the bytes are not those that S3's digest is of.
inline constexpr std::string_view kDamaged = "damaged";

// Tells both digests: neither is a secret, and they are what a report needs.
base::Error DamagedError(std::string operation, std::string subject, const ObjectDigest& told,
                         std::string_view received);

// StartHead, and wait for it.
HeadResult HeadNow(ObjectStore& store, HeadRead read, const base::Call& call);

// One small range, read whole: StartRead and wait for it. Throws what ended it.
std::string ReadRange(ObjectStore& store, const ObjectInfo& object, std::uint64_t offset,
                      std::uint64_t bytes, const base::Call& call);

}  // namespace sluice::aws
