// One stream's load into PostgreSQL.
// Rows go into a table of the load's own: one that takes the target's name in Commit (a table that
// is made or replaced), or a stage from which Commit brings them (all else). Where the first parts
// are small, that table is made inside the load's one transaction, and a dropped load leaves
// nothing; otherwise it is made before, so that several sessions can copy into it, each in a
// transaction of its own that ends in Commit: a reader whose snapshot was taken meanwhile must not
// find half of the rows in the table later.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/postgres/pg_merge.h"
#include "destinations/postgres/postgres_store.h"
#include "destinations/postgres/target_table.h"

namespace sluice::destinations::postgres {

class PostgresLoad final : public Load {
 public:
  // Throws what PlanSchema and ReadStanding throw. REQUIRES: `store` outlives it.
  PostgresLoad(PostgresStore& store, model::StreamTarget target,
               std::unique_ptr<PostgresStore::Claim> claim, Session session,
               const base::Call& call);
  PostgresLoad(const PostgresLoad&) = delete;
  PostgresLoad& operator=(const PostgresLoad&) = delete;
  ~PostgresLoad() override;

  LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) override;
  LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) override;
  model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                       const base::Call& call) override;

 private:
  bool Merges() const { return target_.write_mode == model::WriteMode::kMerge; }
  // The rows' own table becomes the target.
  bool Straight() const;
  Task TaskFor(std::string operation) const;
  std::vector<model::Column> KeyColumns() const;
  void CheckOpen(const base::Call& call) const;
  void Plan(const base::Call& call);
  // Decides once whether this load is one transaction from here on.
  void BeginOnce(std::uint64_t bytes, const base::Call& call);
  void MakeRowsTable(const base::Call& call);
  void MakeKeysTable(const std::vector<model::Column>& columns, const base::Call& call);
  LoadedRows Copy(columnar::Connection& side, const std::vector<columnar::CheckedPart>& parts,
                  const std::vector<model::Column>& columns, const model::TableName& into,
                  const base::Call& call);
  using Selects = std::function<std::optional<std::string>()>;
  std::uint64_t CopyOverSessions(columnar::Connection& side, const Selects& selects, bool wide,
                                 const std::vector<model::Column>& columns,
                                 const model::TableName& into, const base::Call& call,
                                 bool& parts_failed);

  void CommitCopies();
  model::Counts CommitLocked(const model::Watermark& watermark, const model::Proof& proof,
                             const base::Call& call);
  void LockTarget(const base::Call& call);
  model::Counts Bring(const base::Call& call);
  PgMergeText::Tables Tables() const;
  model::Counts Refill(const base::Call& call);
  void DropStages(const base::Call& call);
  [[noreturn]] void ExplainLock(const base::Error& error);
  void LogNotes() const;

  PostgresStore& store_;
  model::StreamTarget target_;  // its decimals of unknown size are told by the first part
  const OwnTables own_;
  // Dies last: while a session works on this table, nobody else may begin on it.
  const std::unique_ptr<PostgresStore::Claim> claim_;
  std::optional<Session> session_;
  std::vector<Session> copiers_;  // if `shared_`
  SchemaPlan plan_;
  std::vector<std::string> others_;  // columns there that the stream does not have
  columnar::WidthTally width_;
  std::uint64_t rows_ = 0;
  bool begun_ = false;   // BeginOnce was called
  bool shared_ = false;  // the load's tables are there for other sessions, too
  bool made_ = false;    // the table of the rows is
  bool keys_ = false;    // AddKeys was called
  bool keys_made_ = false;
  bool over_ = false;  // failed or committed: takes no more calls
  bool done_ = false;  // nothing of it is left at the server but what was committed
};

}  // namespace sluice::destinations::postgres
