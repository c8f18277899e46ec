// One stream's load into a DuckDB file: one connection, one transaction.
// Rows that are to be merged into a table that exists are staged in a temporary table of the
// connection, which DuckDB spills, and meet the table in Commit; all others go straight into it.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/duckdb/duckdb_store.h"
#include "destinations/schema_plan.h"

namespace sluice::destinations {

class DuckDbStore::Claim {
 public:
  // Throws kConflict if another open load holds the stream, kUnsupported if one holds a table whose
  // name differs by case alone. REQUIRES: `store.mu_` is held.
  Claim(DuckDbStore& store, const model::StreamTarget& target);
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();  // takes `store.mu_`

 private:
  DuckDbStore& store_;
  const std::string stream_key_;
  const std::string table_key_;
};

class DuckDbLoad final : public Load {
 public:
  // `exists`: the table stands in the file. Throws what PlanSchema throws. REQUIRES: `store`
  // outlives it.
  DuckDbLoad(DuckDbStore& store, model::StreamTarget target, bool exists,
             std::unique_ptr<DuckDbStore::Claim> claim, columnar::Connection connection);
  DuckDbLoad(const DuckDbLoad&) = delete;
  DuckDbLoad& operator=(const DuckDbLoad&) = delete;
  ~DuckDbLoad() override;

  // Throws what the constructor would throw of the target.
  static void PlanFor(columnar::Connection& connection, const std::string& catalog,
                      const model::StreamTarget& target, bool exists);

  LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) override;
  LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) override;
  model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                       const base::Call& call) override;

 private:
  bool Merges() const { return target_.write_mode == model::WriteMode::kMerge; }
  std::vector<model::Column> KeyColumns() const;
  void CheckOpen(const base::Call& call) const;
  void BeginTransaction();
  model::Counts Bring(const base::Call& call);
  void CommitTransaction();
  void Rollback() noexcept;
  void Plan();
  // Put off until a part has told the types that the source did not.
  void MakeTableOnce();
  void StageOnce();
  // What Add runs: the rows into the table or the stage.
  std::string InsertText(const std::vector<columnar::CheckedPart>& parts) const;
  LoadedRows Insert(columnar::Connection& side, const std::vector<columnar::CheckedPart>& parts,
                    const std::vector<model::Column>& columns, const std::string& sql,
                    const base::Call& call);
  void LogNotes() const;
  // Has DuckDB run as rows like these need it.
  void Widen(columnar::Connection& side, const std::vector<columnar::CheckedPart>& parts,
             const std::vector<model::Column>& columns, const base::Call& call);
  // Of wide rows, one load at a time has them in memory.
  std::unique_lock<std::mutex> Turn();

  DuckDbStore& store_;
  model::StreamTarget target_;  // its decimals of unknown size are told by the first part
  // Dies last: while the transaction lives, nobody else may begin on this table.
  const std::unique_ptr<DuckDbStore::Claim> claim_;
  columnar::Connection connection_;
  ExistingTable existing_;  // nobody else changes it while we have the claim
  SchemaPlan plan_;
  columnar::WidthTally width_;
  std::uint64_t rows_ = 0;
  bool stages_ = false;  // rows go to the stage first
  bool staged_ = false;  // the stage was made
  bool keys_ = false;    // AddKeys was called
  bool keys_made_ = false;
  bool in_transaction_ = false;
  bool over_ = false;  // failed or committed: takes no more calls
  bool made_ = false;
};

}  // namespace sluice::destinations
