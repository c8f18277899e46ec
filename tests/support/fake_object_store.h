// A bucket in memory with scripted faults. StartRead delivers at once, on the calling thread, in
// pieces; a fault may refuse it, cut it short or hold it until released.
#pragma once
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aws/s3/object_store.h"
#include "tests/support/digests.h"

namespace sluice::test {

class FakeObjectStore final : public aws::ObjectStore {
 public:
  // Called before each operation: ("list", prefix), ("get", key), ("read", key), ("delete", key),
  // ("put", key), ("put_if_absent", key), ("put_file", key), ("copy", key), ("uploads", prefix),
  // ("abort", key). May throw base::Error: refuse.
  std::function<void(const std::string& operation, const std::string& subject)> before;
  // The same after it: work, then fail.
  std::function<void(const std::string& operation, const std::string& subject)> after;
  // Where CopyFrom finds other buckets than this one.
  std::map<std::string, FakeObjectStore*> others;
  bool hold_reads = false;
  aws::PutResult put_result;  // what every Put returns

  void Add(const std::string& key, std::string body) {
    const std::lock_guard lock(mu_);
    objects_[key] = {std::move(body), base::UtcTime(std::chrono::seconds(1767225600)), ++version_};
  }
  void SetModified(const std::string& key, base::UtcTime at) {
    const std::lock_guard lock(mu_);
    objects_.at(key).modified = at;
  }
  void AddUpload(const std::string& key) {
    const std::lock_guard lock(mu_);
    uploads_.push_back({key, "upload-" + key});
  }
  std::vector<std::string> Keys() const {
    const std::lock_guard lock(mu_);
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) keys.push_back(key);
    return keys;
  }
  void Remove(const std::string& key) {
    const std::lock_guard lock(mu_);
    objects_.erase(key);
  }
  // What is in it now, to go back to: as if all that came after had not happened.
  struct Image;
  std::shared_ptr<const Image> Save() const;
  void Restore(const Image& image);
  std::size_t uploads() const {
    const std::lock_guard lock(mu_);
    return uploads_.size();
  }
  std::vector<std::string> log() const {
    const std::lock_guard lock(mu_);
    return log_;
  }
  void ReleaseReads() {
    std::vector<aws::RangeRead> held;
    {
      const std::lock_guard lock(mu_);
      hold_reads = false;
      held.swap(held_);
    }
    for (auto& read : held) Deliver(read);
  }

  std::vector<aws::ObjectInfo> List(std::string_view prefix, const base::Call&) override {
    Note("list", std::string(prefix));
    const std::lock_guard lock(mu_);
    std::vector<aws::ObjectInfo> found;
    for (const auto& [key, object] : objects_) {
      if (key.starts_with(prefix)) found.push_back(Info(key, object));
    }
    return found;
  }
  std::optional<aws::ObjectInfo> Head(std::string_view key, const base::Call&) override {
    Note("head", std::string(key));
    const std::lock_guard lock(mu_);
    const auto it = objects_.find(std::string(key));
    if (it == objects_.end()) return std::nullopt;
    return Info(it->first, it->second);
  }
  std::optional<std::string> Get(std::string_view key, std::uint64_t, const base::Call&) override {
    Note("get", std::string(key));
    const std::lock_guard lock(mu_);
    const auto it = objects_.find(std::string(key));
    if (it == objects_.end()) return std::nullopt;
    return it->second.body;
  }
  aws::PutResult Put(std::string_view key, std::string_view body, const base::Call&) override {
    Note("put", std::string(key));
    Add(std::string(key), std::string(body));
    return put_result;
  }
  bool PutIfAbsent(std::string_view key, std::string_view body, const base::Call&) override {
    Note("put_if_absent", std::string(key));
    bool put = false;
    {
      const std::lock_guard lock(mu_);
      const auto it = objects_.find(std::string(key));
      put = it == objects_.end() || it->second.body == body;
    }
    if (put) Add(std::string(key), std::string(body));
    if (after) after("put_if_absent", std::string(key));
    return put;
  }
  void PutFile(const std::filesystem::path& file, std::string_view key,
               const base::Call&) override {
    Note("put_file", std::string(key));
    std::ifstream in(file, std::ios::binary);
    Add(std::string(key), std::string(std::istreambuf_iterator<char>(in), {}));
  }
  void CopyFrom(const aws::CopySource& source, std::string_view key, const base::Call&) override {
    Note("copy", std::string(key));
    const auto other = others.find(source.bucket);
    FakeObjectStore& from = other == others.end() ? *this : *other->second;
    std::string body;
    {
      const std::lock_guard lock(from.mu_);
      const auto it = from.objects_.find(source.key);
      if (it == from.objects_.end()) {
        throw base::Error(
            {.code = base::ErrorCode::kNotFound, .operation = "copy", .subject = source.key});
      }
      if (!source.etag.empty() && source.etag != Info(it->first, it->second).etag) {
        throw base::Error(
            {.code = base::ErrorCode::kConflict, .operation = "copy", .subject = source.key});
      }
      body = it->second.body;
    }
    Add(std::string(key), std::move(body));
  }
  std::vector<aws::DeleteFailure> Delete(const std::vector<std::string>& keys,
                                         const base::Call&) override {
    std::vector<aws::DeleteFailure> failures;
    for (const auto& key : keys) {
      Note("delete", key);
      const std::lock_guard lock(mu_);
      if (undeletable.contains(key)) {
        failures.push_back({key, "AccessDenied", "Access Denied"});
      } else {
        objects_.erase(key);
      }
    }
    return failures;
  }
  std::vector<aws::MultipartUpload> ListUploads(std::string_view prefix,
                                                const base::Call&) override {
    Note("uploads", std::string(prefix));
    const std::lock_guard lock(mu_);
    std::vector<aws::MultipartUpload> found;
    for (const auto& upload : uploads_) {
      if (upload.key.starts_with(prefix)) found.push_back(upload);
    }
    return found;
  }
  void AbortUpload(const aws::MultipartUpload& upload, const base::Call&) override {
    Note("abort", upload.key);
    const std::lock_guard lock(mu_);
    std::erase_if(uploads_, [&](const auto& u) { return u.upload_id == upload.upload_id; });
  }
  void StartRead(aws::RangeRead read, const base::Call& call) override {
    if (call.stop.stop_requested()) {
      read.on_done(std::make_exception_ptr(
          base::Error({.code = base::ErrorCode::kCancelled, .operation = "read"})));
      return;
    }
    {
      const std::lock_guard lock(mu_);
      if (hold_reads) {
        held_.push_back(std::move(read));
        return;
      }
    }
    Deliver(read);
  }
  void StartHead(aws::HeadRead read, const base::Call&) override {
    aws::HeadResult result;
    std::exception_ptr error;
    try {
      Note("start_head",
           read.part_number ? read.key + "#" + std::to_string(*read.part_number) : read.key);
      result = HeadOf(read);
    } catch (...) {
      error = std::current_exception();
    }
    read.on_done(std::move(result), std::move(error));
  }
  std::string BucketRegion(const base::Call&) override { return "us-east-1"; }

  // What S3 tells of its objects; by default what it tells of most.
  std::function<aws::ObjectDigest(const std::string& key, const std::string& body)> digest_of;
  // The sizes of the parts that a key was uploaded in.
  std::map<std::string, std::vector<std::uint64_t>> piece_sizes;
  // Changes bytes on the way: of the body of one read, whose place in the object it is told.
  std::function<void(const std::string& key, std::uint64_t offset, std::string& body)> on_the_way;

  std::set<std::string> undeletable;

 private:
  struct Object {
    std::string body;
    base::UtcTime modified;
    int version = 0;
  };
  static aws::ObjectInfo Info(const std::string& key, const Object& object) {
    return {key, object.body.size(), "\"" + std::to_string(object.version) + "\"", object.modified};
  }
  void Note(const std::string& operation, const std::string& subject) {
    {
      const std::lock_guard lock(mu_);
      log_.push_back(operation + " " + subject);
    }
    if (before) before(operation, subject);
  }
  aws::HeadResult HeadOf(const aws::HeadRead& read) {
    const std::lock_guard lock(mu_);
    const auto it = objects_.find(read.key);
    if (it == objects_.end()) {
      throw base::Error(
          {.code = base::ErrorCode::kNotFound, .operation = "head", .subject = read.key});
    }
    const std::string& body = it->second.body;
    if (!read.part_number) return {Digest(read.key, body), body.size()};
    const auto& sizes = piece_sizes[read.key];
    const auto at = static_cast<std::size_t>(*read.part_number) - 1;
    return {{}, at < sizes.size() ? sizes[at] : body.size()};
  }
  aws::ObjectDigest Digest(const std::string& key, const std::string& body) const {
    return digest_of ? digest_of(key, body) : DefaultDigest(body);
  }
  void Deliver(aws::RangeRead& read) {
    try {
      Note("read", read.key);
      std::string body;
      {
        const std::lock_guard lock(mu_);
        const auto it = objects_.find(read.key);
        if (it == objects_.end()) {
          throw base::Error(
              {.code = base::ErrorCode::kNotFound, .operation = "read", .subject = read.key});
        }
        if (!read.etag.empty() && read.etag != Info(it->first, it->second).etag) {
          throw base::Error(
              {.code = base::ErrorCode::kConflict, .operation = "read", .subject = read.key});
        }
        if (read.whole && read.on_told) read.on_told(Digest(read.key, it->second.body));
        body = it->second.body.substr(read.offset, read.bytes);
      }
      if (on_the_way) on_the_way(read.key, read.offset, body);
      for (std::size_t at = 0; at < body.size(); at += 3) {
        const auto piece = std::min<std::size_t>(3, body.size() - at);
        read.on_bytes(read.offset + at, std::as_bytes(std::span(body.data() + at, piece)));
      }
      read.on_done(nullptr);
    } catch (...) {
      read.on_done(std::current_exception());
    }
  }

  mutable std::mutex mu_;
  std::map<std::string, Object> objects_;
  std::vector<aws::MultipartUpload> uploads_;
  std::vector<std::string> log_;
  std::vector<aws::RangeRead> held_;
  int version_ = 0;
};

struct FakeObjectStore::Image {
  std::map<std::string, Object> objects;
  std::vector<aws::MultipartUpload> uploads;
};

inline std::shared_ptr<const FakeObjectStore::Image> FakeObjectStore::Save() const {
  const std::lock_guard lock(mu_);
  return std::make_shared<const Image>(Image{objects_, uploads_});
}

inline void FakeObjectStore::Restore(const Image& image) {
  const std::lock_guard lock(mu_);
  objects_ = image.objects;
  uploads_ = image.uploads;
}

}  // namespace sluice::test
