// One stream's load into a DuckDB file: one connection, one transaction.
// Rows that are to be merged into a table that exists, and all of a table that keeps history, are
// staged in a temporary table of the connection, which DuckDB spills, and meet the table in Commit;
// all others go straight into it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/duckdb/duckdb_store.h"
#include "destinations/guarded_load/guarded_load.h"
#include "destinations/schema_plan.h"

namespace sluice::destinations::duckdb {

class DuckDbLoad final : public guarded_load::GuardedLoad {
 public:
  // `exists`: the table stands in the file. Throws what PlanSchema throws. REQUIRES: `store`
  // outlives it.
  DuckDbLoad(DuckDbStore& store, model::StreamTarget wanted, bool exists,
             std::unique_ptr<guarded_load::Claims::Claim> claim, columnar::Connection connection);
  DuckDbLoad(const DuckDbLoad&) = delete;
  DuckDbLoad& operator=(const DuckDbLoad&) = delete;
  ~DuckDbLoad() override;

  // Throws what the constructor would throw of the target.
  static model::Landing PlanFor(columnar::Connection& connection, const std::string& catalog,
                                const model::StreamTarget& target, bool exists);

 private:
  columnar::Connection Decoder() override;
  std::uint64_t Take(columnar::Connection& decoder, const std::vector<columnar::CheckedPart>& parts,
                     const base::Call& call) override;
  std::uint64_t TakeKeys(columnar::Connection& decoder,
                         const std::vector<columnar::CheckedPart>& parts,
                         const std::vector<model::Column>& columns,
                         const base::Call& call) override;
  void BeginCommit(const base::Call& call) override;
  std::optional<Committed> LastCommit(const base::Call& call) override;
  void Undo() noexcept override { Rollback(); }
  model::Counts Bring(const base::Call& call) override;
  void Seal(const Committed& row, const model::Proof& proof, const base::Call& call) override;
  const std::vector<std::string>& Notes() const override { return plan_.notes; }
  void OnCommitFailed(const base::Error&) override { turn_ = {}; }

  void BeginTransaction();
  void CommitTransaction();
  void Rollback() noexcept;
  void Plan();
  // Put off until a part has told the types that the source did not.
  void MakeTableOnce();
  void StageOnce();
  void MakeKeysOnce(const std::vector<model::Column>& columns);
  // What Take runs: the rows into the table or the stage.
  std::string InsertText(const std::vector<columnar::CheckedPart>& parts) const;
  std::uint64_t Insert(columnar::Connection& decoder,
                       const std::vector<columnar::CheckedPart>& parts,
                       const std::vector<model::Column>& columns, const std::string& sql,
                       const base::Call& call);
  // Has DuckDB run as rows like these need it.
  void Widen(columnar::Connection& decoder, const std::vector<columnar::CheckedPart>& parts,
             const std::vector<model::Column>& columns, const base::Call& call);
  // Of wide rows, one load at a time has them in memory.
  std::unique_lock<std::mutex> Turn();

  DuckDbStore& store_;
  columnar::Connection connection_;
  ExistingTable existing_;  // nobody else changes it while we have the claim
  SchemaPlan plan_;
  columnar::WidthTally width_;
  std::unique_lock<std::mutex> turn_;  // of a commit of wide rows
  bool stages_ = false;                // rows go to the stage first
  bool staged_ = false;                // the stage was made
  bool keys_made_ = false;
  bool in_transaction_ = false;
  bool made_ = false;
};

}  // namespace sluice::destinations::duckdb
