// Buckets on disk: objects are files of `<root>/<bucket>/`, so a store outlives a process that is
// killed, and several processes share it. Keys are file names, with '/' and '%' percent-encoded.
// `before` and `after` are fake_object_store.h's.
#pragma once
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "aws/s3/object_store.h"
#include "base/random.h"
#include "tests/support/digests.h"

namespace sluice::test {

class FolderObjectStore final : public aws::ObjectStore {
 public:
  FolderObjectStore(std::filesystem::path root, const std::string& bucket)
      : root_(std::move(root)), bucket_(bucket) {
    std::filesystem::create_directories(root_ / bucket_);
  }

  std::function<void(const std::string& operation, const std::string& key)> before;
  std::function<void(const std::string& operation, const std::string& key)> after;
  bool ignores_conditions = false;  // as some services do with If-None-Match

  std::filesystem::path PathOf(std::string_view key) const { return PathOf(bucket_, key); }
  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    for (const auto& entry : std::filesystem::directory_iterator(root_ / bucket_)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("%new")) keys.push_back(Decode(name));
    }
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  std::vector<aws::ObjectInfo> List(std::string_view prefix, const base::Call& call) override {
    Begin("list", prefix, call);
    std::vector<aws::ObjectInfo> found;
    for (const std::string& key : Keys()) {
      if (!key.starts_with(prefix)) continue;
      if (auto info = Info(bucket_, key)) found.push_back(std::move(*info));
    }
    return found;
  }
  std::optional<aws::ObjectInfo> Head(std::string_view key, const base::Call& call) override {
    Begin("head", key, call);
    return Info(bucket_, key);
  }
  std::optional<std::string> Get(std::string_view key, std::uint64_t bytes_max,
                                 const base::Call& call) override {
    Begin("get", key, call);
    auto body = Body(bucket_, key);
    if (body && body->size() > bytes_max) Throw(base::ErrorCode::kCorrupt, "get", key);
    return body;
  }
  aws::PutResult Put(std::string_view key, std::string_view body, const base::Call& call) override {
    Begin("put", key, call);
    std::filesystem::rename(Fresh(body), PathOf(key));
    return {};
  }
  bool PutIfAbsent(std::string_view key, std::string_view body, const base::Call& call) override {
    Begin("put_if_absent", key, call);
    const auto fresh = Fresh(body);
    bool put = true;
    if (ignores_conditions) {
      std::filesystem::rename(fresh, PathOf(key));
    } else {
      put = link(fresh.c_str(), PathOf(key).c_str()) == 0 || Body(bucket_, key) == body;
      unlink(fresh.c_str());
    }
    if (after) after("put_if_absent", std::string(key));
    return put;
  }
  void PutFile(const std::filesystem::path& file, std::string_view key,
               const base::Call& call) override {
    Begin("put_file", key, call);
    std::ifstream in(file, std::ios::binary);
    std::filesystem::rename(Fresh(std::string(std::istreambuf_iterator<char>(in), {})),
                            PathOf(key));
  }
  void CopyFrom(const aws::CopySource& source, std::string_view key,
                const base::Call& call) override {
    Begin("copy", key, call);
    const auto info = Info(source.bucket, source.key);
    if (!info) Throw(base::ErrorCode::kNotFound, "copy", source.key);
    if (!source.etag.empty() && source.etag != info->etag) {
      Throw(base::ErrorCode::kConflict, "copy", source.key);
    }
    std::filesystem::rename(Fresh(*Body(source.bucket, source.key)), PathOf(key));
  }
  std::vector<aws::DeleteFailure> Delete(const std::vector<std::string>& keys,
                                         const base::Call& call) override {
    for (const std::string& key : keys) {
      Begin("delete", key, call);
      unlink(PathOf(key).c_str());
    }
    return {};
  }
  std::vector<aws::MultipartUpload> ListUploads(std::string_view, const base::Call&) override {
    return {};
  }
  void AbortUpload(const aws::MultipartUpload&, const base::Call&) override {}
  void StartRead(aws::RangeRead read, const base::Call& call) override {
    std::exception_ptr error;
    try {
      Begin("read", read.key, call);
      const auto info = Info(bucket_, read.key);
      if (!info) Throw(base::ErrorCode::kNotFound, "read", read.key);
      if (!read.etag.empty() && read.etag != info->etag) {
        Throw(base::ErrorCode::kConflict, "read", read.key);
      }
      if (read.whole && read.on_told) read.on_told(DefaultDigest(*Body(bucket_, read.key)));
      const std::string piece = Body(bucket_, read.key)->substr(read.offset, read.bytes);
      read.on_bytes(read.offset, std::as_bytes(std::span(piece.data(), piece.size())));
    } catch (...) {
      error = std::current_exception();
    }
    read.on_done(std::move(error));
  }
  void StartHead(aws::HeadRead read, const base::Call&) override {
    aws::HeadResult result;
    std::exception_ptr error;
    try {
      const auto info = Info(bucket_, read.key);
      if (!info) Throw(base::ErrorCode::kNotFound, "head", read.key);
      result = {DefaultDigest(*Body(bucket_, read.key)), info->bytes};
    } catch (...) {
      error = std::current_exception();
    }
    read.on_done(std::move(result), std::move(error));
  }
  std::string BucketRegion(const base::Call&) override { return "us-east-1"; }

 private:
  static std::string Encode(std::string_view key) {
    std::string out;
    for (const char c : key) {
      if (c == '/' || c == '%') {
        out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      } else {
        out += c;
      }
    }
    return out;
  }
  static std::string Decode(const std::string& name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (name[i] == '%') {
        out += static_cast<char>(std::stoi(name.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        out += name[i];
      }
    }
    return out;
  }
  std::filesystem::path PathOf(const std::string& bucket, std::string_view key) const {
    return root_ / bucket / Encode(key);
  }
  [[noreturn]] static void Throw(base::ErrorCode code, const std::string& operation,
                                 std::string_view key) {
    throw base::Error({.code = code, .operation = operation, .subject = std::string(key)});
  }
  void Begin(const std::string& operation, std::string_view key, const base::Call& call) {
    if (call.stop.stop_requested()) base::ThrowCancelled(operation, key);
    if (before) before(operation, std::string(key));
  }
  std::optional<aws::ObjectInfo> Info(const std::string& bucket, std::string_view key) const {
    struct stat status {};
    if (stat(PathOf(bucket, key).c_str(), &status) != 0) return std::nullopt;
    return aws::ObjectInfo{
        std::string(key), static_cast<std::uint64_t>(status.st_size),
        fmt::format("\"{}-{}-{}\"", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec),
        base::UtcTime(std::chrono::seconds(status.st_mtim.tv_sec))};
  }
  std::optional<std::string> Body(const std::string& bucket, std::string_view key) const {
    std::ifstream in(PathOf(bucket, key), std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  // A file of that text, under a name that no key has.
  std::filesystem::path Fresh(std::string_view body) const {
    auto path = root_ / bucket_ / fmt::format("%new{:016x}", base::RandomBits());
    std::ofstream(path, std::ios::binary) << body;
    return path;
  }

  const std::filesystem::path root_;
  const std::string bucket_;
};

}  // namespace sluice::test
