// One stream's load into a lake: data files first, seen by nobody, then one commit file.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/guarded_load/guarded_load.h"
#include "destinations/lake/lake_commit.h"
#include "destinations/lake/lake_schema.h"
#include "destinations/lake/lake_store.h"
#include "destinations/lake/lake_table.h"
#include "destinations/lake/staged_part.h"

namespace sluice::destinations::lake {

class LakeLoad final : public guarded_load::GuardedLoad {
 public:
  // `seen`: the version that the source was read for, if the caller asked for it. Throws what
  // PlanColumns throws, and kConflict if the rows are the next of another table's. REQUIRES:
  // `store` outlives it.
  LakeLoad(LakeStore& store, model::StreamTarget wanted,
           std::unique_ptr<guarded_load::Claims::Claim> claim, std::optional<std::uint64_t> seen,
           const base::Call& call);
  // What it would make of the table.
  model::Landing Describe() const;
  LakeLoad(const LakeLoad&) = delete;
  LakeLoad& operator=(const LakeLoad&) = delete;
  ~LakeLoad() override;

 private:
  columnar::Connection Decoder() override;
  void OnColumnsKnown(const base::Call& call) override;
  std::uint64_t Take(columnar::Connection& decoder, const std::vector<columnar::CheckedPart>& parts,
                     const base::Call& call) override;
  LoadedRows TakeStaged(std::span<const model::Part> parts, const base::Call& call) override;
  void BeginCommit(const base::Call& call) override;
  std::optional<Committed> LastCommit(const base::Call& call) override;
  model::Counts Bring(const base::Call& call) override;
  void Seal(const Committed& row, const model::Proof& proof, const base::Call& call) override;
  const std::vector<std::string>& Notes() const override { return plan_.notes; }
  void AfterCommit(const base::Call& call) noexcept override;

  void CheckContinues(const base::Call& call) const;
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
  void CheckUnchanged() const;
  LakeCommit NextVersion(const Committed& row, const model::Proof& proof) const;
  void PointStreamHere(const base::Call& call) const;
  std::vector<std::string> RemoveRecord(const base::Call& call) const;

  LakeStore& store_;
  const LakeTable table_;
  const std::string name_;
  std::optional<LakeCommit> before_;  // the version it was begun on
  std::optional<LakeCommit> now_;     // in Commit: the newest, then ours
  std::uint64_t base_version_ = 0;    // the version it must follow; 0: it must be the first
  ColumnPlan plan_;
  std::vector<LakeFile> files_;     // what it brought
  std::vector<std::string> wrote_;  // the same and what failed half way, below the lake's root
  int next_file_ = 1;
  bool recorded_ = false;  // that it may have written files
  columnar::WidthTally width_;
};

}  // namespace sluice::destinations::lake
