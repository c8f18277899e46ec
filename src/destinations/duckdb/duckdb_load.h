// One stream's load into a DuckDB file: one connection, one transaction.
#pragma once
#include <memory>
#include <optional>

#include "destinations/duckdb/duckdb_store.h"

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
  // Begins the transaction and makes the table in it. REQUIRES: `store` outlives it.
  DuckDbLoad(DuckDbStore& store, model::StreamTarget target,
             std::unique_ptr<DuckDbStore::Claim> claim, columnar::Connection connection);
  DuckDbLoad(const DuckDbLoad&) = delete;
  DuckDbLoad& operator=(const DuckDbLoad&) = delete;
  ~DuckDbLoad() override;

  LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) override;
  LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) override;
  model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                       const base::Call& call) override;

 private:
  void CheckProof(const model::Proof& proof) const;
  void CommitTransaction();
  void Rollback() noexcept;
  // Put off until a part has told the types that the source did not.
  void MakeTableOnce();

  DuckDbStore& store_;
  model::StreamTarget target_;  // its decimals of unknown size are told by the first part
  // Dies last: while the transaction lives, nobody else may begin on this table.
  const std::unique_ptr<DuckDbStore::Claim> claim_;
  columnar::Connection connection_;
  std::uint64_t rows_ = 0;
  bool open_ = false;
  bool failed_ = false;
  bool made_ = false;
};

}  // namespace sluice::destinations
