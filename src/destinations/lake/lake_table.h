// The versions of one table: finds the newest, makes the next, lets old ones go.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "destinations/lake/lake_commit.h"
#include "destinations/lake/lake_files.h"

namespace sluice::destinations::lake {

struct Retention {
  int keep_versions = 2;
  std::chrono::seconds keep_for{0};
};

// A data file that no version lists goes once it is that old, if a load of ours has recorded that
// it may have written it: a younger one may belong to a load under way, any other is somebody's.
inline constexpr std::chrono::hours kOrphanAge{48};

// Any thread; holds no state but names. REQUIRES: `files` outlives it.
class LakeTable {
 public:
  // Throws as TablePath.
  LakeTable(LakeFiles& files, const model::TableName& name);

  // The newest version; nullopt: there is no table. Throws kCorrupt if its file is damaged or
  // vanished: an older one is never taken instead.
  std::optional<LakeCommit> Newest(const base::Call& call) const;

  // Makes `commit` the newest version, whose number must follow that of its `previous`. Throws
  // kConflict, naming who committed and when, if another commit came first; with in_doubt if it
  // cannot know whether it happened.
  void Commit(const LakeCommit& commit, const base::Call& call) const;

  // Throws kCorrupt, naming the first, unless the files are there with their bytes.
  void CheckFiles(const std::vector<LakeFile>& files, const base::Call& call) const;

  // Says that the load (LoadName) may write data files from now on, and that it has left none. By
  // this, and by nothing else, files of a load that died are known as ours.
  void Record(std::string_view load, std::string_view stream, const base::Call& call) const;
  std::string RecordPath(std::string_view load) const;

  // Lets go what neither `newest` nor the retention needs. Returns what could not be done, in
  // words; throws nothing.
  std::vector<std::string> Expire(const LakeCommit& newest, const Retention& retention,
                                  base::UtcTime now, const base::Call& call) const noexcept;

  // Below the lake's root.
  std::string PathOf(const std::string& below_table) const { return path_ + "/" + below_table; }

 private:
  std::vector<std::uint64_t> Versions(const base::Call& call) const;  // ascending
  std::optional<LakeCommit> ReadVersion(std::uint64_t version, const base::Call& call) const;
  void CheckNotOvertaken(const LakeCommit& commit, const base::Call& call) const;
  [[noreturn]] void ThrowOvertaken(const LakeCommit& commit, const LakeCommit* winner) const;
  struct Doomed;
  Doomed Choose(const LakeCommit& newest, const Retention& retention, base::UtcTime now,
                const base::Call& call) const;

  void ChooseOrphans(const std::set<std::string>& listed, const std::set<std::string>& expired,
                     base::UtcTime now, const base::Call& call, Doomed& doomed) const;

  LakeFiles& files_;
  const model::TableName name_;
  const std::string path_;
};

}  // namespace sluice::destinations::lake
