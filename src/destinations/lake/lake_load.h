// One stream's load into a lake: data files first, seen by nobody, then one commit file.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/lake/lake_commit.h"
#include "destinations/lake/lake_schema.h"
#include "destinations/lake/lake_store.h"
#include "destinations/lake/lake_table.h"
#include "destinations/lake/staged_part.h"

namespace sluice::destinations {

class LakeStore::Claim {
 public:
  // Throws kConflict if another open load of this process holds the stream or the table.
  Claim(LakeStore& store, const model::StreamTarget& target);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

 private:
  LakeStore& store_;
  const std::string stream_key_;
  const std::string table_key_;
};

class LakeLoad final : public Load {
 public:
  // `seen`: the version that the source was read for, if the caller asked for it. Throws what
  // PlanColumns throws, and kConflict if the rows are the next of another table's. REQUIRES:
  // `store` outlives it.
  LakeLoad(LakeStore& store, model::StreamTarget target, std::unique_ptr<LakeStore::Claim> claim,
           std::optional<std::uint64_t> seen, const base::Call& call);
  LakeLoad(const LakeLoad&) = delete;
  LakeLoad& operator=(const LakeLoad&) = delete;
  ~LakeLoad() override;

  LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) override;
  LoadedRows AddStaged(std::span<const model::Part> parts, const base::Call& call) override;
  LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) override;
  model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                       const base::Call& call) override;

 private:
  void CheckOpen(const base::Call& call) const;
  void CheckContinues(const base::Call& call) const;
  // The decimals that only a part can tell the size of, and the plan with them.
  void Learn(const columnar::Footer& footer);
  std::string NextDataPath(const base::Call& call);
  // Writes `parts` as one file of the lake; its rows.
  std::uint64_t Rewrite(columnar::Connection& connection,
                        const std::vector<columnar::CheckedPart>& parts, const base::Call& call);
  std::string CopyText(const std::vector<columnar::CheckedPart>& parts,
                       const std::filesystem::path& to) const;
  std::vector<StagedTail> CopyAll(std::span<const model::Part> parts,
                                  std::vector<std::string>& paths, const base::Call& call);
  void CheckTimes(const StagedTail& tail, const std::vector<std::size_t>& columns,
                  const base::Call& call) const;
  void CheckTaken(const columnar::Footer& footer, const model::LocalPart& part) const;
  void CheckUnchanged(const std::optional<LakeCommit>& now) const;
  LakeCommit NextVersion(const std::optional<LakeCommit>& before, const model::Watermark& watermark,
                         const model::Proof& proof) const;
  void PointStreamHere(const base::Call& call) const;
  std::vector<std::string> RemoveRecord(const base::Call& call) const;
  void AfterCommit(const LakeCommit& commit, const base::Call& call) const;

  LakeStore& store_;
  model::StreamTarget target_;
  // Dies last: while files of it may be written, nobody else here may begin on this table.
  const std::unique_ptr<LakeStore::Claim> claim_;
  const LakeTable table_;
  const std::string name_;
  std::optional<LakeCommit> before_;  // the version it was begun on
  std::uint64_t base_version_ = 0;    // the version it must follow; 0: it must be the first
  ColumnPlan plan_;
  std::vector<LakeFile> files_;     // what it brought
  std::vector<std::string> wrote_;  // the same and what failed half way, below the lake's root
  int next_file_ = 1;
  bool recorded_ = false;  // that it may have written files
  columnar::WidthTally width_;
  bool over_ = false;  // failed or committed: takes no more calls
};

}  // namespace sluice::destinations
