// Tables as Parquet files in a folder or in S3, with a commit file per version: overwrite, append.
// docs/LAKE.md is the layout, and a promise.
#pragma once
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "aws/s3/object_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "destinations/destination.h"

namespace sluice::destinations::lake {

struct LakeOptions {
  // The lake's folder, made by the first load. Empty: it is in S3.
  std::filesystem::path folder;
  // The lake's bucket. REQUIRES: outlives the destination. nullptr: it is a folder.
  aws::ObjectStore* store = nullptr;
  std::string bucket;  // its name, for people
  std::string prefix;  // "warehouse/acme/": ends in '/', or is empty
  // The staging bucket, to read footers from; may be the same bucket. REQUIRES: outlives it.
  aws::ObjectStore* staging = nullptr;
  // What copies name as their source: `store` can read it and is in its region. Empty: parts are
  // never copied in place.
  std::string staging_bucket;
  int keep_versions = 2;             // newest versions kept, >= 1
  std::chrono::seconds keep_for{0};  // and each that was the newest less than this ago
  std::filesystem::path work_dir;    // files on their way; a private folder below it
  // Parts lie below it: DuckDB may read nothing else but the lake. Empty: `work_dir`.
  std::filesystem::path parts_dir;
  int memory_limit_mb = 128;  // DuckDB's own bound, >= 64
  int threads = 2;            // per statement, and copies at a time; >= 1
};

// Contacts nobody yet. Throws kInvalidConfig for an option, kUnsupported for a folder that is
// something else (a file, a symbolic link to nothing), saying what it is. REQUIRES: `clock` and
// `log` outlive it.
//
// What it promises beyond destination.h:
// - A version is one file, made in one step that fails if somebody else made it: a reader that
//   takes files from commit files alone sees whole versions. Rows and watermark stand in it.
// - Nobody holds a lake. Of two processes that load one table the second to commit is refused
//   (kConflict, naming who committed and when), as it read the source from an older version.
// - AddStaged copies inside S3: bytes in memory do not grow with the table.
// - Old versions and files that no version lists go after a commit; a failure there is a warning.
// - Close removes what loads that were given up have written; after a kill that waits 48 hours.
// - Names are kept exactly, tables that differ by case alone apart; columns that do are refused
//   (kUnsupported), as most readers cannot tell them apart.
std::unique_ptr<Destination> OpenLake(const LakeOptions& options, const base::Clock& clock,
                                      base::Logger& log);

}  // namespace sluice::destinations::lake
