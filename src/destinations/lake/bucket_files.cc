// A lake in a bucket of S3, or of what speaks its language.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "destinations/lake/lake_files.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

class BucketFiles final : public LakeFiles {
 public:
  BucketFiles(aws::ObjectStore& store, std::string bucket, std::string prefix, fs::path work_dir)
      : store_(store),
        bucket_(std::move(bucket)),
        prefix_(std::move(prefix)),
        work_dir_(std::move(work_dir)) {}

  std::string Where(std::string_view name) const override {
    return fmt::format("s3://{}/{}{}", bucket_, prefix_, name);
  }

  std::vector<FileInfo> List(const std::string& folder, const base::Call& call) override {
    const std::string prefix = Key(folder) + "/";
    std::vector<FileInfo> found;
    for (const aws::ObjectInfo& object : store_.List(prefix, call)) {
      const std::string name = object.key.substr(prefix.size());
      if (name.empty() || name.find('/') != std::string::npos) continue;
      found.push_back({name, object.bytes, object.last_modified});
    }
    return found;
  }

  std::vector<FileInfo> ListOwn(const std::string& folder, const base::Call& call) override {
    return List(folder, call);
  }

  std::optional<std::string> Read(const std::string& name, std::uint64_t bytes_max,
                                  const base::Call& call) override {
    return store_.Get(Key(name), bytes_max, call);
  }

  bool Create(const std::string& name, const std::string& text, const base::Call& call) override {
    return store_.PutIfAbsent(Key(name), text, call);
  }

  void Replace(const std::string& name, const std::string& text, const base::Call& call) override {
    store_.Put(Key(name), text, call);
  }

  std::vector<std::string> Remove(const std::vector<std::string>& names,
                                  const base::Call& call) override {
    std::vector<std::string> keys;
    keys.reserve(names.size());
    for (const std::string& name : names) keys.push_back(Key(name));
    std::vector<std::string> failures;
    if (keys.empty()) return failures;
    for (const aws::DeleteFailure& failure : store_.Delete(keys, call)) {
      failures.push_back(fmt::format("s3://{}/{}: {}", bucket_, failure.key, failure.code));
    }
    return failures;
  }

  fs::path Place(const std::string& name) override {
    return work_dir_ / name.substr(name.rfind('/') + 1);
  }

  void Bring(const std::string& name, const base::Call& call) override {
    store_.PutFile(Place(name), Key(name), call);
    std::error_code ignored;
    fs::remove(Place(name), ignored);
  }

  void Copy(const aws::CopySource& source, const std::string& name,
            const base::Call& call) override {
    store_.CopyFrom(source, Key(name), call);
  }

  void Probe(const base::Call& call) override {
    const std::string name = fmt::format("_sluice/probe-{:016x}", base::RandomBits());
    List("_sluice", call);
    Create(name, "first", call);
    const bool twice = Create(name, "second", call);
    const auto left = Remove({name}, call);
    if (twice) {
      throw base::Error(
          {.code = ErrorCode::kUnsupported,
           .operation = "probe",
           .subject = Where(""),
           .message = "the service overwrites an object although If-None-Match forbids it, so "
                      "two writers could commit the same version",
           .remedy = "Use S3 itself, or a release of the service with conditional writes "
                     "(docs/LAKE.md names some)."});
    }
    if (left.empty()) return;
    throw base::Error({.code = ErrorCode::kPermission,
                       .operation = "probe",
                       .subject = Where(name),
                       .message = "it could not be removed: " + left.front(),
                       .remedy = "Allow s3:DeleteObject below the lake's prefix, else old "
                                 "versions stay forever."});
  }

 private:
  std::string Key(std::string_view name) const { return prefix_ + std::string(name); }

  aws::ObjectStore& store_;
  const std::string bucket_;
  const std::string prefix_;
  const fs::path work_dir_;
};

}  // namespace

std::unique_ptr<LakeFiles> OpenBucket(aws::ObjectStore& store, std::string bucket,
                                      std::string prefix, fs::path work_dir) {
  return std::make_unique<BucketFiles>(store, std::move(bucket), std::move(prefix),
                                       std::move(work_dir));
}

}  // namespace sluice::destinations::lake
