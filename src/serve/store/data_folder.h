// DATA: where everything of the service lies, and who may serve it.
//
//   DATA/service.db        the database (store.h)
//   DATA/service.key       the key, unless another file or SLUICE_KEY is named
//   DATA/serve.lock        held (flock) by the process that serves it
//   DATA/key.lock          held (flock) by the process that changes the key
//   DATA/files/<tenant>/   what destinations of the tenant's name: DuckDB files, lakes
//   DATA/tenants/<tenant>/pipelines/<pipeline>/   work folder and ledger of a pipeline's runs
//   DATA/tenants/<tenant>/tests/                  of short jobs
//   DATA/runs/<run>/       events.jsonl, result.json, log.txt
#pragma once
#include <filesystem>
#include <string_view>

#include "base/descriptor.h"

namespace sluice::serve {

// Pure but for Make. Ids that are none abort: nobody's text becomes part of a path.
class DataFolder {
 public:
  explicit DataFolder(std::filesystem::path root) : root_(std::move(root)) {}
  // Makes it and what lies beneath, mode 0700. Throws kPermission, kNoSpace; kInvalidConfig if it
  // is no folder, or another user's.
  void Make() const;
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path database() const { return root_ / "service.db"; }
  std::filesystem::path key_file() const { return root_ / "service.key"; }
  std::filesystem::path files(std::string_view tenant) const;
  std::filesystem::path pipeline(std::string_view tenant, std::string_view id) const;
  std::filesystem::path tests(std::string_view tenant) const;
  std::filesystem::path run(std::string_view id) const;

 private:
  const std::filesystem::path root_;
};

// Held while it lives; the kernel frees it however the holder dies.
class DataLock {
 public:
  // Throws kConflict "data_in_use" if another process serves this folder.
  explicit DataLock(const DataFolder& data);

 private:
  base::Descriptor file_;
};

// The same, of who changes the key: waits for another one that does.
class KeyLock {
 public:
  explicit KeyLock(const DataFolder& data);

 private:
  base::Descriptor file_;
};

}  // namespace sluice::serve
