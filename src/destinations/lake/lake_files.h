// A lake's files, wherever they lie. Names are below the lake's root, with '/' between their parts.
// The doer below the lake; a folder and a bucket implement it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_store.h"
#include "base/clock.h"
#include "base/error.h"

namespace sluice::destinations::lake {

struct FileInfo {
  std::string name;  // the last part alone
  std::uint64_t bytes = 0;
  base::UtcTime modified;
};

// Thread-safe. Errors of all calls: kPermission, kNoSpace, kDestination, kCancelled, and those of
// aws::ObjectStore; the subject is Where(name).
class LakeFiles {
 public:
  virtual ~LakeFiles() = default;
  // For people: "s3://acme/warehouse/sales", "/srv/lake/sales".
  virtual std::string Where(std::string_view name) const = 0;

  // The files right in that folder, by name; none if it does not exist.
  virtual std::vector<FileInfo> List(const std::string& folder, const base::Call& call) = 0;
  // The same for whoever is about to remove some of them: throws kUnsupported, saying which, if a
  // symbolic link leads there, as what lies behind it is perhaps not the lake's alone.
  virtual std::vector<FileInfo> ListOwn(const std::string& folder, const base::Call& call) = 0;
  // nullopt if there is none. Throws kCorrupt if it is longer than bytes_max.
  virtual std::optional<std::string> Read(const std::string& name, std::uint64_t bytes_max,
                                          const base::Call& call) = 0;
  // Makes the file in one step, durably; false: there is one of that name, whose text is another.
  // REQUIRES: nobody else would write this very text. Throws with in_doubt if it may be there.
  virtual bool Create(const std::string& name, const std::string& text, const base::Call& call) = 0;
  // The same over whatever is there.
  virtual void Replace(const std::string& name, const std::string& text,
                       const base::Call& call) = 0;
  // Of those that are there; returns one text per file that could not be removed: name and why.
  // Follows no symbolic link.
  virtual std::vector<std::string> Remove(const std::vector<std::string>& names,
                                          const base::Call& call) = 0;

  // Where to write what Bring is to bring to `name`.
  virtual std::filesystem::path Place(const std::string& name) = 0;
  // The file at Place(name) lies at `name`, durably, and nowhere else.
  virtual void Bring(const std::string& name, const base::Call& call) = 0;
  // The same of an object of another bucket, whose bytes do not pass through here. REQUIRES: a
  // bucket.
  virtual void Copy(const aws::CopySource& source, const std::string& name,
                    const base::Call& call) = 0;

  // Proves, changing nothing, that it can be written and that Create keeps what it promises.
  virtual void Probe(const base::Call& call) = 0;
};

// Folders are made as they are needed. Throws kUnsupported if something else stands at `root`.
std::unique_ptr<LakeFiles> OpenFolder(const std::filesystem::path& root);
// REQUIRES: `store` outlives it; `work_dir` exists, and nobody else writes in it.
std::unique_ptr<LakeFiles> OpenBucket(aws::ObjectStore& store, std::string bucket,
                                      std::string prefix, std::filesystem::path work_dir);

}  // namespace sluice::destinations::lake
